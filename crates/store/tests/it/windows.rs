//! Budgets of every calendar: what their windows begin with, and what another calendar changes.

use domain::limit::{Budget, BudgetFilter, BudgetScope, Enforcement, Period, Thresholds, Window};
use domain::{Amount, BudgetId, Holder, Pico, Timestamp};
use metering::ports::{BudgetState, LeaseAnswer, LeaseRequest};
use metering::sample;
use metering::usage::{Draw, UsageEvent};
use store::Chain;

use crate::budgets::hello;
use crate::world::{NOW, World};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

const fn pico(amount: i128) -> Amount {
    Amount::from_pico(amount)
}

fn window(period: Period, zone: &str) -> Window {
    Window::new(period, zone, 1).unwrap()
}

async fn budget(world: &World, number: u128, window: Window) -> (Budget, Draw) {
    let budget = Budget {
        id: BudgetId::new(NOW, number),
        org: world.ours.org.id,
        name: format!("budget {number}"),
        scope: BudgetScope::Org,
        limit: pico(1_000),
        window,
        enforcement: Enforcement::Hard,
        filter: BudgetFilter::default(),
        thresholds: Thresholds::default(),
    };
    let mut tx = world.ours.begin().await;
    tx.insert_budget(&budget).await.unwrap();
    tx.commit().await.unwrap();
    let draw = Draw { budget: budget.id, window: window.at(NOW) };
    (budget, draw)
}

/// Gives the budget another calendar; answers the draw on its present window.
async fn change(world: &World, budget: &mut Budget, window: Window) -> Draw {
    budget.window = window;
    let mut tx = world.ours.begin().await;
    tx.update_budget(budget).await.unwrap();
    tx.commit().await.unwrap();
    Draw { budget: budget.id, window: window.at(NOW) }
}

fn event(world: &World, number: u128, draws: &[Draw], cost: i64) -> UsageEvent {
    sample::answered(world.ours.attempt(number, draws), Pico::new(cost))
}

/// Usage of before, which no budget knew of.
async fn spent_at(world: &World, number: u128, moment: Timestamp, cost: i64) {
    let mut event = event(world, number, &[], cost);
    event.attempt.admitted_at = moment;
    world.store.commit_events(&[event], NOW).await.unwrap();
}

async fn ask(world: &World, draw: Draw, at_least: i128) -> LeaseAnswer {
    let request = LeaseRequest { org: world.ours.org.id, draw, at_least: pico(at_least) };
    world.store.grant(sample::holder(1), &[request], NOW).await.unwrap()[0]
}

async fn state(world: &World, draw: Draw) -> BudgetState {
    world.ours.scope.budget_state(draw.budget, draw.window, NOW).await.unwrap()
}

pub(crate) async fn a_budget_of_every_calendar_reads_back_as_it_was_written(world: World) {
    for (period, number) in Period::ALL.into_iter().zip(1..) {
        let window = Window::new(period, "Australia/Lord_Howe", 7).unwrap();
        let (budget, _) = budget(&world, number, window).await;
        assert_eq!(world.ours.scope.budget(budget.id).await.unwrap(), budget);
    }
}

pub(crate) async fn a_window_begins_with_what_was_spent_since_it_began_in_its_zone(world: World) {
    // 2026-11-18, noon in UTC. Kolkata is five and a half hours ahead.
    let moments = [
        ("2025-12-31T18:29:59.999999Z", 1),
        ("2025-12-31T18:30:00Z", 2),
        ("2026-09-30T18:29:59.999999Z", 4),
        ("2026-09-30T18:30:00Z", 8),
        ("2026-10-31T18:29:59.999999Z", 16),
        ("2026-10-31T18:30:00Z", 32),
        ("2026-11-15T18:29:59.999999Z", 64),
        ("2026-11-15T18:30:00Z", 128),
        ("2026-11-17T18:29:59.999999Z", 256),
        ("2026-11-17T18:30:00Z", 512),
    ];
    for ((moment, cost), number) in moments.into_iter().zip(1..) {
        spent_at(&world, number, at(moment), cost).await;
    }
    let expected = [512, 512 + 256 + 128, 1_023 - 31, 1_023 - 7, 1_023 - 1, 1_023];
    for ((period, spent), number) in Period::ALL.into_iter().zip(expected).zip(1..) {
        let (_, draw) = budget(&world, number, window(period, "Asia/Kolkata")).await;
        assert_eq!(state(&world, draw).await.spent, pico(spent), "{} before it opens", draw.window);
        ask(&world, draw, 1).await;
        assert_eq!(state(&world, draw).await.spent, pico(spent), "{} once open", draw.window);
    }
}

pub(crate) async fn a_new_day_has_its_whole_limit(world: World) {
    let days = window(Period::Day, "America/Havana");
    let (_, today) = budget(&world, 1, days).await;
    spent_at(&world, 1, NOW, 900).await;
    assert!(matches!(ask(&world, today, 101).await, LeaseAnswer::Exhausted(_)));
    let tomorrow = Draw { window: days.at(days.end(today.window).unwrap()), ..today };
    assert!(matches!(ask(&world, tomorrow, 1_000).await, LeaseAnswer::Granted(_)));
}

