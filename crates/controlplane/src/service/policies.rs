//! Create, change and remove policies.
//!
//! Invariant: what the compiler would not understand is refused here, so that nobody finds out by refused requests.

use domain::PolicyId;
use domain::org::Capability;
use policy::record::{Layer, Policy, Rules};
use store::OrgScope;

use super::{Changed, begin, commit, input};
use crate::auth::actor::Access;
use crate::deps::App;
use crate::error::AdminError;

/// Makes a policy.
pub(crate) async fn create(
    app: &App,
    access: &Access,
    name: &str,
    (layer, rules): (Layer, Rules),
) -> Result<Changed<Policy>, AdminError> {
    let scope = access.scope(Capability::ManagePolicies)?;
    check_layer(&scope, layer).await?;
    let id = PolicyId::new(app.deps.clock.now(), rand::random());
    let object = Policy { id, layer, name: input::name("name", name)?, rules };
    check_rules(app, &object).await?;
    let mut tx = begin(app, access, &scope).await?;
    tx.insert_policy(&object).await?;
    Ok(Changed { object, revision: commit(app, tx).await? })
}

/// Changes a policy's name, or replaces all its rules.
pub(crate) async fn update(
    app: &App,
    access: &Access,
    id: PolicyId,
    (name, rules): (Option<String>, Option<Rules>),
) -> Result<Changed<Policy>, AdminError> {
    let scope = access.scope(Capability::ManagePolicies)?;
    let mut object = scope.policy(id).await?;
    if let Some(name) = name {
        object.name = input::name("name", &name)?;
    }
    if let Some(rules) = rules {
        object.rules = rules;
    }
    check_rules(app, &object).await?;
    let mut tx = begin(app, access, &scope).await?;
    tx.update_policy(&object).await?;
    Ok(Changed { object, revision: commit(app, tx).await? })
}

/// Removes a policy; its rules do not apply any more.
pub(crate) async fn remove(app: &App, access: &Access, id: PolicyId) -> Result<Changed<Policy>, AdminError> {
    let scope = access.scope(Capability::ManagePolicies)?;
    let object = scope.policy(id).await?;
    let mut tx = begin(app, access, &scope).await?;
    tx.remove_policy(id).await?;
    Ok(Changed { object, revision: commit(app, tx).await? })
}

async fn check_layer(scope: &OrgScope, layer: Layer) -> Result<(), AdminError> {
    match layer {
        Layer::Platform => return Err(AdminError::bad_input("layer", "PLATFORM is not the organization's")),
        Layer::Org => {}
        Layer::Team(id) => drop(scope.team(id).await?),
        Layer::Member(id) => drop(scope.member(id).await?),
        Layer::Key(id) => drop(scope.key(id).await?),
    }
    Ok(())
}

/// Each list by itself, so that the refusal names the field; then that providers exist, since a misspelt one in a list
/// of ignored providers would ignore nobody.
async fn check_rules(app: &App, policy: &Policy) -> Result<(), AdminError> {
    let rules = &policy.rules;
    let fields = [
        ("rules.allowedModels", Rules { allowed_models: rules.allowed_models.clone(), ..Rules::default() }),
        ("rules.ignoredModels", Rules { ignored_models: rules.ignored_models.clone(), ..Rules::default() }),
        (
            "rules.allowedProviders",
            Rules { allowed_providers: rules.allowed_providers.clone(), ..Rules::default() },
        ),
        (
            "rules.ignoredProviders",
            Rules { ignored_providers: rules.ignored_providers.clone(), ..Rules::default() },
        ),
        ("rules.outputCap", Rules { output_cap: rules.output_cap, ..Rules::default() }),
        ("rules.rates", Rules { rates: rules.rates.clone(), ..Rules::default() }),
        ("rules.defaultModel", Rules { default_model: rules.default_model.clone(), ..Rules::default() }),
    ];
    for (field, alone) in fields {
        if let Some(problem) = ::policy::problem(&Policy { rules: alone, ..policy.clone() }) {
            return Err(AdminError::bad_input(field, problem));
        }
    }
    let known = app.deps.store.provider_slugs().await?;
    let allowed = rules.allowed_providers.iter().flatten().map(|slug| ("rules.allowedProviders", slug));
    let ignored = rules.ignored_providers.iter().map(|slug| ("rules.ignoredProviders", slug));
    for (field, slug) in allowed.chain(ignored) {
        check_provider(field, slug, &known)?;
    }
    Ok(())
}

/// Refuses a provider that is not in the catalogue.
pub(super) fn check_provider(field: &str, slug: &str, known: &[String]) -> Result<(), AdminError> {
    let base = slug.split_once('/').map_or(slug, |(base, _)| base);
    if known.iter().any(|provider| provider.eq_ignore_ascii_case(slug) || provider.eq_ignore_ascii_case(base))
    {
        return Ok(());
    }
    Err(AdminError::bad_input(
        field,
        format!("there is no provider {slug:?}; there are {}", known.join(", ")),
    ))
}
