//! A month's chargeback: lines, totals, and the calls that were cut short.
//!
//! Invariant: what is shown was tied out before: lines, usage events and ledger agree to the pico-dollar.

use async_graphql::connection::Connection;
use async_graphql::{ID, Object};
use chargeback::CutCall as Cut;
use domain::{TokenClass, WindowId};
use store::OrgScope;

use crate::error::AdminError;
use crate::graphql::error::Result;
use crate::graphql::page::{connection, cost, page};
use crate::graphql::scalars::{Count, DateTime, Usd};
use crate::graphql::types::usage::Outcome;
use crate::service::chargeback::{TiedOut, lines};

/// More lines are for the download, not for a page.
const MOST_LINES: usize = 5_000;

pub(crate) struct Chargeback {
    scope: OrgScope,
    period: WindowId,
    tied_out: TiedOut,
}

impl Chargeback {
    pub(crate) async fn read(scope: OrgScope, period: WindowId) -> Result<Self> {
        let tied_out = lines(&scope, period).await?;
        Ok(Self { scope, period, tied_out })
    }
}

/// What an organization is charged for one month. Lines, usage events and ledger were tied out to the pico-dollar.
#[Object]
impl Chargeback {
    /// `2026-11`; in UTC, by the moment of admission.
    async fn period(&self) -> String {
        self.period.to_string()
    }

    /// What is charged: the sum of the lines, and of the usage events.
    async fn total(&self) -> Usd {
        self.tied_out.report.total.into()
    }

    /// Everything admitted before this is in the report, whichever node admitted it. Null where some node has yet to say so.
    async fn complete_to(&self) -> Option<DateTime> {
        self.tied_out.report.complete_to.map(DateTime)
    }

    /// What the ledger says.
    async fn ledger_total(&self) -> Usd {
        self.tied_out.totals.ledger.into()
    }

    /// How many usage events there are.
    async fn event_count(&self) -> Count {
        Count(self.tied_out.totals.count)
    }

    /// What was spent on what, by cost centre, team, key, model and provider. Over 5,000 lines: download the CSV.
    #[graphql(complexity = "100 + 10 * child_complexity")]
    #[expect(clippy::unused_async, reason = "resolvers are async to the library")]
    async fn lines(&self) -> Result<Vec<ChargebackLine<'_>>> {
        let lines = &self.tied_out.report.lines;
        if lines.len() > MOST_LINES {
            let message = format!("the report has {} lines; download it as CSV", lines.len());
            return Err(AdminError::TooComplex(message));
        }
        Ok(lines.iter().map(ChargebackLine).collect())
    }

    /// The calls whose answer did not come to its end, the latest first: nobody said what they cost, only between which
    /// bounds.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn cut_calls(
        &self,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, CutCall>> {
        let paged = self.scope.cut_calls(self.period, &page(first, after)?).await?;
        let paged = store::Paged {
            items: paged.items.iter().filter_map(Cut::of).collect::<Vec<Cut>>(),
            has_next: paged.has_next,
        };
        Ok(connection(paged, |call| call.event.to_string(), CutCall))
    }

    /// Where the whole report can be downloaded, with the same bearer token.
    async fn csv_url(&self) -> String {
        format!("/reports/chargeback.csv?org={}&period={}", self.tied_out.report.org.id, self.period)
    }
}

pub(crate) struct ChargebackLine<'a>(&'a chargeback::Line);

impl ChargebackLine<'_> {
    fn units(&self, class: TokenClass) -> Count {
        Count(self.0.quantities.get(class))
    }
}

/// What one key spent on one model at one provider, under one team and cost centre.
#[Object]
impl ChargebackLine<'_> {
    async fn team_id(&self) -> Option<ID> {
        self.0.team.map(|team| team.to_string().into())
    }

    async fn team_name(&self) -> Option<&str> {
        self.0.team_name.as_deref()
    }

    /// The cost centre at the moment of the attempts.
    async fn cost_centre(&self) -> Option<&str> {
        self.0.cost_centre.as_deref()
    }

    async fn key_id(&self) -> ID {
        self.0.key.to_string().into()
    }

    async fn key_name(&self) -> &str {
        &self.0.key_name
    }

    async fn model(&self) -> &str {
        &self.0.model
    }

    /// The provider's slug.
    async fn provider(&self) -> &str {
        &self.0.provider
    }

    /// Calls to the provider; every attempt counts, failed ones too.
    async fn requests(&self) -> Count {
        Count(self.0.requests)
    }

    async fn input_tokens(&self) -> Count {
        self.units(TokenClass::Input)
    }

    async fn cached_input_tokens(&self) -> Count {
        self.units(TokenClass::CachedInput)
    }

    #[graphql(name = "cacheWrite5mTokens")]
    async fn cache_write_5m_tokens(&self) -> Count {
        self.units(TokenClass::CacheWrite5m)
    }

    #[graphql(name = "cacheWrite1hTokens")]
    async fn cache_write_1h_tokens(&self) -> Count {
        self.units(TokenClass::CacheWrite1h)
    }

    async fn output_tokens(&self) -> Count {
        self.units(TokenClass::Output)
    }

    async fn reasoning_tokens(&self) -> Count {
        self.units(TokenClass::Reasoning)
    }

    async fn audio_input_tokens(&self) -> Count {
        self.units(TokenClass::AudioInput)
    }

    async fn audio_output_tokens(&self) -> Count {
        self.units(TokenClass::AudioOutput)
    }

    async fn image_input_units(&self) -> Count {
        self.units(TokenClass::ImageInput)
    }

    async fn image_output_units(&self) -> Count {
        self.units(TokenClass::ImageOutput)
    }

    /// Requests, where the provider charges per request.
    async fn charged_requests(&self) -> Count {
        self.units(TokenClass::Request)
    }

    async fn charged_tool_calls(&self) -> Count {
        self.units(TokenClass::ToolCall)
    }

    async fn cost(&self) -> Usd {
        self.0.cost.into()
    }
}

pub(crate) struct CutCall(Cut);

/// An attempt whose answer did not come to its end: `streamed` ≤ `cost` ≤ `reserved`.
#[Object]
impl CutCall {
    /// The usage event.
    async fn event_id(&self) -> ID {
        self.0.event.to_string().into()
    }

    async fn key_id(&self) -> ID {
        self.0.key.to_string().into()
    }

    async fn model(&self) -> &str {
        &self.0.model
    }

    /// The provider's slug.
    async fn provider(&self) -> &str {
        &self.0.provider
    }

    async fn outcome(&self) -> Outcome {
        self.0.outcome.into()
    }

    /// The least it can have cost: what was seen of the answer.
    async fn streamed(&self) -> Usd {
        self.0.streamed.into()
    }

    /// What is charged.
    async fn cost(&self) -> Usd {
        self.0.cost.into()
    }

    /// Beyond `cost`, what it may still turn out to owe.
    async fn suspense(&self) -> Usd {
        self.0.suspense.into()
    }

    /// The most it can have cost: what was reserved for it.
    async fn reserved(&self) -> Usd {
        self.0.reserved.into()
    }

    async fn admitted_at(&self) -> DateTime {
        self.0.admitted_at.into()
    }
}
