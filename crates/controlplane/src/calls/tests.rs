//! Who gets a call, and who gets its answer.

use std::sync::Arc;

use domain::NodeId;

use super::*;

const HOLDER: fn() -> Holder = || Holder { node: NodeId::from_bits(1), incarnation: 1 };
const PATIENCE: Duration = Duration::from_secs(10);

fn board(taken_within: Duration, poll: Duration) -> Arc<CallBoard> {
    Arc::new(CallBoard { taken_within, poll, ..CallBoard::default() })
}

fn asked(
    board: &Arc<CallBoard>,
    n: u128,
    patience: Duration,
) -> tokio::task::JoinHandle<Result<CallOutcome, NoAnswer>> {
    let board = Arc::clone(board);
    tokio_util::task::TaskTracker::new()
        .spawn(async move { board.ask(None, CredentialId::from_bits(n), patience).await })
}

fn outcome(call: &Call) -> CallOutcome {
    let named = call.credential.to_string();
    CallOutcome { id: call.id, status: Some(200), models: vec![named], problem: None }
}

#[tokio::test]
async fn a_call_goes_to_one_node_and_its_answer_to_the_one_who_asked() {
    let board = board(PATIENCE, PATIENCE);
    let (first, second) = (asked(&board, 1, PATIENCE), asked(&board, 2, PATIENCE));
    let mut fetched = board.next(HOLDER(), Vec::new()).await.unwrap();
    fetched.extend(board.next(HOLDER(), Vec::new()).await.unwrap());
    let [a, b] = fetched.as_slice() else { panic!("{fetched:?}") };
    assert_ne!(a.id, b.id);
    // In the other order, with one that nobody asked for.
    let stray = CallOutcome { id: a.id.wrapping_add(1), status: None, models: Vec::new(), problem: None };
    board.report(vec![stray, outcome(b), outcome(a)]);
    for (asking, n) in [(first, 1), (second, 2)] {
        assert_eq!(asking.await.unwrap().unwrap().models, [CredentialId::from_bits(n).to_string()]);
    }
    assert!(board.open.lock().asked.is_empty());
}

#[tokio::test]
async fn a_node_that_waits_is_woken_by_a_call_and_otherwise_told_that_there_is_none() {
    let board = board(PATIENCE, Duration::from_millis(20));
    assert_eq!(board.next(HOLDER(), Vec::new()).await.unwrap(), []);
    let board = self::board(PATIENCE, PATIENCE);
    let (answer, call) = tokio::join!(board.ask(None, CredentialId::from_bits(3), PATIENCE), async {
        let calls = board.next(HOLDER(), Vec::new()).await.unwrap();
        board.report(calls.iter().map(outcome).collect());
        calls
    });
    assert_eq!(answer.unwrap().id, call[0].id);
}

#[tokio::test]
async fn without_a_node_the_asker_is_told_so_and_the_call_is_forgotten() {
    let board = board(Duration::from_millis(20), Duration::from_millis(20));
    let answer = board.ask(None, CredentialId::from_bits(1), PATIENCE).await;
    assert_eq!(answer.unwrap_err(), NoAnswer::NobodyThere);
    assert_eq!(board.next(HOLDER(), Vec::new()).await.unwrap(), []);
}

#[tokio::test]
async fn a_node_that_took_a_call_and_is_silent_is_told_apart_from_no_node() {
    let board = board(Duration::from_millis(20), PATIENCE);
    let asking = asked(&board, 1, Duration::from_millis(100));
    let calls = board.next(HOLDER(), Vec::new()).await.unwrap();
    assert_eq!(calls.len(), 1);
    assert_eq!(asking.await.unwrap().unwrap_err(), NoAnswer::TooLate);
    assert!(board.open.lock().asked.is_empty());
}
