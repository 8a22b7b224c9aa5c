//! Events, the ledger and the audit log: exactly once, exact, and tamper-evident.

use domain::limit::BudgetScope;
use domain::{Amount, KeyId, OrgId, Pico, TokenClass, TokenUsage, Window};
use futures::future::try_join_all;
use metering::sample;
use metering::usage::{Outcome, UsageEvent};
use sea_orm::ConnectionTrait;
use store::{Author, Chain, EventFilter, Page, StoreError, Totals};

use crate::world::{ALL, NOW, World};

pub(crate) fn event(world: &World, number: u128, cost: i64) -> UsageEvent {
    sample::answered(world.ours.attempt(number, &[]), Pico::new(cost))
}

pub(crate) async fn commit(world: &World, events: &[UsageEvent]) {
    world.store.commit_events(events, NOW).await.unwrap();
}

async fn totals(world: &World) -> Totals {
    world.ours.scope.totals(Window::MONTH.at(NOW)).await.unwrap()
}

pub(crate) async fn verify(world: &World) -> Chain {
    world.ours.scope.verify_ledger().await.unwrap()
}

pub(crate) fn problem(chain: Chain) -> (u64, &'static str) {
    match chain {
        Chain::Broken { seq, problem } => (seq, problem),
        Chain::Intact { .. } => panic!("the chain should be broken"),
    }
}

pub(crate) async fn an_event_reads_back_and_is_found(world: World) {
    let mut second = event(&world, 2, 20);
    second.attempt.attribution.key = KeyId::new(NOW, 99);
    second.attempt.model = "anthropic/claude".to_owned();
    let events = [event(&world, 1, 10), second.clone()];
    commit(&world, &events).await;
    let scope = &world.ours.scope;
    assert_eq!(scope.event(events[0].attempt.id).await.unwrap(), events[0]);
    let found = scope.events(&EventFilter::default(), &ALL).await.unwrap().items;
    assert_eq!(found, [events[1].clone(), events[0].clone()], "newest first");
    let filters = [
        EventFilter { key: Some(KeyId::new(NOW, 99)), ..EventFilter::default() },
        EventFilter { model: Some("anthropic/claude".to_owned()), ..EventFilter::default() },
    ];
    for filter in filters {
        assert_eq!(scope.events(&filter, &ALL).await.unwrap().items, [second.clone()]);
    }
    let elsewhere = EventFilter { period: Some("2020-01".parse().unwrap()), ..EventFilter::default() };
    assert!(scope.events(&elsewhere, &ALL).await.unwrap().items.is_empty());
    let first = scope.events(&EventFilter::default(), &Page { after: None, first: 1 }).await.unwrap();
    assert!(first.has_next);
    let after = Some(first.items[0].attempt.id.to_string());
    let rest = scope.events(&EventFilter::default(), &Page { after, first: 1 }).await.unwrap();
    assert_eq!((rest.items, rest.has_next), (vec![events[0].clone()], false));
}

/// As a journal of an earlier release may have it.
pub(crate) async fn a_name_with_a_character_that_cannot_be_stored_keeps_nothing_back(world: World) {
    let mut odd = event(&world, 1, 10);
    odd.attempt.attribution.end_user = Some("a\0b".to_owned());
    odd.attempt.attribution.session = Some("\0".to_owned());
    odd.attempt.attribution.tags = vec![("k".to_owned(), "\0".to_owned())];
    odd.attempt.requested_model = "\0".to_owned();
    commit(&world, &[odd.clone(), event(&world, 2, 20)]).await;
    let kept = world.ours.scope.event(odd.attempt.id).await.unwrap();
    assert_eq!(kept.attempt.attribution.end_user.as_deref(), Some("a\u{fffd}b"));
    assert_eq!(kept.attempt.attribution.tags, odd.attempt.attribution.tags);
    assert_eq!(totals(&world).await.count, 2);
}

pub(crate) async fn a_duplicate_changes_nothing(world: World) {
    let events = [event(&world, 1, 10), event(&world, 2, 20), event(&world, 1, 10)];
    commit(&world, &events).await;
    let before = (totals(&world).await, verify(&world).await);
    assert_eq!(before.0.count, 2);
    commit(&world, &events).await;
    commit(&world, &events[..1]).await;
    assert_eq!((totals(&world).await, verify(&world).await), before);
    // The first one counts, also against one of the same id that says something else.
    commit(&world, &[event(&world, 1, 99), event(&world, 3, 30)]).await;
    let after = totals(&world).await;
    assert_eq!((after.count, after.events), (3, Amount::from_pico(60)));
}

