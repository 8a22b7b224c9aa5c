//! Soft budgets, budgets narrowed to some requests, and raises for some time.

use domain::limit::{Budget, BudgetFilter, BudgetScope, Enforcement, Raise, Thresholds, Window};
use domain::{Amount, BudgetId, Pico, RaiseId, Timestamp};
use metering::ports::{BudgetState, LeaseAnswer, LeaseRequest};
use metering::sample;
use metering::usage::{Draw, UsageEvent};
use store::{Author, StoreError};

use crate::world::{NOW, World};

const fn pico(amount: i128) -> Amount {
    Amount::from_pico(amount)
}

async fn put(world: &World, budget: &Budget) {
    let mut tx = world.ours.begin().await;
    tx.update_budget(budget).await.unwrap();
    tx.commit().await.unwrap();
}

async fn ask(world: &World, draw: Draw, at_least: i128, now: Timestamp) -> LeaseAnswer {
    let request = LeaseRequest { org: world.ours.org.id, draw, at_least: pico(at_least) };
    world.store.grant(sample::holder(1), &[request], now).await.unwrap()[0]
}

async fn state(world: &World, draw: Draw) -> BudgetState {
    world.ours.scope.budget_state(draw.budget, draw.window, NOW).await.unwrap()
}

fn event(world: &World, number: u128, draws: &[Draw], cost: i64) -> UsageEvent {
    sample::answered(world.ours.attempt(number, draws), Pico::new(cost))
}

async fn commit(world: &World, event: UsageEvent) {
    world.store.commit_events(&[event], NOW).await.unwrap();
}

pub(crate) async fn a_soft_budget_counts_everything_and_grants_nothing(world: World) {
    let (mut budget, draw) = world.ours.budget(1, BudgetScope::Org, 100).await;
    budget.enforcement = Enforcement::Soft;
    put(&world, &budget).await;
    assert_eq!(world.ours.scope.budget(budget.id).await.unwrap(), budget);
    commit(&world, event(&world, 1, &[], 70)).await;
    assert_eq!(ask(&world, draw, 1, NOW).await, LeaseAnswer::Gone, "a node draws nothing on it");
    commit(&world, event(&world, 2, &[], 80)).await;
    let expected = BudgetState { limit: pico(100), spent: pico(150), ..BudgetState::default() };
    assert_eq!(state(&world, draw).await, expected);
    assert_eq!(expected.available(), Amount::ZERO);
}

pub(crate) async fn a_soft_budget_made_hard_begins_with_what_was_spent(world: World) {
    let (mut budget, draw) = world.ours.budget(1, BudgetScope::Org, 1_000).await;
    assert_eq!(ask(&world, draw, 300, NOW).await, LeaseAnswer::Granted(pico(300)));
    commit(&world, event(&world, 1, &[draw], 50)).await;
    budget.enforcement = Enforcement::Soft;
    put(&world, &budget).await;
    // Admitted while it was hard, and while it was soft.
    commit(&world, event(&world, 2, &[draw], 60)).await;
    commit(&world, event(&world, 3, &[], 500)).await;
    budget.enforcement = Enforcement::Hard;
    put(&world, &budget).await;
    // What the node was leased is still its own: 300 - 50 - 60.
    let expected =
        BudgetState { limit: pico(1_000), spent: pico(610), escrow: pico(190), ..BudgetState::default() };
    assert_eq!(state(&world, draw).await, expected);
    assert_eq!(ask(&world, draw, 201, NOW).await, LeaseAnswer::Exhausted(expected));
    assert_eq!(ask(&world, draw, 200, NOW).await, LeaseAnswer::Granted(pico(200)));
    // Admitted by a node that had not heard of it: counted, though no lease covers it.
    commit(&world, event(&world, 4, &[], 5)).await;
    assert_eq!(state(&world, draw).await.spent, pico(615));
}

