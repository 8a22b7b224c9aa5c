use domain::{Pico, TokenClass};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1);

fn refusal(text: &str) -> String {
    format!("{:#}", read(text, Reading::published(NOW)).unwrap_err())
}

/// One endpoint with what a test is about.
fn entry(prices: &str) -> String {
    format!(
        "[[endpoint]]\nmodel = \"acme/one\"\nprovider = \"acme\"\nupstream_model = \"one\"\nmax_output_tokens = 1\n\
         retention = \"unknown\"\nsource = \"https://acme.example/pricing\"\nchecked_on = \"2026-11-21\"\n{prices}\n"
    )
}

#[test]
fn every_endpoint_has_a_model_a_provider_and_an_input_price() {
    for catalogue in [published(NOW), simulated(NOW, "http://sandbox")] {
        let catalogue = catalogue.unwrap();
        for endpoint in &catalogue.endpoints {
            assert!(catalogue.models.iter().any(|model| model.slug == endpoint.model), "{}", endpoint.model);
            assert!(catalogue.providers.iter().any(|provider| provider.slug == endpoint.provider));
            let version = &endpoint.prices[0];
            assert!(version.unit.get(TokenClass::Input).is_some_and(|price| price > Pico::ZERO));
        }
    }
}

#[test]
fn the_book_has_at_least_120_endpoints_of_12_providers_and_uses_all_it_lists() {
    let catalogue = published(NOW).unwrap();
    assert!(catalogue.endpoints.len() >= 120, "{}", catalogue.endpoints.len());
    assert!(catalogue.providers.len() >= 12, "{}", catalogue.providers.len());
    for model in &catalogue.models {
        assert!(catalogue.endpoints.iter().any(|endpoint| endpoint.model == model.slug), "{}", model.slug);
    }
    for provider in &catalogue.providers {
        assert!(catalogue.endpoints.iter().any(|endpoint| endpoint.provider == provider.slug));
        assert!(provider.base_url.starts_with("https://") && !provider.base_url.ends_with('/'));
    }
}

#[test]
fn every_chat_endpoint_answers_and_has_an_output_price_and_no_embedding_has() {
    let catalogue = published(NOW).unwrap();
    for endpoint in &catalogue.endpoints {
        let model = catalogue.models.iter().find(|model| model.slug == endpoint.model).unwrap();
        let is_chat = model.kind == domain::model::ModelKind::Chat;
        let unit = &endpoint.prices[0].unit;
        assert_eq!(unit.get(TokenClass::Output).is_some(), is_chat, "{}", name_of(endpoint));
        assert_eq!(endpoint.max_output_tokens > 0, is_chat, "{}", name_of(endpoint));
        assert!(endpoint.max_output_tokens <= model.context_length, "{}", name_of(endpoint));
    }
}

#[test]
fn a_cached_token_is_nowhere_dearer_than_a_fresh_one() {
    for endpoint in &published(NOW).unwrap().endpoints {
        let version = &endpoint.prices[0];
        for unit in std::iter::once(&version.unit).chain(version.tiers.iter().map(|tier| &tier.unit)) {
            assert!(
                unit.get(TokenClass::CachedInput) <= unit.get(TokenClass::Input),
                "{}",
                name_of(endpoint)
            );
        }
    }
}

#[test]
fn no_published_price_is_dearer_than_the_ceiling() {
    let catalogue = published(NOW).unwrap();
    for endpoint in &catalogue.endpoints {
        let version = &endpoint.prices[0];
        for unit in std::iter::once(&version.unit).chain(version.tiers.iter().map(|tier| &tier.unit)) {
            for (class, price) in unit.iter() {
                assert!(price <= catalogue.ceiling.get(class), "{} {}", name_of(endpoint), class.name());
            }
        }
    }
}

#[test]
fn long_prompts_have_their_own_prices_where_they_are_published() {
    let catalogue = published(NOW).unwrap();
    let tiered: Vec<_> = catalogue.endpoints.iter().filter(|e| !e.prices[0].tiers.is_empty()).collect();
    assert!(tiered.len() >= 10, "{}", tiered.len());
    let of = |model: &str| tiered.iter().find(|endpoint| endpoint.model == model).unwrap();
    let version = &of("openai/gpt-5.4").prices[0];
    let output = |prompt| version.unit_for(prompt).get(TokenClass::Output);
    assert_eq!(output(272_000), Some(Pico::new(15_000_000)));
    assert_eq!(output(272_001), Some(Pico::new(22_500_000)));
}

