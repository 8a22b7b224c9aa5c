//! Every mutation, one line of intent each: find the organization, call the service, show the result.
//!
//! Invariant: every mutation names its organization, and gets there through the actor.

use std::sync::Arc;

use async_graphql::{Context, ID, MaybeUndefined, Object};
use domain::Secret;

use crate::auth::actor::{Access, Actor};
use crate::deps::App;
use crate::error::AdminError;
use crate::graphql::error::Result;
use crate::graphql::types::budget::scope;
use crate::graphql::types::budget::{
    Budget, BudgetPayload, CreateBudgetInput, EndBudgetRaiseInput, RaiseBudgetInput, RemoveBudgetInput,
    UpdateBudgetInput,
};
use crate::graphql::types::credential::{
    Credential, CredentialPayload, RemoveCredentialInput, StoreCredentialInput, TestCredentialInput,
    TestCredentialPayload,
};
use crate::graphql::types::key::{
    CreateKeyInput, Key, KeyPayload, KeySecretPayload, RevokeKeyInput, RotateKeyInput,
};
use crate::graphql::types::member::{
    CreateMemberInput, CreateMemberPayload, MemberPayload, RemoveMemberInput, UpdateMemberInput,
};
use crate::graphql::types::notice_target::{
    CreateNoticeTargetInput, CreateNoticeTargetPayload, DeleteNoticeTargetInput, DeleteNoticeTargetPayload,
    NoticeTarget, TestNoticeTargetInput, TestNoticeTargetPayload,
};
use crate::graphql::types::organization::{Organization, OrganizationPayload, RenameOrganizationInput};
use crate::graphql::types::policy::{
    CreatePolicyInput, Policy, PolicyPayload, RemovePolicyInput, UpdatePolicyInput, layer,
};
use crate::graphql::types::propagation::Applied;
use crate::graphql::types::team::{CreateTeamInput, Team, TeamPayload, UpdateTeamInput};
use crate::service::input::{id, optional_id};
use crate::service::keys::NewKey;
use crate::service::members::{MemberChange, NewMember};
use crate::service::teams::TeamChange;
use crate::service::{budgets, credentials, keys, members, notice_targets, organizations, policies, teams};

pub(crate) struct Mutation;