pub(crate) async fn a_narrowed_budget_counts_what_matches_before_and_after_it_is_made(world: World) {
    let tag = |value: &str| ("project".to_owned(), value.to_owned());
    let parts = [
        BudgetFilter {
            models: vec!["openai/gpt-x".into(), "openai/gpt-y".into()],
            ..BudgetFilter::default()
        },
        BudgetFilter { providers: vec!["azure".into()], ..BudgetFilter::default() },
        BudgetFilter { data_classes: vec!["internal".into()], ..BudgetFilter::default() },
        BudgetFilter { tag: Some(tag("atlas \"%_\\ é")), ..BudgetFilter::default() },
    ];
    let all_match = |number: u128, cost: i64| {
        let mut event = event(&world, number, &[], cost);
        event.attempt.model = "openai/gpt-y".to_owned();
        event.attempt.provider = "azure".to_owned();
        event.attempt.attribution.data_class = Some("internal".to_owned());
        event.attempt.attribution.tags = vec![("a".to_owned(), "b".to_owned()), tag("atlas \"%_\\ é")];
        event
    };
    let none_match = |number: u128| {
        let mut event = event(&world, number, &[], 1_000);
        event.attempt.model = "openai/gpt-x-mini".to_owned();
        event.attempt.provider = "azure-eu".to_owned();
        event.attempt.attribution.tags =
            vec![tag("Atlas \"%_\\ é"), ("x".to_owned(), "atlas \"%_\\ é".to_owned())];
        event
    };
    commit(&world, all_match(1, 10)).await;
    commit(&world, none_match(2)).await;
    let mut draws = Vec::new();
    for (filter, number) in parts.into_iter().zip(1..) {
        let (mut budget, draw) = world.ours.budget(number, BudgetScope::Org, 100).await;
        assert!(ask(&world, draw, 1, NOW).await != LeaseAnswer::Gone);
        budget.filter = filter;
        put(&world, &budget).await;
        assert_eq!(world.ours.scope.budget(budget.id).await.unwrap(), budget);
        assert_eq!(state(&world, draw).await.spent, pico(10), "{:?}: what was spent before", budget.filter);
        draws.push(draw);
    }
    commit(&world, all_match(3, 7)).await;
    commit(&world, none_match(4)).await;
    for draw in &draws {
        assert_eq!(state(&world, *draw).await.spent, pico(17));
    }
}

pub(crate) async fn suspense_of_a_narrowed_budget_is_released_where_it_was_counted(world: World) {
    let (mut budget, draw) = world.ours.budget(1, BudgetScope::Org, 1_000).await;
    ask(&world, draw, 1, NOW).await;
    budget.filter.models = vec!["openai/other".to_owned()];
    put(&world, &budget).await;
    let (mut counted, mut other) = (event(&world, 1, &[], 10), event(&world, 2, &[], 10));
    counted.attempt.model = "openai/other".to_owned();
    counted.settlement.suspense = Pico::new(5);
    other.settlement.suspense = Pico::new(90);
    commit(&world, counted).await;
    commit(&world, other).await;
    assert_eq!(state(&world, draw).await.suspense, pico(5));
    let later = NOW.plus_seconds(86_400);
    assert_eq!(world.store.release_suspense(later, later).await.unwrap(), 2);
    assert_eq!(state(&world, draw).await.suspense, pico(0));
}

fn raise(draw: Draw, number: u128, amount: i128) -> Raise {
    Raise {
        id: RaiseId::new(NOW, number),
        budget: draw.budget,
        amount: pico(amount),
        since: NOW,
        until: NOW.plus_seconds(60),
        reason: "launch week".to_owned(),
        granted_by: None,
    }
}

async fn grant(world: &World, raise: &Raise) {
    let mut tx = world.ours.begin().await;
    tx.insert_raise(raise).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) async fn a_raise_counts_until_it_ends_and_what_was_granted_under_it_stays(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 100).await;
    let scope = &world.ours.scope;
    let (first, second) = (raise(draw, 1, 50), raise(draw, 2, 25));
    grant(&world, &first).await;
    grant(&world, &second).await;
    assert_eq!(scope.raises(draw.budget).await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(ask(&world, draw, 170, NOW).await, LeaseAnswer::Granted(pico(170)));
    let just_before = first.until.plus_micros(-1);
    let at = async |now| scope.budget_state(draw.budget, draw.window, now).await.unwrap();
    assert_eq!((at(just_before).await.limit, at(just_before).await.available()), (pico(175), pico(5)));
    assert_eq!((at(first.until).await.limit, at(first.until).await.available()), (pico(170), pico(0)));
    assert!(matches!(ask(&world, draw, 1, first.until).await, LeaseAnswer::Exhausted(_)));
    let holder = sample::holder(1);
    world.store.give_back(holder, &[(world.ours.org.id, draw, pico(120))]).await.unwrap();
    assert_eq!((at(first.until).await.limit, at(first.until).await.available()), (pico(100), pico(50)));
    assert_eq!(ask(&world, draw, 50, first.until).await, LeaseAnswer::Granted(pico(50)));
}

