//! The control plane: the real one, on a database of its own.
//!
//! Invariant: what it answers, it has committed; guards that stand in it are undone on the way in, never inside.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use controlplane::{Ingest, Leases, Metrics, Registry};
use domain::key::{Key, KeyHash, KeyKind};
use domain::limit::{Budget, BudgetFilter, BudgetScope, Enforcement, Thresholds, Window};
use domain::org::{Org, Team};
use domain::time::FixedClock;
use domain::{Amount, BudgetId, Clock, KeyId, NodeId, OrgId, TeamId, Timestamp, WindowId};
use metering::ports::{BudgetState, HelloError, LeaseError, LeaseSource, Nodes, UsageSink};
use store::{Author, Chain, EventFilter, OrgScope, Page, Store, StoreError};

use crate::guard::Guard;
use crate::link::{Answer, Ask, Lost, Said};
use crate::meter::Entry;

/// When the organization was made.
const FOUNDED: Timestamp = Timestamp::from_millis(1_790_000_000_000);
/// Budget 0 is the organization's, those after it are its teams'.
pub(crate) const BUDGETS: usize = 3;
/// What the template's budgets allow; each run sets its own limits.
const NOTHING: Amount = Amount::ZERO;
const FILE: &str = "control.db";

/// The organization everybody works for.
pub(crate) fn org() -> OrgId {
    OrgId::new(FOUNDED, 1)
}

/// The one key.
pub(crate) fn key() -> KeyId {
    KeyId::new(FOUNDED, 1)
}

/// Whose budget `number` is.
pub(crate) fn team(number: usize) -> TeamId {
    TeamId::new(FOUNDED, number as u128)
}

/// Budget `number` with this limit.
pub(crate) fn budget(number: usize, limit: i128) -> Budget {
    let scope = if number == 0 { BudgetScope::Org } else { BudgetScope::Team(team(number)) };
    Budget {
        id: BudgetId::new(FOUNDED, number as u128),
        org: org(),
        name: format!("budget {number}"),
        scope,
        limit: Amount::from_pico(limit),
        window: Window::MONTH,
        enforcement: Enforcement::Hard,
        filter: BudgetFilter::default(),
        thresholds: Thresholds::default(),
    }
}

/// The number of a budget.
pub(crate) fn number_of(id: BudgetId) -> usize {
    (0..BUDGETS).find(|number| BudgetId::new(FOUNDED, *number as u128) == id).unwrap_or(BUDGETS)
}

/// A control plane and its database.
pub(crate) struct Control {
    store: Store,
    scope: OrgScope,
    leases: Leases,
    ingest: Ingest,
    registry: Registry,
    clock: Arc<FixedClock>,
}

