//! The usage event: the only billing fact, one per attempt, idempotent by its [`EventId`].
//!
//! Invariant: it holds ids and declared attribution, never content; what it says was true when the attempt was made and
//! is never rewritten.

pub use domain::Holder;
use domain::limit::{Budget, BudgetScope, Traits};
use domain::model::ModelKind;
use domain::{
    Amount, BudgetId, CredentialId, EndpointId, ErrorCode, EventId, KeyId, MemberId, OrgId, Pico,
    PriceVersionId, TeamId, Timestamp, TokenUsage, WindowId,
};

/// Whom an attempt is charged to, stamped at the moment it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    /// The organization.
    pub org: OrgId,
    /// The key that asked.
    pub key: KeyId,
    /// The key's team then.
    pub team: Option<TeamId>,
    /// The key's member then.
    pub member: Option<MemberId>,
    /// The team's cost centre then.
    pub cost_centre: Option<String>,
    /// The app, from `X-Title` or `HTTP-Referer`.
    pub app: Option<String>,
    /// The app's end user, from `user`.
    pub end_user: Option<String>,
    /// Declared key-value pairs, from `metadata`, sorted by key.
    pub tags: Vec<(String, String)>,
    /// The conversation, from `session_id`.
    pub session: Option<String>,
    /// The sensitivity of the request.
    pub data_class: Option<String>,
    /// The organization's route that was taken.
    pub route: Option<String>,
}

impl Attempt {
    /// Whether a budget of its organization counts it: whose it is, and what it is.
    #[must_use]
    pub fn is_under(&self, budget: &Budget) -> bool {
        let whose = &self.attribution;
        let is_in_scope = match budget.scope {
            BudgetScope::Org => true,
            BudgetScope::Team(team) => whose.team == Some(team),
            BudgetScope::Member(member) => whose.member == Some(member),
            BudgetScope::Key(key) => whose.key == key,
        };
        let traits = Traits {
            model: &self.model,
            provider: &self.provider,
            data_class: whose.data_class.as_deref(),
            tags: &whose.tags,
        };
        is_in_scope && budget.filter.matches(traits)
    }
}

/// One budget that an attempt draws on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Draw {
    /// The budget.
    pub budget: BudgetId,
    /// The window it was admitted in.
    pub window: WindowId,
}

/// What is known of an attempt before it is dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its identity.
    pub id: EventId,
    /// Who reserved for it.
    pub holder: Holder,
    /// Whom it is charged to.
    pub attribution: Attribution,
    /// What it is.
    pub kind: ModelKind,
    /// Whether the app asked for a stream.
    pub stream: bool,
    /// The model as the app named it.
    pub requested_model: String,
    /// The model it goes to.
    pub model: String,
    /// The provider's slug.
    pub provider: String,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// The organization's own credential, if it is not the platform's.
    pub byok: Option<CredentialId>,
    /// The prices it is charged at.
    pub price_version: PriceVersionId,
    /// The policy it was admitted under.
    pub revision: Revision,
    /// Whether zero data retention was required.
    pub zdr: bool,
    /// The bound on its cost that was reserved.
    pub reserved: Pico,
    /// The budgets it draws on.
    pub draws: Vec<Draw>,
    /// When the request was admitted; decides window, price version and period.
    pub admitted_at: Timestamp,
}

/// Which policy: the organization's and the platform's, in one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision {
    /// Changes when a database is restored from backup.
    pub epoch: u64,
    /// The organization's.
    pub org: u64,
    /// The platform's.
    pub platform: u64,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The provider answered to the end.
    Answered,
    /// The provider refused or failed before it answered; nothing is owed.
    Failed,
    /// The provider's answer broke off, or turned into an error, after it had begun.
    Broken,
    /// The app left before the end, or more came than its budget covers; the provider's stream was cancelled, or read to its
    /// usage where it bills all the same.
    Cut,
    /// This process died meanwhile; what is owed lies between `streamed` and `reserved`.
    Interrupted,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [Self::Answered, Self::Failed, Self::Broken, Self::Cut, Self::Interrupted];

    /// The name in SQL, GraphQL, reports and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Broken => "broken",
            Self::Cut => "cut",
            Self::Interrupted => "interrupted",
        }
    }

    /// The outcome with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// Whether the provider's own final usage can be expected.
    #[must_use]
    pub const fn is_to_the_end(self) -> bool {
        matches!(self, Self::Answered | Self::Failed)
    }
}

