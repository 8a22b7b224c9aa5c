//! Stage three: what an attempt can cost at most is taken from every budget in scope, before anything is sent.
//!
//! Invariant: under a hard budget the provider is always sent the output cap that the reservation was made for. Nothing is
//! drawn from a soft budget, nor from one that does not count this request at this endpoint.

use domain::limit::{Budget, Traits};
use domain::{Amount, BudgetId, ErrorCode, OrgId};
use metering::budget::Reservation;
use metering::estimate::{self, Bound, EstimateError, MediaTokens};
use metering::usage::Draw;
use policy::record::{Unaffordable, UnknownPrice};
use policy::{Candidate, Permit};
use serde_json::json;

use super::Call;
use crate::Deps;
use crate::http::error::ApiError;
use crate::lease::{NotReserved, Shortage};

/// Money for one attempt.
pub(super) struct Funded {
    pub(super) reservation: Reservation,
    pub(super) bound: Bound,
    /// The output cap to send, in completion tokens; `None` leaves the request as it is.
    pub(super) cap: Option<u32>,
    /// Why the cap is not what the app asked for, for a header.
    pub(super) capped_by: Option<&'static str>,
    /// Whether an unknown price is charged at the ceiling.
    pub(super) at_ceiling: bool,
    /// The hard budget this node holds least of, and how much of it is free beside this reservation.
    pub(super) tightest: Option<(BudgetId, Amount)>,
}

/// One attempt that money is wanted for.
struct Wanted<'a> {
    call: &'a Call,
    permit: &'a Permit,
    candidate: &'a Candidate,
    /// The hard budgets that count it.
    budgets: Vec<&'a Budget>,
}

impl<'a> Wanted<'a> {
    fn new(call: &'a Call, permit: &'a Permit, candidate: &'a Candidate) -> Self {
        let traits = Traits {
            model: &candidate.model.slug,
            provider: &candidate.provider.slug,
            data_class: call.attribution.data_class.as_deref(),
            tags: &call.attribution.tags,
        };
        let budgets = permit.budgets().iter().map(AsRef::as_ref);
        let counting = budgets.filter(|budget: &&Budget| budget.is_hard() && budget.filter.matches(traits));
        Self { call, permit, candidate, budgets: counting.collect() }
    }

    fn is_budgeted(&self) -> bool {
        !self.budgets.is_empty()
    }

    fn draws(&self) -> Vec<(OrgId, Draw)> {
        let window = |budget: &Budget| budget.window.at(self.call.admitted.at());
        let draw = |budget: &&Budget| (budget.org, Draw { budget: budget.id, window: window(budget) });
        self.budgets.iter().map(draw).collect()
    }

    fn budget(&self, draw: Draw) -> Option<&Budget> {
        self.budgets.iter().find(|budget| budget.id == draw.budget).copied()
    }
}

/// Why there is no money for an attempt.
pub(super) enum NotFunded {
    /// This candidate is too dear or has no price; a cheaper one may do.
    Here(ApiError),
    /// Nobody can say now.
    Anywhere(ApiError),
}

fn shortage(refused: NotReserved, call: &Call) -> Result<Shortage, NotFunded> {
    match refused {
        NotReserved::Exhausted(short) => Ok(short),
        NotReserved::Unreachable(cause) => Err(NotFunded::Anywhere(unreachable(&cause, call))),
    }
}

/// Reserves for one attempt at `candidate`, or says which budget refuses.
pub(super) async fn reserve(
    deps: &Deps,
    call: &Call,
    permit: &Permit,
    candidate: &Candidate,
) -> Result<Funded, NotFunded> {
    let wanted = Wanted::new(call, permit, candidate);
    let (cap, capped_by) = wanted_cap(&wanted);
    let bound = bound(&wanted, cap).map_err(NotFunded::Here)?;
    let (bound, capped_by) = within_max_cost(bound, capped_by, call.max_cost).map_err(NotFunded::Here)?;
    let draws = wanted.draws();
    let refused = match deps.leases.reserve(draws.clone(), bound.reserved()).await {
        Ok(reservation) => return Ok(funded(deps, &wanted, (reservation, bound, capped_by))),
        Err(refused) => refused,
    };
    let mut short = shortage(refused, call)?;
    let may_clamp = permit.rules().unaffordable == Unaffordable::Clamp && call.needs.may_clamp();
    if let Some(clamped) = bound.clamped(short.affordable).filter(|_| may_clamp) {
        match deps.leases.reserve(draws, clamped.reserved()).await {
            Ok(reservation) => return Ok(funded(deps, &wanted, (reservation, clamped, Some("budget")))),
            Err(refused) => short = shortage(refused, call)?,
        }
    }
    let scope = wanted.budget(short.draw).map_or("gone", |budget| budget.scope.name());
    deps.metrics.budget_refusals.with_label_values(&[scope]).inc();
    Err(NotFunded::Here(exhausted(&wanted, &short, bound.reserved().into())))
}

/// The cap an attempt would be sent with if money were no matter.
fn wanted_cap(wanted: &Wanted<'_>) -> (u32, Option<&'static str>) {
    let most = wanted.candidate.endpoint.max_output_tokens;
    match wanted.call.needs.asked_cap {
        Some(asked) => (asked.min(most), (asked > most).then_some("endpoint")),
        None if !wanted.is_budgeted() => (most, None),
        None => (wanted.permit.rules().output_cap.min(most), Some("policy")),
    }
}

