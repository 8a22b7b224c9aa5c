//! Grants, calls, returns, crashes, lost disks and releases in orders made from a seed, against a model that adds up.

use domain::limit::BudgetScope;
use domain::{Amount, Holder, Pico, Timestamp};
use metering::ports::{BudgetState, LeaseAnswer, LeaseRequest};
use metering::sample;
use metering::usage::Draw;
use store::Chain;

use crate::budgets::hello;
use crate::world::{NOW, World};

const LIMIT: i128 = 20_000;
const STEPS: u128 = 70;

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    /// Below `end`.
    fn roll(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

/// A node's present life, and what it was granted and has neither used nor given back.
struct Node {
    holder: Holder,
    boots: u32,
    held: i64,
}

/// What should be so.
#[derive(Default)]
struct Model {
    spent: i64,
    /// Since when, and how much.
    suspense: Vec<(Timestamp, i64)>,
}

struct Run {
    world: World,
    draw: Draw,
    nodes: Vec<Node>,
    model: Model,
    dice: Dice,
    now: Timestamp,
}

impl Run {
    async fn hello(&self, node: &Node) -> bool {
        let boot = format!("boot {}", node.boots);
        self.world.store.hello(&hello(node.holder, &boot, 0), self.now).await.unwrap()
    }

    async fn grant(&mut self, which: usize) {
        let at_least = Amount::from_pico(i128::from(1 + self.dice.roll(900)));
        let request = LeaseRequest { org: self.world.ours.org.id, draw: self.draw, at_least };
        let answers = self.world.store.grant(self.nodes[which].holder, &[request], self.now).await.unwrap();
        if let LeaseAnswer::Granted(amount) = answers[0] {
            assert!(amount >= at_least);
            self.nodes[which].held += i64::try_from(amount.pico()).unwrap();
        }
    }

    async fn call(&mut self, which: usize, number: u128) {
        let owed = self.dice.roll(self.nodes[which].held + 1);
        let suspense = if self.dice.roll(2) == 0 { 0 } else { self.dice.roll(owed + 1) };
        let mut attempt = self.world.ours.attempt(number, &[self.draw]);
        attempt.admitted_at = self.now;
        attempt.holder = self.nodes[which].holder;
        attempt.reserved = Pico::new(owed);
        let mut event = sample::answered(attempt, Pico::new(owed - suspense));
        event.settlement.suspense = Pico::new(suspense);
        for _ in 0..2 {
            self.world.store.commit_events(std::slice::from_ref(&event), self.now).await.unwrap();
        }
        self.nodes[which].held -= owed;
        self.model.spent += owed - suspense;
        self.model.suspense.push((self.now, suspense));
    }

    async fn give_back(&mut self, which: usize) {
        let amount = self.dice.roll(self.nodes[which].held + 1);
        let unspent = [(self.world.ours.org.id, self.draw, Amount::from_pico(amount.into()))];
        self.world.store.give_back(self.nodes[which].holder, &unspent).await.unwrap();
        self.nodes[which].held -= amount;
    }

    /// The process begins anew; with `reboot` the machine does, and nobody knows what the process had not journalled.
    async fn restart(&mut self, which: usize, reboot: bool) {
        let node = &mut self.nodes[which];
        let lost = std::mem::take(&mut node.held);
        node.holder.incarnation += 1;
        node.boots += u32::from(reboot);
        let is_freed = self.hello(&self.nodes[which]).await;
        assert_eq!(is_freed, !reboot || lost == 0);
        if reboot {
            self.model.suspense.push((self.now, lost));
        }
        assert!(self.hello(&self.nodes[which]).await, "twice is harmless");
    }

    async fn release(&mut self) {
        let older_than = self.now.plus_seconds(-3_600 * self.dice.roll(20));
        let due = |(since, amount): &(Timestamp, i64)| *since < older_than && *amount > 0;
        let is_any = self.model.suspense.iter().any(due);
        self.model.suspense.retain(|held| !due(held));
        let released = self.world.store.release_suspense(older_than, self.now).await.unwrap();
        assert_eq!(released > 0, is_any);
        assert_eq!(self.world.store.release_suspense(older_than, self.now).await.unwrap(), 0);
    }

    async fn assert_as_modelled(&self, step: u128) {
        let pico = |amount: i64| Amount::from_pico(amount.into());
        let expected = BudgetState {
            limit: Amount::from_pico(LIMIT),
            spent: pico(self.model.spent),
            suspense: pico(self.model.suspense.iter().map(|(_, amount)| amount).sum()),
            escrow: pico(self.nodes.iter().map(|node| node.held).sum()),
            overrun: Amount::ZERO,
        };
        let state =
            self.world.ours.scope.budget_state(self.draw.budget, self.draw.window, NOW).await.unwrap();
        assert_eq!(state, expected, "step {step}");
        assert!(state.spent + state.suspense + state.escrow <= state.limit, "step {step}");
    }
}

pub(crate) async fn in_any_order_a_limit_covers_what_is_spent_suspended_and_granted(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, LIMIT).await;
    let nodes = (1..=3).map(|number| Node { holder: sample::holder(number), boots: 0, held: 0 }).collect();
    let mut run = Run { world, draw, nodes, model: Model::default(), dice: Dice(7), now: NOW };
    for node in &run.nodes {
        run.hello(node).await;
    }
    for step in 0..STEPS {
        run.now = run.now.plus_seconds(3_600);
        let which = usize::try_from(run.dice.roll(3)).unwrap();
        match run.dice.roll(10) {
            0..=2 => run.grant(which).await,
            3..=5 => run.call(which, step).await,
            6 => run.give_back(which).await,
            7 => run.restart(which, false).await,
            8 => run.restart(which, true).await,
            _ => run.release().await,
        }
        run.assert_as_modelled(step).await;
    }
    let chain = run.world.ours.scope.verify_ledger().await.unwrap();
    assert!(matches!(chain, Chain::Intact { .. }), "{chain:?}");
}
