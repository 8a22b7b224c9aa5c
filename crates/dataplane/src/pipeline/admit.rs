//! Stage two: may this caller do this, and where may it go.
//!
//! Invariant: what was decided under an older policy is decided again before the next dispatch.

use domain::model::ModelKind;
use policy::PolicySnapshot;
use policy::{Caller, Permit};
use policy::{ProviderAsk, decide};
use providers::ProviderPrefs;

use super::{Ask, Call};
use crate::Deps;
use crate::http::error::ApiError;
use crate::http::extract::not_loaded;

/// Decides under the policy of this moment.
pub(super) fn admit(deps: &Deps, call: &Call) -> Result<Permit, ApiError> {
    let snapshot = deps.cell.load().ok_or_else(not_loaded)?;
    under(&snapshot, &call.caller, call)
}

/// The same permit while it is current; otherwise the caller is looked up and the request decided again.
pub(super) fn renew(deps: &Deps, call: &Call, permit: Permit) -> Result<Permit, ApiError> {
    let snapshot = deps.cell.load().ok_or_else(not_loaded)?;
    if permit.is_current(&snapshot) {
        return Ok(permit);
    }
    let caller = snapshot.recall(permit.caller(), deps.clock.now())?;
    under(&snapshot, &caller, call)
}

fn under(snapshot: &PolicySnapshot, caller: &Caller, call: &Call) -> Result<Permit, ApiError> {
    let (kind, model, models, prefs) = match &call.ask {
        Ask::Chat(chat) => (ModelKind::Chat, chat.model(), chat.models(), chat.prefs()),
        Ask::Embeddings(embed) => (ModelKind::Embeddings, embed.model(), embed.models(), embed.prefs()),
    };
    let seed = u64::try_from(call.id.to_bits() & u128::from(u64::MAX)).unwrap_or(0);
    let ask = policy::Ask { kind, model, models, provider: wishes(prefs), seed };
    Ok(decide(snapshot, caller, &ask, call.admitted.at())?)
}

fn wishes(prefs: &ProviderPrefs) -> ProviderAsk<'_> {
    ProviderAsk {
        order: &prefs.order,
        only: &prefs.only,
        ignore: &prefs.ignore,
        allow_fallbacks: prefs.allow_fallbacks,
        zdr: prefs.zdr,
        no_training: prefs.no_training,
    }
}