fn bound(wanted: &Wanted<'_>, cap: u32) -> Result<Bound, ApiError> {
    let Wanted { permit, candidate, call: Call { needs, .. }, .. } = wanted;
    let ask = estimate::Ask {
        body_bytes: needs.body_bytes,
        messages: needs.messages,
        tools: needs.tools,
        media: media_tokens(wanted),
        cache_writes: needs.cache_writes,
        context_length: candidate.model.context_length,
        output_cap: cap,
        choices: needs.choices,
    };
    let blocks = wanted.is_budgeted() && permit.rules().unknown_price == UnknownPrice::Block;
    let ceiling = (!blocks).then(|| permit.ceiling());
    estimate::bound(&ask, &candidate.price, ceiling).map_err(|error| match error {
        EstimateError::Unpriced(class) => ApiError::new(
            ErrorCode::PermissionDenied,
            format!(
                "the {} price of {} at {} is not known, and a policy blocks unknown prices under a budget",
                class.name(),
                candidate.model.slug,
                candidate.provider.slug
            ),
        ),
        EstimateError::Overflow(_) => {
            ApiError::field("max_tokens", "the request could cost more than can be counted")
        }
    })
}

fn media_tokens(wanted: &Wanted<'_>) -> MediaTokens {
    let (media, candidate) = (wanted.call.needs.media, wanted.candidate);
    if !media.is_some() {
        return MediaTokens::None;
    }
    let most = media.most_tokens(&candidate.provider.slug, &candidate.endpoint.upstream_model);
    most.map_or(MediaTokens::Unknown, MediaTokens::AtMost)
}

/// The request's own `max_cost` lowers the cap, or refuses.
fn within_max_cost(
    bound: Bound,
    capped_by: Option<&'static str>,
    max_cost: Option<Amount>,
) -> Result<(Bound, Option<&'static str>), ApiError> {
    let Some(most) = max_cost.filter(|most| Amount::from(bound.reserved()) > *most) else {
        return Ok((bound, capped_by));
    };
    let needed = bound.reserved();
    let clamped = bound.clamped(most).filter(|clamped| clamped.output_cap() > 0);
    clamped.map(|clamped| (clamped, Some("max_cost"))).ok_or_else(|| {
        ApiError::field(
            "max_cost",
            &format!("{most} USD cannot cover this request, which can cost up to {needed} USD"),
        )
    })
}

fn funded(
    deps: &Deps,
    wanted: &Wanted<'_>,
    (reservation, bound, capped_by): (Reservation, Bound, Option<&'static str>),
) -> Funded {
    let (needs, budgeted) = (&wanted.call.needs, wanted.is_budgeted());
    let as_asked = needs.asked_cap == Some(bound.output_cap());
    let is_anthropic = wanted.candidate.provider.dialect == domain::model::Dialect::Anthropic;
    let limited = budgeted || capped_by == Some("max_cost");
    let must_send =
        needs.may_clamp() && (limited || (!as_asked && (needs.asked_cap.is_some() || is_anthropic)));
    Funded {
        tightest: deps.leases.tightest(&reservation),
        reservation,
        bound,
        cap: must_send.then(|| bound.output_cap()),
        capped_by: capped_by.filter(|_| must_send && !as_asked),
        at_ceiling: budgeted && wanted.permit.rules().unknown_price == UnknownPrice::Ceiling,
    }
}

fn unreachable(cause: &str, call: &Call) -> ApiError {
    tracing::warn!(request.id = %call.id, cause,
        "budget money cannot be had; requests under hard budgets are refused");
    let mut error = ApiError::new(
        ErrorCode::ProviderOverloaded,
        "whether the budget covers this request cannot be told now; try again shortly",
    )
    .with("limit_source", json!("weir"));
    error.retry_after_s = Some(1);
    error
}

/// The 402: which budget, where it stands, when it resets, whose refusal it is.
fn exhausted(wanted: &Wanted<'_>, short: &Shortage, needed: Amount) -> ApiError {
    let Some(budget) = wanted.budget(short.draw) else {
        return ApiError::new(ErrorCode::PaymentRequired, "a budget is used up");
    };
    let state = &short.state;
    let spent = state.spent + state.suspense + state.overrun;
    let in_flight = (state.limit - spent - short.affordable).max(Amount::ZERO);
    let window = short.draw.window;
    let resets_at = budget.window.end(window).map(|end| budget.window.local(end));
    let (resets, or_wait) = match &resets_at {
        Some(end) => (format!("it resets at {end} ({})", budget.window.zone_name()), ", or wait"),
        None => ("it never resets".to_owned(), ""),
    };
    let (name, scope, limit) = (&budget.name, budget.scope.name(), state.limit);
    let message = format!(
        "budget {name:?} ({scope}, {window}) cannot cover this request: limit {limit} USD, spent {spent} USD, reserved \
         by requests in flight {in_flight} USD, this request needs up to {needed} USD; {resets}. Way out: ask an admin to \
         raise it, send a smaller max_tokens{or_wait}"
    );
    ApiError::new(ErrorCode::PaymentRequired, message).with("limit_source", json!("weir_budget")).with(
        "budget",
        json!({
            "id": budget.id.to_string(),
            "name": name,
            "scope": scope,
            "window": window.to_string(),
            "limit": limit.to_string(),
            "spent": spent.to_string(),
            "reserved": in_flight.to_string(),
            "needed": needed.to_string(),
            "resets_at": resets_at,
            "time_zone": budget.window.zone_name(),
        }),
    )
}
