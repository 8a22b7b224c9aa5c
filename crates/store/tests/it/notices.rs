//! Where notices go, and that each gets there at least once.

use domain::limit::BudgetScope;
use domain::notice::{Channel, NoticeTarget};
use domain::{NoticeTargetId, Pico, Timestamp};
use metering::sample;
use metering::usage::Draw;
use policy::record::Sealed;
use sea_orm::ConnectionTrait;
use store::{Author, Delivery, NewNoticeTarget, NoticeTargetView, Store, StoreError};

use crate::world::{ALL, NOW, Tenant, World};

const HOLD_S: i64 = 20;

fn by() -> (Author, Timestamp) {
    (Author::system(), NOW)
}

async fn target(tenant: &Tenant, number: u128) -> NewNoticeTarget {
    let new = NewNoticeTarget {
        target: NoticeTarget {
            id: NoticeTargetId::new(NOW, number),
            name: format!("target {number}"),
            channel: Channel::Webhook("https://example.com/a/secret/path".to_owned()),
        },
        sealed: Some(Sealed(vec![1, 2, 3])),
    };
    tenant.scope.create_notice_target(&new, 20, by()).await.unwrap();
    new
}

/// Spends `cost` of the budget of `draw`.
async fn spend(world: &World, number: u128, draw: Draw, cost: i64) {
    let event = sample::answered(world.ours.attempt(number, &[draw]), Pico::new(cost));
    world.store.commit_events(&[event], NOW).await.unwrap();
}

async fn views(tenant: &Tenant) -> Vec<NoticeTargetView> {
    tenant.scope.notice_targets(&ALL).await.unwrap().items
}

/// Holds everything that waits at `now`.
async fn hold(store: &Store, now: Timestamp) -> Vec<Delivery> {
    let mut held = Vec::new();
    for waiting in store.waiting_notices(now, 100).await.unwrap() {
        held.extend(store.hold_notice(waiting, now.plus_seconds(HOLD_S)).await.unwrap());
    }
    held
}

pub(crate) async fn targets_of_one_organization_take_no_place_of_anothers(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 100).await;
    for number in [1, 2, 3] {
        target(&world.ours, number).await;
    }
    spend(&world, 1, draw, 80).await;
    let (_, draw) = world.theirs.budget(2, BudgetScope::Org, 100).await;
    target(&world.theirs, 4).await;
    let event = sample::answered(world.theirs.attempt(2, &[draw]), Pico::new(80));
    world.store.commit_events(&[event], NOW.plus_seconds(60)).await.unwrap();
    let mut orgs = Vec::new();
    for waiting in world.store.waiting_notices(NOW.plus_seconds(60), 2).await.unwrap() {
        orgs.extend(world.store.hold_notice(waiting, NOW.plus_seconds(80)).await.unwrap());
    }
    let orgs: Vec<_> = orgs.into_iter().map(|held| held.notice.org.id).collect();
    assert_eq!(orgs, [world.ours.org.id, world.theirs.org.id], "three of ours have waited for longer");
}

pub(crate) async fn a_threshold_is_written_with_a_delivery_to_each_target_there_is(world: World) {
    let (budget, draw) = world.ours.budget(1, BudgetScope::Org, 100).await;
    for number in [1, 2] {
        target(&world.ours, number).await;
    }
    target(&world.theirs, 3).await;
    spend(&world, 1, draw, 79).await;
    assert!(world.store.waiting_notices(NOW, 100).await.unwrap().is_empty());
    spend(&world, 2, draw, 1).await;
    // What was noted is not noted again; a target that is made later gets what comes later.
    spend(&world, 3, draw, 1).await;
    target(&world.ours, 4).await;
    let held = hold(&world.store, NOW).await;
    let mut targets: Vec<_> = held.iter().map(|delivery| delivery.target.name.as_str()).collect();
    targets.sort_unstable();
    assert_eq!(targets, ["target 1", "target 2"]);
    let Delivery { notice, sealed, attempts, .. } = &held[0];
    assert_eq!((&notice.org, &notice.budget, notice.window), (&world.ours.org, &budget, draw.window));
    assert_eq!((notice.percent, notice.spent.pico(), notice.limit.pico()), (80, 80, 100));
    assert_eq!((sealed, *attempts), (&Some(Sealed(vec![1, 2, 3])), 0));
    assert_eq!(notice.id(), format!("{}_{}_80", budget.id, draw.window));
    let waiting: Vec<_> = views(&world.ours).await.iter().map(|view| view.waiting).collect();
    assert_eq!(waiting, [1, 1, 0]);
    assert_eq!(views(&world.theirs).await[0].waiting, 0);
}

pub(crate) async fn a_delivery_is_held_by_one_and_is_free_again_when_its_time_is_over(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 100).await;
    target(&world.ours, 1).await;
    spend(&world, 1, draw, 90).await;
    let [waiting] = &world.store.waiting_notices(NOW, 100).await.unwrap()[..] else { panic!("not one") };
    let until = NOW.plus_seconds(HOLD_S);
    let tries = (0..8).map(|_| world.store.hold_notice(waiting.clone(), until));
    let held = futures::future::join_all(tries).await;
    assert_eq!(held.into_iter().filter(|outcome| outcome.as_ref().unwrap().is_some()).count(), 1);
    // Whoever held it died.
    assert!(hold(&world.store, until.plus_micros(-1)).await.is_empty());
    let again = hold(&world.store, until).await;
    assert_eq!((again.len(), again[0].attempts), (1, 0));
}

