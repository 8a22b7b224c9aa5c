use domain::{BudgetId, CredentialId, KeyId, RequestId, Timestamp};
use metering::ports::{GenerationRequest, KeyUsage, KeyUsageRequest};
use metering::sample;
use policy::feed::Heartbeat;
use policy::record::{OrgChange, OrgRecords};
use proptest::prelude::*;

use super::*;
use crate::Wire;

const NOW: Timestamp = sample::ADMITTED_AT;

fn org(number: u128) -> OrgId {
    OrgId::new(NOW, number)
}

fn money(pico: i128) -> Amount {
    Amount::from_pico(pico)
}

fn state() -> BudgetState {
    BudgetState {
        limit: money(9_000_001),
        spent: money(1),
        escrow: money(2),
        suspense: money(3),
        overrun: money(4),
    }
}

#[track_caller]
fn survives<T: Wire + PartialEq + std::fmt::Debug>(value: &T) {
    assert_eq!(T::from_bytes(&value.to_bytes()).as_ref(), Ok(value));
}

#[test]
fn every_body_of_the_link_reads_back_as_it_was_written() {
    let holder = sample::holder(7);
    survives(&Nothing);
    survives(&Hello {
        holder,
        name: "node-1".into(),
        version: "1.2.3".into(),
        boot: "b".into(),
        journal_found: Sequence(40),
        journal_end: Sequence(41),
        now: NOW,
        contact_every_ms: 1_000,
    });
    survives(&Welcome { now: NOW, freed: true });
    survives(&Index(vec![(org(1), 7), (org(2), 0)]));
    let held = Some(Version { epoch: 3, revision: 9 });
    survives(&WantedOrgs(vec![Wanted { org: org(1), held }, Wanted { org: org(2), held: None }]));
    let change =
        OrgChange { epoch: 3, org: org(1), revision: 2, previous: 1, put: Vec::new(), removed: Vec::new() };
    let whole = OrgRecords { epoch: 3, org: org(2), revision: 1, objects: Vec::new() };
    survives(&OrgUpdates(vec![OrgUpdate::Gone(org(3)), OrgUpdate::Change(change), OrgUpdate::Whole(whole)]));
    let draw = sample::draw(5);
    let request = LeaseRequest { org: org(1), draw, at_least: money(1_000_000_000_007) };
    survives(&LeaseRequests { holder, requests: vec![request] });
    survives(&LeaseAnswers(vec![
        LeaseAnswer::Granted(money(12)),
        LeaseAnswer::Exhausted(state()),
        LeaseAnswer::Recalled(state()),
        LeaseAnswer::Gone,
    ]));
    survives(&Unspent { holder, draws: vec![(org(1), draw, money(5))] });
    survives(&sample::shipment(vec![sample::answered(sample::attempt(1), domain::Pico::new(3))]));
    survives(&Committed(Sequence(u64::MAX)));
    let refused = Some("too many objects".to_owned());
    survives(&Acks {
        holder,
        acks: vec![
            Ack { org: None, version: Version { epoch: 1, revision: 1 }, refused: None },
            Ack { org: Some(org(1)), version: Version { epoch: 1, revision: 2 }, refused },
        ],
        complete_to: Some(NOW),
    });
    survives(&Acks { holder, acks: Vec::new(), complete_to: None });
    let heartbeat = Heartbeat { epoch: 1, orgs: 2, revisions: 3, platform: 4 };
    survives(&Contact { heartbeat, nodes: 2, now: NOW, recalled: vec![(draw.budget, draw.window)] });
    let budgets = vec![BudgetId::new(NOW, 1)];
    survives(&KeyUsageRequest { org: org(1), key: KeyId::new(NOW, 1), budgets: budgets.clone(), now: NOW });
    let budgets = budgets.into_iter().map(|budget| (budget, state())).collect();
    survives(&KeyUsage { total: money(4), day: money(1), week: money(2), month: money(3), budgets });
    survives(&GenerationRequest { org: org(1), request: RequestId::new(NOW, 1) });
    let call = Call { id: 1, org: Some(org(1)), credential: CredentialId::new(NOW, 1) };
    survives(&CallsWanted(vec![call.clone(), Call { org: None, ..call }]));
    let models = vec!["gpt-4.1".into()];
    let answered = CallOutcome { id: 1, status: Some(200), models, problem: None };
    let failed = CallOutcome { id: 2, status: None, models: Vec::new(), problem: Some("no answer".into()) };
    survives(&CallsDone { holder, outcomes: vec![answered, failed] });
}

#[test]
fn an_amount_below_zero_is_refused_by_its_field() {
    let draws = vec![(org(1), sample::draw(1), money(-5))];
    let bytes = Unspent { holder: sample::holder(1), draws }.to_bytes();
    assert_eq!(Unspent::from_bytes(&bytes), Err(WireError::Invalid("unspent.amount")));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Hello::from_bytes(&bytes);
        let _ = OrgUpdates::from_bytes(&bytes);
        let _ = LeaseRequests::from_bytes(&bytes);
        let _ = LeaseAnswers::from_bytes(&bytes);
        let _ = Unspent::from_bytes(&bytes);
        let _ = Shipment::from_bytes(&bytes);
        let _ = Acks::from_bytes(&bytes);
        let _ = KeyUsage::from_bytes(&bytes);
        let _ = CallsDone::from_bytes(&bytes);
    }
}
