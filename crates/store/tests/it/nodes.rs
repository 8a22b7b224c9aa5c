//! Nodes: their lives, what they enforce, and what becomes of the money they held.

use domain::limit::BudgetScope;
use domain::{Amount, Holder};
use metering::ports::{BudgetState, Hello, LeaseAnswer, LeaseRequest, Sequence};
use metering::sample;
use metering::usage::Draw;
use policy::Version;
use policy::feed::Ack;
use store::{Author, Chain, StoreError};

use crate::budgets::hello;
use crate::world::{NOW, World};

fn later(days: i64) -> domain::Timestamp {
    NOW.plus_seconds(days * 86_400)
}

fn pico(amount: i128) -> Amount {
    Amount::from_pico(amount)
}

async fn lease(world: &World, holder: Holder, draw: Draw, amount: i128) {
    let request = LeaseRequest { org: world.ours.org.id, draw, at_least: pico(amount) };
    let answers = world.store.grant(holder, &[request], NOW).await.unwrap();
    assert_eq!(answers, [LeaseAnswer::Granted(pico(amount))]);
}

async fn state(world: &World, draw: Draw) -> BudgetState {
    world.ours.scope.budget_state(draw.budget, draw.window, NOW).await.unwrap()
}

async fn assert_intact(world: &World) {
    let chain = world.ours.scope.verify_ledger().await.unwrap();
    assert!(matches!(chain, Chain::Intact { .. }), "{chain:?}");
}

/// A life with a lease of 300 of 1000, and the next life of the same node.
async fn two_lives(world: &World) -> (Draw, Holder) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 1_000).await;
    let first = sample::holder(1);
    assert!(world.store.hello(&hello(first, "monday", 0), NOW).await.unwrap());
    lease(world, first, draw, 300).await;
    (draw, Holder { incarnation: 2, ..first })
}

pub(crate) async fn money_that_another_node_holds_is_called_back_from_it(world: World) {
    let (first, second) = (sample::holder(1), sample::holder(2));
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 100).await;
    let org = world.ours.org.id;
    lease(&world, first, draw, 100).await;
    let request = LeaseRequest { org, draw, at_least: pico(10) };
    let ask = async |at| world.store.grant(second, &[request], at).await.unwrap()[0];
    assert!(matches!(ask(NOW).await, LeaseAnswer::Recalled(_)));
    assert_eq!(world.store.recalled(first, NOW).await.unwrap(), [draw]);
    assert_eq!(world.store.recalled(second, NOW).await.unwrap(), [], "it has none of it");
    world.store.give_back(first, &[(org, draw, pico(90))]).await.unwrap();
    assert_eq!(ask(NOW).await, LeaseAnswer::Granted(pico(10)), "and no more than it lacks");
    assert_eq!(world.store.recalled(first, NOW.plus_seconds(60)).await.unwrap(), []);
}

pub(crate) async fn a_machine_started_anew_leaves_what_it_held_in_suspense(world: World) {
    let (draw, second) = two_lives(&world).await;
    assert!(!world.store.hello(&hello(second, "tuesday", 9), NOW).await.unwrap());
    let held = state(&world, draw).await;
    assert_eq!((held.escrow, held.suspense, held.spent), (pico(0), pico(300), pico(0)));
    assert_intact(&world).await;
}

pub(crate) async fn an_older_disk_leaves_what_was_held_in_suspense(world: World) {
    let (draw, second) = two_lives(&world).await;
    world.store.note_committed(sample::holder(1), 40).await.unwrap();
    assert!(!world.store.hello(&hello(second, "monday", 39), NOW).await.unwrap());
    assert_eq!(state(&world, draw).await.suspense, pico(300));
}

pub(crate) async fn an_older_disk_is_known_though_its_journal_has_grown_since(world: World) {
    let (draw, second) = two_lives(&world).await;
    world.store.note_committed(sample::holder(1), 40).await.unwrap();
    // What it found open is settled, and committed before its hello.
    world.store.note_committed(second, 41).await.unwrap();
    let hello = Hello { journal_found: Sequence(39), ..hello(second, "monday", 41) };
    assert!(!world.store.hello(&hello, NOW).await.unwrap());
    assert_eq!(state(&world, draw).await.suspense, pico(300));
    assert!(world.store.hello(&Hello { journal_end: Sequence(40), ..hello }, NOW).await.is_err());
}