/// Makes, in `folder`, the database that every run begins with a copy of.
pub(crate) async fn found(folder: &Path) -> anyhow::Result<()> {
    let url = format!("sqlite://{}?mode=rwc", folder.join(FILE).display());
    let store = Store::connect(&url, FOUNDED).await?;
    let mut tx =
        store.create_org(&Org { id: org(), name: "org".to_owned() }, Author::system(), FOUNDED).await?;
    for number in 1..BUDGETS {
        let name = format!("team {number}");
        tx.insert_team(&Team { id: team(number), org: org(), name, cost_centre: None }).await?;
    }
    tx.insert_key(&Key {
        id: key(),
        org: org(),
        team: None,
        member: None,
        name: "key".to_owned(),
        kind: KeyKind::Inference,
        public_id: "public".to_owned(),
        label: "label".to_owned(),
        hash: KeyHash([1; 32]),
        previous: None,
        expires_at: None,
        revoked_at: None,
        requests_per_minute: None,
    })
    .await?;
    for number in 0..BUDGETS {
        tx.insert_budget(&budget(number, NOTHING.pico())).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Copies the database from `template` to `folder`. Its write-ahead log may hold all of it.
pub(crate) fn copy(template: &Path, folder: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal"] {
        let name = format!("{FILE}{suffix}");
        if template.join(&name).exists() {
            std::fs::copy(template.join(&name), folder.join(&name))?;
        }
    }
    Ok(())
}

impl Control {
    /// Opens the database in `folder`.
    pub(crate) async fn open(folder: &Path, clock: &Arc<FixedClock>) -> anyhow::Result<Self> {
        let url = format!("sqlite://{}?mode=rwc", folder.join(FILE).display());
        let store = Store::connect(&url, clock.now()).await.context("the database cannot be opened")?;
        let metrics = Metrics::register(&prometheus::Registry::new())?;
        let shared: Arc<dyn Clock> = Arc::clone(clock) as _;
        Ok(Self {
            scope: store.scope(org()),
            leases: Leases::new(store.clone(), Arc::clone(&shared)),
            ingest: Ingest::new(store.clone(), Arc::clone(&shared), metrics.clone()),
            registry: Registry::new(store.clone(), shared, metrics, Duration::ZERO),
            clock: Arc::clone(clock),
            store,
        })
    }

    /// Does what is asked, and answers.
    pub(crate) async fn answer(&self, ask: Ask, without: Option<Guard>) -> Answer {
        match ask {
            Ask::Grant(holder, requests) if without == Some(Guard::HelloBeforeGrant) => {
                let granted = self.store.grant(holder, &requests, self.clock.now()).await;
                granted.map(Said::Leases).map_err(|_| Lost::Unknown)
            }
            Ask::Grant(holder, requests) => {
                self.leases.grant(holder, requests).await.map(Said::Leases).map_err(undecided)
            }
            Ask::GiveBack(holder, unspent) => {
                self.leases.give_back(holder, unspent).await.map(|()| Said::Done).map_err(undecided)
            }
            Ask::Ship(shipment) => {
                self.ingest.commit(shipment).await.map(|()| Said::Done).map_err(|_| Lost::Unknown)
            }
            Ask::Hello(hello) => {
                self.registry.hello(hello).await.map(Said::Welcome).map_err(|error| match error {
                    HelloError::Refused(sentence) => Lost::Refused(sentence),
                    HelloError::Unreachable(_) => Lost::Unknown,
                })
            }
        }
    }

    /// Commits the events of a shipment, and dies before it notes how far they came.
    pub(crate) async fn half(&self, ask: &Ask) -> anyhow::Result<()> {
        if let Ask::Ship(shipment) = ask {
            self.store.commit_events(&shipment.events, self.clock.now()).await?;
        }
        Ok(())
    }

    pub(crate) async fn set_limit(&self, number: usize, limit: i128) -> anyhow::Result<()> {
        let mut tx = self.scope.begin(Author::system(), self.clock.now()).await?;
        tx.update_budget(&budget(number, limit)).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn state(&self, number: usize, window: WindowId) -> anyhow::Result<BudgetState> {
        Ok(self.scope.budget_state(budget(number, 0).id, window, self.clock.now()).await?)
    }

    /// Whether there was such a node.
    pub(crate) async fn retire(&self, node: NodeId) -> anyhow::Result<bool> {
        match self.store.retire_node(node, Author::system(), self.clock.now()).await {
            Ok(()) => Ok(true),
            Err(StoreError::NotFound) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn release(&self, older_than: Timestamp) -> anyhow::Result<u64> {
        Ok(self.store.release_suspense(older_than, self.clock.now()).await?)
    }

    /// Every event there is, and whether the ledger's chain holds.
    pub(crate) async fn ledger(&self) -> anyhow::Result<(Vec<Entry>, bool)> {
        const AT_ONCE: u32 = 1_000;
        let (mut entries, mut after) = (Vec::new(), None);
        loop {
            let page = Page { after: after.take(), first: AT_ONCE };
            let paged = self.scope.events(&EventFilter::default(), &page).await?;
            after = paged.items.last().map(|event| event.attempt.id.to_string());
            entries.extend(paged.items.iter().map(Entry::of));
            if !paged.has_next {
                break;
            }
        }
        Ok((entries, matches!(self.scope.verify_ledger().await?, Chain::Intact { .. })))
    }
}

fn undecided(error: LeaseError) -> Lost {
    match error {
        LeaseError::NotDone(_) => Lost::NotDone,
        LeaseError::Unknown(_) => Lost::Unknown,
    }
}
