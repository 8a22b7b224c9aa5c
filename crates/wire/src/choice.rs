//! Enums, name by name.
//!
//! Invariant: both directions come from one list, so that a new choice cannot be written and not read.

use domain::key::KeyKind;
use domain::limit::Enforcement;
use domain::model::{Dialect, ModelKind};
use domain::org::Role;
use domain::{ErrorCode, Period, TokenClass};
use metering::usage::{Outcome, UsageSource};
use policy::record::{RateUnit, Unaffordable, UnknownPrice};

use crate::WireError;
use crate::pb::domain::v1 as shared;
use crate::pb::metering::v1 as metered;
use crate::pb::policy::v1 as governed;

macro_rules! choices {
    ($($domain:ty as $message:ty { $($choice:ident = $number:ident),+ $(,)? })+) => {$(
        impl From<$domain> for $message {
            fn from(choice: $domain) -> Self {
                match choice {
                    $(<$domain>::$choice => Self::$number,)+
                }
            }
        }

        impl TryFrom<$message> for $domain {
            type Error = WireError;
            fn try_from(choice: $message) -> Result<Self, WireError> {
                match choice {
                    $(<$message>::$number => Ok(Self::$choice),)+
                    <$message>::Unspecified => Err(WireError::Missing(stringify!($message))),
                }
            }
        }
    )+};
}

choices! {
    TokenClass as shared::TokenClass {
        Input = Input,
        CachedInput = CachedInput,
        CacheWrite5m = CacheWrite5m,
        CacheWrite1h = CacheWrite1h,
        Output = Output,
        Reasoning = Reasoning,
        AudioInput = AudioInput,
        AudioOutput = AudioOutput,
        ImageInput = ImageInput,
        ImageOutput = ImageOutput,
        Request = Request,
        ToolCall = ToolCall,
    }
    ModelKind as shared::ModelKind { Chat = Chat, Embeddings = Embeddings }
    Role as governed::Role {
        Owner = Owner,
        Admin = Admin,
        TeamAdmin = TeamAdmin,
        Member = Member,
        Finance = Finance,
        Auditor = Auditor,
    }
    KeyKind as governed::KeyKind { Inference = Inference, Management = Management }
    Unaffordable as governed::Unaffordable { Clamp = Clamp, Reject = Reject }
    UnknownPrice as governed::UnknownPrice { Ceiling = Ceiling, Block = Block }
    RateUnit as governed::RateUnit {
        RequestsPerMinute = RequestsPerMinute, TokensPerMinute = TokensPerMinute, Concurrent = Concurrent
    }
    Period as governed::Window {
        Day = Day,
        Week = Week,
        Month = Month,
        Quarter = Quarter,
        Year = Year,
        Lifetime = Lifetime,
    }
    Enforcement as governed::Enforcement { Hard = Hard, Soft = Soft }
    Dialect as governed::Dialect { OpenAi = Openai, Anthropic = Anthropic }
    Outcome as metered::Outcome {
        Answered = Answered,
        Failed = Failed,
        Broken = Broken,
        Cut = Cut,
        Interrupted = Interrupted,
    }
    UsageSource as metered::UsageSource { Provider = Provider, Counted = Counted, Estimated = Estimated }
    ErrorCode as metered::ErrorCode {
        InvalidRequest = InvalidRequest,
        ContextLengthExceeded = ContextLengthExceeded,
        ContentPolicyViolation = ContentPolicyViolation,
        Authentication = Authentication,
        PaymentRequired = PaymentRequired,
        PermissionDenied = PermissionDenied,
        NotFound = NotFound,
        MethodNotAllowed = MethodNotAllowed,
        PayloadTooLarge = PayloadTooLarge,
        UnsupportedMediaType = UnsupportedMediaType,
        RateLimitExceeded = RateLimitExceeded,
        Server = Server,
        ProviderUnavailable = ProviderUnavailable,
        ProviderOverloaded = ProviderOverloaded,
        Timeout = Timeout,
    }
}