pub(crate) async fn a_journal_that_is_whole_frees_what_was_held(world: World) {
    let (draw, second) = two_lives(&world).await;
    world.store.note_committed(sample::holder(1), 40).await.unwrap();
    assert!(world.store.hello(&hello(second, "monday", 40), NOW).await.unwrap());
    assert_eq!(state(&world, draw).await.suspense, pico(0));
    assert_eq!(state(&world, draw).await.escrow, pico(0));
}

pub(crate) async fn an_earlier_life_is_refused(world: World) {
    let (_, second) = two_lives(&world).await;
    world.store.hello(&hello(second, "monday", 9), NOW).await.unwrap();
    let error = world.store.hello(&hello(sample::holder(1), "monday", 9), NOW).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Conflict(sentence) if sentence.contains("data directory")),
        "{error}"
    );
    let error = world.store.acknowledge((sample::holder(1), None), &[], NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound), "{error}");
}

pub(crate) async fn a_life_that_an_older_disk_begins_again_is_refused(world: World) {
    let (draw, second) = two_lives(&world).await;
    world.store.hello(&hello(second, "monday", 9), NOW).await.unwrap();
    lease(&world, second, draw, 300).await;
    world.store.note_committed(second, 40).await.unwrap();
    world.store.hello(&hello(second, "monday", 40), NOW).await.unwrap();
    for (boot, journal_end) in [("tuesday", 40), ("monday", 39)] {
        let error = world.store.hello(&hello(second, boot, journal_end), NOW).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Conflict(sentence) if sentence.contains("older copy")),
            "{error}"
        );
    }
    assert_eq!(state(&world, draw).await.escrow, pico(300), "what the first of them holds stays its own");
}

pub(crate) async fn suspense_is_released_once_when_its_time_has_passed(world: World) {
    let (draw, second) = two_lives(&world).await;
    world.store.hello(&hello(second, "tuesday", 9), NOW).await.unwrap();
    assert_eq!(world.store.release_suspense(NOW, later(7)).await.unwrap(), 0, "it is not older yet");
    assert_eq!(world.store.release_suspense(later(1), later(8)).await.unwrap(), 1);
    assert_eq!(state(&world, draw).await.suspense, pico(0));
    assert_eq!(world.store.release_suspense(later(1), later(8)).await.unwrap(), 0);
    assert_intact(&world).await;
}

pub(crate) async fn the_suspense_of_a_cut_call_is_released_and_its_event_stays(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 1_000).await;
    lease(&world, sample::holder(1), draw, 500).await;
    let mut attempt = world.ours.attempt(1, &[draw]);
    attempt.holder = sample::holder(1);
    attempt.reserved = domain::Pico::new(500);
    let mut event = sample::answered(attempt, domain::Pico::new(120));
    event.settlement.suspense = domain::Pico::new(380);
    world.store.commit_events(std::slice::from_ref(&event), NOW).await.unwrap();
    let before = state(&world, draw).await;
    assert_eq!((before.spent, before.suspense), (pico(120), pico(380)));
    assert_eq!(world.store.release_suspense(later(1), later(8)).await.unwrap(), 1);
    let after = state(&world, draw).await;
    assert_eq!((after.spent, after.suspense, after.escrow), (pico(120), pico(0), pico(0)));
    assert_eq!(world.ours.scope.event(event.attempt.id).await.unwrap(), event);
    assert_eq!(world.store.release_suspense(later(1), later(8)).await.unwrap(), 0);
    // A budget made afterwards does not count it either.
    let (_, newer) = world.ours.budget(2, BudgetScope::Org, 1_000).await;
    assert_eq!(state(&world, newer).await.suspense, pico(0));
    assert_intact(&world).await;
}

pub(crate) async fn usage_that_comes_after_its_lease_was_suspended_is_spent_and_no_overrun(world: World) {
    let (draw, second) = two_lives(&world).await;
    world.store.hello(&hello(second, "tuesday", 9), NOW).await.unwrap();
    let mut attempt = world.ours.attempt(1, &[draw]);
    attempt.holder = sample::holder(1);
    let event = sample::answered(attempt, domain::Pico::new(100));
    world.store.commit_events(&[event], NOW).await.unwrap();
    let state = state(&world, draw).await;
    assert_eq!((state.spent, state.suspense, state.overrun), (pico(100), pico(200), pico(0)));
    assert_eq!(world.store.release_suspense(later(1), later(8)).await.unwrap(), 1);
    assert_intact(&world).await;
}

