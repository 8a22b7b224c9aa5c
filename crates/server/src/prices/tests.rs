use domain::model::Endpoint;
use domain::{Pico, TokenClass};
use tempfile::TempDir;

use super::*;

const DAY_S: i64 = 86_400;

/// A database with the simulated catalogue, and a file to import from.
struct World {
    store: Store,
    now: Timestamp,
    home: TempDir,
}

impl World {
    async fn new() -> Self {
        let (home, now) = (TempDir::new().unwrap(), Timestamp::parse("2026-11-21T12:00:00Z").unwrap());
        let url = format!("sqlite://{}?mode=rwc", home.path().join("weir.db").display());
        let store = Store::connect(&url, now).await.unwrap();
        let catalogue = catalogue::simulated(now, "http://sandbox").unwrap();
        let mut tx = store.begin_platform(Author::system(), now).await.unwrap();
        for provider in &catalogue.providers {
            tx.put_provider(provider).await.unwrap();
        }
        for model in &catalogue.models {
            tx.put_model(model).await.unwrap();
        }
        for endpoint in &catalogue.endpoints {
            tx.put_endpoint(endpoint).await.unwrap();
        }
        tx.set_ceiling(&catalogue.ceiling).await.unwrap();
        tx.commit().await.unwrap();
        Self { store, now, home }
    }

