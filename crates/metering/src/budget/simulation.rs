//! Nodes with lease books on one source of leases, in random order, with lives that end in between: no hard budget is
//! exceeded, and all of it can be used.

use domain::{Amount, EventId, OrgId, Pico, RequestId};
use futures::executor::block_on;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use crate::memory::MemoryLeases;
use crate::ports::{LeaseAnswer, LeaseSource, UsageSink};
use crate::sample;
use crate::usage::{Draw, Holder, Outcome, UsageEvent};
use crate::{LeaseBook, Reservation};

const NODES: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    /// A request on a node, drawing on the org's budget and one team's.
    Begin { node: usize, team: u128, bound: i64 },
    /// One that is open ends, at this part of its bound, in percent.
    End { which: usize, percent: i64 },
    /// A node's life ends; its next one settles what was open, of which this part had been seen.
    Kill { node: usize, seen_percent: i64 },
    /// A node gives back what it does not use.
    GiveBack { node: usize },
    /// Every event is shipped again, as after a lost answer.
    ShipAgain,
}

fn step() -> impl Strategy<Value = Step> {
    let node = 0..NODES;
    prop_oneof![
        6 => (node.clone(), 1_u128..3, 0_i64..300).prop_map(|(node, team, bound)| Step::Begin { node, team, bound }),
        5 => (any::<usize>(), 0_i64..=100).prop_map(|(which, percent)| Step::End { which, percent }),
        1 => (node.clone(), 0_i64..=100).prop_map(|(node, seen_percent)| Step::Kill { node, seen_percent }),
        1 => node.prop_map(|node| Step::GiveBack { node }),
        1 => proptest::strategy::Just(Step::ShipAgain),
    ]
}

struct Open {
    node: usize,
    reservation: Reservation,
    event: UsageEvent,
}

struct World {
    leases: MemoryLeases,
    nodes: Vec<(Holder, LeaseBook)>,
    open: Vec<Open>,
    requests: u128,
    /// What providers were really owed, per draw: the org's, and the two teams'.
    owed: [Amount; 3],
}

fn org() -> OrgId {
    OrgId::new(sample::ADMITTED_AT, 1)
}

fn part(bound: Pico, percent: i64) -> Pico {
    Pico::new(bound.get() * percent / 100)
}

