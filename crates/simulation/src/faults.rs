//! What befalls nodes: kills, losses of power, older disks, clocks, cut lines; and what operators do.
//!
//! Invariant: what is lost is what a real machine can lose. An older copy of a disk comes back with a machine that was
//! started anew, or is one of the last life, of which the control plane had noted more than is on it. A copy that is older and cannot be told from the newest is outside of what is promised.

use std::fs;

use anyhow::Context;
use dataplane::membership::NotIntroduced;
use journal::Settings;
use metering::ports::{HelloError, Journal};

use crate::disk::{self, Lengths};
use crate::guard::Guard;
use crate::life::{Birth, Introduction, Life};
use crate::link::From;
use crate::world::{World, account};

const HOUR: i64 = 3_600;
const SECOND: i64 = 1_000_000;
/// Further off, hello is refused.
const LARGEST_SKEW: i64 = 30 * SECOND;

/// How a life ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Kill,
    PowerLoss,
    OlderDisk,
}

impl World {
    fn settings(&self) -> Settings {
        // In one run of five, so little that the journal fills.
        let cap_bytes = if self.plan.seed % 5 == 1 { 40_000 } else { 4_000_000 };
        // Nothing is synced by the clock of this machine: when it was is the scheduler's to say.
        Settings { cap_bytes, segment_bytes: 4_096, sync_interval: std::time::Duration::from_secs(86_400) }
    }

    pub(crate) async fn start(&mut self, place: usize) -> anyhow::Result<()> {
        // Whatever the life before still ran has to be gone.
        self.rest().await?;
        let Some(node) = self.nodes.get_mut(place).filter(|node| node.life.is_none()) else { return Ok(()) };
        if std::mem::take(&mut node.is_refused) {
            self.replace_disk(place).await?;
        }
        let (settings, entropy) = (self.settings(), self.dice.wide());
        let Some(node) = self.nodes.get_mut(place) else { return Ok(()) };
        node.lives += 1;
        let birth = Birth {
            data: &node.data,
            from: From { node: place, life: node.lives },
            clock: &node.clock,
            boot: node.boot,
            entropy,
            settings,
            without: self.plan.without,
            news: &self.tell,
        };
        let mut life = Life::begin(&birth).with_context(|| format!("node {place} cannot start"))?;
        let (from, holder) = (life.from, life.holder);
        life.introduce();
        node.id = Some(holder.node);
        node.life = Some(life);
        node.synced = disk::lengths(&node.data)?;
        self.trace.note(format_args!("{from} starts as incarnation {}", holder.incarnation));
        self.began();
        self.rest().await
    }

    pub(crate) async fn start_some(&mut self) -> anyhow::Result<()> {
        let dead: Vec<usize> =
            self.nodes.iter().filter(|node| node.life.is_none()).map(|node| node.number).collect();
        match dead.get(self.dice.place(dead.len())) {
            Some(place) => self.start(*place).await,
            None => Ok(()),
        }
    }

    /// Hello was answered, or not.
    pub(crate) fn introduced(&mut self, from: From, introduction: Introduction) -> anyhow::Result<()> {
        let Some(life) = self.life_of(from) else { return Ok(()) };
        let outcome = life.introduced(introduction);
        self.trace.note(format_args!("{from} is introduced: {}", outcome.is_ok()));
        let is_refused = matches!(outcome, Err(NotIntroduced::Hello(HelloError::Refused(_))));
        let skew = self.nodes.get(from.node).map_or(0, |node| node.skew_micros);
        if is_refused && skew.abs() <= LARGEST_SKEW {
            // As it is told: an older copy gets a new data directory.
            self.kill(from.node)?;
            if let Some(node) = self.nodes.get_mut(from.node) {
                node.is_refused = true;
            }
        }
        Ok(())
    }

    pub(crate) fn introduce_some(&mut self) {
        let Some(place) = self.some_idle() else { return };
        if let Some(life) = self.nodes.get_mut(place).and_then(|node| node.life.as_mut()) {
            life.introduce();
            self.began();
        }
    }

    pub(crate) fn ship_some(&mut self) {
        let Some(place) = self.some_idle() else { return };
        if let Some(life) = self.nodes.get_mut(place).and_then(|node| node.life.as_mut()) {
            life.ship();
            self.began();
        }
    }

