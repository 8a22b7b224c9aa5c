use std::error::Error;
use std::io;

use super::*;

fn broken() -> DbErr {
    let error = io::Error::new(io::ErrorKind::ConnectionReset, "reset by peer");
    DbErr::Exec(RuntimeErr::SqlxError(SqlxError::Io(error).into()))
}

#[test]
fn a_connection_that_breaks_before_a_commit_did_nothing() {
    let error = StoreError::from(broken());
    assert!(matches!(error, StoreError::Away(_)), "{error}");
    assert!(error.is_worth_waiting());
}

#[test]
fn of_a_connection_that_breaks_during_a_commit_nobody_knows() {
    let error = StoreError::unsure(broken());
    assert!(matches!(error, StoreError::Unsure(_)), "{error}");
    assert!(!error.is_worth_waiting() && error.is_worth_trying_again());
}

#[test]
fn without_a_connection_in_time_the_database_is_away_and_nothing_was_done() {
    let late = || DbErr::ConnectionAcquire(sea_orm::error::ConnAcquireErr::Timeout);
    for error in [StoreError::from(late()), StoreError::not_begun(late()), StoreError::unsure(late())] {
        assert!(matches!(error, StoreError::Away(_)), "{error}");
    }
}

#[test]
fn what_the_database_says_is_said_once() {
    let full = SqlxError::Configuration("the disk is full".into());
    let error = StoreError::from(DbErr::Query(RuntimeErr::SqlxError(full.into())));
    assert!(matches!(error, StoreError::Internal(_)), "{error}");
    let chain = std::iter::successors(Some(&error as &dyn Error), |&error| error.source());
    let text = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    assert_eq!(text.matches("the disk is full").count(), 1, "{text}");
}
