//! What a node is told about a lease that was not granted.

use super::*;

#[test]
fn only_what_certainly_did_not_happen_is_said_not_to_have_happened() {
    let not_done = |error| matches!(undecided(error), LeaseError::NotDone(_));
    assert!(not_done(StoreError::Busy));
    assert!(not_done(StoreError::Away("the database cannot be reached".to_owned())));
    assert!(!not_done(StoreError::Unsure("reset by peer".to_owned())));
}