pub(crate) async fn batches_committed_at_once_make_one_chain(world: World) {
    let shipment = |number: u128| {
        let world = &world;
        async move {
            // Every shipment repeats an event of its neighbour's.
            let events = [event(world, number, 5), event(world, number + 1, 5)];
            world.store.commit_events(&events, NOW).await
        }
    };
    try_join_all((0..10).map(shipment)).await.unwrap();
    let totals = totals(&world).await;
    assert_eq!(
        (totals.count, totals.events, totals.ledger),
        (11, Amount::from_pico(55), Amount::from_pico(55))
    );
    assert!(matches!(verify(&world).await, Chain::Intact { links: 1..=10, .. }));
}

pub(crate) async fn the_ledger_balances_and_equals_the_events(world: World) {
    let mut unsure = event(&world, 2, 20);
    unsure.settlement.suspense = Pico::new(7);
    let mut failed = event(&world, 3, 0);
    failed.settlement.outcome = Outcome::Failed;
    commit(&world, &[event(&world, 1, 10), unsure, failed]).await;
    commit(&world, &[event(&world, 4, 5)]).await;
    let thirty_five = Amount::from_pico(35);
    let expected =
        Totals { events: thirty_five, ledger: thirty_five, suspense: Amount::from_pico(7), count: 4 };
    assert_eq!(totals(&world).await, expected);
    assert!(matches!(verify(&world).await, Chain::Intact { links: 2, .. }));
    let sql = world.sql().await;
    let statement = "SELECT account, CAST(SUM(amount_pico) AS bigint) AS total, COUNT(*) AS entries \
                     FROM ledger_entries GROUP BY account ORDER BY account";
    let rows =
        sql.query_all_raw(sea_orm::Statement::from_string(sql.get_database_backend(), statement)).await;
    let accounts: Vec<(String, i64, i64)> = rows
        .unwrap()
        .iter()
        .map(|row| {
            (
                row.try_get("", "account").unwrap(),
                row.try_get("", "total").unwrap(),
                row.try_get("", "entries").unwrap(),
            )
        })
        .collect();
    let account = |name: &str, total, entries| (name.to_owned(), total, entries);
    let expected = [
        account("payable:openai", -35, 3),
        account("suspense", 7, 1),
        account("suspense_contra", -7, 1),
        account("usage", 35, 3),
    ];
    assert_eq!(accounts, expected);
}

pub(crate) async fn rows_of_the_ledger_and_the_audit_log_cannot_be_changed(world: World) {
    commit(&world, &[event(&world, 1, 10)]).await;
    let sql = world.sql().await;
    let tables = [
        ("usage_events", "cost"),
        ("ledger_batches", "events"),
        ("ledger_entries", "amount_pico"),
        ("audit", "at"),
    ];
    for (table, column) in tables {
        for statement in [format!("UPDATE {table} SET {column} = 0"), format!("DELETE FROM {table}")] {
            let refused = sql.execute_unprepared(&statement).await.unwrap_err().to_string();
            assert!(refused.contains(&format!("{table} is append-only")), "{refused}");
        }
    }
    assert!(matches!(verify(&world).await, Chain::Intact { .. }));
}

pub(crate) async fn a_changed_event_breaks_the_chain(world: World) {
    commit(&world, &[event(&world, 1, 10)]).await;
    commit(&world, &[event(&world, 2, 20), event(&world, 3, 30)]).await;
    assert!(matches!(verify(&world).await, Chain::Intact { links: 2, .. }));
    let sql = world.unprotect("usage_events").await;
    let id = event(&world, 3, 30).attempt.id;
    let changes =
        ["cost = cost - 1", "team_id = NULL", "units_output = 21", "provider = 'other'", "tags = '[]'"];
    for change in changes {
        let before = world.ours.scope.event(id).await.unwrap();
        sql.execute_unprepared(&format!("UPDATE usage_events SET {change} WHERE event_id = '{id}'"))
            .await
            .unwrap();
        assert_ne!(world.ours.scope.event(id).await.unwrap(), before, "{change} changes nothing");
        assert_eq!(
            problem(verify(&world).await),
            (2, "its events were changed, removed or added"),
            "{change}"
        );
    }
}

pub(crate) async fn a_changed_entry_breaks_the_chain(world: World) {
    commit(&world, &[event(&world, 1, 10)]).await;
    let sql = world.unprotect("ledger_entries").await;
    sql.execute_unprepared("UPDATE ledger_entries SET amount_pico = amount_pico * 2").await.unwrap();
    assert_eq!(problem(verify(&world).await), (1, "its entries are not those of its events"));
    sql.execute_unprepared("UPDATE ledger_entries SET amount_pico = amount_pico / 2").await.unwrap();
    assert!(matches!(verify(&world).await, Chain::Intact { .. }));
    sql.execute_unprepared("DELETE FROM ledger_entries WHERE account = 'usage'").await.unwrap();
    assert_eq!(problem(verify(&world).await), (1, "its entries are not those of its events"));
}