pub(crate) async fn another_zone_counts_from_where_its_window_began(world: World) {
    // The last evening of October in UTC is November in Auckland already.
    spent_at(&world, 1, at("2026-10-31T12:00:00Z"), 100).await;
    let (mut budget, draw) = budget(&world, 1, Window::MONTH).await;
    assert_eq!(ask(&world, draw, 300).await, LeaseAnswer::Granted(pico(300)));
    world.store.commit_events(&[event(&world, 2, &[draw], 50)], NOW).await.unwrap();
    assert_eq!(state(&world, draw).await.spent, pico(50));

    let there = change(&world, &mut budget, window(Period::Month, "Pacific/Auckland")).await;
    assert_eq!(there, draw, "it is called the same");
    let expected =
        BudgetState { limit: pico(1_000), spent: pico(150), escrow: pico(250), ..BudgetState::default() };
    assert_eq!(state(&world, there).await, expected);
    assert_eq!(ask(&world, there, 601).await, LeaseAnswer::Exhausted(expected));
    // What was under way settles from what the node holds.
    world.store.commit_events(&[event(&world, 3, &[draw], 60)], NOW).await.unwrap();
    let settled = state(&world, there).await;
    assert_eq!((settled.spent, settled.escrow), (pico(210), pico(190)));

    let back = change(&world, &mut budget, Window::MONTH).await;
    assert_eq!(state(&world, back).await.spent, pico(110));
}

pub(crate) async fn another_period_counts_what_was_spent_and_what_settles_later(world: World) {
    let (mut budget, of_month) = budget(&world, 1, Window::MONTH).await;
    spent_at(&world, 1, NOW.plus_seconds(-10 * 86_400), 500).await;
    spent_at(&world, 2, NOW, 20).await;
    ask(&world, of_month, 100).await;
    let of_week = change(&world, &mut budget, window(Period::Week, "UTC")).await;
    assert_ne!(of_week, of_month);
    ask(&world, of_week, 1).await;
    assert_eq!(state(&world, of_week).await.spent, pico(20));
    // Admitted before its node knew of the week; shipped twice.
    let mut under_way = event(&world, 3, &[of_month], 70);
    under_way.settlement.suspense = Pico::new(5);
    for _ in 0..2 {
        world.store.commit_events(std::slice::from_ref(&under_way), NOW).await.unwrap();
        let state = state(&world, of_week).await;
        assert_eq!((state.spent, state.suspense), (pico(90), pico(5)));
    }
    let (older_than, later) = (NOW.plus_seconds(86_400), NOW.plus_seconds(8 * 86_400));
    assert_eq!(world.store.release_suspense(older_than, later).await.unwrap(), 1);
    for draw in [of_week, of_month] {
        assert_eq!(state(&world, draw).await.suspense, pico(0), "{}", draw.window);
    }
    // Back again: the month has everything, also what was spent while it was not counted.
    spent_at(&world, 4, NOW, 3).await;
    let back = change(&world, &mut budget, Window::MONTH).await;
    assert_eq!(state(&world, back).await.spent, pico(593));
}

pub(crate) async fn what_a_lost_life_held_stays_in_suspense_when_the_zone_changes(world: World) {
    let (mut budget, draw) = budget(&world, 1, Window::MONTH).await;
    let first = sample::holder(1);
    world.store.hello(&hello(first, "monday", 0), NOW).await.unwrap();
    ask(&world, draw, 300).await;
    world.store.hello(&hello(Holder { incarnation: 2, ..first }, "tuesday", 9), NOW).await.unwrap();
    let draw = change(&world, &mut budget, window(Period::Month, "Asia/Tokyo")).await;
    let held = state(&world, draw).await;
    assert_eq!((held.spent, held.suspense, held.escrow), (pico(0), pico(300), pico(0)));
}

pub(crate) async fn the_ledger_books_suspense_of_any_window_in_its_own_month(world: World) {
    let first = sample::holder(1);
    world.store.hello(&hello(first, "monday", 0), NOW).await.unwrap();
    for (period, number) in Period::ALL.into_iter().zip(1..) {
        let (_, draw) = budget(&world, number, window(period, "Europe/Berlin")).await;
        ask(&world, draw, 100).await;
    }
    world.store.hello(&hello(Holder { incarnation: 2, ..first }, "tuesday", 9), NOW).await.unwrap();
    let later = NOW.plus_seconds(40 * 86_400);
    assert_eq!(world.store.release_suspense(later, later).await.unwrap(), 6);
    assert_eq!(world.store.release_suspense(later, later).await.unwrap(), 0);
    let chain = world.ours.scope.verify_ledger().await.unwrap();
    assert!(matches!(chain, Chain::Intact { .. }), "{chain:?}");
}
