//! Delivers notices to the targets of their organizations, and tries again what did not arrive.
//!
//! Invariant: a notice is held in the database before it is sent and marked after, so that several control planes send it
//! once, and one that dies in between leaves it to be sent again: twice at times, lost never.

use std::sync::Arc;
use std::time::Duration;

use domain::notice::NoticeTarget;
use domain::{Clock, OrgId, Secret, Timestamp};
use futures::StreamExt;
use notices::{Courier, Message, Undelivered};
use policy::record::Sealed;
use policy::sealed::{MasterKey, SealError, open_bytes, seal_bytes};
use store::{Delivery, Store, StoreError, Waiting};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

const LOOK: Duration = Duration::from_secs(1);
/// So many are under way at a time.
const AT_ONCE: u16 = 32;
/// Longer than the courier waits for anybody.
const HOLD_S: i64 = 20;
/// What the waits grow to, as multiples of the first; the last repeats. With 10 s: 1 min, 5 min, 30 min, 2 h, 6 h.
const WAITS: [i64; 6] = [1, 6, 30, 180, 720, 2_160];
/// Three days after it was written, a notice is given up.
const GIVEN_UP_S: i64 = 3 * 86_400;

/// What it takes to deliver notices.
pub struct Deliverer {
    /// Where they are written.
    pub store: Store,
    /// What sends them.
    pub courier: Arc<Courier>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the targets' secrets are sealed with.
    pub master_key: MasterKey,
    /// Counters.
    pub metrics: Metrics,
    /// How long after a failed attempt the second follows; the waits after it are multiples of this.
    pub first_wait: Duration,
}

/// Delivers until `stop`. Several control planes at once are harmless.
pub async fn deliver_notices(deliverer: Deliverer, stop: CancellationToken) {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_behind = false;
    loop {
        let outcome = tokio::select! {
            () = stop.cancelled() => return,
            outcome = async { look.tick().await; deliverer.round().await } => outcome,
        };
        match outcome {
            Ok(()) => is_behind = false,
            Err(error) if !std::mem::replace(&mut is_behind, true) => {
                tracing::warn!(%error, "notices are not delivered; trying on");
            }
            Err(_) => {}
        }
    }
}

impl Deliverer {
    async fn round(&self) -> Result<(), StoreError> {
        let waiting = self.store.waiting_notices(self.clock.now(), AT_ONCE.into()).await?;
        let all = futures::stream::iter(waiting).map(|waiting| self.deliver(waiting));
        let outcomes: Vec<_> = all.buffer_unordered(AT_ONCE.into()).collect().await;
        outcomes.into_iter().collect()
    }

    async fn deliver(&self, waiting: Waiting) -> Result<(), StoreError> {
        let until = self.clock.now().plus_seconds(HOLD_S);
        let Some(delivery) = self.store.hold_notice(waiting, until).await? else { return Ok(()) };
        let outcome = self.send(&delivery).await;
        let now = self.clock.now();
        let kind = delivery.target.channel.name();
        let Err(why) = outcome else {
            self.metrics.notice(kind, "delivered");
            return self.store.notice_delivered(&delivery, now).await;
        };
        let next = next_try(self.first_wait, delivery.attempts, (delivery.notice.reached_at, now));
        self.metrics.notice(kind, if next.is_some() { "failed" } else { "given_up" });
        tracing::warn!(
            org.id = %delivery.notice.org.id,
            target.id = %delivery.target.id,
            error = %why,
            next = next.map(tracing::field::display),
            "a notice did not arrive"
        );
        self.store.notice_failed(&delivery, &why.to_string(), next, now).await
    }

    async fn send(&self, delivery: &Delivery) -> Result<(), Undelivered> {
        let Delivery { notice, target, sealed, .. } = delivery;
        let secret = unsealed(&self.master_key, (notice.org.id, target), sealed.as_ref())?;
        let message = Message::Threshold(notice);
        self.courier.deliver(&target.channel, secret.as_ref(), &message, self.clock.now()).await
    }
}

/// When to try again what has failed once more after `attempts` before, if at all.
fn next_try(
    first_wait: Duration,
    attempts: u32,
    (reached_at, now): (Timestamp, Timestamp),
) -> Option<Timestamp> {
    let [.., longest] = WAITS;
    let wait = usize::try_from(attempts).ok().and_then(|place| WAITS.get(place)).copied().unwrap_or(longest);
    let first_s = i64::try_from(first_wait.as_secs()).unwrap_or(i64::MAX);
    let next = now.plus_seconds(first_s.saturating_mul(wait));
    (next <= reached_at.plus_seconds(GIVEN_UP_S)).then_some(next)
}

/// Seals the secret of a target, for its place.
pub(crate) fn sealed(
    master_key: &MasterKey,
    (org, target): (OrgId, &NoticeTarget),
    secret: &Secret<String>,
) -> Result<Sealed, SealError> {
    seal_bytes(master_key, &place(org, target), secret.expose().as_bytes(), rand::random()).map(Sealed)
}

/// Opens it again.
pub(crate) fn unsealed(
    master_key: &MasterKey,
    (org, target): (OrgId, &NoticeTarget),
    sealed: Option<&Sealed>,
) -> Result<Option<Secret<String>>, Undelivered> {
    const DAMAGED: Undelivered =
        Undelivered::Unsendable("the target's secret does not open; make the target anew");
    let Some(sealed) = sealed else { return Ok(None) };
    let bytes = open_bytes(master_key, &place(org, target), &sealed.0).map_err(|_| DAMAGED)?;
    String::from_utf8(bytes).map(|text| Some(Secret::new(text))).map_err(|_| DAMAGED)
}

fn place(org: OrgId, target: &NoticeTarget) -> String {
    format!("notice target {org} {}", target.id)
}

#[cfg(test)]
mod tests;
