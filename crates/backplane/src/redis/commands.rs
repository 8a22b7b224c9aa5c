//! The connection that commands share: made when one is needed, and made anew after it failed.
//!
//! Invariant: no command waits longer than `PATIENCE`, and none is sent for `PAUSE` after one failed: while Redis is
//! away, callers learn it at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue};
use tokio::task::JoinSet;

use super::outage::Link;
use super::place::{Failure, Place};
use super::{CONNECT_WITHIN, PATIENCE};

const PAUSE: Duration = Duration::from_millis(250);

pub(super) struct Commands {
    place: Arc<Place>,
    link: Link,
    held: tokio::sync::Mutex<Held>,
    failed: Mutex<Option<(Instant, Failure)>>,
}

#[derive(Default)]
struct Held {
    connection: Option<MultiplexedConnection>,
    /// At most one is being made. It goes on when whoever wanted it has given up, so that a Redis that is slow to connect
    /// to is reached in the end.
    dialling: JoinSet<Result<MultiplexedConnection, Failure>>,
    /// Tells one connection from the next.
    number: u64,
}

impl Commands {
    pub(super) fn new(place: Arc<Place>, link: Link) -> Self {
        Self { place, link, held: tokio::sync::Mutex::default(), failed: Mutex::default() }
    }

    /// What Redis answers to `command`. After a failure it may have been obeyed all the same.
    pub(super) async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        if let Some(failure) = self.just_failed() {
            return Err(failure);
        }
        let answer = match tokio::time::timeout(PATIENCE, self.ask(command)).await {
            Ok(answer) => answer,
            Err(_elapsed) => {
                // Where it is locked, somebody is making a new one.
                if let Ok(mut held) = self.held.try_lock() {
                    held.connection = None;
                }
                Err(self.place.away("does not answer in time"))
            }
        };
        match &answer {
            Ok(_) => self.link.works(),
            Err(failure) => {
                *self.failed.lock() = Some((Instant::now(), failure.clone()));
                self.link.failed(failure);
            }
        }
        answer
    }

    fn just_failed(&self) -> Option<Failure> {
        let failed = self.failed.lock();
        failed.as_ref().filter(|(at, _)| at.elapsed() < PAUSE).map(|(_, failure)| failure.clone())
    }

    /// A connection that was held may have died in silence, so a new one is tried then.
    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        loop {
            let (mut connection, number, is_new) = self.connection().await?;
            match command.query_async(&mut connection).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    self.let_go(number).await;
                    if is_new || !error.is_connection_dropped() {
                        return Err(self.place.failure(&error));
                    }
                }
            }
        }
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64, bool), Failure> {
        let mut held = self.held.lock().await;
        if let Some(connection) = &held.connection {
            return Ok((connection.clone(), held.number, false));
        }
        loop {
            let is_new = held.dialling.is_empty();
            if is_new {
                let place = Arc::clone(&self.place);
                held.dialling
                    .spawn(async move { place.dial(AsyncConnectionConfig::new(), CONNECT_WITHIN).await });
            }
            match held.dialling.join_next().await {
                Some(Ok(Ok(connection))) => {
                    held.connection = Some(connection.clone());
                    held.number += 1;
                    return Ok((connection, held.number, is_new));
                }
                Some(Ok(Err(failure))) if is_new => return Err(failure),
                Some(Err(stopped)) => return Err(self.place.away(format!("cannot be reached: {stopped}"))),
                // That failure may be an old one.
                Some(Ok(Err(_))) | None => {}
            }
        }
    }

    async fn let_go(&self, number: u64) {
        let mut held = self.held.lock().await;
        if held.number == number {
            held.connection = None;
        }
    }
}
