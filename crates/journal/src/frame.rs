//! One record on disk: `u32` length, `u32` CRC-32 of the payload (both little-endian), payload.
//!
//! Invariant: a frame is whole or it is none. Zeros, as a file system may leave them at the end, are none.

/// The most a payload may have.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;
/// What stands before a payload.
pub(crate) const HEADER_BYTES: usize = 8;

/// The frame of `payload`; `None` when that is empty or too large.
pub(crate) fn frame(payload: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(payload.len()).ok().filter(|_| is_sound(payload.len()))?;
    let mut frame = Vec::with_capacity(HEADER_BYTES + payload.len());
    frame.extend(length.to_le_bytes());
    frame.extend(crc32fast::hash(payload).to_le_bytes());
    frame.extend(payload);
    Some(frame)
}

/// The payload of the frame that begins at `offset`, if it is whole.
pub(crate) fn payload_at(bytes: &[u8], offset: usize) -> Option<&[u8]> {
    let (length, rest) = bytes.get(offset..)?.split_first_chunk()?;
    let (crc, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let payload = rest.get(..length).filter(|_| is_sound(length))?;
    (crc32fast::hash(payload) == u32::from_le_bytes(*crc)).then_some(payload)
}

/// Whether a whole frame begins anywhere after `offset`: then what is at `offset` is damage, not a torn tail.
pub(crate) fn any_after(bytes: &[u8], offset: usize) -> bool {
    (offset + 1..bytes.len()).any(|later| payload_at(bytes, later).is_some())
}

fn is_sound(length: usize) -> bool {
    (1..=MAX_PAYLOAD_BYTES).contains(&length)
}

#[cfg(test)]
mod tests;
