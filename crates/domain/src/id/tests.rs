use super::*;

#[test]
fn an_id_reads_back_as_it_was_written_and_keeps_its_time() {
    let at = Timestamp::from_millis(1_790_000_000_123);
    let id = TeamId::new(at, u128::MAX);
    assert_eq!(id.to_string().parse::<TeamId>(), Ok(id));
    assert_eq!(id.made_at(), at);
}

#[test]
fn a_later_id_sorts_after_an_earlier_one() {
    let early = KeyId::new(Timestamp::from_millis(1), u128::MAX);
    let late = KeyId::new(Timestamp::from_millis(2), 0);
    assert!(early < late);
    assert!(early.to_string() < late.to_string());
}

#[test]
fn another_kinds_text_is_refused() {
    let team = TeamId::new(Timestamp::from_millis(5), 7);
    assert!(team.to_string().parse::<OrgId>().is_err());
    assert!("org_123".parse::<OrgId>().is_err());
    assert!("org_+0000000000000000000000000000001".parse::<OrgId>().is_err());
}

#[test]
fn a_generation_id_leads_back_to_its_request() {
    let id = RequestId::new(Timestamp::from_millis(1_790_000_000_123), 42);
    assert!(id.generation().starts_with("gen-1790000000-"));
    assert_eq!(RequestId::from_generation(&id.generation()), Ok(id));
    assert!(RequestId::from_generation("gen-1").is_err());
}

#[test]
fn an_event_id_names_request_and_attempt() {
    let event = EventId { request: RequestId::new(Timestamp::from_millis(9), 9), attempt: 2 };
    assert_eq!(event.to_string().parse::<EventId>(), Ok(event));
    assert!("req_1.2".parse::<EventId>().is_err());
}
