//! An organization: what belongs to it, each list behind its own capability.
//!
//! Invariant: every resolver that reads rows asks for the capability it needs, even where the object could only be
//! reached by somebody who has another.

use std::sync::Arc;

use async_graphql::connection::Connection;
use async_graphql::{ID, InputObject, Object, SimpleObject};
use domain::org::{Capability, Org};
use store::{EventFilter, KeyFilter};

use crate::auth::actor::{Access, Reach};
use crate::deps::App;
use crate::graphql::error::Result;
use crate::graphql::page::{connection, cost, page};
use crate::graphql::scalars::{Count, DateTime};
use crate::graphql::types::audit::AuditEntry;
use crate::graphql::types::budget::Budget;
use crate::graphql::types::chargeback::Chargeback;
use crate::graphql::types::credential::Credential;
use crate::graphql::types::gateway_node::GatewayNode;
use crate::graphql::types::key::Key;
use crate::graphql::types::member::{Member, Role};
use crate::graphql::types::notice_target::NoticeTarget;
use crate::graphql::types::policy::Policy;
use crate::graphql::types::propagation::{Applied, Propagation};
use crate::graphql::types::team::Team;
use crate::graphql::types::usage::UsageEvent;
use crate::service::{budgets, chargeback, nodes, notice_targets};

/// An organization: the border nothing crosses.
pub(crate) struct Organization {
    pub(crate) app: Arc<App>,
    pub(crate) access: Access,
    pub(crate) org: Org,
}

impl Organization {
    /// The organization that `access` is for.
    pub(crate) async fn read(app: Arc<App>, access: Access) -> Result<Self> {
        let org = access.scope(Capability::ReadOrg)?.org().await?;
        Ok(Self { app, access, org })
    }
}

#[Object]
impl Organization {
    pub(crate) async fn id(&self) -> ID {
        self.org.id.to_string().into()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.org.name
    }

    /// What the caller is in it.
    async fn viewer_role(&self) -> Role {
        self.access.role().into()
    }

    /// Its teams.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn teams(&self, first: Option<i32>, after: Option<String>) -> Result<Connection<String, Team>> {
        let scope = self.access.scope(Capability::ReadOrg)?;
        let teams = scope.teams(&page(first, after)?).await?;
        Ok(connection(teams, |team| team.id.to_string(), Team))
    }

    /// Its members.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn members(&self, first: Option<i32>, after: Option<String>) -> Result<Connection<String, Member>> {
        let scope = self.access.scope(Capability::ReadOrg)?;
        let members = scope.members(&page(first, after)?).await?;
        Ok(connection(members, |view| view.member.id.to_string(), Member::from))
    }

    /// Its keys: all, or those the caller's role reaches.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn keys(&self, first: Option<i32>, after: Option<String>) -> Result<Connection<String, Key>> {
        let scope = self.access.scope(Capability::ReadKeys)?;
        let page = page(first, after)?;
        let filter = match self.access.reach() {
            Reach::All => KeyFilter::default(),
            Reach::Team(team) => KeyFilter { team: Some(team), ..KeyFilter::default() },
            Reach::Member(member) => KeyFilter { member: Some(member), ..KeyFilter::default() },
            Reach::Nothing => return Ok(Connection::new(false, false)),
        };
        Ok(connection(scope.keys(filter, &page).await?, |key| key.id.to_string(), Key))
    }

    /// Its budgets, with where they stand.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn budgets(&self, first: Option<i32>, after: Option<String>) -> Result<Connection<String, Budget>> {
        let scope = self.access.scope(Capability::ReadBudgets)?;
        let standings = budgets::list(&self.app, &scope, &page(first, after)?).await?;
        Ok(connection(standings, |standing| standing.budget.id.to_string(), Budget))
    }

    /// Where its budgets' notices go, with how the last deliveries ended.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn notice_targets(
        &self,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, NoticeTarget>> {
        let targets = notice_targets::list(&self.access, &page(first, after)?).await?;
        Ok(connection(targets, |view| view.target.id.to_string(), NoticeTarget))
    }

    /// Its policies.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn policies(
        &self,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, Policy>> {
        let scope = self.access.scope(Capability::ReadPolicies)?;
        let policies = scope.policies(&page(first, after)?).await?;
        Ok(connection(policies, |policy| policy.id.to_string(), Policy))
    }

    /// Its own provider secrets; the secrets themselves cannot be read.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn credentials(
        &self,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, Credential>> {
        let scope = self.access.scope(Capability::ReadPolicies)?;
        let credentials = scope.credentials(&page(first, after)?).await?;
        Ok(connection(credentials, |credential| credential.id.to_string(), Credential))
    }

    /// The usage events of a month (`2026-11`), the latest first.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn usage_events(
        &self,
        period: String,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, UsageEvent>> {
        let scope = self.access.scope(Capability::ReadUsage)?;
        let period = chargeback::period(&period)?;
        let filter = EventFilter { period: Some(period), ..EventFilter::default() };
        let events = scope.events(&filter, &page(first, after)?).await?;
        Ok(connection(events, |event| event.attempt.id.to_string(), UsageEvent))
    }

    /// Everything admitted before this is among its usage events, and counted wherever usage is summed, whichever node
    /// admitted it. Null where some node has yet to say so.
    async fn usage_complete_to(&self) -> Result<Option<DateTime>> {
        Ok(self.access.scope(Capability::ReadUsage)?.complete_to().await?.map(DateTime))
    }

    /// The chargeback report of a month (`2026-11`).
    #[graphql(complexity = "10 + child_complexity")]
    async fn chargeback(&self, period: String) -> Result<Chargeback> {
        let scope = self.access.scope(Capability::ReadUsage)?;
        let period = chargeback::period(&period)?;
        Chargeback::read(scope, period).await
    }

    /// The nodes that enforce its policy, by id, with the revision each has.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn nodes(
        &self,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, GatewayNode>> {
        let nodes = nodes::list(&self.app, &self.access, &page(first, after)?).await?;
        Ok(connection(nodes, |member| member.node.node.to_string(), GatewayNode))
    }

    /// How far a revision of its policy has come; left out: the current one.
    #[graphql(complexity = "10 + child_complexity")]
    async fn propagation(&self, revision: Option<Count>) -> Result<Propagation> {
        let revision = revision.map(|revision| revision.0);
        Ok(nodes::propagation(&self.app, &self.access, revision).await?.into())
    }

    /// Who did what, the latest first.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn audit_log(
        &self,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, AuditEntry>> {
        let scope = self.access.scope(Capability::ReadAudit)?;
        let entries = scope.audit(&page(first, after)?).await?;
        Ok(connection(entries, |entry| entry.seq.to_string(), AuditEntry))
    }
}

#[derive(InputObject)]
pub(crate) struct RenameOrganizationInput {
    pub(crate) organization_id: ID,
    pub(crate) name: String,
}

#[derive(SimpleObject)]
pub(crate) struct OrganizationPayload {
    pub(crate) organization: Organization,
    #[graphql(flatten)]
    pub(crate) applied: Applied,
}
