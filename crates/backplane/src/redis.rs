//! What processes share over Redis: the push of policy, slices of rates, counts of tries.
//!
//! Invariant: Redis need not be up, now or ever; nothing here waits for it longer than `PATIENCE`, and whoever follows
//! is told after every interruption that messages may be missing.

mod commands;
mod follow;
mod outage;
mod place;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use metering::rate::{RateError, RateSource, RateSubject, SharedCounter};
use policy::feed::{FeedError, PolicyFeed, PolicyMessage, PolicyPublisher};
use wire::Wire;

use commands::Commands;
use outage::Outage;
use place::Place;

/// Callers wait on behalf of apps and people: what Redis has not done by then is done without it.
const PATIENCE: Duration = Duration::from_millis(300);
/// Connections are made apart from who wants them, so that also a slow Redis can be used.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// Grants up to `ARGV[2]`, so that the counter never exceeds `ARGV[1]`; it outlives its minute by the one in which clocks may
/// differ.
const SLICE: &str = r"
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
local granted = math.max(0, math.min(tonumber(ARGV[2]), tonumber(ARGV[1]) - used))
if granted > 0 then
  redis.call('INCRBY', KEYS[1], granted)
  redis.call('EXPIRE', KEYS[1], 120)
end
return granted";

/// Counts one more; the first decides when all are forgotten.
const COUNT: &str = r"
local count = redis.call('INCR', KEYS[1])
if count == 1 then
  redis.call('EXPIRE', KEYS[1], ARGV[1])
end
return count";

/// Where Redis is.
#[derive(Clone)]
pub struct Settings {
    /// `redis://…` or `rediss://…`.
    pub url: String,
    /// Whom to trust, as PEM; `None`: the system's authorities.
    pub ca_pem: Option<Vec<u8>>,
    /// Begins every key and channel.
    pub prefix: String,
}

/// A setting that cannot be used. Says nothing of the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

/// Redis, version 6 or newer. Cheap to clone; clones share one connection for commands, each follower has its own.
#[derive(Clone)]
pub struct Redis {
    place: Arc<Place>,
    outage: Arc<Outage>,
    commands: Arc<Commands>,
    prefix: Arc<str>,
}

impl Redis {
    /// Connects to nobody yet, so Redis need not be up.
    ///
    /// # Errors
    /// [`SettingsError`] for a URL or a certificate that cannot be used.
    pub fn connect(settings: Settings) -> Result<Self, SettingsError> {
        let place = Arc::new(Place::new(&settings.url, settings.ca_pem)?);
        let outage = Arc::new(Outage::default());
        let commands = Arc::new(Commands::new(Arc::clone(&place), outage.link()));
        Ok(Self { place, outage, commands, prefix: settings.prefix.into() })
    }

    fn channel(&self) -> String {
        format!("{}:policy:v1", self.prefix)
    }
}

#[async_trait]
impl PolicyPublisher for Redis {
    async fn publish(&self, message: PolicyMessage) -> Result<(), FeedError> {
        // `Lagged` has no form of its own on the wire: an empty body says it.
        let body = match &message {
            PolicyMessage::Lagged => Vec::new(),
            message => message.to_bytes(),
        };
        let mut command = redis::cmd("PUBLISH");
        command.arg(self.channel()).arg(body);
        let published = self.commands.run::<i64>(&command).await;
        published.map(|_listeners| ()).map_err(|failure| FeedError(failure.to_string()))
    }
}

#[async_trait]
impl PolicyFeed for Redis {
    async fn follow(&self) -> Result<BoxStream<'static, PolicyMessage>, FeedError> {
        Ok(follow::follow(Arc::clone(&self.place), self.outage.link(), self.channel()).await)
    }
}

#[async_trait]
impl RateSource for Redis {
    async fn slice(
        &self,
        subject: RateSubject,
        minute: i64,
        limit: u32,
        want: u32,
    ) -> Result<u32, RateError> {
        let mut command = script(SLICE, format!("{}:rate:{subject}:{minute}", self.prefix));
        command.arg(limit).arg(want);
        let granted = self.commands.run::<u32>(&command).await;
        granted.map(|granted| granted.min(want)).map_err(|failure| RateError(failure.to_string()))
    }
}

#[async_trait]
impl SharedCounter for Redis {
    async fn count(&self, name: &str, window_s: u32) -> Result<u64, RateError> {
        let mut command = script(COUNT, self.counter(name));
        command.arg(window_s);
        self.commands.run::<u64>(&command).await.map_err(|failure| RateError(failure.to_string()))
    }

    async fn forget(&self, name: &str) -> Result<(), RateError> {
        let mut command = redis::cmd("DEL");
        command.arg(self.counter(name));
        let removed = self.commands.run::<i64>(&command).await;
        removed.map(|_count| ()).map_err(|failure| RateError(failure.to_string()))
    }
}

impl Redis {
    fn counter(&self, name: &str) -> String {
        format!("{}:count:{name}", self.prefix)
    }
}

fn script(text: &str, key: String) -> redis::Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(text).arg(1).arg(key);
    command
}
