//! Event ids: 16 bytes, written as 32 lowercase hex digits.

use std::fmt;
use std::str::FromStr;

/// The id of one event. Never nil.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId([u8; 16]);

/// A text that is not an event id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventIdError;

impl fmt::Display for EventIdError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("event id is not 32 hex digits, or is nil")
    }
}

impl std::error::Error for EventIdError {}

impl EventId {
    /// Reads an id with or without dashes, in any case, blanks around it ignored. `None` for anything else and for the
    /// nil id. Source: protocol §2.1 and §3.2.
    pub fn parse(text: &str) -> Option<EventId> {
        let text = text.trim();
        let dashed = text.len() == 36;
        if !dashed && text.len() != 32 {
            return None;
        }
        let mut bytes = [0; 16];
        let mut count = 0;
        for (index, byte) in text.bytes().enumerate() {
            if dashed && matches!(index, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return None;
                }
                continue;
            }
            let digit = char::from(byte).to_digit(16)? as u8;
            bytes[count / 2] = bytes[count / 2] << 4 | digit;
            count += 1;
        }
        EventId::from_bytes(bytes)
    }

    /// The id with exactly these bytes; `None` if all are zero.
    pub fn from_bytes(bytes: [u8; 16]) -> Option<EventId> {
        (bytes != [0; 16]).then_some(EventId(bytes))
    }

    /// Makes a version 4 UUID of 16 random bytes; six bits are overwritten by version and variant.
    pub fn from_random(mut bytes: [u8; 16]) -> EventId {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        EventId(bytes)
    }

    /// The 16 bytes, most significant first.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        EventId::parse(text).ok_or(EventIdError)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 32];
        for (index, byte) in self.0.iter().enumerate() {
            text[index * 2] = DIGITS[usize::from(byte >> 4)];
            text[index * 2 + 1] = DIGITS[usize::from(byte & 15)];
        }
        formatter.pad(std::str::from_utf8(&text).expect("hex digits are ASCII"))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EventId({self})")
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";
