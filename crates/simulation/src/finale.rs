//! The end of a run: everything comes back and ships; then the books are opened.
//!
//! Invariant: nothing is mended by hand here that an operator would not do: start what is dead, retire again what was.

use anyhow::bail;
use domain::Amount;

use crate::link::Lost;
use crate::meter::Account;
use crate::world::{World, account};

/// So many messages are more than any end can need.
const MOST: u32 = 20_000;
/// So many requests use up any budget of a run in foul weather.
const MOST_REQUESTS: u32 = 1_000;
/// So many refusals in a row show that every budget is used up.
const REFUSALS: u64 = 6;

impl World {
    /// Whether every node was refused again and again, with nothing on its way.
    pub(crate) fn is_used_up(&self) -> bool {
        let is_idle = self.nodes.iter().all(|node| {
            node.life.as_ref().is_some_and(|life| life.calls.is_empty() && life.waiting.is_empty())
        });
        is_idle && self.refusals_in_a_row >= 10 * self.nodes.len() as u64
    }

    /// Everything comes back, ships, and is counted.
    pub(crate) async fn finale(&mut self) -> anyhow::Result<()> {
        self.trace.note("everything comes back");
        self.is_over = true;
        if self.plan.is_fair() {
            self.measure_use()?;
        }
        for node in &mut self.nodes {
            (node.is_cut_off, node.skew_micros) = (false, 0);
            node.set_clock(self.now);
        }
        self.pump().await?;
        self.end_calls().await?;
        self.restart_all().await?;
        if self.plan.seed.is_multiple_of(2) || self.plan.without.is_some() {
            self.squeeze().await?;
        }
        self.restart_all().await?;
        for id in std::mem::take(&mut self.retired) {
            self.control.retire(id).await?;
        }
        self.check_escrow().await?;
        self.audit().await
    }

    /// Twice: a node that is refused comes back as another, and what a life was leased is freed by the next.
    async fn restart_all(&mut self) -> anyhow::Result<()> {
        for place in 0..self.nodes.len() {
            self.kill(place)?;
            self.start(place).await?;
            self.pump().await?;
        }
        for place in 0..self.nodes.len() {
            self.start(place).await?;
            self.pump().await?;
        }
        Ok(())
    }

    /// Uses up what is left of every budget, so that whatever was counted too low is spent twice.
    async fn squeeze(&mut self) -> anyhow::Result<()> {
        self.refusals_in_a_row = 0;
        for _ in 0..MOST_REQUESTS {
            self.ask();
            self.pump().await?;
            self.end_calls().await?;
            if self.refusals_in_a_row >= REFUSALS {
                return Ok(());
            }
        }
        bail!("the budgets could not be used up");
    }

    fn measure_use(&mut self) -> anyhow::Result<()> {
        if !self.is_used_up() {
            bail!("the budget could not be used up");
        }
        let Some(tightest) = self.meter.accounts().next().cloned() else { return Ok(()) };
        let billed = self.meter.billed(&tightest);
        self.usable_permyriad = Some(billed * 10_000 / self.meter.cap(&tightest).max(1));
        Ok(())
    }

    /// Delivers until nothing is on its way, and every living node is introduced and has shipped.
    async fn pump(&mut self) -> anyhow::Result<()> {
        self.rest().await?;
        for _ in 0..MOST {
            self.settle_down()?;
            let Some(mut message) = self.net.pop() else { return Ok(()) };
            match message.answer.take() {
                Some(answer) => self.reply(&mut message, answer),
                None if message.reply.is_none() && self.dice.percent(30) => {
                    self.reply(&mut message, Err(Lost::Unknown));
                }
                None => self.arrive(message).await?,
            }
            self.rest().await?;
        }
        bail!("messages never end");
    }

    fn settle_down(&self) -> anyhow::Result<()> {
        if self.meter.overspend_max > 0 {
            bail!("a budget was billed {} more than it allows", self.meter.overspend_max);
        }
        Ok(())
    }

    /// Calls end, and their events are shipped.
    async fn end_calls(&mut self) -> anyhow::Result<()> {
        for _ in 0..MOST {
            let is_any = self.nodes.iter().any(|node| {
                node.is_serving() && node.life.as_ref().is_some_and(|life| !life.calls.is_empty())
            });
            if !is_any {
                break;
            }
            self.advance_a_call()?;
            self.rest().await?;
            self.settle_down()?;
        }
        self.pump().await
    }

    async fn check_escrow(&mut self) -> anyhow::Result<()> {
        let accounts: Vec<_> = self.accounts.iter().copied().collect();
        for (number, window) in &accounts {
            let state = self.control.state(*number, *window).await?;
            if state.escrow != Amount::ZERO {
                bail!("{} of budget {number} stay in escrow", state.escrow.pico());
            }
            let known: Account = account((*number, *window));
            let (billed, cap) = (self.meter.billed(&known), self.meter.cap(&known));
            let covered = (state.spent + state.suspense + state.overrun).pico();
            let forgiven = self.meter.forgiven(&known);
            if billed > covered + forgiven || covered > cap {
                bail!("budget {number} was billed {billed}, allows {cap}, and says {covered}");
            }
        }
        Ok(())
    }

    async fn audit(&mut self) -> anyhow::Result<()> {
        let (entries, is_intact) = self.control.ledger().await?;
        if !is_intact {
            bail!("the ledger's chain is broken");
        }
        let (events, cost): (usize, i128) = (entries.len(), entries.iter().map(|entry| entry.cost).sum());
        self.trace.note(format_args!("the ledger has {events} events, {cost}"));
        self.meter.audit(&entries).map_err(anyhow::Error::msg)
    }
}
