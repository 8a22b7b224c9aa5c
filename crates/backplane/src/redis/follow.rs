//! One subscription for as long as somebody reads: on a connection of its own, made anew whenever it is gone.
//!
//! Invariant: every subscription but one that was there before the stream was handed out begins with `Lagged`, because
//! what was published before it is lost.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use policy::feed::PolicyMessage;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, PushInfo, PushKind, Value};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;
use wire::Wire;

use super::outage::Link;
use super::place::{Failure, Place};
use super::{CONNECT_WITHIN, PATIENCE};
use crate::memory;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A heartbeat comes each second: after this much silence the connection is asked whether it lives.
const SILENCE: Duration = Duration::from_secs(3);

/// Follows `channel` until the stream is dropped. Waits a moment for the first subscription, so that what is published
/// from now on is seen.
pub(super) async fn follow(
    place: Arc<Place>,
    link: Link,
    channel: String,
) -> BoxStream<'static, PolicyMessage> {
    let (messages, receiver) = broadcast::channel(memory::CAPACITY);
    let (begun, mut has_begun) = oneshot::channel();
    let mut task = JoinSet::new();
    task.spawn(Subscription { place, link, channel, messages, begun: Some(begun) }.keep());
    if tokio::time::timeout(PATIENCE, &mut has_begun).await.is_err() {
        has_begun.close();
    }
    memory::follower(receiver, task)
}

struct Subscription {
    place: Arc<Place>,
    link: Link,
    channel: String,
    messages: broadcast::Sender<PolicyMessage>,
    /// Who waits for the first subscription.
    begun: Option<oneshot::Sender<()>>,
}

impl Subscription {
    async fn keep(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let failure = match self.subscribe().await {
                Ok((connection, pushes)) => {
                    pause = FIRST_PAUSE;
                    self.link.works();
                    self.begin();
                    self.relay(connection, pushes).await
                }
                Err(failure) => failure,
            };
            self.link.failed(&failure);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn subscribe(&self) -> Result<(MultiplexedConnection, mpsc::UnboundedReceiver<PushInfo>), Failure> {
        let (sender, pushes) = mpsc::unbounded_channel();
        let config = AsyncConnectionConfig::new().set_push_sender(sender);
        let mut connection = self.place.dial(config, CONNECT_WITHIN).await?;
        connection.subscribe(&self.channel).await.map_err(|error| self.place.failure(&error))?;
        Ok((connection, pushes))
    }

    fn begin(&mut self) {
        let is_waited_for = self.begun.take().is_some_and(|begun| begun.send(()).is_ok());
        if !is_waited_for {
            self.hand_on(PolicyMessage::Lagged);
        }
    }

    /// Hands messages on until the connection is gone; answers why.
    async fn relay(
        &self,
        mut connection: MultiplexedConnection,
        mut pushes: mpsc::UnboundedReceiver<PushInfo>,
    ) -> Failure {
        let mut was_unreadable = false;
        loop {
            match tokio::time::timeout(SILENCE, pushes.recv()).await {
                Ok(Some(PushInfo { kind: PushKind::Message, data })) => {
                    self.hand_on(read(&data, &mut was_unreadable));
                }
                Ok(Some(PushInfo { kind: PushKind::Disconnection, .. }) | None) => {
                    return self.place.away("has closed the connection");
                }
                Ok(Some(_)) => {}
                Err(_silence) => {
                    if let Err(error) = redis::cmd("PING").query_async::<Value>(&mut connection).await {
                        return self.place.failure(&error);
                    }
                }
            }
        }
    }

    fn hand_on(&self, message: PolicyMessage) {
        // It fails only where the stream is being dropped, and this task with it.
        let _ = self.messages.send(message);
    }
}

/// What was published; what is not understood counts as lost, and is said once until something is understood again.
fn read(data: &[Value], was_unreadable: &mut bool) -> PolicyMessage {
    let [.., Value::BulkString(body)] = data else { return PolicyMessage::Lagged };
    if body.is_empty() {
        return PolicyMessage::Lagged;
    }
    match PolicyMessage::from_bytes(body) {
        Ok(message) => {
            *was_unreadable = false;
            message
        }
        Err(error) => {
            if !std::mem::replace(was_unreadable, true) {
                tracing::warn!(%error, "a policy message pushed over Redis is not understood; is another release publishing?");
            }
            PolicyMessage::Lagged
        }
    }
}