pub(crate) async fn an_added_event_breaks_the_chain(world: World) {
    commit(&world, &[event(&world, 1, 10), event(&world, 2, 10)]).await;
    commit(&world, &[event(&world, 3, 10)]).await;
    let sql = world.unprotect("usage_events").await;
    sql.execute_unprepared("UPDATE usage_events SET batch_seq = 7 WHERE batch_seq = 2").await.unwrap();
    assert_eq!(problem(verify(&world).await), (2, "its events were changed, removed or added"));
    sql.execute_unprepared("UPDATE usage_events SET batch_seq = 1").await.unwrap();
    assert_eq!(problem(verify(&world).await), (1, "its events were changed, removed or added"));
}

pub(crate) async fn a_shortened_ledger_is_seen(world: World) {
    commit(&world, &[event(&world, 1, 10)]).await;
    commit(&world, &[event(&world, 2, 20)]).await;
    for table in ["ledger_entries", "usage_events"] {
        world.unprotect(table).await;
    }
    let sql = world.unprotect("ledger_batches").await;
    sql.execute_unprepared("DELETE FROM ledger_entries WHERE batch_seq = 2").await.unwrap();
    sql.execute_unprepared("DELETE FROM ledger_batches WHERE seq = 2").await.unwrap();
    sql.execute_unprepared("DELETE FROM usage_events WHERE batch_seq = 2").await.unwrap();
    assert_eq!(problem(verify(&world).await), (2, "batches at the end are missing, or were added"));
}

pub(crate) async fn a_changed_audit_row_breaks_its_chain(world: World) {
    let scope = &world.ours.scope;
    let reported = serde_json::json!({ "period": "2026-11" });
    scope.note((Author::key(world.ours.key.id), NOW), "download_report", "2026-11", reported).await.unwrap();
    let entry = scope.audit(&ALL).await.unwrap().items.remove(0);
    assert_eq!((entry.action.as_str(), entry.actor_kind.as_str()), ("download_report", "key"));
    assert_eq!(world.ours.revision(&world.store).await, 1, "a note is no change of policy");
    let Chain::Intact { links, .. } = scope.verify_audit().await.unwrap() else {
        panic!("the log is intact")
    };
    let sql = world.unprotect("audit").await;
    for change in ["action = 'nothing'", "detail = 'x'", "at = at + 1", "actor_id = NULL"] {
        let one =
            format!("UPDATE audit SET {change} WHERE chain = '{}' AND seq = {links}", world.ours.org.id);
        sql.execute_unprepared(&one).await.unwrap();
        assert_eq!(problem(scope.verify_audit().await.unwrap()), (links, "it was changed"), "{change}");
    }
    assert!(matches!(world.theirs.scope.verify_audit().await.unwrap(), Chain::Intact { .. }));
}

pub(crate) async fn a_shortened_audit_log_is_seen(world: World) {
    let Chain::Intact { links, .. } = world.ours.scope.verify_audit().await.unwrap() else {
        panic!("the log is intact")
    };
    let sql = world.unprotect("audit").await;
    let last = format!("DELETE FROM audit WHERE chain = '{}' AND seq = {links}", world.ours.org.id);
    sql.execute_unprepared(&last).await.unwrap();
    let expected = (links, "entries at the end are missing, or were added");
    assert_eq!(problem(world.ours.scope.verify_audit().await.unwrap()), expected);
    let middle = format!("DELETE FROM audit WHERE chain = '{}' AND seq = 2", world.ours.org.id);
    sql.execute_unprepared(&middle).await.unwrap();
    let expected = (3, "the entry before it is missing");
    assert_eq!(problem(world.ours.scope.verify_audit().await.unwrap()), expected);
}

pub(crate) async fn sums_of_great_amounts_are_exact(world: World) {
    let great = i64::MAX - 1;
    let events: Vec<_> = (0..5)
        .map(|number| {
            let mut event = event(&world, number, great);
            event.settlement.usage =
                TokenUsage::default().with(TokenClass::Input, great.unsigned_abs() / 4 - 1);
            event
        })
        .collect();
    commit(&world, &events).await;
    let expected = Amount::from_pico(i128::from(great) * 5);
    let totals = totals(&world).await;
    assert_eq!((totals.events, totals.ledger), (expected, expected));
    let rows = world.ours.scope.chargeback(Window::MONTH.at(NOW)).await.unwrap();
    assert_eq!((rows.len(), rows[0].cost), (1, expected));
    assert_eq!(rows[0].usage.get(TokenClass::Input), (great.unsigned_abs() / 4 - 1) * 5);
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 1).await;
    assert_eq!(world.ours.scope.budget_state(draw.budget, draw.window, NOW).await.unwrap().spent, expected);
}

