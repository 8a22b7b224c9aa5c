use std::fmt::Write;
use std::path::Path;

use super::*;
use crate::decide::ProviderAsk;
use crate::denial::RuleSource;
use crate::record::{
    Layer, ObjectRef, OrgChange, OrgObject, OrgRecords, PlatformRecords, Rate, RateUnit, Rules, Unaffordable,
    UnknownPrice,
};
use crate::sample::{self, NOW};

/// Draws the cheapest of the sample's endpoints.
const SEED: u64 = 1;

#[test]
fn the_decision_tables_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decide");
    let mut cases = 0;
    let mut failures = String::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        for case in
            std::fs::read_to_string(&path).unwrap().split("\n\n").filter(|case| !case.trim().is_empty())
        {
            cases += 1;
            check(case, &mut failures);
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(cases >= 55, "only {cases} cases were found");
}

/// Runs one case: a caption, lines of policy, `ask: …`, `=> …`.
fn check(case: &str, failures: &mut String) {
    let mut platform = sample::platform();
    let mut org = sample::org();
    let mut decided = None;
    for (number, line) in (100..).zip(case.lines()) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "#" => {}
            "byok:" => {
                org.objects.push(OrgObject::Credential(sample::credential(number, Some(org.org), rest)))
            }
            "ask:" => decided = Some(ask(&platform, &org, rest)),
            "=>" if rest.starts_with("rules ") => assert_line(case, rest, &rules(decided.as_ref()), failures),
            "=>" => assert_line(case, rest, &outcome(decided.as_ref()), failures),
            layer => {
                let policy = sample::policy(number, layer_named(layer), rules_from(rest));
                match policy.layer {
                    Layer::Platform => platform.policies.push(policy),
                    _ => org.objects.push(OrgObject::Policy(policy)),
                }
            }
        }
    }
}

fn assert_line(case: &str, expected: &str, found: &str, failures: &mut String) {
    if expected != found {
        write!(failures, "{case}\nbut found:\n=> {found}\n\n").unwrap();
    }
}

fn layer_named(name: &str) -> Layer {
    match name {
        "platform:" => Layer::Platform,
        "org:" => Layer::Org,
        "team:" => Layer::Team(sample::team().id),
        "member:" => Layer::Member(sample::member().id),
        "key:" => Layer::Key(sample::key(1, sample::org_id()).id),
        other => panic!("no such line: {other}"),
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn rules_from(text: &str) -> Rules {
    let mut rules = Rules::default();
    for word in text.split_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match name {
            "models" => rules.allowed_models = Some(list(value)),
            "!models" => rules.ignored_models = list(value),
            "providers" => rules.allowed_providers = Some(list(value)),
            "!providers" => rules.ignored_providers = list(value),
            "zdr" => rules.zdr = true,
            "no_training" => rules.no_training = true,
            "cap" => rules.output_cap = Some(value.parse().unwrap()),
            "reject" => rules.unaffordable = Some(Unaffordable::Reject),
            "clamp" => rules.unaffordable = Some(Unaffordable::Clamp),
            "block" => rules.unknown_price = Some(UnknownPrice::Block),
            "ceiling" => rules.unknown_price = Some(UnknownPrice::Ceiling),
            "default" => rules.default_model = Some(value.to_owned()),
            other => panic!("no such rule: {other}"),
        }
    }
    rules
}

fn ask(platform: &PlatformRecords, org: &OrgRecords, text: &str) -> Result<Permit, Denial> {
    let (mut model, mut models) = (None, Vec::new());
    let (mut order, mut only, mut ignore) = (Vec::new(), Vec::new(), Vec::new());
    let (mut allow_fallbacks, mut zdr, mut no_training) = (true, None, false);
    for word in text.split_whitespace() {
        match word.split_once('=') {
            None => model = Some(word),
            Some(("models", value)) => models = list(value),
            Some(("order", value)) => order = list(value),
            Some(("only", value)) => only = list(value),
            Some(("ignore", value)) => ignore = list(value),
            Some(("fallbacks", value)) => allow_fallbacks = value == "yes",
            Some(("zdr", value)) => zdr = Some(value == "yes"),
            Some(("deny", value)) => no_training = value == "yes",
            Some((other, _)) => panic!("no such field: {other}"),
        }
    }
    let provider =
        ProviderAsk { order: &order, only: &only, ignore: &ignore, allow_fallbacks, zdr, no_training };
    let ask = Ask { kind: ModelKind::Chat, model, models: &models, provider, seed: SEED };
    let snapshot = PolicySnapshot::build(platform.clone(), [org.clone()]);
    decide(&snapshot, &caller(&snapshot), &ask, NOW)
}

fn caller(snapshot: &PolicySnapshot) -> Caller {
    snapshot.authenticate(sample::key_text(1).expose(), &sample::pepper(), NOW).unwrap()
}

fn outcome(decided: Option<&Result<Permit, Denial>>) -> String {
    match decided.expect("a case asks before it expects") {
        Ok(permit) => providers(permit.candidates()),
        Err(denial) => denied(denial),
    }
}

fn providers(candidates: &[Candidate]) -> String {
    let mark = |candidate: &Candidate| if candidate.is_byok() { "*" } else { "" };
    let names = candidates.iter().map(|candidate| format!("{}{}", candidate.provider.slug, mark(candidate)));
    names.collect::<Vec<_>>().join(" ")
}

fn denied(denial: &Denial) -> String {
    let mut words = vec![denial.code().status().to_string()];
    words.extend(denial.availability().map(|availability| availability.code.to_owned()));
    match denial {
        Denial::Broken { .. } => words.push("broken".to_owned()),
        Denial::ModelForbidden { why, .. } => words.push(format!("{} {}", rule(why), source(why))),
        Denial::NoEndpoint(none) => words.extend(none.excluded.iter().map(|exclusion| {
            format!("{}:{}/{}", exclusion.provider, rule(&exclusion.why), source(&exclusion.why))
        })),
        _ => {}
    }
    words.join(" ")
}

fn rule(why: &Why) -> &'static str {
    match why.rule {
        Rule::AllowedModels => "allowed_models",
        Rule::IgnoredModels => "ignored_models",
        Rule::AllowedProviders => "allowed_providers",
        Rule::IgnoredProviders => "ignored_providers",
        Rule::Order => "order",
        Rule::Zdr => "zdr",
        Rule::Training => "training",
        Rule::Price => "price",
        Rule::Credential => "credential",
    }
}

