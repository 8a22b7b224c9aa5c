//! The catalogue and what else is the platform's.

use domain::model::{DataPolicy, Retention};
use domain::price::{PriceTier, PriceVersion, UnitPrices};
use domain::{Pico, PolicyId, TokenClass};
use policy::record::{Credential, Layer, Policy};
use policy::sample;
use sea_orm::{ConnectionTrait, Statement};
use store::{Author, Store, StoreError};

use crate::policy::strict;
use crate::world::{ALL, NOW, World};

/// Writes the sample catalogue.
pub(crate) async fn put_platform(world: &World) {
    let sample = sample::platform();
    let mut tx = world.store.begin_platform(Author::system(), NOW).await.unwrap();
    for provider in &sample.providers {
        tx.put_provider(provider).await.unwrap();
    }
    for model in &sample.models {
        tx.put_model(model).await.unwrap();
    }
    for endpoint in &sample.endpoints {
        tx.put_endpoint(endpoint).await.unwrap();
    }
    tx.set_ceiling(&sample.ceiling).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) async fn the_platforms_objects_read_back_as_they_were_written(world: World) {
    put_platform(&world).await;
    let sample = sample::platform();
    let credential =
        Credential { provider: sample.providers[0].slug.clone(), ..sample::credential(1, None, "x") };
    let rule =
        Policy { id: PolicyId::new(NOW, 1), layer: Layer::Platform, name: "all".to_owned(), rules: strict() };
    let mut tx = world.store.begin_platform(Author::system(), NOW).await.unwrap();
    for _ in 0..2 {
        tx.put_credential(&credential).await.unwrap();
        tx.put_policy(&rule).await.unwrap();
    }
    assert!(matches!(
        tx.put_policy(&Policy { layer: Layer::Org, ..rule.clone() }).await,
        Err(StoreError::Conflict(_))
    ));
    assert_eq!(tx.commit().await.unwrap(), 2);
    let found = world.store.platform().await.unwrap();
    let mut providers = sample.providers.clone();
    providers.sort_by(|one, other| one.slug.cmp(&other.slug));
    assert_eq!(found.providers, providers);
    let mut models = sample.models.clone();
    models.sort_by(|one, other| one.slug.cmp(&other.slug));
    assert_eq!(found.models, models);
    let mut endpoints = sample.endpoints.clone();
    endpoints.sort_by_key(|endpoint| endpoint.id);
    assert_eq!(found.endpoints, endpoints);
    assert_eq!((found.ceiling, found.revision), (sample.ceiling, 2));
    assert_eq!((found.credentials, found.policies), (vec![credential.clone()], vec![rule.clone()]));
    let slugs: Vec<_> = models.iter().map(|model| model.slug.clone()).collect();
    assert_eq!(world.store.endpoints(&slugs).await.unwrap(), endpoints);
    assert_eq!(world.store.models(&ALL).await.unwrap().items, models);
    assert_eq!(world.store.model(&slugs[0]).await.unwrap(), models[0]);
    let mut tx = world.store.begin_platform(Author::system(), NOW).await.unwrap();
    tx.remove_credential(credential.id).await.unwrap();
    tx.remove_policy(rule.id).await.unwrap();
    assert!(matches!(tx.remove_policy(rule.id).await, Err(StoreError::NotFound)));
    tx.commit().await.unwrap();
    assert!(world.store.platform().await.unwrap().credentials.is_empty());
}

pub(crate) async fn a_price_version_is_never_changed(world: World) {
    put_platform(&world).await;
    let mut endpoint = sample::platform().endpoints.remove(0);
    let dearer = UnitPrices::default().with(TokenClass::Input, Some(Pico::new(999_999)));
    let mut changed = endpoint.clone();
    changed.prices[0].unit = dearer;
    let mut tx = world.store.begin_platform(Author::system(), NOW).await.unwrap();
    assert!(matches!(tx.put_endpoint(&changed).await, Err(StoreError::Conflict(_))));
    drop(tx);
    let mut next = endpoint.prices[0].clone();
    next.id = domain::PriceVersionId::new(NOW, 77);
    next.effective_from = NOW.plus_seconds(9);
    next.unit = dearer;
    next.tiers = vec![PriceTier { above_prompt_tokens: 200_000, unit: dearer }];
    endpoint.prices.push(next);
    endpoint.data_policy = DataPolicy { retention: Retention::Retained, trains: None };
    let mut tx = world.store.begin_platform(Author::system(), NOW).await.unwrap();
    tx.put_endpoint(&endpoint).await.unwrap();
    tx.commit().await.unwrap();
    let found = world.store.endpoints(std::slice::from_ref(&endpoint.model)).await.unwrap();
    assert!(found.contains(&endpoint), "{found:?}");
    let sql = world.sql().await;
    for statement in ["UPDATE price_versions SET effective_from = 0", "DELETE FROM price_versions"] {
        let refused = sql.execute_unprepared(statement).await.unwrap_err().to_string();
        assert!(refused.contains("price_versions is append-only"), "{refused}");
    }
}

