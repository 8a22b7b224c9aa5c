//! A response body that tells the meter how far it got.
//!
//! Invariant: the call is answered when the last step was handed over, and cut when the body is dropped
//! before that.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::Sleep;

use crate::meter::OpenCall;
use crate::tokens::Tokens;

/// One write: wait, then hand over.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) wait: Duration,
    pub(crate) bytes: Bytes,
    /// What is billed once it is handed over, where that changes.
    pub(crate) billed: Option<Tokens>,
}

/// What follows the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A complete answer.
    Answered,
    /// A regular end of the body, but not of the answer.
    Failed,
    /// The connection is closed in the middle of the body.
    Reset,
    /// Nothing more, and the connection stays open.
    Stall,
}

pub(crate) struct MeteredBody {
    steps: VecDeque<Step>,
    ending: Ending,
    call: OpenCall,
    sleep: Option<Pin<Box<Sleep>>>,
    /// A reset waits for one more poll, so that what was handed over is written first.
    is_flushed: bool,
}

impl MeteredBody {
    pub(crate) fn new(steps: VecDeque<Step>, ending: Ending, call: OpenCall) -> Self {
        Self { steps, ending, call, sleep: None, is_flushed: false }
    }

    fn hand_over(&mut self, step: Step) -> Bytes {
        if let Some(billed) = step.billed {
            self.call.sent(billed);
        }
        if self.steps.is_empty() {
            match self.ending {
                Ending::Answered => self.call.answered(),
                Ending::Failed => self.call.failed(),
                Ending::Reset | Ending::Stall => {}
            }
        }
        step.bytes
    }

    fn end(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.ending {
            Ending::Answered | Ending::Failed => Poll::Ready(None),
            Ending::Stall => Poll::Pending,
            Ending::Reset if self.is_flushed => {
                self.call.failed();
                Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionReset))))
            }
            Ending::Reset => {
                self.is_flushed = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl Body for MeteredBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let body = &mut *self;
        if let Some(step) = body.steps.front_mut().filter(|step| !step.wait.is_zero()) {
            let wait = std::mem::take(&mut step.wait);
            body.sleep = Some(Box::pin(tokio::time::sleep(wait)));
        }
        if let Some(sleep) = &mut body.sleep {
            ready!(sleep.as_mut().poll(cx));
            body.sleep = None;
        }
        match body.steps.pop_front() {
            Some(step) => Poll::Ready(Some(Ok(Frame::data(body.hand_over(step))))),
            None => body.end(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && matches!(self.ending, Ending::Answered | Ending::Failed)
    }
}
