//! One run: nodes, the control plane, the messages between them, and the meter that judges.
//!
//! Invariant: one thing happens at a time; before the next, everything that it set off has come to rest.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;
use domain::time::FixedClock;
use domain::{Timestamp, WindowId};
use tokio::sync::mpsc;

use crate::control::{BUDGETS, Control};
use crate::dice::Dice;
use crate::link::{Answer, Ask, From, Lost, Message, News};
use crate::meter::{Account, Meter};
use crate::node::Node;
use crate::plan::Plan;
use crate::trace::Trace;
use crate::verdict::{Tally, Verdict};

/// 2026-11-20T00:00:00Z.
const BEGIN: Timestamp = Timestamp::from_millis(1_795_132_800_000);
/// 2026-12-01T00:00:00Z.
const END_OF_MONTH: Timestamp = Timestamp::from_millis(1_796_083_200_000);
/// Steps of a run in foul weather.
const STEPS: u64 = 160;
/// Steps of a run in fair weather, at most; it ends before, when a budget is used up.
const MOST_STEPS: u64 = 20_000;
/// So many turns without news mean that nothing moves.
const REST: u32 = 8;

/// Everything there is in a run.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) dice: Dice,
    pub(crate) folder: PathBuf,
    pub(crate) now: Timestamp,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) control: Control,
    pub(crate) nodes: Vec<Node>,
    /// Sent, and not yet arrived or not yet answered.
    pub(crate) net: Vec<Message>,
    pub(crate) meter: Meter,
    pub(crate) limits: Vec<i128>,
    /// The largest reservation of this run.
    pub(crate) largest: i64,
    /// Every budget and window that anything was asked of.
    pub(crate) accounts: BTreeSet<(usize, WindowId)>,
    pub(crate) trace: Trace,
    pub(crate) tally: Tally,
    /// Nodes that will never return.
    pub(crate) retired: Vec<domain::NodeId>,
    /// Refusals since anything was reserved.
    pub(crate) refusals_in_a_row: u64,
    pub(crate) usable_permyriad: Option<i128>,
    /// Nothing goes wrong any more, and what is left of the budgets is used up.
    pub(crate) is_over: bool,
    pub(crate) tell: mpsc::UnboundedSender<News>,
    news: mpsc::UnboundedReceiver<News>,
    /// Tasks that wait for neither a message nor a step: they read or write a disk.
    running: usize,
}

/// What the scheduler can do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Wait,
    Ask,
    Call,
    Deliver,
    Ship,
    Introduce,
    Tidy,
    GiveUp,
    Sync,
    Stop,
    Start,
    CutOff,
    Skew,
    Limit,
    Image,
    Retire,
    Day,
}

const FAIR: &[(u64, Step)] = &[
    (10, Step::Wait),
    (40, Step::Ask),
    (70, Step::Call),
    (40, Step::Deliver),
    (4, Step::Ship),
    (3, Step::Introduce),
    (3, Step::Tidy),
    (2, Step::Sync),
];

const FOUL: &[(u64, Step)] = &[
    (10, Step::Wait),
    (40, Step::Ask),
    (60, Step::Call),
    (60, Step::Deliver),
    (14, Step::Ship),
    (6, Step::Introduce),
    (14, Step::Tidy),
    (3, Step::GiveUp),
    (6, Step::Sync),
    (7, Step::Stop),
    (14, Step::Start),
    (3, Step::CutOff),
    (2, Step::Skew),
    (2, Step::Limit),
    (7, Step::Image),
    (1, Step::Retire),
    (1, Step::Day),
];

pub(crate) fn account((number, window): (usize, WindowId)) -> Account {
    (number, window.to_string())
}

