//! Make, delete and try the targets that notices of budgets go to.
//!
//! Invariant: a webhook's secret leaves by the return value of the function that made it and is kept sealed.

use domain::notice::{Channel, NoticeTarget};
use domain::org::Capability;
use domain::{NoticeTargetId, Secret};
use notices::Message;
use store::{NewNoticeTarget, NoticeTargetView, Page, Paged};

use super::input;
use crate::auth::actor::Access;
use crate::delivery::{sealed, unsealed};
use crate::deps::App;
use crate::error::AdminError;

/// Targets of one organization.
const MOST: u64 = 20;

/// A page of targets, with how the last deliveries to each ended. Who changes nothing and reads everything may see them:
/// a URL may hold what is not for others.
pub(crate) async fn list(access: &Access, page: &Page) -> Result<Paged<NoticeTargetView>, AdminError> {
    Ok(access.scope(Capability::ReadPolicies)?.notice_targets(page).await?)
}

/// Makes a target; answers it and, of a webhook, the secret that deliveries are signed with.
pub(crate) async fn create(
    app: &App,
    access: &Access,
    name: &str,
    channel: Channel,
) -> Result<(NoticeTargetView, Option<Secret<String>>), AdminError> {
    let scope = access.scope(Capability::ManageBudgets)?;
    let deps = &app.deps;
    deps.courier.check(&channel).map_err(|error| AdminError::bad_input("destination", error.to_string()))?;
    let now = deps.clock.now();
    let id = NoticeTargetId::new(now, rand::random());
    let target = NoticeTarget { id, name: input::name("name", name)?, channel };
    let secret = match &target.channel {
        Channel::Webhook(_) => Some(notices::new_secret(rand::random())),
        Channel::Email(_) => None,
    };
    let seal = |secret| sealed(&deps.master_key, (access.org(), &target), secret);
    let new = NewNoticeTarget { sealed: secret.as_ref().map(seal).transpose()?, target: target.clone() };
    scope.create_notice_target(&new, MOST, (access.author(), now)).await?;
    let made = NoticeTargetView {
        target,
        delivered_at: None,
        failing_since: None,
        failures: 0,
        last_error: None,
        waiting: 0,
        given_up: 0,
    };
    Ok((made, secret))
}

/// Deletes a target; nothing more is delivered there.
pub(crate) async fn delete(app: &App, access: &Access, id: NoticeTargetId) -> Result<(), AdminError> {
    let scope = access.scope(Capability::ManageBudgets)?;
    Ok(scope.delete_notice_target(id, (access.author(), app.deps.clock.now())).await?)
}

/// Sends a test message at once, five times a minute at most; answers why it did not arrive, if so.
pub(crate) async fn test(
    app: &App,
    access: &Access,
    id: NoticeTargetId,
) -> Result<Result<(), String>, AdminError> {
    let scope = access.scope(Capability::ManageBudgets)?;
    let (deps, at) = (&app.deps, app.deps.clock.now());
    let (target, kept) = scope.notice_target(id).await?;
    app.notice_tests.count(&access.org().to_string(), at).await?;
    let detail = serde_json::json!({ "name": target.name });
    scope.note((access.author(), at), "test_notice_target", &id.to_string(), detail).await?;
    let org = scope.org().await?;
    let outcome = match unsealed(&deps.master_key, (org.id, &target), kept.as_ref()) {
        Ok(secret) => {
            let message = Message::Test { org: &org, target: &target, at };
            deps.courier.deliver(&target.channel, secret.as_ref(), &message, at).await
        }
        Err(damaged) => Err(damaged),
    };
    let outcome = outcome.map_err(|why| why.to_string());
    scope.notice_tested(id, outcome.as_ref().map(drop).map_err(String::as_str), deps.clock.now()).await?;
    Ok(outcome)
}
