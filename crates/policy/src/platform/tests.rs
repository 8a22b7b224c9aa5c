use domain::model::ModelKind;
use domain::price::PriceTier;
use domain::{OrgId, TokenClass};

use super::*;
use crate::decide::{Ask, decide};
use crate::record::Rules;
use crate::sample::{self, NOW};
use crate::snapshot::PolicySnapshot;

fn compiled(change: impl FnOnce(&mut PlatformRecords)) -> CompiledPlatform {
    let mut records = sample::platform();
    change(&mut records);
    CompiledPlatform::compile(records)
}

fn served_by(platform: &CompiledPlatform, model: &str) -> Vec<String> {
    let endpoints = platform.entry(model).map(|entry| entry.endpoints.iter());
    endpoints.into_iter().flatten().map(|endpoint| endpoint.provider.slug.clone()).collect()
}

fn refuses_everybody(change: impl FnOnce(&mut PlatformRecords)) -> bool {
    let mut records = sample::platform();
    change(&mut records);
    let snapshot = PolicySnapshot::build(records, [sample::org()]);
    let caller = snapshot.authenticate(sample::key_text(1).expose(), &sample::pepper(), NOW).unwrap();
    decide(&snapshot, &caller, &Ask::new(ModelKind::Chat, Some("openai/gpt"), 0), NOW).is_err()
}

#[test]
fn the_sample_has_no_problems() {
    let platform = compiled(|_| {});
    assert_eq!(platform.problems(), []);
    assert_eq!(served_by(&platform, "openai/gpt"), ["openai", "azure"]);
    assert_eq!(platform.provider("vertex/eu").unwrap().name, "VERTEX/EU");
    assert_eq!(platform.model("openai/embed").unwrap().kind, ModelKind::Embeddings);
}

#[test]
fn a_dangling_endpoint_is_left_out() {
    let platform = compiled(|records| {
        records.endpoints[0].provider = "nobody".to_owned();
        records.endpoints[2].model = "nobody/nothing".to_owned();
    });
    assert_eq!(served_by(&platform, "openai/gpt"), ["azure"]);
    assert_eq!(platform.problems().len(), 2);
}

#[test]
fn what_is_named_twice_is_left_out_altogether() {
    let platform = compiled(|records| {
        records
            .providers
            .push(Provider { base_url: "https://evil.example".to_owned(), ..sample::provider("OpenAI") });
        records.endpoints.push(sample::endpoint(2, "anthropic/claude", "azure", 1));
    });
    assert_eq!(served_by(&platform, "openai/gpt"), ["azure"]);
    assert_eq!(
        served_by(&platform, "anthropic/claude"),
        ["anthropic", "vertex/eu"],
        "an endpoint's id is used once"
    );
    let twice = compiled(|records| records.models.push(sample::model("openai/gpt", ModelKind::Chat)));
    assert!(twice.entry("openai/gpt").is_none());
}

#[test]
fn what_a_policy_could_not_name_is_left_out() {
    let platform = compiled(|records| {
        records.models.push(sample::model("gpt", ModelKind::Chat));
        records.models.push(sample::model("openai/*", ModelKind::Chat));
        records.providers.push(sample::provider("open ai"));
    });
    assert!(platform.entry("gpt").is_none() && platform.entry("openai/*").is_none());
    assert!(platform.provider("open ai").is_none());
    assert_eq!(platform.problems().len(), 3);
}

#[test]
fn an_absurd_price_leaves_the_endpoint_out() {
    let tier = |above_prompt_tokens| PriceTier { above_prompt_tokens, unit: UnitPrices::default() };
    let negative = UnitPrices::default().with(TokenClass::Output, Some(Pico::new(-1)));
    let base = sample::price(9, 1);
    let absurd = [
        PriceVersion { unit: negative, ..base.clone() },
        PriceVersion { tiers: vec![PriceTier { above_prompt_tokens: 1, unit: negative }], ..base.clone() },
        PriceVersion { tiers: vec![tier(5), tier(5)], ..base.clone() },
        PriceVersion { tiers: vec![tier(5), tier(4)], ..base },
    ];
    for price in absurd {
        let platform = compiled(|records| records.endpoints[0].prices.push(price));
        assert_eq!(served_by(&platform, "openai/gpt"), ["azure"]);
    }
    let rising = PriceVersion { tiers: vec![tier(4), tier(5)], ..sample::price(9, 1) };
    let platform = compiled(|records| records.endpoints[0].prices.push(rising));
    assert_eq!(platform.problems(), []);
}

#[test]
fn a_price_that_cannot_be_a_ceiling_refuses_everybody() {
    let negative = Some(Pico::new(-1));
    assert!(refuses_everybody(|records| records.ceiling.set(TokenClass::Input, negative)));
}

#[test]
fn too_many_or_misplaced_policies_refuse_everybody() {
    assert!(!refuses_everybody(|_| {}));
    let policy = |layer| sample::policy(1, layer, Rules::default());
    assert!(!refuses_everybody(|records| records.policies = vec![policy(Layer::Platform); MAX_POLICIES]));
    assert!(refuses_everybody(|records| records.policies = vec![policy(Layer::Platform); MAX_POLICIES + 1]));
    assert!(refuses_everybody(|records| records.policies = vec![policy(Layer::Org)]));
}

#[test]
fn an_organizations_credential_is_not_the_platforms() {
    let platform = compiled(|records| records.credentials[0].org = Some(OrgId::from_bits(1)));
    assert!(platform.credential("openai").is_none());
    assert_eq!(platform.problems().len(), 1);
}
