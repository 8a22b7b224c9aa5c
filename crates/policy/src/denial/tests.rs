use super::*;

fn policy(layer: &'static str) -> RuleSource {
    RuleSource::Policy { layer, name: "eu \"strict\"".to_owned() }
}

fn exclusion(provider: &str, rule: Rule, source: RuleSource) -> Exclusion {
    Exclusion { provider: provider.to_owned(), why: Why { rule, source } }
}

fn none(excluded: Vec<Exclusion>) -> Denial {
    let (model, requested) = ("openai/gpt".to_owned(), vec!["openai/gpt".to_owned()]);
    Denial::NoEndpoint(Box::new(NoEndpoint { model, excluded, requested }))
}

#[test]
fn a_refusal_names_the_rule_its_layer_and_the_way_out() {
    let denial = none(vec![
        exclusion("openai", Rule::Zdr, policy("org")),
        exclusion("groq", Rule::Zdr, policy("org")),
        exclusion("azure", Rule::AllowedProviders, RuleSource::Request("provider.only")),
    ]);
    assert_eq!(
        denial.to_string(),
        "no endpoint of openai/gpt may be used: openai, groq because zero data retention is required and not proven \
         there (set by the policy \"eu \\\"strict\\\"\" of layer org); azure because the provider is not on the list \
         of allowed providers (set by the request's `provider.only`). Way out: use a model with an endpoint of proven \
         zero retention, or ask an admin"
    );
}

#[test]
fn availability_lists_each_reason_and_provider_once() {
    let denial = none(vec![
        exclusion("openai", Rule::AllowedProviders, policy("team")),
        exclusion("openai", Rule::IgnoredProviders, policy("key")),
        exclusion("azure", Rule::Training, RuleSource::Request("provider.data_collection")),
    ]);
    let availability = denial.availability().unwrap();
    assert_eq!(availability.code, "privacy_restricted");
    assert_eq!(availability.excluded_by, ["allowed_providers", "data_policy:training"]);
    assert_eq!(availability.affected_providers, ["openai", "azure"]);
    assert_eq!(availability.constraint.unwrap().0, "provider.data_collection");
    assert_eq!(denial.field(), Some("provider.data_collection"));
    assert_eq!(denial.code(), ErrorCode::NotFound);
}

#[test]
fn what_no_policy_removed_is_no_endpoints() {
    for excluded in [Vec::new(), vec![exclusion("openai", Rule::Price, RuleSource::Platform)]] {
        assert_eq!(none(excluded).availability().unwrap().code, "no_endpoints");
    }
}

#[test]
fn key_refusals_are_told_apart_but_share_a_code() {
    let refusals = [
        Denial::NotAKey,
        Denial::UnknownKey,
        Denial::KeyRefused(KeyRefused::Revoked),
        Denial::KeyRefused(KeyRefused::Expired),
        Denial::KeyRefused(KeyRefused::Rotated),
    ];
    let texts = each_once(refusals.iter().map(ToString::to_string));
    assert_eq!(texts.len(), refusals.len());
    assert!(refusals.iter().all(|denial| denial.code() == ErrorCode::Authentication));
    assert!(refusals.iter().all(|denial| denial.availability().is_none()));
}

#[test]
fn the_wrong_path_says_the_right_one() {
    let requested = vec!["openai/embed".to_owned()];
    let denial =
        Denial::WrongEndpoint { model: "openai/embed".to_owned(), kind: ModelKind::Embeddings, requested };
    assert!(denial.to_string().contains("/v1/embeddings"));
    assert!(denial.availability().unwrap().constraint.unwrap().1.contains("/v1/embeddings"));
}

#[test]
fn a_hostile_model_name_is_escaped() {
    let denial = Denial::ModelNotFound { model: "a\r\nb".to_owned(), requested: Vec::new() };
    assert!(!denial.to_string().contains('\n'));
}
