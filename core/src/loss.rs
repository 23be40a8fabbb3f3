//! What became of every event: the reasons for giving one up, and the ledger that must always balance.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Why an event was given up. [`Loss::as_str`] is the wire value in client reports. Source: protocol §4.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// The queue in memory was full, or the client was already closed.
    QueueOverflow,
    /// The queue on disk was full, or the event outlived the age cap there.
    CacheOverflow,
    /// A rate limit outlasts the event, or filled the queue.
    RatelimitBackoff,
    /// Nobody answered until the client closed, and the event could not be kept on disk.
    NetworkError,
    /// The server refused the event for good (4xx, 413 included, or the same 500 again and again).
    SendError,
    /// Sampled away.
    SampleRate,
    /// The `beforeSend` hook dropped it, or threw.
    BeforeSend,
    /// It matched `ignoreErrors`.
    EventProcessor,
    /// What the host handed over is not a JSON object.
    Invalid,
    /// A defect of the SDK: a payload that cannot be read back, a key used twice.
    InternalSdkError,
}

impl Loss {
    /// All reasons, in the order of their wire names' first mention in the protocol.
    pub const ALL: [Loss; 10] = [
        Loss::QueueOverflow,
        Loss::CacheOverflow,
        Loss::RatelimitBackoff,
        Loss::NetworkError,
        Loss::SendError,
        Loss::SampleRate,
        Loss::BeforeSend,
        Loss::EventProcessor,
        Loss::Invalid,
        Loss::InternalSdkError,
    ];

    /// The wire value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Loss::QueueOverflow => "queue_overflow",
            Loss::CacheOverflow => "cache_overflow",
            Loss::RatelimitBackoff => "ratelimit_backoff",
            Loss::NetworkError => "network_error",
            Loss::SendError => "send_error",
            Loss::SampleRate => "sample_rate",
            Loss::BeforeSend => "before_send",
            Loss::EventProcessor => "event_processor",
            Loss::Invalid => "invalid",
            Loss::InternalSdkError => "internal_sdk_error",
        }
    }

    /// The reason with this wire value; `None` for a reason this SDK never gives.
    pub fn parse(name: &str) -> Option<Loss> {
        Loss::ALL.into_iter().find(|loss| loss.as_str() == name)
    }
}

/// The books of one client: `captured + recovered = delivered + queued + lost`.
///
/// Counts events, from the start of the process. The outbox keeps it and [`Ledger::balances`] holds after every call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Events that entered the client in this process, those dropped at once included.
    pub captured: u64,
    /// Events that an earlier process left on disk.
    pub recovered: u64,
    /// Events the server accepted.
    pub delivered: u64,
    /// Events waiting or in flight.
    pub queued: u64,
    /// Events given up, by reason.
    pub lost: BTreeMap<Loss, u64>,
}

impl Ledger {
    /// Sum over all reasons.
    pub fn lost_total(&self) -> u64 {
        self.lost.values().sum()
    }

    /// Whether nothing went missing and nothing was counted twice.
    pub fn balances(&self) -> bool {
        self.captured + self.recovered == self.delivered + self.queued + self.lost_total()
    }

    /// The text of `client.stats()`: `{"captured":3,"recovered":0,"delivered":1,"queued":1,"lost":{"sample_rate":1}}`.
    pub fn to_json(&self) -> String {
        let Ledger {
            captured,
            recovered,
            delivered,
            queued,
            ..
        } = self;
        let mut out = format!(
            r#"{{"captured":{captured},"recovered":{recovered},"delivered":{delivered},"queued":{queued},"lost":{{"#
        );
        for (index, (loss, quantity)) in self.lost.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // Writing to a String cannot fail.
            let _ = write!(out, r#"{comma}"{}":{quantity}"#, loss.as_str());
        }
        out.push_str("}}");
        out
    }

    pub(crate) fn lose(&mut self, loss: Loss, quantity: u64) {
        if quantity > 0 {
            *self.lost.entry(loss).or_default() += quantity;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_names_read_back() {
        for loss in Loss::ALL {
            assert_eq!(Loss::parse(loss.as_str()), Some(loss));
        }
        assert_eq!(Loss::parse("no_parent_span"), None);
    }

    #[test]
    fn stats_text_lists_reasons_and_balance_notices_a_missing_event() {
        let mut ledger = Ledger {
            captured: 4,
            delivered: 1,
            queued: 1,
            ..Ledger::default()
        };
        ledger.lose(Loss::SampleRate, 1);
        assert!(!ledger.balances());
        ledger.lose(Loss::CacheOverflow, 1);
        assert!(ledger.balances());
        assert_eq!(
            ledger.to_json(),
            r#"{"captured":4,"recovered":0,"delivered":1,"queued":1,"lost":{"cache_overflow":1,"sample_rate":1}}"#
        );
    }
}