pub(crate) async fn chargeback_rows_add_up_to_the_totals(world: World) {
    let mut events: Vec<_> = (0..40).map(|number| event(&world, number, 1_000_003 + number as i64)).collect();
    for (number, event) in events.iter_mut().enumerate() {
        if number % 2 == 0 {
            event.attempt.attribution.team = None;
            event.attempt.attribution.cost_centre = None;
        }
        if number % 5 == 0 {
            event.attempt.provider = "other".to_owned();
        }
    }
    commit(&world, &events).await;
    let rows = world.ours.scope.chargeback(Window::MONTH.at(NOW)).await.unwrap();
    assert_eq!(rows.len(), 4);
    let totals = totals(&world).await;
    assert_eq!(rows.iter().map(|row| row.cost).sum::<Amount>(), totals.events);
    assert_eq!(totals.events, totals.ledger);
    assert_eq!(rows.iter().map(|row| row.requests).sum::<u64>(), 40);
    assert_eq!(rows.iter().map(|row| row.usage.get(TokenClass::Output)).sum::<u64>(), 40 * 20);
    let named: Vec<_> = rows.iter().map(|row| (row.team_name.as_deref(), row.key_name.as_deref())).collect();
    let (with, without) = ((Some("search"), Some("key 1")), (None, Some("key 1")));
    assert_eq!(named, [without, without, with, with]);
    assert_eq!(rows[2].cost_centre.as_deref(), Some("4711"));
}

pub(crate) async fn an_event_of_a_month_nobody_prepared_has_a_place_and_is_there_once(world: World) {
    let mut early = event(&world, 1, 10);
    early.attempt.admitted_at = NOW.plus_seconds(-86_400 * 400);
    let mut late = event(&world, 2, 20);
    late.attempt.admitted_at = NOW.plus_seconds(86_400 * 400);
    let events = [early.clone(), late.clone(), event(&world, 3, 30)];
    commit(&world, &events).await;
    for moment in [early.attempt.admitted_at, late.attempt.admitted_at, late.attempt.admitted_at] {
        world.store.prepare_partitions(moment).await.unwrap();
        commit(&world, &events).await;
    }
    // The same id with another moment of admission is the same event.
    commit(&world, &[event(&world, 1, 99)]).await;
    assert_eq!(world.ours.scope.events(&EventFilter::default(), &ALL).await.unwrap().items.len(), 3);
    assert_eq!(world.ours.scope.event(early.attempt.id).await.unwrap(), early);
    assert_eq!(totals(&world).await.events, Amount::from_pico(30));
    assert!(matches!(verify(&world).await, Chain::Intact { links: 1, .. }));
}

pub(crate) async fn cut_calls_are_those_that_did_not_end(world: World) {
    let events: Vec<_> = (0..)
        .zip(Outcome::ALL)
        .map(|(number, outcome)| {
            let mut event = event(&world, number, 10);
            event.settlement.outcome = outcome;
            event
        })
        .collect();
    commit(&world, &events).await;
    let cut = world.ours.scope.cut_calls(Window::MONTH.at(NOW), &ALL).await.unwrap().items;
    let outcomes: Vec<_> = cut.iter().map(|event| event.settlement.outcome).collect();
    assert_eq!(outcomes, [Outcome::Interrupted, Outcome::Cut, Outcome::Broken]);
    let first =
        world.ours.scope.cut_calls(Window::MONTH.at(NOW), &Page { after: None, first: 2 }).await.unwrap();
    assert!(first.has_next);
    assert!(world.ours.scope.cut_calls("2020-01".parse().unwrap(), &ALL).await.unwrap().items.is_empty());
}

pub(crate) async fn events_of_an_unknown_org_are_refused(world: World) {
    let mut event = event(&world, 1, 10);
    event.attempt.attribution.org = OrgId::new(NOW, 99);
    let refused = world.store.commit_events(&[event], NOW).await;
    assert!(matches!(refused, Err(StoreError::NotFound)));
    assert_eq!(totals(&world).await.count, 0);
}

pub(crate) async fn a_keys_spend_is_that_of_its_events_since_then(world: World) {
    let mut earlier = event(&world, 1, 10);
    earlier.attempt.admitted_at = NOW.plus_seconds(-3_600);
    let mut of_another = event(&world, 2, 500);
    of_another.attempt.attribution.key = KeyId::new(NOW, 99);
    commit(&world, &[earlier, of_another, event(&world, 3, 30)]).await;
    let spend = async |since| world.ours.scope.spend_of_key(world.ours.key.id, since).await.unwrap();
    assert_eq!(spend(NOW).await, Amount::from_pico(30));
    assert_eq!(spend(NOW.plus_seconds(-3_600)).await, Amount::from_pico(40));
    assert_eq!(spend(NOW.plus_seconds(1)).await, Amount::ZERO);
    let foreign = world.theirs.scope.spend_of_key(world.ours.key.id, NOW).await.unwrap();
    assert_eq!(foreign, Amount::ZERO);
}