fn source(why: &Why) -> &str {
    match &why.source {
        RuleSource::Policy { layer, .. } => layer,
        RuleSource::Request(field) => field,
        RuleSource::Platform => "platform",
    }
}

fn rules(decided: Option<&Result<Permit, Denial>>) -> String {
    let permit = decided.expect("a case asks before it expects").as_ref().expect("rules come with a permit");
    let rules = permit.rules();
    let mut text = "rules ".to_owned();
    text.push_str(if rules.zdr { "zdr " } else { "" });
    text.push_str(if rules.no_training { "no_training " } else { "" });
    let unaffordable = if rules.unaffordable == Unaffordable::Reject { "reject" } else { "clamp" };
    let unknown_price = if rules.unknown_price == UnknownPrice::Block { "block" } else { "ceiling" };
    write!(text, "cap={} {unaffordable} {unknown_price}", rules.output_cap).unwrap();
    text
}

fn snapshot() -> PolicySnapshot {
    PolicySnapshot::build(sample::platform(), [sample::org()])
}

#[test]
fn a_permit_carries_all_that_is_needed_to_call_and_to_charge() {
    let snapshot = snapshot();
    let ask = Ask::new(ModelKind::Chat, Some("openai/gpt"), SEED);
    let permit = decide(&snapshot, &caller(&snapshot), &ask, NOW).unwrap();
    let [first, _] = permit.candidates() else { panic!("two candidates") };
    assert_eq!(first.model.slug, "openai/gpt");
    assert_eq!(first.endpoint.provider, first.provider.slug);
    assert_eq!(*first.price, first.endpoint.prices[0]);
    assert_eq!(first.credential.provider, first.provider.slug);
    assert_eq!(permit.revision(), (1, 1, 1));
    assert_eq!(permit.ceiling(), &sample::platform().ceiling);
    assert_eq!(permit.caller().cost_centre(), Some("cc-1"));
    assert_eq!(permit.caller().team_id(), Some(sample::team().id));
    assert_eq!(permit.caller().member_id(), Some(sample::member().id));
}

