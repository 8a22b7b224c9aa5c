//! What apps ask about themselves, and what the control plane wants asked of providers.
//!
//! Invariant: as in `link`: whole values of the ports, refused by their field's name.

use ::policy::feed::{Call, CallOutcome};
use domain::{BudgetId, CredentialId, KeyId, OrgId, RequestId};
use metering::ports::{GenerationRequest, KeyUsage, KeyUsageRequest};

use super::{CallsDone, CallsWanted, each, some_amount};
use crate::WireError;
use crate::field::{all, bits, id, message, moment, narrow, optional_id};
use crate::pb::node::v1 as pb;

body!(
    KeyUsageRequest as pb::KeyUsageRequest,
    |request| Self {
        org: bits(request.org.to_bits()),
        key: bits(request.key.to_bits()),
        budgets: request.budgets.iter().map(|budget| bits(budget.to_bits())).collect(),
        now_us: request.now.as_micros(),
    },
    |request| Self {
        org: id("key_usage.org", &request.org, OrgId::from_bits)?,
        key: id("key_usage.key", &request.key, KeyId::from_bits)?,
        budgets: request
            .budgets
            .iter()
            .map(|budget| id("key_usage.budget", budget, BudgetId::from_bits))
            .collect::<Result<_, _>>()?,
        now: moment(request.now_us),
    }
);

body!(
    KeyUsage as pb::KeyUsage,
    |usage| Self {
        total: Some(usage.total.into()),
        day: Some(usage.day.into()),
        week: Some(usage.week.into()),
        month: Some(usage.month.into()),
        budgets: usage
            .budgets
            .iter()
            .map(|(budget, state)| pb::BudgetUsage {
                budget: bits(budget.to_bits()),
                state: Some(state.into())
            })
            .collect(),
    },
    |usage| Self {
        total: some_amount("key_usage.total", usage.total)?,
        day: some_amount("key_usage.day", usage.day)?,
        week: some_amount("key_usage.week", usage.week)?,
        month: some_amount("key_usage.month", usage.month)?,
        budgets: usage
            .budgets
            .into_iter()
            .map(|row| Ok((
                id("key_usage.budget", &row.budget, BudgetId::from_bits)?,
                message("key_usage.state", row.state)?
            )))
            .collect::<Result<_, WireError>>()?,
    }
);

body!(
    GenerationRequest as pb::GenerationRequest,
    |asked| Self { org: bits(asked.org.to_bits()), request: bits(asked.request.to_bits()) },
    |asked| Self {
        org: id("generation.org", &asked.org, OrgId::from_bits)?,
        request: id("generation.request", &asked.request, RequestId::from_bits)?,
    }
);

body!(
    Call as pb::Call,
    |call| Self {
        id: call.id,
        org: call.org.map(|org| bits(org.to_bits())),
        credential: bits(call.credential.to_bits()),
    },
    |call| Self {
        id: call.id,
        org: optional_id("call.org", call.org.as_deref(), OrgId::from_bits)?,
        credential: id("call.credential", &call.credential, CredentialId::from_bits)?,
    }
);

body!(
    CallOutcome as pb::CallOutcome,
    |outcome| Self {
        id: outcome.id,
        status: outcome.status.map(Into::into),
        models: outcome.models.clone(),
        problem: outcome.problem.clone(),
    },
    |outcome| Self {
        id: outcome.id,
        status: outcome.status.map(|status| narrow("call_outcome.status", status)).transpose()?,
        models: outcome.models,
        problem: outcome.problem,
    }
);

body!(
    CallsDone as pb::CallsDone,
    |done| Self { holder: Some(done.holder.into()), outcomes: each(&done.outcomes) },
    |done| Self { holder: message("calls_done.holder", done.holder)?, outcomes: all(done.outcomes)? }
);

body!(CallsWanted as pb::CallsWanted, |wanted| Self { calls: each(&wanted.0) }, |wanted| Self(all(
    wanted.calls
)?));
