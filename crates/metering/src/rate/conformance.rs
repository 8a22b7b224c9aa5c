//! What any source of rate slices must do.
//!
//! Invariant: the same bodies run against every adapter; a suite fails by panicking, as a test does.

use domain::KeyId;
use futures::future::try_join_all;

use super::{RateError, RateSource, RateSubject};
use crate::sample;

const MINUTE: i64 = 29_916_667;

/// Runs every check against `source`, which has counted nothing yet.
///
/// # Errors
/// [`RateError`] from the source.
pub async fn rates(source: &dyn RateSource) -> Result<(), RateError> {
    slices_reach_the_limit_and_never_beyond(source).await?;
    concurrent_slices_sum_to_the_limit(source).await?;
    each_minute_has_the_limit(source).await?;
    a_limit_holds_as_it_is_now(source).await?;
    keys_do_not_share(source).await
}

async fn slices_reach_the_limit_and_never_beyond(source: &dyn RateSource) -> Result<(), RateError> {
    assert_eq!(slice(source, 1, MINUTE, 10, 4).await?, 4);
    assert_eq!(slice(source, 1, MINUTE, 10, 4).await?, 4);
    assert_eq!(slice(source, 1, MINUTE, 10, 4).await?, 2, "what is left, though more was wanted");
    assert_eq!(slice(source, 1, MINUTE, 10, 4).await?, 0);
    assert_eq!(slice(source, 2, MINUTE, 0, 1).await?, 0, "a limit of nothing");
    assert_eq!(slice(source, 3, MINUTE, 10, 0).await?, 0, "nothing was wanted");
    assert_eq!(slice(source, 3, MINUTE, u32::MAX, u32::MAX).await?, u32::MAX);
    assert_eq!(slice(source, 3, MINUTE, u32::MAX, u32::MAX).await?, 0);
    Ok(())
}

async fn concurrent_slices_sum_to_the_limit(source: &dyn RateSource) -> Result<(), RateError> {
    let granted = try_join_all((0..50).map(|_| slice(source, 4, MINUTE, 100, 3))).await?;
    assert_eq!(granted.iter().sum::<u32>(), 100, "{granted:?}");
    Ok(())
}

async fn each_minute_has_the_limit(source: &dyn RateSource) -> Result<(), RateError> {
    assert_eq!(slice(source, 5, MINUTE, 10, 10).await?, 10);
    assert_eq!(slice(source, 5, MINUTE + 1, 10, 10).await?, 10);
    assert_eq!(
        slice(source, 5, MINUTE, 10, 10).await?,
        0,
        "a node whose clock is late gets no limit of its own"
    );
    assert_eq!(slice(source, 5, MINUTE + 1, 10, 10).await?, 0);
    Ok(())
}

async fn a_limit_holds_as_it_is_now(source: &dyn RateSource) -> Result<(), RateError> {
    assert_eq!(slice(source, 6, MINUTE, 10, 8).await?, 8);
    assert_eq!(slice(source, 6, MINUTE, 5, 1).await?, 0, "it was lowered below what is used");
    assert_eq!(slice(source, 6, MINUTE, 20, 20).await?, 12, "it was raised");
    Ok(())
}

async fn keys_do_not_share(source: &dyn RateSource) -> Result<(), RateError> {
    assert_eq!(slice(source, 7, MINUTE, 10, 10).await?, 10);
    assert_eq!(slice(source, 8, MINUTE, 10, 10).await?, 10);
    Ok(())
}

async fn slice(
    source: &dyn RateSource,
    key: u128,
    minute: i64,
    limit: u32,
    want: u32,
) -> Result<u32, RateError> {
    source.slice(RateSubject::Key(KeyId::new(sample::ADMITTED_AT, key)), minute, limit, want).await
}