pub(crate) async fn a_raise_can_be_ended_before_its_time_once(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 100).await;
    let raise = raise(draw, 1, 50);
    grant(&world, &raise).await;
    assert_eq!(state(&world, draw).await.limit, pico(150));
    let end = async || {
        let mut tx = world.ours.begin().await;
        tx.end_raise(&raise).await?;
        tx.commit().await
    };
    end().await.unwrap();
    assert_eq!(state(&world, draw).await.limit, pico(100));
    assert_eq!(world.ours.scope.raise(raise.id).await.unwrap().until, NOW);
    assert!(matches!(end().await, Err(StoreError::Conflict(_))));
}

pub(crate) async fn a_raise_is_in_the_audit_log_and_its_organizations_own(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 100).await;
    grant(&world, &raise(draw, 1, 50)).await;
    let entries = world.ours.scope.audit(&crate::world::ALL).await.unwrap().items;
    let entry = entries.iter().find(|entry| entry.action == "raise_budget").unwrap();
    assert_eq!(entry.object, draw.budget.to_string());
    assert!(entry.detail.contains("launch week"));
    let mut tx = world.theirs.scope.begin(Author::system(), NOW).await.unwrap();
    assert!(matches!(tx.insert_raise(&raise(draw, 2, 50)).await, Err(StoreError::NotFound)));
    drop(tx);
    assert!(matches!(world.theirs.scope.raise(RaiseId::new(NOW, 1)).await, Err(StoreError::NotFound)));
    assert!(world.theirs.scope.raises(draw.budget).await.unwrap().is_empty());
}

async fn percentages(world: &World, draw: Draw) -> Vec<u16> {
    let notices = world.ours.scope.notices(draw.budget, draw.window).await.unwrap();
    notices.iter().map(|notice| notice.percent).collect()
}

pub(crate) async fn each_threshold_is_noted_once_as_usage_reaches_it(world: World) {
    for (number, enforcement) in [(1, Enforcement::Hard), (2, Enforcement::Soft)] {
        let (mut budget, _) = world.ours.budget(number, BudgetScope::Org, 100).await;
        budget.enforcement = enforcement;
        budget.thresholds = Thresholds::new(&[50, 80, 100, 150]).unwrap();
        put(&world, &budget).await;
    }
    let draws = [1, 2].map(sample_draw);
    let mut shipped = Vec::new();
    let steps = [(49, 0), (1, 1), (10, 1), (60, 3), (1, 3)];
    for ((cost, noted), number) in steps.into_iter().zip(1..) {
        shipped.push(event(&world, number, &[], cost));
        // What was there already changes nothing.
        world.store.commit_events(&shipped, NOW.plus_seconds(i64::try_from(number).unwrap())).await.unwrap();
        for draw in &draws {
            assert_eq!(percentages(&world, *draw).await, [50, 80, 100][..noted], "after {cost}");
        }
    }
    let first = world.ours.scope.notices(draws[0].budget, draws[0].window).await.unwrap()[0];
    assert_eq!((first.spent, first.limit, first.reached_at), (pico(50), pico(100), NOW.plus_seconds(2)));
}

fn sample_draw(number: u128) -> Draw {
    Draw { budget: BudgetId::new(NOW, number), window: Window::MONTH.at(NOW) }
}

pub(crate) async fn a_limit_lowered_below_a_threshold_is_noted_and_a_raise_moves_it(world: World) {
    let (mut budget, draw) = world.ours.budget(1, BudgetScope::Org, 1_000).await;
    commit(&world, event(&world, 1, &[], 500)).await;
    assert_eq!(percentages(&world, draw).await, [0; 0]);
    grant(&world, &raise(draw, 1, 200)).await;
    budget.limit = pico(450);
    put(&world, &budget).await;
    assert_eq!(percentages(&world, draw).await, [0; 0], "500 of 650");
    commit(&world, event(&world, 2, &[], 20)).await;
    assert_eq!(percentages(&world, draw).await, [80], "520 of 650");
    budget.limit = pico(300);
    put(&world, &budget).await;
    assert_eq!(percentages(&world, draw).await, [80, 100], "520 of 500");
    let (made, _) = world.ours.budget(2, BudgetScope::Org, 520).await;
    let of_the_new = Draw { budget: made.id, ..draw };
    assert_eq!(percentages(&world, of_the_new).await, [80, 100], "made over what is spent");
    assert!(world.theirs.scope.notices(draw.budget, draw.window).await.unwrap().is_empty());
}
