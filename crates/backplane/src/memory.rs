//! The backplane inside one process: a bounded channel that every follower reads at its own pace.
//!
//! Invariant: publishing never waits; a follower that falls behind by more than the channel holds is told so.

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use policy::feed::{FeedError, PolicyFeed, PolicyMessage, PolicyPublisher};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Messages kept for a follower that does not read.
pub(crate) const CAPACITY: usize = 1024;

/// Feed and publisher in one; clones share the channel, which is closed when the last of them is dropped.
#[derive(Debug, Clone)]
pub struct Memory {
    messages: broadcast::Sender<PolicyMessage>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// A channel nobody follows yet.
    #[must_use]
    pub fn new() -> Self {
        Self { messages: broadcast::channel(CAPACITY).0 }
    }
}

#[async_trait]
impl PolicyPublisher for Memory {
    async fn publish(&self, message: PolicyMessage) -> Result<(), FeedError> {
        // It fails only where nobody listens, which is no error.
        let _ = self.messages.send(message);
        Ok(())
    }
}

#[async_trait]
impl PolicyFeed for Memory {
    async fn follow(&self) -> Result<BoxStream<'static, PolicyMessage>, FeedError> {
        Ok(follower(self.messages.subscribe(), ()))
    }
}

/// The messages as a stream that says where some were lost, and drops `held` when it is dropped.
pub(crate) fn follower<T: Send + 'static>(
    messages: broadcast::Receiver<PolicyMessage>,
    held: T,
) -> BoxStream<'static, PolicyMessage> {
    let messages = stream::unfold((messages, held), |(mut messages, held)| async move {
        match messages.recv().await {
            Ok(message) => Some((message, (messages, held))),
            Err(RecvError::Lagged(_)) => Some((PolicyMessage::Lagged, (messages, held))),
            Err(RecvError::Closed) => None,
        }
    });
    messages.boxed()
}

#[cfg(test)]
mod tests;
