//! What any source of leases with its sink, and any journal, must do.
//!
//! Invariant: the same bodies run against every adapter; a suite fails by panicking, as a test does.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Amount, EventId, OrgId, Pico, RequestId};
use futures::future::join_all;

use crate::ports::{
    BudgetState, Journal, LeaseAnswer, LeaseRequest, LeaseSource, Record, Sequence, UsageSink,
};
use crate::sample;
use crate::usage::{Draw, Holder, Progress, UsageEvent};

/// An adapter under test: where leases come from, and where what they paid for is committed.
#[async_trait]
pub trait Ledgers: Send + Sync {
    /// Grants leases.
    fn leases(&self) -> &dyn LeaseSource;
    /// Commits events.
    fn sink(&self) -> &dyn UsageSink;
    /// A new budget of a new organization, in the window of [`sample::ADMITTED_AT`].
    async fn budget(&self, limit: Amount) -> (OrgId, Draw);
    /// Removes it.
    async fn remove(&self, org: OrgId, draw: Draw);
}

/// Runs every check of leases and their settlement against `ledgers`.
pub async fn leases(ledgers: &dyn Ledgers) {
    grants_reach_the_limit_and_never_beyond(ledgers).await;
    concurrent_grants_sum_to_the_limit_at_most(ledgers).await;
    what_is_given_back_can_be_granted_again(ledgers).await;
    a_removed_budget_is_gone(ledgers).await;
    answers_come_in_the_order_of_the_requests(ledgers).await;
    an_event_moves_money_from_escrow_to_spent_exactly_once(ledgers).await;
    an_overrun_is_counted_apart(ledgers).await;
}

/// Runs every check of a journal against new, empty ones from `make`.
pub fn journal<J: Journal>(make: impl Fn() -> J) {
    settled_events_wait_in_their_order(&make());
    committed_events_are_not_shipped_again(&make());
    an_older_watermark_changes_nothing(&make());
    its_end_never_goes_back(&make());
}

async fn grants_reach_the_limit_and_never_beyond(ledgers: &dyn Ledgers) {
    let (org, draw) = ledgers.budget(Amount::from_pico(1_000)).await;
    let (mut held, node) = (Amount::ZERO, sample::holder(1));
    // Grants may be larger than what is asked for, so ask until one is refused.
    let refused = loop {
        match ask(ledgers, node, org, draw, 10).await {
            LeaseAnswer::Granted(amount) => {
                assert!(amount >= Amount::from_pico(10), "granted {amount}, less than what was lacking");
                held += amount;
            }
            other => break other,
        }
        assert!(held <= Amount::from_pico(1_000), "granted {held} beyond the limit");
    };
    assert!(held > Amount::from_pico(990), "only {held} of the limit could be used");
    let state = BudgetState { limit: Amount::from_pico(1_000), escrow: held, ..BudgetState::default() };
    assert_eq!(refused, LeaseAnswer::Exhausted(state));
}

async fn concurrent_grants_sum_to_the_limit_at_most(ledgers: &dyn Ledgers) {
    let (org, draw) = ledgers.budget(Amount::from_pico(1_000)).await;
    let nodes = (1..=20).map(sample::holder);
    let answers = join_all(nodes.map(|node| ask(ledgers, node, org, draw, 90))).await;
    let granted: Amount = answers.iter().map(amount_of).sum();
    assert!(granted <= Amount::from_pico(1_000), "granted {granted} beyond the limit");
    assert!(granted > Amount::from_pico(910), "only {granted} of the limit was granted");
}

