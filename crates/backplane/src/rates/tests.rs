use super::*;
use domain::KeyId;

#[tokio::test]
async fn slices_inside_one_process_conform() {
    metering::rate::conformance::rates(&LocalRates::default()).await.unwrap();
}

#[tokio::test]
async fn minutes_that_are_over_are_forgotten() {
    let rates = LocalRates::default();
    for minute in 0..100 {
        rates.slice(RateSubject::Key(KeyId::from_bits(1)), minute, 5, 1).await.unwrap();
    }
    assert_eq!(rates.granted.lock().units.len(), 2);
}

#[tokio::test]
async fn a_clock_that_was_ahead_and_is_set_back_does_not_fill_the_memory() {
    let rates = LocalRates::default();
    rates.slice(RateSubject::Key(KeyId::from_bits(1)), 1_000, 5, 1).await.unwrap();
    for minute in 0..100 {
        rates.slice(RateSubject::Key(KeyId::from_bits(1)), minute, 5, 1).await.unwrap();
    }
    assert_eq!(rates.granted.lock().units.len(), 2);
}