/// Where the usage of an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsageSource {
    /// The provider said it.
    Provider,
    /// Counted with the model's own vocabulary; nothing of what it was billed for is left out.
    Counted,
    /// Estimated from a count with another vocabulary, of a part, or from sizes; within [streamed, reserved].
    Estimated,
}

impl UsageSource {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::Provider, Self::Counted, Self::Estimated];

    /// The name in SQL, GraphQL and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Counted => "counted",
            Self::Estimated => "estimated",
        }
    }

    /// The source with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

/// Something about an event that finance should look at. Stored as a bit set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flag {
    /// A class that was used has no price; it was priced at the ceiling or left out.
    PriceUnknown,
    /// Priced at the platform's dearest configured unit price.
    Ceiling,
    /// The provider answered to the end and said no usage.
    UsageMissing,
    /// The provider's usage was negative, not a number, or beyond every bound.
    UsageAbsurd,
    /// The classes' sum is not the provider's total.
    SumMismatch,
    /// The provider billed beyond the reservation.
    Overrun,
}

impl Flag {
    /// Every flag with its bit.
    pub const ALL: [(Self, &'static str, u32); 6] = [
        (Self::PriceUnknown, "price_unknown", 1),
        (Self::Ceiling, "ceiling", 2),
        (Self::UsageMissing, "usage_missing", 4),
        (Self::UsageAbsurd, "usage_absurd", 8),
        (Self::SumMismatch, "sum_mismatch", 16),
        (Self::Overrun, "overrun", 32),
    ];
}

/// A set of [`Flag`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u32);

impl Flags {
    /// The stored bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Reads stored bits; unknown ones are kept.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Adds `flag`.
    pub fn raise(&mut self, flag: Flag) {
        self.0 |= Self::bit(flag);
    }

    /// Whether `flag` is raised.
    #[must_use]
    pub fn has(self, flag: Flag) -> bool {
        self.0 & Self::bit(flag) != 0
    }

    /// The names of the raised flags.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Flag::ALL.into_iter().filter(move |(_, _, bit)| self.0 & bit != 0).map(|(_, name, _)| name)
    }

    fn bit(flag: Flag) -> u32 {
        Flag::ALL.into_iter().find(|(known, _, _)| *known == flag).map_or(0, |(_, _, bit)| bit)
    }
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// How it ended.
    pub outcome: Outcome,
    /// The provider's HTTP status; 0 when there was none.
    pub status: u16,
    /// What the app was told, if not an answer.
    pub error: Option<ErrorCode>,
    /// Units per class.
    pub usage: TokenUsage,
    /// Where they come from.
    pub usage_source: UsageSource,
    /// What is charged, exactly `Σ quantity × unit price`.
    pub cost: Pico,
    /// The least it can have cost: what was seen of the answer. Equals `cost` for an answer to the end.
    pub streamed: Pico,
    /// Beyond `cost`, what an interrupted attempt may still turn out to owe; counts as spent.
    pub suspense: Pico,
    /// Per draw, in the order of [`Attempt::draws`]: the part of `cost` that no lease covered.
    pub overruns: Vec<Amount>,
    /// What finance should look at.
    pub flags: Flags,
    /// Why the model stopped, normalised: `stop`, `length`, `tool_calls`, `content_filter`, `error`.
    pub finish_reason: Option<String>,
    /// When the first byte of the answer's body came.
    pub first_byte_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// One attempt with what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageEvent {
    /// What was known before it was dispatched.
    pub attempt: Attempt,
    /// What it came to.
    pub settlement: Settlement,
}

/// What is known of an attempt while its answer streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Units seen so far, never more than the truth.
    pub usage: TokenUsage,
    /// Their cost.
    pub streamed: Pico,
}