pub(crate) async fn a_retired_node_is_refused_and_what_it_held_counts_as_spent(world: World) {
    let (draw, second) = two_lives(&world).await;
    let node = second.node;
    world.store.retire_node(node, Author::system(), NOW).await.unwrap();
    assert_eq!(state(&world, draw).await.suspense, pico(300));
    let error = world.store.hello(&hello(second, "monday", 9), NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(sentence) if sentence.contains("retired")), "{error}");
    let unknown = sample::holder(77).node;
    let error = world.store.retire_node(unknown, Author::system(), NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound), "{error}");
}

pub(crate) async fn acknowledgements_keep_the_newest_revision_and_its_first_moment(world: World) {
    let (holder, org) = (sample::holder(1), Some(world.ours.org.id));
    world.store.hello(&hello(holder, "monday", 0), NOW).await.unwrap();
    let ack = |epoch, revision| Ack { org, version: Version { epoch, revision }, refused: None };
    for (at, ack) in [(1, ack(1, 5)), (2, ack(1, 4)), (3, ack(1, 5)), (4, ack(2, 1))] {
        world.store.acknowledge((holder, None), &[ack], NOW.plus_seconds(at)).await.unwrap();
    }
    let known = world.store.acks_of(org).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].version, Version { epoch: 2, revision: 1 });
    assert_eq!(known[0].acked_at, NOW.plus_seconds(4));
    assert!(world.store.acks_of(None).await.unwrap().is_empty());
}

pub(crate) async fn a_node_that_was_not_seen_for_three_turns_is_out_of_contact(world: World) {
    world.store.hello(&hello(sample::holder(1), "monday", 0), NOW).await.unwrap();
    world.store.hello(&hello(sample::holder(2), "monday", 0), NOW.plus_seconds(2)).await.unwrap();
    assert_eq!(world.store.nodes_in_contact(NOW.plus_seconds(3)).await.unwrap(), 2);
    assert_eq!(world.store.nodes_in_contact(NOW.plus_seconds(4)).await.unwrap(), 1);
    world.store.acknowledge((sample::holder(1), None), &[], NOW.plus_seconds(4)).await.unwrap();
    assert_eq!(world.store.nodes_in_contact(NOW.plus_seconds(5)).await.unwrap(), 2);
}

pub(crate) async fn another_master_key_is_noticed(world: World) {
    assert!(world.store.check_master("one").await.unwrap());
    assert!(world.store.check_master("one").await.unwrap());
    assert!(!world.store.check_master("another").await.unwrap());
}

pub(crate) async fn usage_is_complete_to_what_the_furthest_behind_of_all_nodes_said(world: World) {
    let to = async || world.store.complete_to().await.unwrap();
    let say = async |number: u128, seconds: i64| {
        let said = (sample::holder(number), Some(NOW.plus_seconds(seconds)));
        world.store.acknowledge(said, &[], NOW.plus_seconds(100)).await.unwrap();
    };
    assert_eq!(to().await, None, "there is no node");
    for number in [1, 2] {
        world.store.hello(&hello(sample::holder(number), "boot", 0), NOW).await.unwrap();
    }
    say(1, 50).await;
    assert_eq!(to().await, None, "the second has yet to say it");
    say(2, 40).await;
    assert_eq!(to().await, Some(NOW.plus_seconds(40)));
    say(1, 90).await;
    // Contact without a word, and a new life, leave it where it was.
    world.store.acknowledge((sample::holder(2), None), &[], NOW.plus_seconds(200)).await.unwrap();
    let next = Holder { incarnation: 2, ..sample::holder(2) };
    world.store.hello(&hello(next, "boot", 9), NOW.plus_seconds(300)).await.unwrap();
    assert_eq!(to().await, Some(NOW.plus_seconds(40)));
    world.store.retire_node(next.node, Author::system(), NOW.plus_seconds(400)).await.unwrap();
    assert_eq!(to().await, Some(NOW.plus_seconds(90)));
}