impl World {
    pub(crate) async fn new(folder: &Path, plan: Plan) -> anyhow::Result<Self> {
        let mut dice = Dice::new(plan.seed);
        let to_the_end = plan.is_fair() || dice.percent(50);
        let now = if to_the_end {
            BEGIN.plus_micros(dice.between(0, 86_400_000_000))
        } else {
            END_OF_MONTH.plus_micros(-dice.between(0, 600_000_000))
        };
        let clock = Arc::new(FixedClock::new(now));
        let control = Control::open(folder, &clock).await?;
        let (tell, news) = mpsc::unbounded_channel();
        let count = 2 + dice.place(3);
        let nodes = (0..count).map(|number| Node::new(number, folder.join(format!("node-{number}-1")), now));
        let mut world = Self {
            plan,
            folder: folder.to_owned(),
            now,
            clock,
            control,
            nodes: nodes.collect(),
            net: Vec::new(),
            meter: Meter::default(),
            limits: Vec::new(),
            largest: dice.between(1_000, 1_000_000),
            accounts: BTreeSet::new(),
            trace: Trace::default(),
            tally: Tally::default(),
            retired: Vec::new(),
            refusals_in_a_row: 0,
            usable_permyriad: None,
            is_over: false,
            tell,
            news,
            running: 0,
            dice,
        };
        world.set_limits().await?;
        Ok(world)
    }

    async fn set_limits(&mut self) -> anyhow::Result<()> {
        for number in 0..BUDGETS {
            let (least, most) = match (self.plan.is_fair(), number) {
                (true, 0) => (100, 104),
                // Never the tightest.
                (true, _) => (150, 200),
                (false, 0) => (3, 14),
                (false, _) => (2, 12),
            };
            let largest = i128::from(self.largest);
            let limit =
                largest * i128::from(self.dice.between(least, most)) + i128::from(self.dice.between(0, 999));
            self.limits.push(limit);
            self.control.set_limit(number, limit).await?;
            self.trace.note(format_args!("budget {number} is {limit}"));
        }
        Ok(())
    }

    /// From the first step to the audit.
    pub(crate) async fn run(&mut self) -> anyhow::Result<()> {
        for place in 0..self.nodes.len() {
            if !self.plan.is_fair() && self.dice.percent(20) {
                self.skew(place);
            }
            self.start(place).await?;
        }
        let steps = if self.plan.is_fair() { MOST_STEPS } else { STEPS };
        for _ in 0..steps {
            self.tally.steps += 1;
            self.step().await?;
            self.after_step()?;
            if self.plan.is_fair() && self.is_used_up() {
                break;
            }
        }
        self.finale().await
    }

    async fn step(&mut self) -> anyhow::Result<()> {
        let weighted = if self.plan.is_fair() { FAIR } else { FOUL };
        let Some(step) = self.dice.choose(weighted) else { return Ok(()) };
        match step {
            Step::Wait => self.wait(),
            Step::Ask => self.ask(),
            Step::Call => self.advance_a_call()?,
            Step::Deliver => self.deliver().await?,
            Step::Ship => self.ship_some(),
            Step::Introduce => self.introduce_some(),
            Step::Tidy => self.tidy_some(),
            Step::GiveUp => self.give_up(),
            Step::Sync => self.sync_some()?,
            Step::Stop => self.stop_some().await?,
            Step::Start => self.start_some().await?,
            Step::CutOff => self.cut_off_some(),
            Step::Skew => self.skew_some(),
            Step::Limit => self.change_a_limit().await?,
            Step::Image => self.copy_a_disk()?,
            Step::Retire => self.retire_some().await?,
            Step::Day => self.let_a_day_pass().await?,
        }
        self.rest().await
    }

    fn after_step(&mut self) -> anyhow::Result<()> {
        self.measure_headroom();
        if self.meter.overspend_max > 0 {
            bail!("a budget was billed {} more than it allows", self.meter.overspend_max);
        }
        Ok(())
    }

