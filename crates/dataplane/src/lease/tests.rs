use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Amount, OrgId, Pico};
use metering::memory::MemoryLeases;
use metering::ports::{LeaseAnswer, LeaseError, LeaseRequest, LeaseSource};
use metering::sample;
use metering::usage::{Draw, Holder};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::{Leases, NotReserved};

const PATIENCE: Duration = Duration::from_secs(1);

/// Two nodes and one budget of 100, all of which goes to whoever asks first.
struct World {
    source: Arc<MemoryLeases>,
    nodes: [Arc<Leases>; 2],
    draw: Draw,
    org: OrgId,
}

fn world() -> World {
    let source = Arc::new(MemoryLeases::new(Amount::from_pico(100)));
    let draw = sample::draw(1);
    source.set_limit(draw, Amount::from_pico(100));
    let node =
        |number| Arc::new(Leases::new(source.clone(), sample::holder(number), PATIENCE, TaskTracker::new()));
    World { nodes: [node(1), node(2)], draw, org: sample::attempt(1).attribution.org, source }
}

impl World {
    fn draws(&self) -> Vec<(OrgId, Draw)> {
        vec![(self.org, self.draw)]
    }
}

#[tokio::test]
async fn money_that_another_node_does_not_use_is_called_back_and_waited_for() {
    let world = world();
    let [first, second] = &world.nodes;
    let spent = first.reserve(world.draws(), Pico::new(10)).await.unwrap();
    first.settle(spent, Pico::new(4));
    let (reserved, ()) = tokio::join!(second.reserve(world.draws(), Pico::new(50)), async {
        tokio::time::sleep(PATIENCE / 2).await;
        first.tighten([world.draw]);
    });
    assert_eq!(reserved.unwrap().amount(), Pico::new(50));
}

#[tokio::test]
async fn what_is_freed_of_a_called_back_budget_goes_back_at_once() {
    let world = world();
    let [first, second] = &world.nodes;
    let running = first.reserve(world.draws(), Pico::new(100)).await.unwrap();
    first.tighten([world.draw]);
    let (reserved, ()) = tokio::join!(second.reserve(world.draws(), Pico::new(50)), async {
        tokio::time::sleep(PATIENCE / 2).await;
        first.settle(running, Pico::new(50));
    });
    assert_eq!(reserved.unwrap().amount(), Pico::new(50));
}

#[tokio::test]
async fn a_wait_for_money_in_vain_ends_in_a_refusal_and_the_next_does_not_wait() {
    let world = world();
    let [first, second] = &world.nodes;
    let running = first.reserve(world.draws(), Pico::new(100)).await.unwrap();
    let begun = Instant::now();
    for _ in 0..100 {
        let refused = second.reserve(world.draws(), Pico::new(50)).await;
        assert!(matches!(refused, Err(NotReserved::Exhausted(_))));
    }
    assert!(begun.elapsed() > PATIENCE / 2, "the first waited");
    assert!(begun.elapsed() < PATIENCE * 50, "the others did not");
    first.void(running);
    assert_eq!(world.source.state(world.draw).unwrap().escrow, Amount::from_pico(100));
}

#[tokio::test]
async fn a_reservation_grows_by_another_draw_or_stays_as_it_is() {
    let world = world();
    let [first, _] = &world.nodes;
    let mut reservation = first.reserve(world.draws(), Pico::new(10)).await.unwrap();
    assert!(first.extend(&mut reservation, Pico::new(85)).await);
    assert_eq!(reservation.amount(), Pico::new(95));
    assert!(!first.extend(&mut reservation, Pico::new(10)).await, "the budget has five left");
    assert_eq!(reservation.amount(), Pico::new(95));
    assert_eq!(first.settle(reservation, Pico::new(95)), [Amount::ZERO]);
}

/// Answers the first time, and from then on not at all.
struct AnswersOnce {
    source: Arc<MemoryLeases>,
    has_answered: AtomicBool,
}

#[async_trait]
impl LeaseSource for AnswersOnce {
    async fn grant(
        &self,
        holder: Holder,
        requests: Vec<LeaseRequest>,
    ) -> Result<Vec<LeaseAnswer>, LeaseError> {
        if self.has_answered.swap(true, Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.source.grant(holder, requests).await
    }

    async fn give_back(&self, holder: Holder, unspent: Vec<(OrgId, Draw, Amount)>) -> Result<(), LeaseError> {
        self.source.give_back(holder, unspent).await
    }
}

#[tokio::test]
async fn what_was_said_of_a_budget_is_the_refusal_when_the_next_answer_comes_too_late() {
    let world = world();
    let [first, _] = &world.nodes;
    let _running = first.reserve(world.draws(), Pico::new(100)).await.unwrap();
    let source = Arc::new(AnswersOnce { source: world.source.clone(), has_answered: AtomicBool::new(false) });
    let late = Leases::new(source, sample::holder(2), PATIENCE, TaskTracker::new());
    let refused = late.reserve(world.draws(), Pico::new(50)).await.unwrap_err();
    assert!(matches!(refused, NotReserved::Exhausted(short) if short.draw == world.draw));
    let unknown = late.reserve(world.draws(), Pico::new(50)).await.unwrap_err();
    assert!(matches!(unknown, NotReserved::Unreachable(_)), "nothing was said of this one");
}

#[tokio::test]
async fn money_of_the_next_window_is_there_before_it_begins() {
    let world = world();
    let [first, second] = &world.nodes;
    let (today, tomorrow) = (sample::draw(1), sample::draw(2));
    world.source.set_limit(tomorrow, Amount::from_pico(300));
    let follows = |_, draw| (draw == today).then_some(tomorrow);
    let spent = first.reserve(world.draws(), Pico::new(30)).await.unwrap();
    first.settle(spent, Pico::new(20));
    first.foresee(follows).await;
    first.foresee(follows).await;
    second.foresee(follows).await;
    assert_eq!(
        world.source.state(tomorrow).unwrap().escrow,
        Amount::from_pico(100),
        "asked for once, by who drew today"
    );
}
