//! Where notices of budgets go, with how the last deliveries ended, and what making, deleting and trying one takes.
//!
//! Invariant: a webhook's secret appears in the payload of the mutation that made it and nowhere else.

use async_graphql::{Enum, ID, InputObject, Object, SimpleObject};
use domain::notice::Channel;
use store::NoticeTargetView;

use crate::graphql::scalars::{Count, DateTime};

/// By which way notices reach somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum NoticeTargetKind {
    /// A signed POST to a URL, in the form of the Standard Webhooks specification.
    Webhook,
    /// A mail.
    Email,
}

/// Where the organization's notices of budgets go.
pub(crate) struct NoticeTarget(pub(crate) NoticeTargetView);

#[Object]
impl NoticeTarget {
    pub(crate) async fn id(&self) -> ID {
        self.0.target.id.to_string().into()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.target.name
    }

    async fn kind(&self) -> NoticeTargetKind {
        match self.0.target.channel {
            Channel::Webhook(_) => NoticeTargetKind::Webhook,
            Channel::Email(_) => NoticeTargetKind::Email,
        }
    }

    /// The URL or the e-mail address.
    async fn destination(&self) -> &str {
        self.0.target.channel.destination()
    }

    async fn created_at(&self) -> DateTime {
        self.0.target.id.made_at().into()
    }

    /// When something last arrived there; null: nothing yet.
    async fn delivered_at(&self) -> Option<DateTime> {
        self.0.delivered_at.map(DateTime)
    }

    /// Since when every attempt has failed; null when the last one did not.
    async fn failing_since(&self) -> Option<DateTime> {
        self.0.failing_since.map(DateTime)
    }

    /// So many attempts have failed since then.
    async fn failures(&self) -> u32 {
        self.0.failures
    }

    /// Why the last attempt failed, if it did.
    async fn last_error(&self) -> Option<&str> {
        self.0.last_error.as_deref()
    }

    /// Notices on their way there. What fails is tried again for three days.
    async fn waiting(&self) -> Count {
        Count(self.0.waiting)
    }

    /// Notices that never arrived, and are not tried any more.
    async fn given_up(&self) -> Count {
        Count(self.0.given_up)
    }
}

#[derive(InputObject)]
pub(crate) struct CreateNoticeTargetInput {
    pub(crate) organization_id: ID,
    pub(crate) name: String,
    pub(crate) kind: NoticeTargetKind,
    /// An `https://` URL at a public address, or an e-mail address.
    pub(crate) destination: String,
}

impl CreateNoticeTargetInput {
    pub(crate) fn channel(&self) -> Channel {
        let destination = self.destination.trim().to_owned();
        match self.kind {
            NoticeTargetKind::Webhook => Channel::Webhook(destination),
            NoticeTargetKind::Email => Channel::Email(destination),
        }
    }
}

#[derive(SimpleObject)]
pub(crate) struct CreateNoticeTargetPayload {
    pub(crate) notice_target: NoticeTarget,
    /// What a webhook's deliveries are signed with; null for an e-mail address. This is the only time it can be read.
    pub(crate) secret: Option<String>,
}

#[derive(InputObject)]
pub(crate) struct DeleteNoticeTargetInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct DeleteNoticeTargetPayload {
    pub(crate) id: ID,
}

#[derive(InputObject)]
pub(crate) struct TestNoticeTargetInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
}

/// What came of a test message.
#[derive(SimpleObject)]
pub(crate) struct TestNoticeTargetPayload {
    /// Whether it arrived.
    ok: bool,
    /// The same for people.
    message: String,
}

impl From<Result<(), String>> for TestNoticeTargetPayload {
    fn from(outcome: Result<(), String>) -> Self {
        match outcome {
            Ok(()) => Self { ok: true, message: "the test message has arrived".to_owned() },
            Err(why) => Self { ok: false, message: why },
        }
    }
}