    /// Waits until every task waits for a step, or for a message.
    pub(crate) async fn rest(&mut self) -> anyhow::Result<()> {
        let mut quiet = 0;
        while quiet < REST {
            if let Ok(news) = self.news.try_recv() {
                self.hear(news)?;
                quiet = 0;
            } else if self.running > 0 {
                if let Some(news) = self.news.recv().await {
                    self.hear(news)?;
                }
                quiet = 0;
            } else {
                tokio::task::yield_now().await;
                quiet += 1;
            }
        }
        Ok(())
    }

    fn hear(&mut self, news: News) -> anyhow::Result<()> {
        match news {
            News::Asked(message) => self.sent(message),
            News::Reserved(from, number, outcome) => self.reserved(from, number, outcome)?,
            News::Shipped(from, outcome) => {
                self.running -= 1;
                self.trace.note(format_args!("{from} shipped: {}", outcome.is_ok()));
                if let Some(life) = self.life_of(from) {
                    life.shipped();
                }
            }
            News::Introduced(from, introduction) => {
                self.running -= 1;
                self.introduced(from, *introduction)?;
            }
        }
        Ok(())
    }

    fn sent(&mut self, mut message: Message) {
        let from = message.from;
        if is_waited_for(&message) {
            self.running -= 1;
        }
        let is_cut_off = self.nodes.get(from.node).is_some_and(|node| node.is_cut_off);
        if is_cut_off && message.reply.is_some() {
            // Mostly no connection can be made; one that was open swallows what is sent.
            let lost = if self.dice.percent(70) { Lost::NotDone } else { Lost::Unknown };
            self.trace.note(format_args!("{from} reaches nobody: {lost:?}"));
            self.tally.mishaps += 1;
            self.reply(&mut message, Err(lost));
            return;
        }
        self.net.push(message);
    }

    /// Answers whoever asked, if it still listens.
    pub(crate) fn reply(&mut self, message: &mut Message, answer: Answer) {
        let is_waited_for = is_waited_for(message);
        let Some(reply) = message.reply.take().filter(|reply| !reply.is_closed()) else { return };
        if is_waited_for {
            self.running += 1;
        }
        // It is open, and nothing else runs meanwhile.
        let _ = reply.send(answer);
    }

    /// Notes that a task began which reads or writes a disk.
    pub(crate) fn began(&mut self) {
        self.running += 1;
    }

    pub(crate) fn life_of(&mut self, from: From) -> Option<&mut crate::life::Life> {
        let life = self.nodes.get_mut(from.node)?.life.as_mut()?;
        (life.from == from).then_some(life)
    }

    /// Moves all clocks.
    pub(crate) fn pass(&mut self, micros: i64) {
        self.now = self.now.plus_micros(micros);
        self.clock.set(self.now);
        for node in &self.nodes {
            node.set_clock(self.now);
        }
    }

    fn wait(&mut self) {
        let micros = if self.dice.percent(10) {
            self.dice.between(0, 120_000_000)
        } else {
            self.dice.between(0, 2_000_000)
        };
        // In fair weather one window is looked at.
        let micros = if self.plan.is_fair() { micros / 1_000 } else { micros };
        self.pass(micros);
    }

    pub(crate) fn verdict(self, outcome: anyhow::Result<()>) -> Verdict {
        let mut trace = self.trace;
        let problem = outcome.err().map(|error| format!("{error:#}"));
        if let Some(problem) = &problem {
            trace.note(format_args!("wrong: {problem}"));
        }
        Verdict {
            seed: self.plan.seed,
            digest: trace.digest(),
            problem,
            overspend_max_pico: self.meter.overspend_max,
            usable_permyriad: self.usable_permyriad,
            tally: self.tally,
            trace: trace.into_lines(),
        }
    }
}

/// Whether a task that works beside the scheduler waits for it: shipping, or saying hello.
fn is_waited_for(message: &Message) -> bool {
    message.reply.is_some() && matches!(message.ask, Ask::Ship(_) | Ask::Hello(_))
}

impl std::fmt::Display for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "node {}.{}", self.node, self.life)
    }
}
