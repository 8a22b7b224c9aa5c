//! Hourly sums: always those of the events, whatever is read from them.

use domain::{Amount, Pico};
use metering::usage::UsageEvent;
use sea_orm::ConnectionTrait;
use store::Chain;

use crate::ledger::{commit, event, problem, verify};
use crate::world::{NOW, World};

/// Events of several hours, teams and sizes; some in another month.
fn of_many_hours(world: &World) -> Vec<UsageEvent> {
    let mut events: Vec<_> = (0..60).map(|number| event(world, number, 999_999 + number as i64)).collect();
    for (number, event) in (0..).zip(&mut events) {
        event.attempt.admitted_at = NOW.plus_seconds(-600 * number - (number % 7) * 86_400 * 9);
        event.settlement.suspense = Pico::new(number % 3 * 1_000_001);
        if number % 4 == 0 {
            event.attempt.attribution.team = None;
        }
    }
    events
}

pub(crate) async fn the_hourly_sums_follow_every_batch_and_can_be_made_anew(world: World) {
    let events = of_many_hours(&world);
    for some in events.chunks(7) {
        commit(&world, some).await;
        commit(&world, &some[..3]).await;
        assert!(matches!(verify(&world).await, Chain::Intact { .. }));
    }
    let months = ["2026-09", "2026-10", "2026-11"].map(|month| month.parse().unwrap());
    let mut lines = Vec::new();
    for month in months {
        let (rows, totals) = world.ours.scope.chargeback_with_totals(month).await.unwrap();
        assert!(totals.count > 0, "{month}");
        assert_eq!(rows.iter().map(|row| row.requests).sum::<u64>(), totals.count);
        assert_eq!(rows.iter().map(|row| row.cost).sum::<Amount>(), totals.events);
        assert_eq!(rows.iter().map(|row| row.suspense).sum::<Amount>(), totals.suspense);
        lines.push(rows);
    }
    let sql = world.sql().await;
    let changes = [
        "UPDATE usage_hours SET cost_rest = cost_rest + 1 WHERE requests = 1",
        "UPDATE usage_hours SET units_output_rest = 0",
        "DELETE FROM usage_hours WHERE team_id IS NULL",
        "UPDATE usage_hours SET hour = hour + 1",
        "DELETE FROM usage_hours",
    ];
    for change in changes {
        assert!(sql.execute_unprepared(change).await.unwrap().rows_affected() > 0, "{change}");
        assert_eq!(
            problem(verify(&world).await).1,
            "the hourly sums are not those of its events",
            "{change}"
        );
        world.ours.scope.rebuild_hours().await.unwrap();
        assert!(matches!(verify(&world).await, Chain::Intact { .. }), "{change}");
    }
    for (month, rows) in months.into_iter().zip(lines) {
        assert_eq!(world.ours.scope.chargeback(month).await.unwrap(), rows);
    }
}

pub(crate) async fn a_keys_spend_is_exact_from_any_moment_of_an_hour(world: World) {
    let events = of_many_hours(&world);
    commit(&world, &events).await;
    for seconds in [0, 1, 1_799, 3_599, 3_600, 3_601, 86_400, 86_400 * 20, 86_400 * 90] {
        let since = NOW.plus_seconds(-seconds);
        let expected: Amount = events
            .iter()
            .filter(|event| event.attempt.admitted_at >= since)
            .map(|event| Amount::from(event.settlement.cost))
            .sum();
        let spend = world.ours.scope.spend_of_key(world.ours.key.id, since).await.unwrap();
        assert_eq!(spend, expected, "{since}");
    }
}
