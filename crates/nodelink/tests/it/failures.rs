//! Money that may have moved is told from money that did not.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Amount, Holder, OrgId};
use metering::ports::{LeaseAnswer, LeaseError, LeaseRequest, LeaseSource};
use metering::sample;
use metering::usage::Draw;

use crate::world::{Memory, grant, link, plane, start};

/// Leases of which nobody knows whether they were granted, or that panic.
struct Doubtful;

#[async_trait]
impl LeaseSource for Doubtful {
    async fn grant(&self, holder: Holder, _: Vec<LeaseRequest>) -> Result<Vec<LeaseAnswer>, LeaseError> {
        assert!(holder == sample::holder(1), "on purpose");
        Err(LeaseError::Unknown("the commit was not answered".to_owned()))
    }

    async fn give_back(&self, _: Holder, _: Vec<(OrgId, Draw, Amount)>) -> Result<(), LeaseError> {
        Err(LeaseError::NotDone("the database is busy".to_owned()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_may_have_moved_is_told_from_money_that_did_not() {
    let serving = start(plane(&Memory::new(), Arc::new(Doubtful))).await;
    let link = link(&[&serving.url]);
    let error = grant(&link).await.unwrap_err();
    assert!(matches!(&error, LeaseError::Unknown(text) if text.contains("not answered")), "{error}");
    let error = link.give_back(sample::holder(1), Vec::new()).await.unwrap_err();
    assert!(matches!(&error, LeaseError::NotDone(text) if text.contains("busy")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_one_call_is_unknown_and_ends_no_other() {
    let serving = start(plane(&Memory::new(), Arc::new(Doubtful))).await;
    let link = link(&[&serving.url]);
    let error = link.grant(sample::holder(2), Vec::new()).await.unwrap_err();
    assert!(matches!(error, LeaseError::Unknown(_)), "{error}");
    assert_eq!(policy::feed::PolicySource::index(&link).await.unwrap().len(), 3);
}
