use domain::{BudgetId, CredentialId};
use metering::sample;
use metering::usage::Flag;

use super::*;

/// Every field has a value of its own, and differs from its neighbours.
fn full() -> UsageEvent {
    let mut attempt = sample::attempt(1);
    let whose = &mut attempt.attribution;
    whose.member = Some(MemberId::from_bits(5));
    whose.app = Some("shop".into());
    whose.end_user = Some("u-1".into());
    whose.session = Some("s-1".into());
    whose.data_class = Some("internal".into());
    whose.route = Some("cheap".into());
    attempt.byok = Some(CredentialId::from_bits(9));
    attempt.revision = Revision { epoch: 1, org: 2, platform: 3 };
    attempt.reserved = Pico::new(900);
    attempt.draws = vec![sample::draw(1), sample::draw(2)];
    let mut event = sample::answered(attempt, Pico::new(700));
    let settlement = &mut event.settlement;
    settlement.outcome = Outcome::Interrupted;
    settlement.error = Some(ErrorCode::MethodNotAllowed);
    settlement.streamed = Pico::new(600);
    settlement.suspense = Pico::new(200);
    settlement.overruns = vec![Amount::from_pico(1), Amount::from_pico(2)];
    settlement.flags.raise(Flag::Overrun);
    for (number, class) in TokenClass::ALL.into_iter().enumerate() {
        settlement.usage.set(class, 10 + number as u64);
    }
    event
}

#[test]
fn an_event_reads_back_as_it_was_committed() {
    for event in [full(), sample::answered(sample::attempt(2), Pico::new(81))] {
        assert_eq!(read(row(&event, 1).unwrap()).unwrap(), event);
    }
}

#[test]
fn a_draw_without_its_overrun_overran_nothing() {
    let mut event = full();
    event.settlement.overruns.truncate(1);
    let back = read(row(&event, 1).unwrap()).unwrap();
    assert_eq!(back.settlement.overruns, [Amount::from_pico(1), Amount::ZERO]);
    assert_eq!(back.attempt.draws, [sample::draw(1), sample::draw(2)]);
    assert_eq!(back.attempt.draws[0].budget, BudgetId::new(sample::ADMITTED_AT, 1));
}

#[test]
fn a_value_nobody_knows_is_an_error_that_names_the_event() {
    let mut row = row(&full(), 1).unwrap();
    row.outcome = "vanished".to_owned();
    let expected = format!("usage_events {} cannot be read", row.event_id);
    assert!(read(row).unwrap_err().to_string().contains(&expected));
}

/// Ledgers that exist hold hashes of this form: if this test fails, they do not verify any more.
#[test]
fn the_leaf_of_an_event_is_made_of_the_columns_it_always_was() {
    let leaf = serde_json::to_value(row(&full(), 3).unwrap()).unwrap();
    let columns: Vec<_> = leaf.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "org_id event_id batch_seq request_id attempt key_id team_id member_id cost_centre app end_user tags \
                    session_id data_class route kind stream requested_model model provider endpoint_id byok \
                    price_version_id epoch org_revision platform_revision zdr reserved outcome status error units_input \
                    units_cached_input units_cache_write_5m units_cache_write_1h units_output units_reasoning \
                    units_audio_input units_audio_output units_image_input units_image_output units_request \
                    units_tool_call usage_source cost streamed suspense flags finish_reason admitted_at first_byte_at \
                    ended_at node incarnation draws period";
    assert_eq!(columns.join(" "), expected);
}