#[test]
fn the_simulated_catalogue_has_one_endpoint_with_zero_retention_and_others_without() {
    let catalogue = simulated(NOW, "http://sandbox").unwrap();
    assert!(catalogue.providers.iter().all(|provider| provider.base_url.starts_with("http://sandbox/")));
    assert!(catalogue.endpoints.iter().any(|endpoint| endpoint.data_policy.is_zdr()));
    assert!(catalogue.endpoints.iter().any(|endpoint| !endpoint.data_policy.is_zdr()));
}

#[test]
fn the_simulated_catalogue_has_exactly_what_the_simulated_providers_answer_for() {
    let catalogue = simulated(NOW, "http://sandbox").unwrap();
    let played: usize = SIMULATED.iter().map(|(_, models)| models.len()).sum();
    assert_eq!(catalogue.endpoints.iter().filter(|e| e.provider != "sandbox-zdr").count(), played);
    assert_eq!((catalogue.models.len(), catalogue.providers.len()), (played, 3));
}

#[test]
fn a_price_that_nobody_can_mean_is_refused_with_a_sentence_that_names_the_endpoint() {
    for (prices, sentence) in [
        (r#"usd_per_million = { input = "-0.40" }"#, "the price of input is negative: -0.40"),
        (r#"usd_per_million = { input = "10000.01" }"#, "the price of input is absurd"),
        (r#"usd_per_million = { input = "0,40" }"#, "the price of input: \"0,40\": not an amount"),
        (r#"usd_per_million = { inptu = "0.40" }"#, "no token class inptu"),
        ("usd_per_million = { }", "usd_per_million is empty"),
    ] {
        let refused = refusal(&entry(prices));
        assert!(refused.starts_with("endpoint acme/one at acme: "), "{refused}");
        assert!(refused.contains(sentence), "{refused}");
    }
}

#[test]
fn tiers_that_do_not_rise_or_lack_a_price_are_refused() {
    let tier = |above: u32, prices: &str| {
        format!("[[endpoint.tier]]\nabove_prompt_tokens = {above}\nusd_per_million = {prices}\n")
    };
    let base = "usd_per_million = { input = \"1.00\", output = \"2.00\" }\n";
    let whole = "{ input = \"2.00\", output = \"3.00\" }";
    let falling = entry(&format!("{base}{}{}", tier(9, whole), tier(8, whole)));
    assert!(
        refusal(&falling).contains("one above 8 prompt tokens follows one above 9"),
        "{}",
        refusal(&falling)
    );
    let lacking = entry(&format!("{base}{}", tier(9, "{ input = \"2.00\" }")));
    assert!(refusal(&lacking).contains("lacks the price of output"), "{}", refusal(&lacking));
}

#[test]
fn an_endpoint_without_source_or_day_or_that_is_there_twice_is_refused() {
    let good = entry(r#"usd_per_million = { input = "0.40" }"#);
    assert!(read(&good, Reading::published(NOW)).is_ok());
    assert!(refusal(&good.replace("https://acme.example/pricing", " ")).contains("source is empty"));
    assert!(refusal(&good.replace("2026-11-21", "2026-13-21")).contains("checked_on is \"2026-13-21\""));
    assert!(refusal(&format!("{good}{good}")).contains("acme/one at acme (one) is there twice"));
}

#[test]
fn what_is_written_reads_back_as_it_was() {
    for catalogue in [published(NOW).unwrap(), simulated(NOW, "http://sandbox").unwrap()] {
        let write =
            |endpoint| file::write(endpoint, &endpoint.prices[0], ("https://acme.example", "2026-11-21"));
        let text = catalogue.endpoints.iter().map(write).collect::<Vec<_>>().join("\n\n");
        let again = read(&text, Reading::published(NOW)).unwrap();
        assert_eq!(again.endpoints.len(), catalogue.endpoints.len());
        for (one, other) in again.endpoints.iter().zip(&catalogue.endpoints) {
            assert!(is_same(one, other));
            assert_eq!(
                (&one.data_policy, one.max_output_tokens),
                (&other.data_policy, other.max_output_tokens)
            );
            assert_eq!(
                (&one.prices[0].unit, &one.prices[0].tiers),
                (&other.prices[0].unit, &other.prices[0].tiers)
            );
        }
    }
}
