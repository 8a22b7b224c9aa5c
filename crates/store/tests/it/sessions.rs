//! Refresh tokens and persons.

use domain::{PersonId, Timestamp};
use store::{Person, StoreError};

use crate::world::{NOW, World};

const LATER: Timestamp = NOW.plus_seconds(3_600);

async fn rotate(world: &World, presented: &str, next: &str) -> Result<PersonId, StoreError> {
    world.store.rotate_session(presented.to_owned(), next.to_owned(), NOW, LATER).await
}

async fn open(world: &World, hash: &str) {
    world.store.open_session(world.ours.owner.person, hash.to_owned(), NOW, LATER).await.unwrap();
}

fn is_over(result: &Result<PersonId, StoreError>) -> bool {
    matches!(result, Err(StoreError::NotFound))
}

pub(crate) async fn a_refresh_token_is_used_once(world: World) {
    open(&world, "first").await;
    assert_eq!(rotate(&world, "first", "second").await.unwrap(), world.ours.owner.person);
    assert_eq!(rotate(&world, "second", "third").await.unwrap(), world.ours.owner.person);
    assert!(is_over(&rotate(&world, "unknown", "other").await));
}

pub(crate) async fn a_token_used_twice_ends_its_family(world: World) {
    open(&world, "first").await;
    open(&world, "elsewhere").await;
    rotate(&world, "first", "second").await.unwrap();
    assert!(is_over(&rotate(&world, "first", "thief").await));
    assert!(is_over(&rotate(&world, "second", "third").await), "the family was not revoked");
    assert!(is_over(&rotate(&world, "thief", "third").await), "a stolen token must not lead on");
    assert!(rotate(&world, "elsewhere", "next").await.is_ok(), "another log-in goes on");
}

pub(crate) async fn an_expired_or_closed_session_is_over(world: World) {
    open(&world, "closed").await;
    rotate(&world, "closed", "newer").await.unwrap();
    world.store.close_session("closed".to_owned(), NOW).await.unwrap();
    assert!(is_over(&rotate(&world, "newer", "newest").await), "closing ends the whole session");
    open(&world, "old").await;
    let late = world.store.rotate_session("old".to_owned(), "new".to_owned(), LATER, LATER).await;
    assert!(is_over(&late));
    world.store.close_session("never there".to_owned(), NOW).await.unwrap();
}

pub(crate) async fn an_address_belongs_to_one_person(world: World) {
    let found = world.store.person_by_email("owner1@example.org").await.unwrap().unwrap();
    assert_eq!(found.id, world.ours.owner.person);
    assert_eq!(world.store.person_by_email("nobody@example.org").await.unwrap(), None);
    world.store.set_password_hash(found.id, "$argon2id$new").await.unwrap();
    assert_eq!(world.store.person(found.id).await.unwrap().password_hash, "$argon2id$new");
    let other = Person { id: PersonId::new(NOW, 77), ..found };
    let mut tx = world.theirs.begin().await;
    let refused = tx.insert_person(&other).await;
    assert!(matches!(refused, Err(StoreError::Conflict("a person with this e-mail address exists"))));
}
