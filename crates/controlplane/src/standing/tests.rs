//! What counts as everywhere, and who counts.

use domain::NodeId;
use policy::Version;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

/// A node that was last seen so long ago and said this much.
fn member(n: u128, seen_ms_ago: i64, said: Option<(u64, Option<&str>)>) -> Member {
    let node = NodeRow {
        node: NodeId::from_bits(n),
        name: "node".to_owned(),
        version: "0".to_owned(),
        incarnation: 1,
        contact_every_ms: 1_000,
        started_at: NOW,
        seen_at: NOW.plus_micros(-seen_ms_ago * 1_000),
        retired_at: None,
    };
    let ack = said.map(|(revision, refused)| NodeAck {
        node: node.node,
        version: Version { epoch: 1, revision },
        acked_at: NOW,
        refused: refused.map(str::to_owned),
    });
    Member { state: NodeState::of(&node, NOW), node, ack }
}

fn progress(nodes: Vec<Member>) -> Progress {
    Standing { epoch: 1, nodes }.progress(7)
}

#[test]
fn where_there_is_no_node_everything_is_obeyed() {
    assert_eq!(progress(Vec::new()), Progress::Everywhere);
}

#[test]
fn a_node_in_contact_is_waited_for_until_it_says_so() {
    for said in [None, Some((6, None)), Some((6, Some("broken")))] {
        assert_eq!(progress(vec![member(1, 0, Some((7, None))), member(2, 0, said)]), Progress::Pending);
    }
    let both = vec![member(1, 0, Some((7, None))), member(2, 0, Some((8, None)))];
    assert_eq!(progress(both), Progress::Everywhere);
}

#[test]
fn a_refusal_is_not_obeying_and_is_not_waited_for() {
    let refused = || member(1, 0, Some((7, Some("broken"))));
    assert_eq!(progress(vec![refused(), member(2, 0, Some((7, None)))]), Progress::Refused);
    assert_eq!(progress(vec![refused(), member(2, 0, None)]), Progress::Pending, "the other may still say");
}

#[test]
fn a_node_out_of_contact_or_retired_is_not_waited_for() {
    assert_eq!(progress(vec![member(1, 3_000, None)]), Progress::Pending, "two turns may be missed");
    assert_eq!(progress(vec![member(1, 3_001, None)]), Progress::Everywhere);
    let mut retired = member(1, 0, None);
    retired.node.retired_at = Some(NOW);
    retired.state = NodeState::of(&retired.node, NOW);
    let standing = Standing { epoch: 1, nodes: vec![retired] };
    assert_eq!((standing.progress(7), standing.places(7).count()), (Progress::Everywhere, 0));
}

#[test]
fn a_node_that_said_so_and_is_gone_is_shown_as_having_it() {
    let nodes = vec![member(1, 9_000, Some((7, None))), member(2, 9_000, Some((6, None)))];
    let standing = Standing { epoch: 1, nodes };
    let places: Vec<_> = standing.places(7).map(|(_, place)| place).collect();
    assert!(matches!(places.as_slice(), [Place::Acked(_), Place::Unreachable]), "{places:?}");
}