pub(crate) async fn what_arrived_is_delivered_no_more_and_what_did_not_is_tried_at_its_time(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 100).await;
    target(&world.ours, 1).await;
    spend(&world, 1, draw, 90).await;
    let later = NOW.plus_seconds(60);
    let first = hold(&world.store, NOW).await.remove(0);
    world.store.notice_failed(&first, "no answer", Some(later), NOW).await.unwrap();
    let view = views(&world.ours).await.remove(0);
    assert_eq!((view.failing_since, view.failures, view.waiting), (Some(NOW), 1, 1));
    assert_eq!(view.last_error.as_deref(), Some("no answer"));
    assert!(hold(&world.store, later.plus_micros(-1)).await.is_empty());
    let second = hold(&world.store, later).await.remove(0);
    assert_eq!(second.attempts, 1);
    // The first attempt's word comes too late: another has taken it.
    world.store.notice_failed(&first, "too late", None, later).await.unwrap();
    assert_eq!(views(&world.ours).await[0].last_error.as_deref(), Some("no answer"));
    world.store.notice_delivered(&second, later).await.unwrap();
    let view = views(&world.ours).await.remove(0);
    assert_eq!((view.delivered_at, view.failing_since, view.last_error), (Some(later), None, None));
    assert_eq!((view.failures, view.waiting, view.given_up), (0, 0, 0));
    assert!(hold(&world.store, later.plus_seconds(86_400)).await.is_empty());
}

pub(crate) async fn what_is_given_up_is_counted_and_tried_no_more(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 100).await;
    target(&world.ours, 1).await;
    spend(&world, 1, draw, 90).await;
    let held = hold(&world.store, NOW).await.remove(0);
    world.store.notice_failed(&held, "gone", None, NOW).await.unwrap();
    let view = views(&world.ours).await.remove(0);
    assert_eq!((view.waiting, view.given_up), (0, 1));
    assert!(hold(&world.store, NOW.plus_seconds(86_400)).await.is_empty());
}

pub(crate) async fn a_test_that_arrives_brings_forward_what_waits(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 100).await;
    let id = target(&world.ours, 1).await.target.id;
    spend(&world, 1, draw, 90).await;
    let held = hold(&world.store, NOW).await.remove(0);
    world.store.notice_failed(&held, "away", Some(NOW.plus_seconds(7_200)), NOW).await.unwrap();
    let soon = NOW.plus_seconds(1);
    world.ours.scope.notice_tested(id, Err("still away"), soon).await.unwrap();
    let view = views(&world.ours).await.remove(0);
    assert_eq!((view.failing_since, view.failures), (Some(NOW), 2));
    assert!(hold(&world.store, soon).await.is_empty());
    world.ours.scope.notice_tested(id, Ok(()), soon).await.unwrap();
    assert_eq!(views(&world.ours).await[0].failing_since, None);
    assert_eq!(hold(&world.store, soon).await.len(), 1);
}

pub(crate) async fn a_deleted_target_gets_nothing_and_keeps_no_secret(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 100).await;
    let id = target(&world.ours, 1).await.target.id;
    spend(&world, 1, draw, 90).await;
    let waiting = world.store.waiting_notices(NOW, 100).await.unwrap();
    let theirs = world.theirs.scope.delete_notice_target(id, by()).await;
    assert!(matches!(theirs, Err(StoreError::NotFound)), "{theirs:?}");
    world.ours.scope.delete_notice_target(id, by()).await.unwrap();
    for waiting in waiting {
        assert!(world.store.hold_notice(waiting, NOW.plus_seconds(1)).await.unwrap().is_none());
    }
    spend(&world, 2, draw, 10).await;
    assert!(hold(&world.store, NOW.plus_seconds(1)).await.is_empty());
    assert!(views(&world.ours).await.is_empty());
    for gone in [
        world.ours.scope.notice_target(id).await.map(drop),
        world.ours.scope.delete_notice_target(id, by()).await,
        world.theirs.scope.notice_target(id).await.map(drop),
    ] {
        assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
    }
    let sql = world.sql().await;
    let kept =
        sql.execute_unprepared("UPDATE notice_targets SET failures = 1 WHERE sealed IS NOT NULL").await;
    assert_eq!(kept.unwrap().rows_affected(), 0);
}

pub(crate) async fn targets_are_counted_audited_and_their_organizations_own(world: World) {
    let made = target(&world.ours, 1).await;
    let second = NewNoticeTarget {
        target: NoticeTarget { id: NoticeTargetId::new(NOW, 2), ..made.target.clone() },
        sealed: None,
    };
    let refused = world.ours.scope.create_notice_target(&second, 1, by()).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let read = world.ours.scope.notice_target(made.target.id).await.unwrap();
    assert_eq!(read, (made.target.clone(), made.sealed));
    assert!(views(&world.theirs).await.is_empty());
    world.ours.scope.delete_notice_target(made.target.id, by()).await.unwrap();
    world.ours.scope.create_notice_target(&second, 1, by()).await.unwrap();
    let log = world.ours.scope.audit(&ALL).await.unwrap().items;
    let actions: Vec<_> = log.iter().take(3).map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["create_notice_target", "delete_notice_target", "create_notice_target"]);
    assert!(log.iter().all(|entry| !entry.detail.contains("secret")), "{log:?}");
    assert!(log[2].detail.contains("\"https://example.com\""), "{}", log[2].detail);
    world.ours.scope.verify_audit().await.unwrap();
}