    async fn export(&self, at: Timestamp) -> String {
        let mut out = Vec::new();
        export(&self.store, at, &mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Imports `text` at `now`, and answers what was printed.
    async fn import(&self, text: &str, now: Timestamp, more: fn(&mut Import)) -> anyhow::Result<String> {
        let file = self.home.path().join("prices.toml");
        std::fs::write(&file, text).unwrap();
        let nothing = || "0".to_owned();
        let mut how = Import {
            file,
            effective_from: None,
            markup_percent: nothing(),
            discount_percent: nothing(),
            apply: false,
        };
        more(&mut how);
        let mut out = Vec::new();
        import(&self.store, &how, now, &mut out).await?;
        Ok(String::from_utf8(out).unwrap())
    }

    async fn endpoint(&self, upstream_model: &str) -> Endpoint {
        let endpoints = self.store.platform().await.unwrap().endpoints;
        let is_it = |e: &Endpoint| e.upstream_model == upstream_model && e.provider != "sandbox-zdr";
        endpoints.into_iter().find(is_it).unwrap()
    }

    async fn input_price(&self, upstream_model: &str, at: Timestamp) -> Pico {
        let endpoint = self.endpoint(upstream_model).await;
        price::valid_at(&endpoint.prices, at).unwrap().unit.get(TokenClass::Input).unwrap()
    }
}

/// The exported book with the input price of gpt-4.1 raised from 2.00 to 2.50.
fn dearer(book: &str) -> String {
    let changed = book
        .replace("input = \"2.00\", cached_input = \"0.50\"", "input = \"2.50\", cached_input = \"0.50\"");
    assert_ne!(changed, book);
    changed
}

fn apply(how: &mut Import) {
    how.apply = true;
}

#[tokio::test]
async fn what_was_exported_changes_nothing_when_it_is_imported() {
    let world = World::new().await;
    let book = world.export(world.now).await;
    let before = world.store.platform_version().await.unwrap();
    let shown = world.import(&book, world.now.plus_seconds(1), apply).await.unwrap();
    assert!(shown.contains("endpoints: 0 changed, 0 new, 12 unchanged"), "{shown}");
    assert_eq!(world.store.platform_version().await.unwrap(), before);
}

#[tokio::test]
async fn an_import_shows_the_difference_and_changes_nothing_until_it_is_applied() {
    let world = World::new().await;
    let book = dearer(&world.export(world.now).await);
    let later = world.now.plus_seconds(9);
    let shown = world.import(&book, later, |_| ()).await.unwrap();
    assert!(
        shown.contains("~ openai/gpt-4.1 at openai (gpt-4.1)\n    input: 2.00 -> 2.50 (+25.0 %)\n"),
        "{shown}"
    );
    assert!(shown.contains("endpoints: 1 changed, 0 new, 11 unchanged\nnothing was changed"), "{shown}");
    assert_eq!(world.input_price("gpt-4.1", later).await, Pico::new(2_000_000));
    let shown = world.import(&book, later, apply).await.unwrap();
    assert!(shown.contains("2.00 -> 2.50") && shown.contains("done: "), "{shown}");
    assert_eq!(world.input_price("gpt-4.1", later).await, Pico::new(2_500_000));
    assert_eq!(world.input_price("gpt-4.1", later.plus_seconds(-1)).await, Pico::new(2_000_000));
    assert_eq!(world.input_price("gpt-5", later).await, Pico::new(1_250_000));
}

#[tokio::test]
async fn a_version_that_begins_later_applies_from_then_on() {
    let world = World::new().await;
    let book = dearer(&world.export(world.now).await);
    let next_year = Timestamp::parse("2027-01-01T00:00:00Z").unwrap();
    let then = |how: &mut Import| {
        (how.apply, how.effective_from) = (true, Timestamp::parse("2027-01-01T00:00:00Z"));
    };
    world.import(&book, world.now, then).await.unwrap();
    assert_eq!(world.input_price("gpt-4.1", next_year.plus_seconds(-1)).await, Pico::new(2_000_000));
    assert_eq!(world.input_price("gpt-4.1", next_year).await, Pico::new(2_500_000));
    assert_eq!(dearer(&world.export(world.now).await).len(), book.len());
    assert!(world.export(next_year).await.contains("input = \"2.50\""));
}

#[tokio::test]
async fn versions_that_overlap_or_go_backwards_are_refused_with_the_endpoint_and_both_dates() {
    let world = World::new().await;
    let book = dearer(&world.export(world.now).await);
    let next_year =
        |how: &mut Import| (how.apply, how.effective_from) = (true, Timestamp::parse("2027-01-01T00:00:00Z"));
    world.import(&book, world.now, next_year).await.unwrap();
    let dearest = book.replace("input = \"2.50\"", "input = \"3.50\"");
    let revision = world.store.platform_version().await.unwrap();
    for (how, date) in [
        (next_year as fn(&mut Import), "2027-01-01T00:00:00Z"),
        (
            |how| (how.apply, how.effective_from) = (true, Timestamp::parse("2026-12-24T00:00:00Z")),
            "2026-12-24T00:00:00Z",
        ),
    ] {
        let refused = world.import(&dearest, world.now, how).await.unwrap_err().to_string();
        assert!(refused.starts_with("openai/gpt-4.1 at openai (gpt-4.1): "), "{refused}");
        assert!(refused.contains("begins at 2027-01-01T00:00:00Z"), "{refused}");
        assert!(refused.contains(&format!("cannot begin at {date}")), "{refused}");
    }
    let past = |how: &mut Import| how.effective_from = Timestamp::parse("2026-11-20T00:00:00Z");
    let refused = world.import(&dearest, world.now, past).await.unwrap_err().to_string();
    assert!(refused.contains("2026-11-20T00:00:00Z has passed, it is 2026-11-21T12:00:00Z"), "{refused}");
    assert_eq!(world.store.platform_version().await.unwrap(), revision);
}

#[tokio::test]
async fn a_new_endpoint_needs_its_model_and_provider_and_lifts_the_ceiling_where_it_is_dearer() {
    let world = World::new().await;
    let endpoint = "[[endpoint]]\nmodel = \"acme/one\"\nprovider = \"acme\"\nupstream_model = \"one\"\n\
        max_output_tokens = 1000\nretention = \"unknown\"\nsource = \"https://acme.example\"\nchecked_on = \"2026-11-21\"\n\
        usd_per_million = { input = \"31.00\", output = \"0.5\" }\n[[endpoint.tier]]\nabove_prompt_tokens = 9\n\
        usd_per_million = { input = \"40.00\", output = \"0.5\" }\n";
    let model = "[[model]]\nslug = \"acme/one\"\nname = \"One\"\nkind = \"chat\"\ncontext_length = 9000\n\
        created = \"2026-11-21T00:00:00Z\"\n";
    let provider = "[[provider]]\nslug = \"acme\"\nname = \"Acme\"\ndialect = \"openai\"\nbase_url = \"https://acme.example/v1\"\n";
    let refused = world.import(endpoint, world.now, apply).await.unwrap_err().to_string();
    assert!(refused.contains("there is no such model"), "{refused}");
    let refused =
        world.import(&format!("{model}{endpoint}"), world.now, apply).await.unwrap_err().to_string();
    assert!(refused.contains("there is no such provider"), "{refused}");
    let shown = world.import(&format!("{model}{provider}{endpoint}"), world.now, apply).await.unwrap();
    assert!(shown.contains("+ acme/one at acme (one)\n    input: none -> 31.00\n"), "{shown}");
    assert!(shown.contains("    input above 9 prompt tokens: none -> 40.00\n"), "{shown}");
    assert!(
        shown.contains("the ceiling, which") && shown.contains("    input: 30.00 -> 40.00 (+33.3 %)"),
        "{shown}"
    );
    let platform = world.store.platform().await.unwrap();
    assert_eq!(platform.ceiling.get(TokenClass::Input), Some(Pico::new(40_000_000)));
    assert_eq!(world.input_price("one", world.now).await, Pico::new(31_000_000));
}

#[tokio::test]
async fn markup_and_discount_are_part_of_the_new_version() {
    let world = World::new().await;
    let book = world.export(world.now).await;
    let agreed = |how: &mut Import| {
        how.apply = true;
        (how.markup_percent, how.discount_percent) = ("5".to_owned(), "10".to_owned());
    };
    let later = world.now.plus_seconds(DAY_S);
    let shown = world.import(&book, later, agreed).await.unwrap();
    assert!(shown.contains("    input: 2.00 -> 1.89 (-5.5 %)"), "{shown}");
    assert!(shown.contains("endpoints: 12 changed, 0 new, 0 unchanged"), "{shown}");
    assert_eq!(world.input_price("gpt-4.1", later).await, Pico::new(1_890_000));
}
