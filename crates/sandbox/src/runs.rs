//! Knobs that hold for a whole run: set over HTTP, per site or for all sites (`*`), for ever or for the next
//! N calls.
//!
//! Invariant: what is stored has been checked, so that taking it can only fail for lack of a match.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::directive::{Pairs, as_text};
use crate::knobs::{BadKnob, Knobs};
use crate::sites;

/// The entry that counts for every site.
const EVERY_SITE: &str = "*";

#[derive(Debug, Default)]
pub(crate) struct Runs {
    entries: Mutex<BTreeMap<String, Run>>,
}

#[derive(Debug)]
struct Run {
    pairs: Pairs,
    /// Calls this still applies to; without it, all.
    left: Option<u64>,
}

impl Runs {
    /// Replaces everything set before with `{site or "*": {knob: value}}`.
    pub(crate) fn replace(&self, by_site: &Map<String, Value>) -> Result<(), BadKnob> {
        let mut entries = BTreeMap::new();
        for (site, knobs) in by_site {
            if site != EVERY_SITE && sites::named(site).is_none() {
                return Err(BadKnob(format!("unknown site `{site}`")));
            }
            let knobs =
                knobs.as_object().ok_or_else(|| BadKnob(format!("`{site}` wants an object of knobs")))?;
            entries.insert(site.clone(), run(knobs)?);
        }
        *self.entries.lock() = entries;
        Ok(())
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().clear();
    }

    /// The knobs for the next call on this site, weakest first. Uses up one of `times`.
    pub(crate) fn take(&self, site: &str) -> Pairs {
        let mut entries = self.entries.lock();
        let mut pairs = Pairs::new();
        for name in [EVERY_SITE, site] {
            let Some(run) = entries.get_mut(name) else { continue };
            pairs.extend(run.pairs.iter().cloned());
            if let Some(left) = &mut run.left {
                *left = left.saturating_sub(1);
            }
        }
        entries.retain(|_, run| run.left != Some(0));
        pairs
    }

    /// What is set now, with what is left of `times`.
    pub(crate) fn view(&self) -> Value {
        let entries = self.entries.lock();
        let sites = entries.iter().map(|(site, run)| {
            let mut knobs: Map<String, Value> =
                run.pairs.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
            if let Some(left) = run.left {
                knobs.insert("times".to_owned(), Value::from(left));
            }
            (site.clone(), Value::Object(knobs))
        });
        Value::Object(sites.collect())
    }
}

fn run(knobs: &Map<String, Value>) -> Result<Run, BadKnob> {
    let mut pairs = Pairs::new();
    let mut left = None;
    for (key, value) in knobs {
        let text = as_text(value);
        if key == "times" {
            let times: u64 =
                text.parse().map_err(|_| BadKnob(format!("`times` wants a whole number, not `{text}`")))?;
            left = Some(times);
            continue;
        }
        pairs.push((key.clone(), text));
    }
    Knobs::default().set_all(&pairs)?;
    if left == Some(0) {
        pairs.clear();
    }
    Ok(Run { pairs, left })
}

#[cfg(test)]
mod tests;
