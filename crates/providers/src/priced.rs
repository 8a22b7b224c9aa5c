//! Usage objects as providers write them, each priced to the pico that was worked out by hand.
//!
//! Invariant: what a case expects is written in `fixtures/usage/cases.json` and nowhere computed by the code under test;
//! its arithmetic is checked by an evaluator of its own.

use std::fs;

use domain::price::{PriceTier, PriceVersion, UnitPrices};
use domain::{Pico, PriceVersionId, Timestamp, TokenClass, TokenUsage};
use metering::{Priced, cost};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::{Reported, UsageShape, read_usage};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/usage/cases.json");

/// Every shape by its name in the cases.
pub(crate) const SHAPES: [(&str, UsageShape); 8] = [
    ("openai_chat", UsageShape::OpenAiChat),
    ("openai_responses", UsageShape::OpenAiResponses),
    ("openai_images", UsageShape::OpenAiImages),
    ("openai_embeddings", UsageShape::OpenAiEmbeddings),
    ("anthropic", UsageShape::Anthropic),
    ("gemini", UsageShape::Gemini),
    ("bedrock", UsageShape::Bedrock),
    ("cohere", UsageShape::Cohere),
];

/// One usage object and what it comes to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    shape: String,
    /// Whose answer it is, and where that is documented.
    source: String,
    object: Box<RawValue>,
    /// Pico-USD per unit of each class that has a price.
    prices: Map<String, Value>,
    #[serde(default)]
    tiers: Vec<Tier>,
    /// The classes that are not zero; `null` where the object says nothing that counts.
    classes: Option<Map<String, Value>>,
    #[serde(default)]
    absurd: bool,
    #[serde(default)]
    total_mismatch: bool,
    /// The flags of the price.
    #[serde(default)]
    flags: Vec<String>,
    /// `quantity*price + quantity*price …`
    sum: Option<String>,
    /// Its value, in pico-USD.
    cost: Option<i64>,
}

#[derive(Deserialize)]
struct Tier {
    above_prompt_tokens: u64,
    prices: Map<String, Value>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(&fs::read_to_string(CASES).expect("the cases are there")).expect("cases")
}

fn shape(name: &str) -> UsageShape {
    let named = SHAPES.into_iter().find(|(known, _)| *known == name);
    named.unwrap_or_else(|| panic!("{name} is no shape")).1
}

fn class(name: &str) -> TokenClass {
    TokenClass::from_name(name).unwrap_or_else(|| panic!("{name} is no class"))
}

/// The objects of all cases, as values.
pub(crate) fn objects() -> Vec<Value> {
    cases().iter().map(|case| serde_json::from_str(case.object.get()).expect("JSON")).collect()
}

fn prices(prices: &Map<String, Value>) -> UnitPrices {
    prices.iter().fold(UnitPrices::default(), |unit, (name, pico)| {
        unit.with(class(name), Some(Pico::new(pico.as_i64().expect("a price"))))
    })
}

impl Case {
    fn version(&self) -> PriceVersion {
        let tier = |tier: &Tier| PriceTier {
            above_prompt_tokens: tier.above_prompt_tokens,
            unit: prices(&tier.prices),
        };
        PriceVersion {
            id: PriceVersionId::from_bits(1),
            effective_from: Timestamp::from_millis(0),
            unit: prices(&self.prices),
            tiers: self.tiers.iter().map(tier).collect(),
        }
    }

    fn expected(&self) -> Reported {
        let usage = self.classes.as_ref().map(|classes| {
            classes.iter().fold(TokenUsage::default(), |usage, (name, quantity)| {
                usage.with(class(name), quantity.as_u64().expect("a quantity"))
            })
        });
        Reported { usage, absurd: self.absurd, total_mismatch: self.total_mismatch }
    }

    fn reported(&self) -> Reported {
        read_usage(shape(&self.shape), self.object.get())
    }
}

/// The value of products and sums of whole numbers.
fn evaluate(sum: &str) -> i64 {
    let product = |term: &str| -> i64 {
        term.split('*').map(|factor| factor.trim().parse::<i64>().expect("a whole number")).product()
    };
    sum.split('+').map(product).sum()
}

#[test]
fn there_are_at_least_120_usage_objects_with_a_price_and_each_has_a_name_of_its_own() {
    let cases = cases();
    let priced = cases.iter().filter(|case| case.cost.is_some()).count();
    assert!(priced >= 120, "{priced} of {}", cases.len());
    let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len());
    assert!(cases.iter().all(|case| !case.source.is_empty()));
}

#[test]
fn every_class_and_every_shape_has_a_case_with_a_price() {
    let cases = cases();
    for class in TokenClass::ALL {
        let uses = |case: &&Case| case.classes.as_ref().is_some_and(|used| used.contains_key(class.name()));
        assert!(cases.iter().any(|case| uses(&case) && case.prices.contains_key(class.name())), "{class:?}");
    }
    for (shape, _) in SHAPES {
        let of_it = || cases.iter().filter(|case| case.shape == shape);
        assert!(of_it().any(|case| case.cost.is_some_and(|cost| cost > 0)), "{shape} with a price");
        assert!(of_it().any(|case| case.absurd), "{shape} with an absurd count");
    }
}

#[test]
fn each_sum_comes_to_its_cost() {
    assert_eq!(evaluate("3*7 + 2 + 10*10*10"), 1023);
    for case in cases() {
        assert_eq!(case.sum.as_deref().map(evaluate), case.cost, "{}", case.name);
        assert_eq!(case.cost.is_some(), case.classes.is_some(), "{}", case.name);
    }
}

#[test]
fn each_usage_object_is_read_into_disjoint_classes() {
    for case in cases() {
        assert_eq!(case.reported(), case.expected(), "{}", case.name);
    }
}

#[test]
fn each_usage_object_costs_what_was_worked_out_by_hand() {
    for case in cases() {
        let Some(usage) = case.reported().usage else {
            assert_eq!(case.cost, None, "{}", case.name);
            continue;
        };
        let Priced { cost, flags } = cost(&usage, &case.version(), None).expect("a cost");
        assert_eq!(Some(cost.get()), case.cost, "{}", case.name);
        assert_eq!(flags.names().collect::<Vec<_>>(), case.flags, "{}", case.name);
    }
}

/// The total is read from the object here, and what Perplexity counts beside it is added.
#[test]
fn classes_add_up_to_the_total_wherever_no_mismatch_is_flagged() {
    for case in cases() {
        let Some(usage) = case.reported().usage.filter(|_| !case.total_mismatch) else { continue };
        let object: Value = serde_json::from_str(case.object.get()).expect("JSON");
        let total =
            ["total_tokens", "totalTokenCount", "totalTokens"].iter().find_map(|name| object[*name].as_u64());
        let beside = match &object["citation_tokens"] {
            Value::Null => 0,
            citations => {
                citations.as_u64().expect("a count") + object["reasoning_tokens"].as_u64().expect("a count")
            }
        };
        let sum = usage.prompt_tokens() + usage.completion_tokens();
        assert_eq!(sum, total.map_or(sum, |total| total + beside), "{}", case.name);
    }
}