pub(crate) async fn a_new_price_version_begins_after_all_there_are_and_is_audited_with_its_source(
    world: World,
) {
    put_platform(&world).await;
    let endpoint = sample::platform().endpoints.remove(0);
    let last = endpoint.prices.iter().map(|version| version.effective_from).max().unwrap();
    let version = |n: u128, seconds: i64, pico: i64| PriceVersion {
        id: domain::PriceVersionId::new(NOW, n),
        effective_from: last.plus_seconds(seconds),
        unit: UnitPrices::default().with(TokenClass::Input, Some(Pico::new(pico))),
        tiers: Vec::new(),
    };
    let mut tx = world.store.begin_platform(Author::system(), NOW).await.unwrap();
    for refused in [version(70, 0, 5), version(71, -1, 5), version(72, 9, -1), version(73, 9, i64::MAX)] {
        let answer = tx.add_price(endpoint.id, &refused, "https://acme.example").await;
        assert!(matches!(answer, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    tx.add_price(endpoint.id, &version(74, 10, 5), "https://acme.example").await.unwrap();
    let between = tx.add_price(endpoint.id, &version(75, 9, 5), "https://acme.example").await;
    assert!(matches!(between, Err(StoreError::Conflict(_))));
    tx.commit().await.unwrap();
    let nowhere = domain::EndpointId::new(NOW, 999);
    let mut tx = world.store.begin_platform(Author::system(), NOW).await.unwrap();
    assert!(matches!(tx.add_price(nowhere, &version(76, 20, 5), "x").await, Err(StoreError::NotFound)));
    drop(tx);
    let found = world.store.endpoints(std::slice::from_ref(&endpoint.model)).await.unwrap();
    let found = found.into_iter().find(|found| found.id == endpoint.id).unwrap();
    assert_eq!(found.prices.last(), Some(&version(74, 10, 5)));
    assert_eq!(found.prices.len(), endpoint.prices.len() + 1);
    let query = "SELECT action, detail FROM audit WHERE chain = 'platform' ORDER BY seq DESC LIMIT 1";
    let sql = world.sql().await;
    let row =
        sql.query_one_raw(Statement::from_string(sql.get_database_backend(), query)).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "add_price");
    assert!(row.try_get_by_index::<String>(1).unwrap().contains("https://acme.example"));
}

pub(crate) async fn a_database_keeps_its_epoch_when_it_is_opened_again(world: World) {
    put_platform(&world).await;
    let before = world.store.platform_version().await.unwrap();
    store::migrate(&world.url, None, NOW.plus_seconds(9_999)).await.unwrap();
    let again = Store::connect(&world.url, NOW.plus_seconds(9_999)).await.unwrap();
    assert_eq!(again.platform_version().await.unwrap(), before);
    assert_eq!(again.orgs().await.unwrap(), [world.ours.org.clone(), world.theirs.org.clone()]);
}

pub(crate) async fn a_restored_database_gets_a_later_epoch_each_time(world: World) {
    put_platform(&world).await;
    let backup = world.store.platform_version().await.unwrap();
    let later = NOW.plus_seconds(9_999);
    let renew = async |now| world.store.renew_epoch(Author::system(), now).await.unwrap();
    assert_eq!(renew(later).await, (backup.epoch, later.as_seconds().unsigned_abs()), "the clock's seconds");
    let (before, epoch) = renew(NOW).await;
    assert_eq!(
        (before, epoch),
        (later.as_seconds().unsigned_abs(), before + 1),
        "also where the clock went back"
    );

    let restored = world.store.platform_version().await.unwrap();
    assert_eq!((restored.epoch, restored.revision), (epoch, backup.revision + 2));
    assert!(restored.revision > restored.published, "it is told to nodes");
    assert_eq!(world.store.heartbeat().await.unwrap().epoch, epoch);
    let records = world.store.load_records(world.ours.org.id).await.unwrap().unwrap();
    assert_eq!((records.epoch, records.revision), (epoch, 1), "no organization has changed");

    let noted =
        "SELECT detail FROM audit WHERE chain = 'platform' AND action = 'renew_epoch' ORDER BY seq DESC";
    let sql = world.sql().await;
    let noted = sql.query_all_raw(Statement::from_string(sql.get_database_backend(), noted)).await.unwrap();
    let details: Vec<String> = noted.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert_eq!(details.len(), 2);
    assert_eq!(details[0], format!(r#"{{"before":{before},"epoch":{epoch}}}"#));
}
