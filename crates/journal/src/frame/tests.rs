use super::*;

#[test]
fn a_frame_reads_back_and_any_flipped_bit_makes_it_none() {
    let frame = frame(b"record").unwrap();
    assert_eq!(payload_at(&frame, 0), Some(b"record".as_slice()));
    for bit in 0..frame.len() * 8 {
        let mut damaged = frame.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(payload_at(&damaged, 0), None, "bit {bit}");
    }
}

#[test]
fn zeros_are_no_frames() {
    assert_eq!(payload_at(&[0; 64], 0), None);
    assert!(!any_after(&[0; 64], 0));
}

#[test]
fn nothing_and_too_much_have_no_frame() {
    assert_eq!(frame(b""), None);
    assert_eq!(frame(&vec![1; MAX_PAYLOAD_BYTES + 1]), None);
    assert!(frame(&vec![1; MAX_PAYLOAD_BYTES]).is_some());
}

#[test]
fn a_whole_frame_is_found_behind_damage() {
    let mut bytes = vec![9, 9, 9];
    bytes.extend(frame(b"later").unwrap());
    assert!(any_after(&bytes, 0));
    assert!(!any_after(&bytes[..bytes.len() - 1], 0));
}