async fn what_is_given_back_can_be_granted_again(ledgers: &dyn Ledgers) {
    let (org, draw) = ledgers.budget(Amount::from_pico(1_000)).await;
    let first = amount_of(&ask(ledgers, sample::holder(1), org, draw, 1_000).await);
    assert_eq!(first, Amount::from_pico(1_000));
    let other = sample::holder(2);
    assert!(matches!(ask(ledgers, other, org, draw, 1).await, LeaseAnswer::Recalled(_)), "another holds it");
    assert!(matches!(ask(ledgers, sample::holder(1), org, draw, 1).await, LeaseAnswer::Exhausted(_)));
    let unspent = vec![(org, draw, Amount::from_pico(400))];
    assert!(ledgers.leases().give_back(sample::holder(1), unspent).await.is_ok());
    assert_eq!(amount_of(&ask(ledgers, other, org, draw, 400).await), Amount::from_pico(400));
    assert!(matches!(ask(ledgers, other, org, draw, 1).await, LeaseAnswer::Recalled(_)));
}

async fn a_removed_budget_is_gone(ledgers: &dyn Ledgers) {
    let (org, draw) = ledgers.budget(Amount::from_pico(1_000)).await;
    ledgers.remove(org, draw).await;
    assert_eq!(ask(ledgers, sample::holder(1), org, draw, 1).await, LeaseAnswer::Gone);
}

async fn answers_come_in_the_order_of_the_requests(ledgers: &dyn Ledgers) {
    let (poor_org, poor) = ledgers.budget(Amount::from_pico(1)).await;
    let (rich_org, rich) = ledgers.budget(Amount::from_pico(100)).await;
    let at_least = Amount::from_pico(50);
    let requests = vec![
        LeaseRequest { org: poor_org, draw: poor, at_least },
        LeaseRequest { org: rich_org, draw: rich, at_least },
    ];
    let answers = ledgers.leases().grant(sample::holder(1), requests).await.unwrap_or_default();
    assert!(
        matches!(answers.as_slice(), [LeaseAnswer::Exhausted(_), LeaseAnswer::Granted(_)]),
        "{answers:?}"
    );
}

async fn an_event_moves_money_from_escrow_to_spent_exactly_once(ledgers: &dyn Ledgers) {
    let (org, draw) = ledgers.budget(Amount::from_pico(1_000)).await;
    let node = sample::holder(1);
    assert_eq!(amount_of(&ask(ledgers, node, org, draw, 1_000).await), Amount::from_pico(1_000));
    let event = event(org, draw, Pico::new(300), Amount::ZERO);
    for _ in 0..2 {
        assert!(ledgers.sink().commit(sample::shipment(vec![event.clone(), event.clone()])).await.is_ok());
    }
    let expected = BudgetState {
        limit: Amount::from_pico(1_000),
        spent: Amount::from_pico(300),
        escrow: Amount::from_pico(700),
        ..BudgetState::default()
    };
    assert_eq!(ask(ledgers, node, org, draw, 1).await, LeaseAnswer::Exhausted(expected));
}

async fn an_overrun_is_counted_apart(ledgers: &dyn Ledgers) {
    let (org, draw) = ledgers.budget(Amount::from_pico(1_000)).await;
    let node = sample::holder(1);
    assert_eq!(amount_of(&ask(ledgers, node, org, draw, 1_000).await), Amount::from_pico(1_000));
    let event = event(org, draw, Pico::new(1_200), Amount::from_pico(200));
    assert!(ledgers.sink().commit(sample::shipment(vec![event])).await.is_ok());
    let expected = BudgetState {
        limit: Amount::from_pico(1_000),
        spent: Amount::from_pico(1_000),
        overrun: Amount::from_pico(200),
        ..BudgetState::default()
    };
    assert_eq!(ask(ledgers, node, org, draw, 1).await, LeaseAnswer::Exhausted(expected));
}

fn event(org: OrgId, draw: Draw, cost: Pico, overrun: Amount) -> UsageEvent {
    // The budget's id is new for every check, and so the request's is.
    let mut attempt = sample::attempt(0);
    attempt.id = EventId { request: RequestId::new(sample::ADMITTED_AT, draw.budget.to_bits()), attempt: 1 };
    attempt.attribution.org = org;
    attempt.reserved = Pico::new(1_000);
    attempt.draws = vec![draw];
    let mut event = sample::answered(attempt, cost);
    event.settlement.overruns = vec![overrun];
    event
}