#[test]
fn a_permit_is_current_until_the_organization_or_the_platform_changes() {
    let before = snapshot();
    let ask = Ask::new(ModelKind::Chat, Some("openai/gpt"), SEED);
    let permit = decide(&before, &caller(&before), &ask, NOW).unwrap();
    assert!(permit.is_current(&before));

    let other_org = OrgRecords { org: domain::OrgId::from_bits(9), objects: Vec::new(), ..sample::org() };
    assert!(permit.is_current(&before.apply_org(other_org).unwrap()));

    let policy = sample::policy(1, Layer::Org, Rules { zdr: true, ..Rules::default() });
    let change = OrgChange {
        epoch: 1,
        org: sample::org_id(),
        revision: 2,
        previous: 1,
        put: vec![OrgObject::Policy(policy)],
        removed: Vec::new(),
    };
    let after = before.apply_change(change).unwrap();
    assert!(!permit.is_current(&after));
    let again = decide(&after, &after.recall(permit.caller(), NOW).unwrap(), &ask, NOW).unwrap();
    assert_eq!(providers(again.candidates()), "azure");

    let platform = PlatformRecords { revision: 2, ..sample::platform() };
    assert!(!permit.is_current(&before.apply_platform(platform).unwrap()));
    let removed = before.remove_org(sample::org_id(), crate::Version { epoch: 1, revision: 5 }).unwrap();
    assert!(!permit.is_current(&removed));
}

#[test]
fn a_key_whose_team_or_member_is_gone_is_refused() {
    let before = snapshot();
    for gone in [ObjectRef::Team(sample::team().id), ObjectRef::Member(sample::member().id)] {
        let change = OrgChange {
            epoch: 1,
            org: sample::org_id(),
            revision: 2,
            previous: 1,
            put: Vec::new(),
            removed: vec![gone],
        };
        let after = before.apply_change(change).unwrap();
        let ask = Ask::new(ModelKind::Chat, Some("openai/gpt"), SEED);
        let denial = decide(&after, &caller(&after), &ask, NOW).unwrap_err();
        assert!(matches!(denial, Denial::Broken { .. }), "{denial}");
        assert!(offers(&after, &caller(&after), NOW).is_err());
    }
}

#[test]
fn too_many_fallback_models_are_refused() {
    let snapshot = snapshot();
    let models = vec!["openai/gpt".to_owned(); MAX_MODELS + 1];
    let ask = Ask { models: &models, ..Ask::new(ModelKind::Chat, None, SEED) };
    let denial = decide(&snapshot, &caller(&snapshot), &ask, NOW).unwrap_err();
    assert_eq!(denial, Denial::TooManyModels { max: MAX_MODELS });
}

#[test]
fn a_model_named_twice_is_tried_once() {
    let snapshot = snapshot();
    let models = ["openai/gpt".to_owned(), "openai/gpt".to_owned()];
    let ask = Ask { models: &models, ..Ask::new(ModelKind::Chat, Some("openai/gpt"), SEED) };
    let permit = decide(&snapshot, &caller(&snapshot), &ask, NOW).unwrap();
    assert_eq!(permit.candidates().len(), 2);
}

#[test]
fn offers_are_the_models_a_bare_request_could_use() {
    let mut org = sample::org();
    let rules = Rules { zdr: true, ignored_models: vec!["anthropic/*".to_owned()], ..Rules::default() };
    org.objects.push(OrgObject::Policy(sample::policy(1, Layer::Org, rules)));
    let snapshot = PolicySnapshot::build(sample::platform(), [org]);
    let offers = offers(&snapshot, &caller(&snapshot), NOW).unwrap();
    let offered: Vec<_> =
        offers.iter().map(|offer| (offer.model.slug.as_str(), providers(&offer.candidates))).collect();
    assert_eq!(offered, [("openai/embed", "openai".to_owned()), ("openai/gpt", "azure".to_owned())]);
}

