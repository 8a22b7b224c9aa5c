//! What an app is told of one request: every attempt, once all are in the ledger, and to its organization alone.

use domain::{Amount, EventId, Pico, RequestId};
use metering::sample;
use metering::usage::{Outcome, UsageEvent};
use store::Author;

use crate::budgets::hello;
use crate::ledger::{commit, event};
use crate::world::{NOW, World};

/// Attempt `attempt` of request `number`.
fn attempt(world: &World, (number, attempt): (u128, u16), outcome: Outcome) -> UsageEvent {
    let mut event = event(world, number, 10);
    event.attempt.id.attempt = attempt;
    event.settlement.outcome = outcome;
    if outcome == Outcome::Failed {
        event.settlement.cost = Pico::ZERO;
        event.settlement.streamed = Pico::ZERO;
    }
    event
}

async fn found(world: &World, number: u128) -> Vec<UsageEvent> {
    world.ours.scope.generation(RequestId::new(NOW, number)).await.unwrap()
}

pub(crate) async fn every_attempt_of_a_request_is_found_in_order(world: World) {
    let mut attempts: Vec<_> = (1..=40).map(|n| attempt(&world, (1, n), Outcome::Failed)).collect();
    attempts.push(attempt(&world, (1, 41), Outcome::Answered));
    let shuffled: Vec<_> = attempts.iter().rev().cloned().collect();
    commit(&world, &[event(&world, 2, 5)]).await;
    commit(&world, &shuffled).await;
    assert_eq!(found(&world, 1).await, attempts);
    assert_eq!(found(&world, 2).await, [event(&world, 2, 5)]);
    assert!(found(&world, 3).await.is_empty());
}

pub(crate) async fn a_request_of_another_org_is_not_there(world: World) {
    commit(&world, &[event(&world, 1, 5)]).await;
    let theirs = world.theirs.scope.generation(RequestId::new(NOW, 1)).await.unwrap();
    assert!(theirs.is_empty() && found(&world, 1).await.len() == 1);
}

pub(crate) async fn a_request_whose_next_attempt_may_be_under_way_is_not_there_yet(world: World) {
    let holder = sample::holder(1);
    world.store.hello(&hello(holder, "boot", 0), NOW).await.unwrap();
    let failed = attempt(&world, (1, 1), Outcome::Failed);
    commit(&world, std::slice::from_ref(&failed)).await;
    assert!(found(&world, 1).await.is_empty(), "another attempt may follow");
    let until = async |moment| world.store.acknowledge((holder, Some(moment)), &[], NOW).await.unwrap();
    until(NOW).await;
    assert!(found(&world, 1).await.is_empty(), "the node speaks of what came before");
    let answered = attempt(&world, (1, 2), Outcome::Answered);
    commit(&world, std::slice::from_ref(&answered)).await;
    let both = found(&world, 1).await;
    assert_eq!(both, [failed, answered]);
    let cost: Amount = both.iter().map(|event| Amount::from(event.settlement.cost)).sum();
    assert_eq!(cost, Amount::from_pico(10));
}

pub(crate) async fn a_request_that_only_failed_is_there_once_its_node_is_past_it(world: World) {
    let holder = sample::holder(1);
    world.store.hello(&hello(holder, "boot", 0), NOW).await.unwrap();
    for (number, outcome) in [(1, Outcome::Failed), (2, Outcome::Broken)] {
        commit(&world, &[attempt(&world, (number, 1), outcome)]).await;
        assert!(found(&world, number).await.is_empty());
    }
    world.store.acknowledge((holder, Some(NOW.plus_micros(1))), &[], NOW).await.unwrap();
    for number in [1, 2] {
        assert_eq!(found(&world, number).await.len(), 1);
    }
}

pub(crate) async fn a_request_with_a_gap_is_there_only_when_nothing_can_fill_it(world: World) {
    let holder = sample::holder(1);
    world.store.hello(&hello(holder, "boot", 0), NOW).await.unwrap();
    commit(&world, &[attempt(&world, (1, 2), Outcome::Answered)]).await;
    assert!(found(&world, 1).await.is_empty(), "the first attempt is still in the journal");
    world.store.retire_node(holder.node, Author::system(), NOW).await.unwrap();
    let ids: Vec<EventId> = found(&world, 1).await.iter().map(|event| event.attempt.id).collect();
    assert_eq!(ids, [EventId { request: RequestId::new(NOW, 1), attempt: 2 }]);
}
