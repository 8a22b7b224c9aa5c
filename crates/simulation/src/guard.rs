//! The guards that keep budgets hard, by name: each can be undone, to see that a seed notices.
//!
//! Invariant: a guard is undone at a port, by an adapter around the real part; the parts themselves know nothing of it.

/// A guard that a run does without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// A lease belongs to one life of a node. Without: all lives of a node share one.
    LeaseOfOneLife,
    /// A give-back is sent once. Without: one without an answer is sent again.
    GiveBackOnce,
    /// What was offered back without an answer is not spent. Without: it is kept.
    UnknownReturnIsGone,
    /// What was asked for without an answer was not granted. Without: it is taken to be.
    UnknownGrantIsNothing,
    /// Only a life that said hello is granted anything. Without: any is.
    HelloBeforeGrant,
    /// Hello comes after the journal was committed. Without: it overtakes.
    JournalBeforeHello,
    /// A journal that ends before what was committed is of an older disk. Without: nobody compares.
    Watermark,
    /// What a life found that nobody welcomed, the next tells of. Without: each tells of what it found itself.
    FirstFound,
    /// A machine that was started anew may have lost the end of its journal. Without: nobody asks.
    Boot,
    /// An attempt is journalled before it is sent. Without: only when it ended.
    JournalBeforeDispatch,
    /// A record is dropped when its commit came back. Without: when it was shipped.
    CommitBeforeDrop,
    /// An event is committed once. Without: a second shipment counts again.
    EventOnce,
}

impl Guard {
    /// Every guard.
    pub const ALL: [Self; 12] = [
        Self::LeaseOfOneLife,
        Self::GiveBackOnce,
        Self::UnknownReturnIsGone,
        Self::UnknownGrantIsNothing,
        Self::HelloBeforeGrant,
        Self::JournalBeforeHello,
        Self::Watermark,
        Self::FirstFound,
        Self::Boot,
        Self::JournalBeforeDispatch,
        Self::CommitBeforeDrop,
        Self::EventOnce,
    ];

    /// What the command line calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LeaseOfOneLife => "lease_of_one_life",
            Self::GiveBackOnce => "give_back_once",
            Self::UnknownReturnIsGone => "unknown_return_is_gone",
            Self::UnknownGrantIsNothing => "unknown_grant_is_nothing",
            Self::HelloBeforeGrant => "hello_before_grant",
            Self::JournalBeforeHello => "journal_before_hello",
            Self::Watermark => "watermark",
            Self::FirstFound => "first_found",
            Self::Boot => "boot",
            Self::JournalBeforeDispatch => "journal_before_dispatch",
            Self::CommitBeforeDrop => "commit_before_drop",
            Self::EventOnce => "event_once",
        }
    }

    /// The guard with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guard| guard.name() == name)
    }
}
