use super::{InvalidThresholds, Thresholds};
use crate::money::Amount;

fn reached(spent: i128) -> Vec<u16> {
    let thresholds = Thresholds::new(&[100, 50, 80, 50]).unwrap();
    thresholds.reached(Amount::from_pico(spent), Amount::from_pico(1_001)).collect()
}

#[test]
fn a_threshold_is_reached_at_the_pico_dollar() {
    assert_eq!(reached(0), [0; 0]);
    // Half of 1001 is 500.5.
    assert_eq!(reached(500), [0; 0]);
    assert_eq!(reached(501), [50]);
    assert_eq!(reached(1_000), [50, 80]);
    assert_eq!(reached(1_001), [50, 80, 100]);
    assert_eq!(reached(i128::MAX), [50, 80, 100]);
}

#[test]
fn what_is_no_percentage_is_refused() {
    assert_eq!(Thresholds::new(&[0]), Err(InvalidThresholds::OutOfRange(0)));
    assert_eq!(Thresholds::new(&[1_001]), Err(InvalidThresholds::OutOfRange(1_001)));
    let many: Vec<u32> = (1..=11).collect();
    assert_eq!(Thresholds::new(&many), Err(InvalidThresholds::TooMany(11)));
    assert!(Thresholds::new(&[]).unwrap().percentages().is_empty());
}
