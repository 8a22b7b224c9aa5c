use domain::time::FixedClock;
use domain::{EventId, Pico};
use metering::sample;

use super::*;

const NOW: Timestamp = sample::ADMITTED_AT;

fn outstanding() -> (Arc<Outstanding>, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::new(NOW));
    (Arc::new(Outstanding::new(clock.clone())), clock)
}

fn request(number: u128) -> RequestId {
    RequestId::new(NOW, number)
}

fn event(admitted: &Admitted, attempt: u16) -> UsageEvent {
    let mut event = sample::answered(sample::attempt(1), Pico::new(1));
    event.attempt.id = EventId { request: admitted.place.1, attempt };
    event.attempt.admitted_at = admitted.at();
    event
}

#[test]
fn a_node_without_requests_is_complete_to_this_moment() {
    let (outstanding, clock) = outstanding();
    assert_eq!(outstanding.complete_to(), NOW);
    clock.set(NOW.plus_seconds(5));
    assert_eq!(outstanding.complete_to(), NOW.plus_seconds(5));
}

#[test]
fn an_open_request_holds_it_back_to_its_admission_and_so_do_its_events_until_they_are_committed() {
    let (outstanding, clock) = outstanding();
    let first = outstanding.admit(request(1));
    clock.set(NOW.plus_seconds(1));
    let second = outstanding.admit(request(2));
    clock.set(NOW.plus_seconds(9));
    assert_eq!(outstanding.complete_to(), NOW);
    let events = [event(&first, 1), event(&first, 2)];
    events.iter().for_each(|event| outstanding.settled(event));
    drop(first);
    outstanding.committed(vec![place(&events[0])]);
    assert_eq!(outstanding.complete_to(), NOW, "one of its events waits");
    outstanding.committed(vec![place(&events[1])]);
    assert_eq!(outstanding.complete_to(), NOW.plus_seconds(1), "the second request is open");
    drop(second);
    assert_eq!(outstanding.complete_to(), NOW.plus_seconds(9), "it was refused: there is no event");
}

#[test]
fn what_an_earlier_life_left_releases_nothing_of_this_one() {
    let (outstanding, clock) = outstanding();
    let open = outstanding.admit(request(1));
    let mut earlier = event(&open, 1);
    earlier.attempt.id.request = request(7);
    outstanding.committed(vec![place(&earlier)]);
    clock.set(NOW.plus_seconds(3));
    assert_eq!(outstanding.complete_to(), NOW);
}

#[test]
fn nothing_is_admitted_before_what_was_said_though_the_clock_is_put_back() {
    let (outstanding, clock) = outstanding();
    let said = outstanding.complete_to();
    clock.set(NOW.plus_seconds(-60));
    assert_eq!(outstanding.admit(request(1)).at(), said);
    assert_eq!(outstanding.complete_to(), said);
}
