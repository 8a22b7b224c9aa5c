//! The catalogue as it is shown, and an organization's own provider secrets.

use domain::model::{DataPolicy, Dialect, Endpoint, Model, ModelKind, Provider, Retention};
use domain::price::{PriceVersion, UnitPrices};
use domain::{Clock, EndpointId, Pico, PriceVersionId, TokenClass};
use policy::feed::{CallOutcome, Calls};
use policy::record::{Credential, OrgObject};
use policy::sealed::open_credential;
use serde_json::json;
use store::Author;

use crate::world::World;

async fn with_catalogue() -> World {
    let world = World::new().await;
    let now = world.clock.now();
    let provider = Provider {
        slug: "acme".to_owned(),
        name: "Acme".to_owned(),
        dialect: Dialect::OpenAi,
        base_url: "https://api.acme.example/v1".to_owned(),
    };
    let model = Model {
        slug: "acme/one".to_owned(),
        name: "One".to_owned(),
        kind: ModelKind::Chat,
        context_length: 128_000,
        created: now,
    };
    let unit = UnitPrices::default().with(TokenClass::Input, Some(Pico::new(400_000)));
    let version = |n: u128, days: i64, unit| PriceVersion {
        id: PriceVersionId::new(now, n),
        effective_from: now.plus_seconds(days * 86_400),
        unit,
        tiers: Vec::new(),
    };
    let dearer = unit.with(TokenClass::Input, Some(Pico::new(800_000)));
    let endpoint = |n: u128, retention| Endpoint {
        id: EndpointId::new(now, n),
        model: "acme/one".to_owned(),
        provider: "acme".to_owned(),
        upstream_model: "one".to_owned(),
        max_output_tokens: 8_192,
        data_policy: DataPolicy { retention, trains: None },
        prices: vec![version(n * 10, -1, unit), version(n * 10 + 1, 1, dearer)],
    };
    let zero = Retention::Zero { evidence_url: "https://acme.example/zdr".to_owned(), checked_at: now };
    let mut tx = world.deps.store.begin_platform(Author::system(), now).await.unwrap();
    tx.put_provider(&provider).await.unwrap();
    tx.put_model(&model).await.unwrap();
    tx.put_endpoint(&endpoint(1, zero)).await.unwrap();
    tx.put_endpoint(&endpoint(2, Retention::Unknown)).await.unwrap();
    tx.commit().await.unwrap();
    world
}

#[tokio::test]
async fn a_model_shows_where_it_can_be_reached_at_the_prices_of_now() {
    let world = with_catalogue().await;
    let query =
        "{ models { nodes { slug kind contextLength endpoints { provider zdr evidenceUrl checkedAt trains
        prices { effectiveFrom units { class usd } } } } } }";
    let model = world.ask(query, json!({})).await["models"]["nodes"][0].clone();
    assert_eq!((&model["slug"], &model["kind"]), (&json!("acme/one"), &json!("CHAT")));
    assert_eq!(
        model["endpoints"],
        json!([
            { "provider": "acme", "zdr": true, "evidenceUrl": "https://acme.example/zdr",
                "checkedAt": "2026-11-21T12:00:00Z", "trains": null,
                "prices": { "effectiveFrom": "2026-11-20T12:00:00Z", "units": [{ "class": "input", "usd": "0.0000004" }] } },
            { "provider": "acme", "zdr": false, "evidenceUrl": null, "checkedAt": null, "trains": null,
                "prices": { "effectiveFrom": "2026-11-20T12:00:00Z", "units": [{ "class": "input", "usd": "0.0000004" }] } },
        ])
    );
}

async fn sealed(world: &World) -> Vec<Credential> {
    let records = world.deps.store.load_records(world.org).await.unwrap().unwrap();
    let credential = |object| if let OrgObject::Credential(found) = object { Some(found) } else { None };
    records.objects.into_iter().filter_map(credential).collect()
}

