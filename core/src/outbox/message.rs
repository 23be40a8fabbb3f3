//! The words a driver and the outbox speak with each other.

use super::index::{State, Storage};
use crate::loss::Loss;
use faultwire_protocol::id::EventId;
use faultwire_protocol::time::Millis;
use std::borrow::Cow;

/// How much an event matters when not all can be sent or kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Messages and everything else.
    Low,
    /// Exceptions and events of level error.
    Error,
    /// The event that the process died of.
    Fatal,
}

impl Priority {
    /// The byte stored on disk.
    pub const fn as_u8(self) -> u8 {
        self as u8
    }

    /// Reads the byte stored on disk; an unknown one is [`Priority::Error`], so that a newer version's event is not
    /// the first to be given up.
    pub const fn from_u8(byte: u8) -> Priority {
        match byte {
            0 => Priority::Low,
            2 => Priority::Fatal,
            _ => Priority::Error,
        }
    }
}

/// The limits of one outbox. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Requests in flight at most. 32 carry 640 events a second to a server that answers in 50 ms.
    pub max_in_flight: usize,
    /// Bytes of all entries together, as the driver stores them.
    pub max_bytes: u64,
    /// Bytes of the entries that the disk refused and that live in the driver's memory.
    pub max_volatile_bytes: u64,
    /// Age after which an event is given up.
    pub max_age: u64,
    /// First back-off step.
    pub backoff_first: u64,
    /// Longest back-off step.
    pub backoff_longest: u64,
    /// Whether losses are reported to the server.
    pub client_reports: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_in_flight: 32,
            // A burst of 10,000 events of 24.6 KB, uncompressed, is 235 MiB (shared targets: burst of 10,000).
            max_bytes: 256 << 20,
            max_volatile_bytes: 32 << 20,
            // Servers of this protocol refuse events older than 30 days.
            max_age: 30 * 24 * 3_600_000,
            backoff_first: 1_000,
            backoff_longest: 300_000,
            client_reports: true,
        }
    }
}

/// What the outbox knows of an event; the driver holds the payload under `key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Chosen by the driver, unique among the entries that are queued.
    pub key: u64,
    /// Id of the event inside the payload.
    pub event_id: EventId,
    /// Data category, such as `error` (protocol §4.4).
    pub category: Cow<'static, str>,
    /// Its rank.
    pub priority: Priority,
    /// Size of the payload as stored.
    pub bytes: u64,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A captured event entered the queue; the driver is storing its payload and will say [`Input::Stored`] or
    /// [`Input::StoreFailed`]. It is not sent before.
    Enqueue(NewEntry),
    /// An event that an earlier process left on disk. `captured` is the wall time stored beside it.
    Recovered {
        /// The event.
        entry: NewEntry,
        /// When it was captured, from its [`EntryMeta`].
        captured: Millis,
    },
    /// Events that never reached the queue: sampled away, dropped by a hook. They count as captured and lost.
    Lost {
        /// Why.
        loss: Loss,
        /// Data category.
        category: Cow<'static, str>,
        /// How many.
        quantity: u64,
    },
    /// What [`super::Outbox::unreported`] gave an earlier process: losses for the next client report. They are already
    /// in that process's books and do not enter these.
    RecoveredReport {
        /// The stored text.
        text: String,
    },
    /// The payload of this key is on disk.
    Stored {
        /// As given in [`Input::Enqueue`].
        key: u64,
    },
    /// The disk refused the payload; the driver keeps it in memory.
    StoreFailed {
        /// As given in [`Input::Enqueue`].
        key: u64,
    },
    /// The server answered.
    Reply {
        /// As given in [`Output::Send`] or [`Output::SendReport`].
        job: u64,
        /// HTTP status.
        status: u16,
        /// The headers the outbox obeys, raw.
        headers: ReplyHeaders,
    },
    /// The request ended without an answer.
    NoReply {
        /// As given in [`Output::Send`] or [`Output::SendReport`].
        job: u64,
        /// What went wrong.
        reason: Failure,
    },
    /// The platform says that the network is back: worth a probe.
    Online,
    /// Someone waits until everything queued so far has left; answered by [`Output::Flushed`].
    Flush {
        /// Comes back in the answer.
        token: u64,
        /// Monotonic time of the latest answer.
        deadline: Millis,
    },
    /// The client is shutting down; answered by [`Output::Closed`].
    Close {
        /// Comes back in the answer.
        token: u64,
        /// Monotonic time of the latest answer.
        deadline: Millis,
    },
    /// Time passed; due at [`super::Outbox::deadline`].
    Tick,
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Refused, reset, timed out, no route, TLS: the network's affair, tried again.
    Network,
    /// The driver cannot read the payload back. No request was made and none can be.
    PayloadGone,
}

