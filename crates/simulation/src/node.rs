//! A node over all its lives: its disk, its clock, and what the scheduler knows of it.
//!
//! Invariant: at most one life at a time; whatever a life leaves behind is on the disk or at the control plane.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use domain::time::FixedClock;
use domain::{NodeId, Timestamp};

use crate::disk::{Image, Lengths};
use crate::life::Life;

/// A machine with a disk.
pub(crate) struct Node {
    pub(crate) number: usize,
    pub(crate) data: PathBuf,
    pub(crate) disks: u64,
    pub(crate) id: Option<NodeId>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) skew_micros: i64,
    pub(crate) boot: u64,
    pub(crate) lives: u64,
    pub(crate) life: Option<Life>,
    pub(crate) is_cut_off: bool,
    /// Lengths of the journal's files when they were last synced.
    pub(crate) synced: Lengths,
    pub(crate) image: Option<Image>,
    /// Every attempt that this disk has held.
    pub(crate) events: Vec<String>,
    /// How far the control plane has noted this node's journal.
    pub(crate) noted: u64,
    pub(crate) is_known: bool,
    /// The control plane wants it to get a new data directory.
    pub(crate) is_refused: bool,
    pub(crate) purse: BTreeMap<usize, Purse>,
}

/// What a node has of one budget, by the scheduler's own count.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Purse {
    /// Granted and not given back.
    pub(crate) granted: i128,
    /// Spent, and reserved by calls on their way.
    pub(crate) used: i128,
}

impl Node {
    pub(crate) fn new(number: usize, folder: PathBuf, now: Timestamp) -> Self {
        Self {
            number,
            data: folder,
            disks: 1,
            id: None,
            clock: Arc::new(FixedClock::new(now)),
            skew_micros: 0,
            boot: 1,
            lives: 0,
            life: None,
            is_cut_off: false,
            synced: Lengths::new(),
            image: None,
            events: Vec::new(),
            noted: 0,
            is_known: false,
            is_refused: false,
            purse: BTreeMap::new(),
        }
    }

    /// Its clock follows the true time, at its own distance.
    pub(crate) fn set_clock(&self, now: Timestamp) {
        self.clock.set(now.plus_micros(self.skew_micros));
    }

    pub(crate) fn is_serving(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.is_serving)
    }
}