#[test]
fn the_price_version_that_applies_now_is_taken() {
    let mut platform = sample::platform();
    let later = domain::price::PriceVersion { effective_from: NOW, ..sample::price(90, 1) };
    let future = domain::price::PriceVersion { effective_from: NOW.plus_seconds(1), ..sample::price(91, 1) };
    platform.endpoints[0].prices.insert(0, future);
    platform.endpoints[0].prices.insert(0, later);
    let snapshot = PolicySnapshot::build(platform, [sample::org()]);
    let only = ["openai".to_owned()];
    let provider = ProviderAsk { only: &only, ..ProviderAsk::default() };
    let ask = Ask { provider, ..Ask::new(ModelKind::Chat, Some("openai/gpt"), SEED) };
    let price = |now| {
        let permit = decide(&snapshot, &caller(&snapshot), &ask, now).unwrap();
        permit.candidates()[0].price.id.to_bits()
    };
    assert_eq!(price(NOW.plus_seconds(-1)), 1);
    assert_eq!(price(NOW), 90);
    assert_eq!(price(NOW.plus_seconds(1)), 91);
}

/// One policy for every rule at every layer.
fn every_policy() -> Vec<crate::record::Policy> {
    let layers = ["platform:", "org:", "team:", "member:", "key:"];
    let rules = [
        "models=openai/*",
        "models=",
        "!models=anthropic/claude",
        "providers=azure,vertex",
        "!providers=openai",
        "zdr",
        "no_training",
        "models=bad",
    ];
    let all = layers.into_iter().flat_map(|layer| rules.map(|rules| (layer_named(layer), rules_from(rules))));
    all.map(|(layer, rules)| sample::policy(0, layer, rules)).collect()
}

/// The endpoints a request for both models may go to, under these policies.
fn permitted(policies: &[&crate::record::Policy]) -> Vec<domain::EndpointId> {
    let (mut platform, mut org) = (sample::platform(), sample::org());
    for (number, policy) in (1..).zip(policies) {
        let policy = crate::record::Policy { id: domain::PolicyId::from_bits(number), ..(*policy).clone() };
        match policy.layer {
            Layer::Platform => platform.policies.push(policy),
            _ => org.objects.push(OrgObject::Policy(policy)),
        }
    }
    let permit = ask(&platform, &org, "openai/gpt models=anthropic/claude");
    let candidates = permit.as_ref().map_or(&[][..], Permit::candidates);
    candidates.iter().map(|candidate| candidate.endpoint.id).collect()
}

#[test]
fn a_policy_added_at_any_layer_never_adds_a_candidate() {
    let policies = every_policy();
    for first in &policies {
        let before = permitted(&[first]);
        for second in &policies {
            let after = permitted(&[first, second]);
            assert!(after.iter().all(|id| before.contains(id)), "{second:?} loosens {first:?}");
            let alone = permitted(&[second]);
            let both = before.iter().filter(|id| alone.contains(id)).count();
            assert_eq!(after.len(), both, "{first:?} and {second:?} intersect");
        }
    }
}

fn with_rate(layer: &str, limit: u32, models: Option<&str>) -> crate::record::Policy {
    let rate = Rate { unit: RateUnit::RequestsPerMinute, limit, models: models.map(str::to_owned) };
    sample::policy(700, layer_named(layer), Rules { rates: vec![rate], ..Rules::default() })
}

#[test]
fn a_permit_names_the_rates_of_every_layer_from_the_widest_and_whether_they_count_a_model() {
    let (mut platform, mut org) = (sample::platform(), sample::org());
    platform.policies.push(with_rate("platform:", 100, None));
    org.objects.push(OrgObject::Policy(with_rate("key:", 5, Some("OpenAI/*"))));
    let permit = ask(&platform, &org, "openai/gpt").unwrap();
    let found: Vec<_> =
        permit.quotas().iter().map(|quota| (quota.layer, quota.rate.limit, quota.place)).collect();
    assert_eq!(found, [("platform", 100, 0), ("key", 5, 0)]);
    let counts = |model| permit.quotas().iter().map(|quota| quota.counts(model)).collect::<Vec<_>>();
    assert_eq!(counts("openai/gpt"), [true, true]);
    assert_eq!(counts("anthropic/claude"), [true, false]);
}

#[test]
fn a_rate_that_cannot_be_meant_is_a_problem_and_refuses() {
    for broken in [with_rate("org:", 0, None), with_rate("org:", 5, Some("gpt"))] {
        assert!(crate::problem(&broken).is_some());
        let mut org = sample::org();
        org.objects.push(OrgObject::Policy(broken));
        assert!(ask(&sample::platform(), &org, "openai/gpt").is_err());
    }
}
