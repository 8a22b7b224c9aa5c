//! An incremental parser of server-sent events: bytes in, events out.
//!
//! Invariant: the events depend on the bytes alone, not on how they were cut; no more than one event is ever held, and
//! none larger than [`MAX_EVENT_BYTES`]. A last event without its empty line is not given, as the specification says.

/// The largest event that is read.
pub const MAX_EVENT_BYTES: usize = 8 * 1024 * 1024;

/// An event is larger than [`MAX_EVENT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than 8 MiB")]
pub struct TooLarge;

/// One event. Holds content: no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// The last `event:` line; empty where there was none.
    pub name: Vec<u8>,
    /// The `data:` lines, joined by line feeds.
    pub data: Vec<u8>,
}

/// The parser's state. Holds content: no `Debug`.
#[derive(Default)]
pub struct SseParser {
    buffer: Vec<u8>,
    /// Where the next unread line of `buffer` begins.
    at: usize,
    /// Up to where the unread line has been searched for its end.
    searched: usize,
    name: Vec<u8>,
    data: Option<Vec<u8>>,
    /// The last line ended with a carriage return, so that a line feed right after it belongs to it.
    after_cr: bool,
}

impl SseParser {
    /// Takes in bytes; the events they complete are given by [`next_event`](Self::next_event).
    pub fn push(&mut self, bytes: &[u8]) {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.searched -= self.at;
            self.at = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete event, or `None` until more bytes come. Events without data are skipped.
    ///
    /// # Errors
    /// [`TooLarge`]; the stream cannot be read on then.
    pub fn next_event(&mut self) -> Result<Option<SseEvent>, TooLarge> {
        while let Some((start, end)) = self.next_line() {
            if start == end {
                let name = std::mem::take(&mut self.name);
                if let Some(data) = self.data.take() {
                    return Ok(Some(SseEvent { name, data }));
                }
                continue;
            }
            self.field(start, end);
            if self.data.as_ref().is_some_and(|data| data.len() > MAX_EVENT_BYTES) {
                return Err(TooLarge);
            }
        }
        let held = self.buffer.len() - self.at + self.data.as_ref().map_or(0, Vec::len) + self.name.len();
        if held > MAX_EVENT_BYTES { Err(TooLarge) } else { Ok(None) }
    }

    /// The bounds of the next complete line, without its end.
    fn next_line(&mut self) -> Option<(usize, usize)> {
        if self.after_cr && self.at < self.buffer.len() {
            self.after_cr = false;
            if self.buffer.get(self.at) == Some(&b'\n') {
                self.at += 1;
            }
            self.searched = self.searched.max(self.at);
        }
        let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(found) = unsearched.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            self.searched = self.buffer.len();
            return None;
        };
        let (start, end) = (self.at, self.searched + found);
        self.after_cr = self.buffer.get(end) == Some(&b'\r');
        self.at = end + 1;
        self.searched = self.at;
        Some((start, end))
    }

    fn field(&mut self, start: usize, end: usize) {
        let line = self.buffer.get(start..end).unwrap_or_default();
        // A byte order mark may open the stream.
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (field, value) = line.split_at_checked(colon).unwrap_or((line, &[]));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            b"event" => self.name = value.to_vec(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