/// The answer's headers that matter here, as received. A driver parses neither (style guide, thin-binding rule).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyHeaders {
    /// `X-Sentry-Rate-Limits`; several header lines joined by commas.
    pub rate_limits: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send the payload of `key`, sealed with the time of sending and with `report` as an additional item
    /// ([`crate::envelope::seal`]). Answer with [`Input::Reply`] or [`Input::NoReply`].
    Send {
        /// Names this attempt.
        job: u64,
        /// Names the payload.
        key: u64,
        /// Payload of a `client_report` item to append.
        report: Option<String>,
    },
    /// Send a client report alone ([`crate::envelope::report_alone`]). Answered like a [`Output::Send`].
    SendReport {
        /// Names this attempt.
        job: u64,
        /// Payload of the `client_report` item.
        report: String,
    },
    /// This event is finished: forget its payload, on disk and in memory. An unknown key is to be ignored.
    Remove {
        /// Names the payload.
        key: u64,
    },
    /// The answer to a [`Input::Flush`].
    Flushed {
        /// From the input.
        token: u64,
        /// Whether everything that was queued at the flush has left.
        drained: bool,
    },
    /// The answer to a [`Input::Close`].
    Closed {
        /// From the input.
        token: u64,
        /// Whether everything has left. What has not is on disk, or counted.
        drained: bool,
    },
}

/// The facts stored beside a payload, so that a restart can queue it without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryMeta {
    /// Id of the event inside the payload.
    pub event_id: EventId,
    /// Its rank.
    pub priority: Priority,
    /// Wall time of the capture.
    pub captured: Millis,
    /// Data category.
    pub category: Cow<'static, str>,
}

impl EntryMeta {
    /// The bytes for [`crate::segment::encode_record`].
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(META_FIXED_LEN + self.category.len());
        out.push(META_VERSION);
        out.push(self.priority.as_u8());
        out.extend_from_slice(&self.captured.0.to_le_bytes());
        out.extend_from_slice(self.event_id.as_bytes());
        out.extend_from_slice(self.category.as_bytes());
        out
    }

    /// Reads [`EntryMeta::encode`]; `None` for anything else. Bytes of a newer version that only add to the end are read.
    pub fn decode(bytes: &[u8]) -> Option<EntryMeta> {
        let (fixed, category) = bytes.split_at_checked(META_FIXED_LEN)?;
        if fixed[0] != META_VERSION {
            return None;
        }
        let captured = u64::from_le_bytes(fixed[2..10].try_into().ok()?);
        Some(EntryMeta {
            event_id: EventId::from_bytes(fixed[10..].try_into().ok()?)?,
            priority: Priority::from_u8(fixed[1]),
            captured: Millis(captured),
            category: category_name(Cow::Owned(String::from_utf8_lossy(category).into_owned())),
        })
    }
}

/// A queued event.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: u64,
    pub(super) event_id: EventId,
    pub(super) category: Cow<'static, str>,
    pub(super) priority: Priority,
    pub(super) bytes: u64,
    /// Monotonic time at which the age cap takes it. Also its place in the order of age.
    pub(super) expires: Millis,
    pub(super) storage: Storage,
    pub(super) state: State,
    /// Failed requests since it last had a fresh chance.
    pub(super) failures: u32,
    /// How many requests had passed at its last failure; `None` before the first.
    pub(super) failed_at: Option<u64>,
    /// Failures with other requests passing since the one before.
    pub(super) strikes: u32,
    /// How many of the strikes were plain 500s.
    pub(super) refusals: u32,
}

impl Entry {
    pub(super) fn new(new: NewEntry, expires: Millis, storage: Storage, state: State) -> Entry {
        let NewEntry {
            key,
            event_id,
            category,
            priority,
            bytes,
        } = new;
        let category = category_name(category);
        Entry {
            key,
            event_id,
            category,
            priority,
            bytes,
            expires,
            storage,
            state,
            failures: 0,
            failed_at: None,
            strikes: 0,
            refusals: 0,
        }
    }
}

/// Category names are words; anything else would have to be escaped in reports and cannot be limited by a server.
pub(super) fn category_name(category: Cow<'static, str>) -> Cow<'static, str> {
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_word(&category) {
        category
    } else {
        Cow::Borrowed("default")
    }
}

const META_VERSION: u8 = 1;
const META_FIXED_LEN: usize = 1 + 1 + 8 + 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_reads_back_and_refuses_other_bytes() {
        let meta = EntryMeta {
            event_id: EventId::from_random([7; 16]),
            priority: Priority::Fatal,
            captured: Millis(1_762_071_330_120),
            category: "error".into(),
        };
        let bytes = meta.encode();
        assert_eq!(EntryMeta::decode(&bytes), Some(meta));
        for len in 0..META_FIXED_LEN {
            assert_eq!(EntryMeta::decode(&bytes[..len]), None, "{len} bytes");
        }
        let mut other = bytes;
        other[0] = 9;
        assert_eq!(EntryMeta::decode(&other), None);
    }

    #[test]
    fn category_that_is_no_word_becomes_default() {
        for odd in ["", "a b", "\"", "Error", "größe"] {
            assert_eq!(category_name(Cow::Owned(odd.to_owned())), "default");
        }
        assert_eq!(category_name("log_item".into()), "log_item");
    }
}
