//! Whom a request is charged to: the key's place in the organization, and what the app declares.
//!
//! Invariant: stamped once, at admission; what is not declared is left out, never guessed.

use axum::http::HeaderMap;
use metering::usage::Attribution;
use policy::Caller;

const MAX_APP_CHARS: usize = 200;

/// What the app declares in the body.
#[derive(Default)]
pub(crate) struct Declared {
    pub(crate) end_user: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
}

/// The attribution of a request of `caller`.
pub(crate) fn of(caller: &Caller, headers: &HeaderMap, declared: Declared) -> Attribution {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(shortened);
    Attribution {
        org: caller.org_id(),
        key: caller.key_id(),
        team: caller.team_id(),
        member: caller.member_id(),
        cost_centre: caller.cost_centre().map(str::to_owned),
        app: header("x-openrouter-title").or_else(|| header("x-title")).or_else(|| header("http-referer")),
        end_user: declared.end_user,
        session: declared.session.or_else(|| header("x-session-id")),
        tags: declared.tags,
        data_class: None,
        route: None,
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_APP_CHARS).collect()
}