impl World {
    fn new(limits: [i128; 3], lease: i128) -> Self {
        let leases = MemoryLeases::new(Amount::from_pico(lease));
        for (number, limit) in (0..).zip(limits) {
            leases.set_limit(sample::draw(number), Amount::from_pico(limit));
        }
        let nodes = (1..=NODES as u128).map(|number| (sample::holder(number), LeaseBook::new())).collect();
        Self { leases, nodes, open: Vec::new(), requests: 0, owed: [Amount::ZERO; 3] }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Begin { node, team, bound } => self.begin(node, team, Pico::new(bound)),
            Step::End { which, percent } if !self.open.is_empty() => {
                let open = self.open.swap_remove(which % self.open.len());
                self.end(open, percent);
            }
            Step::End { .. } => {}
            Step::Kill { node, seen_percent } => self.kill(node, seen_percent),
            Step::GiveBack { node } => {
                let (holder, book) = &mut self.nodes[node];
                let unspent = book.idle();
                block_on(self.leases.give_back(*holder, unspent)).unwrap();
            }
            Step::ShipAgain => block_on(self.leases.commit(sample::shipment(self.leases.events()))).unwrap(),
        }
    }

    fn begin(&mut self, node: usize, team: u128, bound: Pico) {
        let draws = [(org(), sample::draw(0)), (org(), sample::draw(team))];
        let Some(reservation) = self.reserve(node, &draws, bound) else { return };
        self.requests += 1;
        let mut attempt = sample::attempt(self.requests);
        attempt.id = EventId { request: RequestId::new(sample::ADMITTED_AT, self.requests), attempt: 1 };
        attempt.holder = self.nodes[node].0;
        attempt.reserved = bound;
        attempt.draws = reservation.draws().collect();
        self.open.push(Open { node, reservation, event: sample::answered(attempt, Pico::ZERO) });
    }

    /// As a data plane does it: ask for what is lacking until the book is content, or a budget is exhausted.
    fn reserve(&mut self, node: usize, draws: &[(OrgId, Draw)], bound: Pico) -> Option<Reservation> {
        let (holder, book) = &mut self.nodes[node];
        loop {
            let lacking = match book.reserve(draws, bound) {
                Ok(reservation) => return Some(reservation),
                Err(lacking) => lacking,
            };
            let answers = block_on(self.leases.grant(*holder, lacking.clone())).unwrap();
            for (request, answer) in lacking.iter().zip(answers) {
                match answer {
                    LeaseAnswer::Granted(amount) => book.granted(request.org, request.draw, amount),
                    LeaseAnswer::Exhausted(_) | LeaseAnswer::Recalled(_) | LeaseAnswer::Gone => return None,
                }
            }
        }
    }

    fn end(&mut self, Open { node, reservation, mut event }: Open, percent: i64) {
        let cost = part(reservation.amount(), percent);
        self.owe(&event, cost);
        event.settlement.cost = cost;
        event.settlement.overruns = self.nodes[node].1.settle(reservation, cost);
        block_on(self.leases.commit(sample::shipment(vec![event]))).unwrap();
    }

    fn kill(&mut self, node: usize, seen_percent: i64) {
        let (lost, kept): (Vec<_>, Vec<_>) = self.open.drain(..).partition(|open| open.node == node);
        self.open = kept;
        for Open { mut event, .. } in lost {
            // The provider bills all of it, of which the dead process had seen a part.
            let (bound, seen) = (event.attempt.reserved, part(event.attempt.reserved, seen_percent));
            self.owe(&event, bound);
            event.settlement.outcome = Outcome::Interrupted;
            event.settlement.cost = seen;
            event.settlement.suspense = Pico::new(bound.get() - seen.get());
            block_on(self.leases.commit(sample::shipment(vec![event]))).unwrap();
        }
        let (holder, book) = &mut self.nodes[node];
        self.leases.retire(*holder);
        holder.incarnation += 1;
        *book = LeaseBook::new();
    }

    fn owe(&mut self, event: &UsageEvent, cost: Pico) {
        for draw in &event.attempt.draws {
            let place = (0..3).position(|number| sample::draw(number) == *draw).unwrap();
            self.owed[place] += Amount::from(cost);
        }
    }
}

proptest! {
    #[test]
    fn no_budget_is_exceeded_and_all_of_it_can_be_used(
        limits in proptest::array::uniform3(0_i128..3_000),
        lease in 0_i128..500,
        steps in proptest::collection::vec(step(), 0..150),
    ) {
        let mut world = World::new(limits, lease);
        for step in steps {
            world.apply(step);
            for number in 0..3 {
                let state = world.leases.state(sample::draw(number)).unwrap();
                prop_assert!(state.limit >= state.spent + state.suspense + state.escrow, "{state:?}");
                prop_assert_eq!(state.overrun, Amount::ZERO);
            }
        }
        while let Some(open) = world.open.pop() {
            world.end(open, 50);
        }
        for node in 0..NODES {
            world.kill(node, 0);
        }
        for (number, limit) in (0..3).zip(limits) {
            let state = world.leases.state(sample::draw(number)).unwrap();
            let owed = world.owed[usize::try_from(number).unwrap()];
            prop_assert_eq!(state.spent + state.suspense, owed);
            prop_assert!(owed <= Amount::from_pico(limit));
            prop_assert_eq!(state.escrow, Amount::ZERO, "nothing is stranded");
        }
        let left = world.leases.state(sample::draw(0)).unwrap().available().to_pico().unwrap();
        let draws = [(org(), sample::draw(0))];
        prop_assert!(world.reserve(0, &draws, left).is_some(), "what is left can be used to the last pico");
    }
}