/// Everything that can be changed. Each payload of a change of policy carries the revision of the organization's policy
/// that holds it.
#[Object]
impl Mutation {
    /// Gives the organization another name.
    async fn rename_organization(
        &self,
        ctx: &Context<'_>,
        input: RenameOrganizationInput,
    ) -> Result<OrganizationPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let changed = organizations::rename(&app, &access, &input.name).await?;
        let applied = applied(Arc::clone(&app), access.clone(), changed.revision);
        let organization = Organization { app, access, org: changed.object };
        Ok(OrganizationPayload { organization, applied })
    }

    /// Makes a team.
    async fn create_team(&self, ctx: &Context<'_>, input: CreateTeamInput) -> Result<TeamPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let changed = teams::create(&app, &access, &input.name, input.cost_centre.as_deref()).await?;
        Ok(TeamPayload { team: Team(changed.object), applied: applied(app, access, changed.revision) })
    }

    /// Changes a team's name or cost centre.
    async fn update_team(&self, ctx: &Context<'_>, input: UpdateTeamInput) -> Result<TeamPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let change = TeamChange {
            id: id("id", &input.id)?,
            name: input.name,
            cost_centre: as_change(input.cost_centre),
        };
        let changed = teams::update(&app, &access, change).await?;
        Ok(TeamPayload { team: Team(changed.object), applied: applied(app, access, changed.revision) })
    }

    /// Adds a member; a person who is new here gets a first password.
    async fn create_member(
        &self,
        ctx: &Context<'_>,
        input: CreateMemberInput,
    ) -> Result<CreateMemberPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let new = NewMember {
            email: input.email,
            name: input.name,
            role: input.role.into(),
            team: optional_id("teamId", input.team_id.as_ref())?,
            password: input.password.map(Secret::new),
        };
        let (changed, initial_password) = members::create(&app, &access, new).await?;
        let applied = applied(app, access, changed.revision);
        Ok(CreateMemberPayload { member: changed.object.into(), initial_password, applied })
    }

    /// Changes a member's role or team.
    async fn update_member(&self, ctx: &Context<'_>, input: UpdateMemberInput) -> Result<MemberPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let team = match as_change(input.team_id) {
            Some(team) => Some(optional_id("teamId", team.as_ref())?),
            None => None,
        };
        let change = MemberChange { id: id("id", &input.id)?, role: input.role.map(Into::into), team };
        let changed = members::update(&app, &access, change).await?;
        Ok(MemberPayload { member: changed.object.into(), applied: applied(app, access, changed.revision) })
    }

    /// Ends a membership.
    async fn remove_member(&self, ctx: &Context<'_>, input: RemoveMemberInput) -> Result<MemberPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let changed = members::remove(&app, &access, id("id", &input.id)?).await?;
        Ok(MemberPayload { member: changed.object.into(), applied: applied(app, access, changed.revision) })
    }

    /// Mints a key and shows its text, once.
    async fn create_key(&self, ctx: &Context<'_>, input: CreateKeyInput) -> Result<KeySecretPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let new = NewKey {
            name: input.name,
            kind: input.kind.into(),
            team: optional_id("teamId", input.team_id.as_ref())?,
            member: optional_id("memberId", input.member_id.as_ref())?,
            expires_at: input.expires_at.map(|moment| moment.0),
            requests_per_minute: input.requests_per_minute,
        };
        let (changed, secret) = keys::create(&app, &access, new).await?;
        Ok(KeySecretPayload {
            key: Key(changed.object),
            secret,
            applied: applied(app, access, changed.revision),
        })
    }

    /// Gives a key another text and shows it, once.
    async fn rotate_key(&self, ctx: &Context<'_>, input: RotateKeyInput) -> Result<KeySecretPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let (changed, secret) =
            keys::rotate(&app, &access, id("id", &input.id)?, input.grace_seconds).await?;
        Ok(KeySecretPayload {
            key: Key(changed.object),
            secret,
            applied: applied(app, access, changed.revision),
        })
    }

    /// Ends a key for good.
    async fn revoke_key(&self, ctx: &Context<'_>, input: RevokeKeyInput) -> Result<KeyPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let changed = keys::revoke(&app, &access, id("id", &input.id)?).await?;
        Ok(KeyPayload { key: Key(changed.object), applied: applied(app, access, changed.revision) })
    }

    /// Makes a budget. Made in mid-window it counts what was spent since the window began.
    async fn create_budget(&self, ctx: &Context<'_>, input: CreateBudgetInput) -> Result<BudgetPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let new = budgets::NewBudget {
            scope: scope(input.scope, input.scope_id.as_ref())?,
            name: input.name,
            limit: input.limit.0,
            window: budgets::window(input.window.into(), &input.time_zone, input.fiscal_start_month)?,
            enforcement: input.enforcement.into(),
            filter: input.filter.map(Into::into).unwrap_or_default(),
            thresholds: budgets::thresholds(&input.thresholds)?,
        };
        let changed = budgets::create(&app, &access, new).await?;
        Ok(BudgetPayload { budget: Budget(changed.object), applied: applied(app, access, changed.revision) })
    }

    /// Changes a budget. Lowering is always accepted; another window or filter, and a soft budget made hard, count what was
    /// spent since the window began.
    async fn update_budget(&self, ctx: &Context<'_>, input: UpdateBudgetInput) -> Result<BudgetPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let change = budgets::BudgetChange {
            name: input.name,
            limit: input.limit.map(|limit| limit.0),
            period: input.window.map(Into::into),
            time_zone: input.time_zone,
            fiscal_start_month: input.fiscal_start_month,
            enforcement: input.enforcement.map(Into::into),
            filter: input.filter.map(Into::into),
            thresholds: input.thresholds.as_deref().map(budgets::thresholds).transpose()?,
        };
        let changed = budgets::update(&app, &access, id("id", &input.id)?, change).await?;
        Ok(BudgetPayload { budget: Budget(changed.object), applied: applied(app, access, changed.revision) })
    }

    /// Adds to a budget's limit until a moment. What is spent under a raise stays when it ends.
    async fn raise_budget(&self, ctx: &Context<'_>, input: RaiseBudgetInput) -> Result<BudgetPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let new = budgets::NewRaise {
            budget: id("id", &input.id)?,
            amount: input.amount.0,
            until: input.until.0,
            reason: input.reason,
        };
        let changed = budgets::raise(&app, &access, new).await?;
        Ok(BudgetPayload { budget: Budget(changed.object), applied: applied(app, access, changed.revision) })
    }

    /// Ends a raise before its time.
    async fn end_budget_raise(&self, ctx: &Context<'_>, input: EndBudgetRaiseInput) -> Result<BudgetPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let changed = budgets::end_raise(&app, &access, id("id", &input.id)?).await?;
        Ok(BudgetPayload { budget: Budget(changed.object), applied: applied(app, access, changed.revision) })
    }

    /// Removes a budget.
    async fn remove_budget(&self, ctx: &Context<'_>, input: RemoveBudgetInput) -> Result<BudgetPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let changed = budgets::remove(&app, &access, id("id", &input.id)?).await?;
        Ok(BudgetPayload { budget: Budget(changed.object), applied: applied(app, access, changed.revision) })
    }

    /// Adds a place that notices of budgets go to, and shows a webhook's secret, once.
    async fn create_notice_target(
        &self,
        ctx: &Context<'_>,
        input: CreateNoticeTargetInput,
    ) -> Result<CreateNoticeTargetPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let (made, secret) = notice_targets::create(&app, &access, &input.name, input.channel()).await?;
        let secret = secret.map(|secret| secret.expose().clone());
        Ok(CreateNoticeTargetPayload { notice_target: NoticeTarget(made), secret })
    }

    /// Deletes a place that notices go to; what is on its way there is given up.
    async fn delete_notice_target(
        &self,
        ctx: &Context<'_>,
        input: DeleteNoticeTargetInput,
    ) -> Result<DeleteNoticeTargetPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        notice_targets::delete(&app, &access, id("id", &input.id)?).await?;
        Ok(DeleteNoticeTargetPayload { id: input.id })
    }

    /// Sends a test message at once, at most five in a minute. Where it arrives, what waits for that target is tried again at once too.
    async fn test_notice_target(
        &self,
        ctx: &Context<'_>,
        input: TestNoticeTargetInput,
    ) -> Result<TestNoticeTargetPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        Ok(notice_targets::test(&app, &access, id("id", &input.id)?).await?.into())
    }

    /// Makes a policy.
    async fn create_policy(&self, ctx: &Context<'_>, input: CreatePolicyInput) -> Result<PolicyPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let content = (layer(input.layer, input.layer_id.as_ref())?, input.rules.into());
        let changed = policies::create(&app, &access, &input.name, content).await?;
        Ok(PolicyPayload { policy: Policy(changed.object), applied: applied(app, access, changed.revision) })
    }

    /// Changes a policy's name, or replaces its rules.
    async fn update_policy(&self, ctx: &Context<'_>, input: UpdatePolicyInput) -> Result<PolicyPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let change = (input.name, input.rules.map(Into::into));
        let changed = policies::update(&app, &access, id("id", &input.id)?, change).await?;
        Ok(PolicyPayload { policy: Policy(changed.object), applied: applied(app, access, changed.revision) })
    }

    /// Removes a policy.
    async fn remove_policy(&self, ctx: &Context<'_>, input: RemovePolicyInput) -> Result<PolicyPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let changed = policies::remove(&app, &access, id("id", &input.id)?).await?;
        Ok(PolicyPayload { policy: Policy(changed.object), applied: applied(app, access, changed.revision) })
    }

    /// Stores a provider's secret of the organization's own, or replaces the secret of one.
    async fn store_credential(
        &self,
        ctx: &Context<'_>,
        input: StoreCredentialInput,
    ) -> Result<CredentialPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let new = credentials::NewCredential {
            id: optional_id("id", input.id.as_ref())?,
            provider: input.provider,
            label: input.label,
            secret: Secret::new(input.secret),
        };
        let changed = credentials::store(&app, &access, new).await?;
        Ok(CredentialPayload {
            credential: Credential(changed.object),
            applied: applied(app, access, changed.revision),
        })
    }

    /// Forgets a provider's secret.
    async fn remove_credential(
        &self,
        ctx: &Context<'_>,
        input: RemoveCredentialInput,
    ) -> Result<CredentialPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        let changed = credentials::remove(&app, &access, id("id", &input.id)?).await?;
        Ok(CredentialPayload {
            credential: Credential(changed.object),
            applied: applied(app, access, changed.revision),
        })
    }

    /// Has a node try a provider's secret. Changes nothing; is in the audit log.
    async fn test_credential(
        &self,
        ctx: &Context<'_>,
        input: TestCredentialInput,
    ) -> Result<TestCredentialPayload> {
        let (app, access) = enter(ctx, &input.organization_id)?;
        Ok(credentials::test(&app, &access, id("id", &input.id)?).await?.into())
    }
}

/// The organization that a mutation names, if the caller is a member of it.
fn enter(ctx: &Context<'_>, organization: &ID) -> Result<(Arc<App>, Access)> {
    let org = organization.parse().map_err(|_| AdminError::NotFound("organization"))?;
    let access = ctx.data_unchecked::<Arc<Actor>>().access(org)?;
    Ok((Arc::clone(ctx.data_unchecked::<Arc<App>>()), access))
}

const fn applied(app: Arc<App>, access: Access, revision: u64) -> Applied {
    Applied { app, access, revision }
}

/// Left out: no change. Null: none.
fn as_change<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}
