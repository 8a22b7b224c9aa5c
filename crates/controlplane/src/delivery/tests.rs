use domain::NoticeTargetId;
use domain::notice::Channel;

use super::*;

const REACHED: Timestamp = Timestamp::from_millis(1_000_000);

#[test]
fn the_waits_grow_to_six_hours_and_end_after_three_days() {
    let (mut now, mut waits) = (REACHED, Vec::new());
    for attempts in 0.. {
        let Some(next) = next_try(Duration::from_secs(10), attempts, (REACHED, now)) else { break };
        waits.push(next.since_micros(now) / 1_000_000);
        now = next;
    }
    assert_eq!(waits[..7], [10, 60, 300, 1_800, 7_200, 21_600, 21_600]);
    assert!(waits[5..].iter().all(|wait| *wait == 21_600), "{waits:?}");
    let tried_s = now.since_micros(REACHED) / 1_000_000;
    assert!((GIVEN_UP_S - 21_600..=GIVEN_UP_S).contains(&tried_s), "{tried_s}");
}

#[test]
fn a_shorter_first_wait_shortens_all() {
    let next = |attempts| next_try(Duration::from_secs(1), attempts, (REACHED, REACHED)).unwrap();
    assert_eq!([0, 1, 2].map(|n| next(n).since_micros(REACHED) / 1_000_000), [1, 6, 30]);
}

#[test]
fn what_is_older_than_three_days_is_tried_once_and_given_up() {
    let late = REACHED.plus_seconds(GIVEN_UP_S);
    assert_eq!(next_try(Duration::from_secs(10), 0, (REACHED, late)), None);
}

#[test]
fn a_targets_secret_opens_for_that_target_alone() {
    let (master, org) = (MasterKey::new([1; 32]), OrgId::from_bits(1));
    let target = |number| NoticeTarget {
        id: NoticeTargetId::from_bits(number),
        name: "T".to_owned(),
        channel: Channel::Webhook("https://example.com/".to_owned()),
    };
    let secret = notices::new_secret([3; 32]);
    let kept = sealed(&master, (org, &target(1)), &secret).unwrap();
    assert_eq!(unsealed(&master, (org, &target(1)), Some(&kept)).unwrap().unwrap(), secret);
    assert!(unsealed(&master, (org, &target(2)), Some(&kept)).is_err());
    assert!(unsealed(&master, (OrgId::from_bits(2), &target(1)), Some(&kept)).is_err());
    assert!(unsealed(&master, (org, &target(1)), None).unwrap().is_none());
}