#[tokio::test]
async fn a_credential_is_sealed_for_its_place_and_its_secret_never_shown() {
    let world = with_catalogue().await;
    let store = "mutation($i: StoreCredentialInput!) { storeCredential(input: $i) {
        credential { id provider label version } } }";
    let org = world.org.to_string();
    let input = |id: serde_json::Value, secret: &str| json!({ "i": { "organizationId": org, "id": id, "provider": "Acme", "label": "Main", "secret": secret } });
    let made =
        world.ask(store, input(json!(null), "secret-one")).await["storeCredential"]["credential"].clone();
    assert_eq!((&made["provider"], &made["version"]), (&json!("acme"), &json!(1)));
    let first = sealed(&world).await;
    let open = |credential: &Credential| {
        open_credential(&world.deps.master_key, credential).unwrap().expose().clone()
    };
    assert_eq!(first.iter().map(open).collect::<Vec<_>>(), ["secret-one"]);

    let replaced = world.ask(store, input(made["id"].clone(), "secret-two")).await;
    assert_eq!(replaced["storeCredential"]["credential"]["version"], 2);
    let second = sealed(&world).await;
    assert_eq!(second.iter().map(open).collect::<Vec<_>>(), ["secret-two"]);
    let swapped = Credential { sealed: first[0].sealed.clone(), ..second[0].clone() };
    assert!(
        open_credential(&world.deps.master_key, &swapped).is_err(),
        "an older version does not come back"
    );

    let all = "query($o: ID!) { organization(id: $o) { credentials { nodes { id provider label version } }
        auditLog(first: 100) { nodes { action object detail } } } }";
    let shown = world.ask(all, json!({ "o": org })).await;
    assert!(shown.to_string().contains("Main"));
    for secret in ["secret-one", "secret-two", &hex::encode(&second[0].sealed.0)] {
        assert!(!shown.to_string().contains(secret));
    }

    let remove = "mutation($i: RemoveCredentialInput!) { removeCredential(input: $i) { revision } }";
    world.ask(remove, json!({ "i": { "organizationId": org, "id": made["id"] } })).await;
    assert!(sealed(&world).await.is_empty());
}

#[tokio::test]
async fn a_credential_is_tried_by_a_node_and_the_trial_is_in_the_audit_log() {
    let world = with_catalogue().await;
    let org = world.org.to_string();
    let store = "mutation($i: StoreCredentialInput!) { storeCredential(input: $i) { credential { id } } }";
    let input = json!({ "organizationId": org, "provider": "acme", "label": "Main", "secret": "secret-one" });
    let made = world.ask(store, json!({ "i": input })).await["storeCredential"]["credential"]["id"].clone();
    let test =
        "mutation($i: TestCredentialInput!) { testCredential(input: $i) { ok status models message } }";
    let input = json!({ "i": { "organizationId": org, "id": made } });
    let accepted = "the provider accepts the credential";
    let unsure = "the provider answered with status 500, which says nothing about the credential";
    for (status, models, problem, ok, message) in [
        (Some(200), vec!["one"], None, true, accepted),
        (Some(401), vec![], None, false, "the provider refuses the credential"),
        (Some(500), vec![], None, false, unsure),
        (None, vec![], Some("it is away"), false, "it is away"),
    ] {
        let node = async {
            let calls = world.deps.calls.next(metering::sample::holder(1), Vec::new()).await.unwrap();
            let [call] = calls.as_slice() else { panic!("{calls:?}") };
            assert_eq!((call.org, json!(call.credential.to_string())), (Some(world.org), made.clone()));
            let models = models.iter().map(ToString::to_string).collect();
            let outcome = CallOutcome { id: call.id, status, models, problem: problem.map(str::to_owned) };
            // A node reports while it waits for the next call: there is none.
            let next = world.deps.calls.next(metering::sample::holder(1), vec![outcome]);
            let _ = tokio::time::timeout(std::time::Duration::from_millis(50), next).await;
        };
        let (answer, ()) = tokio::join!(world.ask(test, input.clone()), node);
        let expected = json!({ "ok": ok, "status": status, "models": models, "message": message });
        assert_eq!(answer["testCredential"], expected);
    }
    let log = "query($o: ID!) { organization(id: $o) { auditLog(first: 4) { nodes { action object } } } }";
    let entries = world.ask(log, json!({ "o": org })).await["organization"]["auditLog"]["nodes"].clone();
    let entry = json!({ "action": "test_credential", "object": made });
    assert_eq!(entries, json!([entry, entry, entry, entry]));
}

#[tokio::test]
async fn without_a_node_a_trial_says_so() {
    let world = with_catalogue().await;
    let org = world.org.to_string();
    let store = "mutation($i: StoreCredentialInput!) { storeCredential(input: $i) { credential { id } } }";
    let input = json!({ "organizationId": org, "provider": "acme", "label": "Main", "secret": "secret-one" });
    let made = world.ask(store, json!({ "i": input })).await["storeCredential"]["credential"]["id"].clone();
    let test =
        "mutation($i: TestCredentialInput!) { testCredential(input: $i) { ok status models message } }";
    let answer = world.ask(test, json!({ "i": { "organizationId": org, "id": made } })).await;
    let message = "no node is connected to this control plane";
    let expected = json!({ "ok": false, "status": null, "models": [], "message": message });
    assert_eq!(answer["testCredential"], expected);
}