    fn some_idle(&mut self) -> Option<usize> {
        let idle = self.nodes.iter().filter(|node| node.life.as_ref().is_some_and(|life| !life.is_busy()));
        let idle: Vec<usize> = idle.map(|node| node.number).collect();
        idle.get(self.dice.place(idle.len())).copied()
    }

    pub(crate) fn tidy_some(&mut self) {
        let Some(place) = self.some_serving() else { return };
        let is_ending = self.dice.percent(40);
        let Some(node) = self.nodes.get(place) else { return };
        let Some(life) = &node.life else { return };
        if is_ending {
            life.release();
        } else {
            life.tidy(&node.clock);
        }
        self.trace.note(format_args!("{} tidies, and is about to end: {is_ending}", life.from));
    }

    pub(crate) fn sync_some(&mut self) -> anyhow::Result<()> {
        let place = self.dice.place(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(place) {
            node.synced = disk::lengths(&node.data)?;
        }
        Ok(())
    }

    pub(crate) fn lengths(&self, place: usize) -> anyhow::Result<Lengths> {
        Ok(self.nodes.get(place).map(|node| disk::lengths(&node.data)).transpose()?.unwrap_or_default())
    }

    /// `kill -9`: what was written stays, all else is gone.
    pub(crate) fn kill(&mut self, place: usize) -> anyhow::Result<()> {
        let Some(node) = self.nodes.get_mut(place) else { return Ok(()) };
        let Some(life) = node.life.take() else { return Ok(()) };
        let from = life.from;
        life.kill();
        // What it sent may still arrive; nobody listens any more.
        for message in self.net.iter_mut().filter(|message| message.from == from) {
            message.reply = None;
        }
        self.tally.kills += 1;
        self.trace.note(format_args!("{from} is killed"));
        Ok(())
    }

    /// A process dies in the middle of its last write.
    pub(crate) fn die_writing(&mut self, place: usize, before: &Lengths) -> anyhow::Result<()> {
        self.kill(place)?;
        if let Some(node) = self.nodes.get(place) {
            disk::tear(&node.data, before, &mut self.dice)?;
        }
        self.trace.note("in the middle of a write");
        Ok(())
    }

    pub(crate) async fn stop_some(&mut self) -> anyhow::Result<()> {
        let alive: Vec<usize> =
            self.nodes.iter().filter(|node| node.life.is_some()).map(|node| node.number).collect();
        let Some(place) = alive.get(self.dice.place(alive.len())).copied() else { return Ok(()) };
        let ends: &[(u64, End)] = match self.plan.without {
            // What the guard is against is rare by itself.
            Some(Guard::Watermark) => &[(1, End::OlderDisk)],
            _ => &[(50, End::Kill), (20, End::PowerLoss), (30, End::OlderDisk)],
        };
        let Some(end) = self.dice.choose(ends) else { return Ok(()) };
        self.kill(place)?;
        self.rest().await?;
        match end {
            End::Kill => Ok(()),
            End::PowerLoss => self.lose_power(place),
            End::OlderDisk => self.restore_disk(place),
        }
    }

    fn lose_power(&mut self, place: usize) -> anyhow::Result<()> {
        let Some(node) = self.nodes.get_mut(place) else { return Ok(()) };
        node.boot += 1;
        self.meter.lost(node.events.iter());
        let bytes = disk::lose_power(&node.data, &node.synced, &mut self.dice)?;
        self.trace.note(format_args!("node {place} loses power, and {bytes} bytes"));
        Ok(())
    }

    pub(crate) fn copy_a_disk(&mut self) -> anyhow::Result<()> {
        let place = self.dice.place(self.nodes.len());
        let Some(node) = self.nodes.get_mut(place) else { return Ok(()) };
        let Some(life) = &node.life else { return Ok(()) };
        let end = life.journal.end().0;
        node.image = Some(disk::image(&node.data, end, life.from.life)?);
        self.trace.note(format_args!("the disk of node {place} is copied at {end}"));
        Ok(())
    }

    fn restore_disk(&mut self, place: usize) -> anyhow::Result<()> {
        let is_machine_anew = self.dice.percent(40) && self.plan.without != Some(Guard::Watermark);
        let Some(node) = self.nodes.get_mut(place) else { return Ok(()) };
        let Some(image) = node.image.clone() else { return Ok(()) };
        let is_of_last_life = image.life == node.lives;
        let can_be_told = is_machine_anew || (node.is_known && node.noted > image.end && is_of_last_life);
        if !can_be_told {
            return Ok(());
        }
        node.boot += u64::from(is_machine_anew);
        self.meter.lost(node.events.iter());
        disk::restore(&node.data, &image)?;
        self.trace.note(format_args!("node {place} gets its disk of {} back, boot {}", image.end, node.boot));
        Ok(())
    }

    pub(crate) async fn retire_some(&mut self) -> anyhow::Result<()> {
        let dead: Vec<usize> =
            self.nodes.iter().filter(|node| node.life.is_none()).map(|node| node.number).collect();
        match dead.get(self.dice.place(dead.len())) {
            Some(place) => self.replace_disk(*place).await,
            None => Ok(()),
        }
    }

    /// The disk is gone for good: the operator retires the node, and another takes its place.
    async fn replace_disk(&mut self, place: usize) -> anyhow::Result<()> {
        let Some(id) = self.nodes.get(place).and_then(|node| node.id) else { return Ok(()) };
        if !self.control.retire(id).await? {
            return Ok(());
        }
        self.retired.push(id);
        let Some(node) = self.nodes.get_mut(place) else { return Ok(()) };
        self.meter.lost(node.events.iter());
        fs::remove_dir_all(&node.data)?;
        node.disks += 1;
        node.data = self.folder.join(format!("node-{place}-{}", node.disks));
        node.events.clear();
        (node.image, node.id, node.noted) = (None, None, 0);
        (node.is_known, node.is_refused) = (false, false);
        self.trace.note(format_args!("node {place} is retired, and gets a new disk"));
        Ok(())
    }

    pub(crate) fn cut_off_some(&mut self) {
        let place = self.dice.place(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(place) {
            node.is_cut_off = !node.is_cut_off;
            self.trace.note(format_args!("node {place} is cut off: {}", node.is_cut_off));
        }
    }

    pub(crate) fn skew_some(&mut self) {
        let place = self.dice.place(self.nodes.len());
        self.skew(place);
    }

    pub(crate) fn skew(&mut self, place: usize) {
        let furthest = if self.dice.percent(30) { 45 * SECOND } else { 20 * SECOND };
        let skew = self.dice.between(-furthest, furthest);
        if let Some(node) = self.nodes.get_mut(place) {
            node.skew_micros = skew;
            node.set_clock(self.now);
            self.trace.note(format_args!("the clock of node {place} is off by {skew}"));
        }
    }

    /// An admin changes a limit; nodes hear of it, or not.
    pub(crate) async fn change_a_limit(&mut self) -> anyhow::Result<()> {
        let number = self.dice.place(self.limits.len());
        let limit = i128::from(self.largest) * i128::from(self.dice.between(1, 20));
        let theirs: Vec<_> = self.accounts.iter().filter(|(budget, _)| *budget == number).copied().collect();
        for (number, window) in theirs {
            let state = self.control.state(number, window).await?;
            // What is spent and granted stays when a limit is lowered.
            let taken = (state.spent + state.suspense + state.escrow).pico();
            self.meter.limit(account((number, window)), limit.max(taken));
        }
        self.control.set_limit(number, limit).await?;
        if let Some(known) = self.limits.get_mut(number) {
            *known = limit;
        }
        self.trace.note(format_args!("budget {number} is {limit}"));
        for node in &self.nodes {
            let hears = self.dice.percent(70);
            if let Some(life) = node.life.as_ref().filter(|_| hears) {
                life.leases.recall(&[crate::control::budget(number, 0).id]);
            }
        }
        Ok(())
    }

    /// What nobody claimed for a day is released.
    pub(crate) async fn let_a_day_pass(&mut self) -> anyhow::Result<()> {
        self.pass(25 * HOUR * SECOND);
        self.release().await
    }

    pub(crate) async fn release(&mut self) -> anyhow::Result<()> {
        let accounts: Vec<_> = self.accounts.iter().copied().collect();
        let mut before = Vec::new();
        for (number, window) in &accounts {
            before.push(self.control.state(*number, *window).await?.suspense);
        }
        let released = self.control.release(self.now.plus_seconds(-24 * HOUR)).await?;
        for ((number, window), before) in accounts.into_iter().zip(before) {
            let after = self.control.state(number, window).await?.suspense;
            self.meter.forgive(account((number, window)), (before - after).pico());
        }
        self.trace.note(format_args!("a day passes, and {released} are released"));
        Ok(())
    }
}