async fn ask(ledgers: &dyn Ledgers, holder: Holder, org: OrgId, draw: Draw, pico: i128) -> LeaseAnswer {
    let request = LeaseRequest { org, draw, at_least: Amount::from_pico(pico) };
    let answers = ledgers.leases().grant(holder, vec![request]).await;
    assert!(matches!(&answers, Ok(answers) if answers.len() == 1), "one answer to one request: {answers:?}");
    answers.ok().and_then(|answers| answers.first().copied()).unwrap_or(LeaseAnswer::Gone)
}

fn amount_of(answer: &LeaseAnswer) -> Amount {
    match answer {
        LeaseAnswer::Granted(amount) => *amount,
        LeaseAnswer::Exhausted(_) | LeaseAnswer::Recalled(_) | LeaseAnswer::Gone => Amount::ZERO,
    }
}

fn settled_events_wait_in_their_order(journal: &impl Journal) {
    let sequences = [life(journal, 1), life(journal, 2), life(journal, 3)];
    let voided = sample::attempt(4);
    append(journal, &Record::Reserved(Arc::new(voided.clone())));
    append(journal, &Record::Void(voided.id));
    append(journal, &Record::Reserved(Arc::new(sample::attempt(5))));
    let expected: Vec<_> = sequences.into_iter().zip([settled(1), settled(2), settled(3)]).collect();
    assert_eq!(waiting(journal, 10), expected);
    assert_eq!(waiting(journal, 2), expected.get(..2).unwrap_or_default());
}

fn committed_events_are_not_shipped_again(journal: &impl Journal) {
    life(journal, 1);
    let watermark = life(journal, 2);
    let later = life(journal, 3);
    assert!(journal.committed(watermark).is_ok());
    assert_eq!(waiting(journal, 10), [(later, settled(3))]);
    assert!(life(journal, 4) > later, "sequences rise over a commit");
}

fn an_older_watermark_changes_nothing(journal: &impl Journal) {
    let older = life(journal, 1);
    let newer = life(journal, 2);
    for watermark in [newer, older, newer] {
        assert!(journal.committed(watermark).is_ok());
    }
    assert_eq!(waiting(journal, 10), []);
}

fn its_end_never_goes_back(journal: &impl Journal) {
    let ends = [life(journal, 1), life(journal, 2)];
    assert_eq!(journal.end(), ends[1]);
    assert!(journal.committed(ends[1]).is_ok());
    assert_eq!(journal.end(), ends[1], "what is committed is dropped, and its place stays taken");
}

/// A whole attempt; returns the place of its event.
fn life(journal: &impl Journal, number: u128) -> Sequence {
    let event = settled(number);
    let progress = Progress { usage: event.settlement.usage, streamed: event.settlement.streamed };
    let reserved = append(journal, &Record::Reserved(Arc::new(event.attempt.clone())));
    let progressed = append(journal, &Record::Progress(event.attempt.id, progress));
    let sequence = append(journal, &Record::Settled(Arc::new(event)));
    assert!(reserved < progressed && progressed < sequence, "sequences rise");
    sequence
}

fn settled(number: u128) -> UsageEvent {
    sample::answered(sample::attempt(number), Pico::new(81))
}

fn append(journal: &impl Journal, record: &Record) -> Sequence {
    let appended = journal.append(record);
    assert!(appended.is_ok(), "an empty journal takes records: {appended:?}");
    appended.unwrap_or_default()
}

fn waiting(journal: &impl Journal, max: usize) -> Vec<(Sequence, UsageEvent)> {
    let waiting = journal.unshipped(max);
    assert!(waiting.is_ok(), "the journal can be read: {waiting:?}");
    let waiting = waiting.unwrap_or_default().into_iter();
    waiting.map(|(sequence, event)| (sequence, Arc::unwrap_or_clone(event))).collect()
}
