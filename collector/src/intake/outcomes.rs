//! The account of what became of everything that was sent: accepted, refused, not supported, lost by the client.
//!
//! Counts gather in memory and go to the store about once a second: a kill loses at most that second of counts, never
//! an event. Words from clients (reasons and categories of client reports) are kept as text but bounded in form and
//! number. Source: protocol.md sections 4.4 to 4.6.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::store::{OutcomeCount, Store};
use crate::telemetry::Metrics;

/// What became of an item; the words are those of the wire and of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Durable in the spool and answered with 200.
    Accepted,
    /// Not taken by design: this server does not process it.
    Filtered,
    /// Not what it claims to be.
    Invalid,
    /// Refused because a limit of this server was reached.
    RateLimited,
    /// The SDK says that it dropped it.
    ClientDiscard,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Outcome::Accepted => "accepted",
            Outcome::Filtered => "filtered",
            Outcome::Invalid => "invalid",
            Outcome::RateLimited => "rate_limited",
            Outcome::ClientDiscard => "client_discard",
        }
    }
}

/// Counts that are not in the store yet.
pub struct Outcomes {
    metrics: Arc<Metrics>,
    counts: Mutex<HashMap<Key, u64>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    project_id: u64,
    hour_ms: u64,
    category: String,
    outcome: Outcome,
    reason: String,
}

impl Outcomes {
    /// Starts at zero.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Outcomes {
            metrics,
            counts: Mutex::new(HashMap::new()),
        }
    }

    /// Counts something this server did. `category` and `reason` are fixed words.
    pub fn count(
        &self,
        project_id: u64,
        now_ms: u64,
        category: &'static str,
        outcome: Outcome,
        reason: &'static str,
        quantity: u64,
    ) {
        if quantity == 0 {
            return;
        }
        self.metrics
            .item(category, outcome.as_str(), reason, quantity);
        self.add(
            project_id,
            now_ms,
            category.to_owned(),
            outcome,
            reason.to_owned(),
            quantity,
        );
    }

    /// Counts one line of a client report. Both words come from outside.
    pub fn count_reported(
        &self,
        project_id: u64,
        now_ms: u64,
        category: &str,
        reason: &str,
        quantity: u64,
    ) {
        if quantity == 0 {
            return;
        }
        // The metric's labels must stay a fixed set; the store keeps the words.
        self.metrics.item(
            known_category(category),
            Outcome::ClientDiscard.as_str(),
            "",
            quantity,
        );
        self.add(
            project_id,
            now_ms,
            word(category),
            Outcome::ClientDiscard,
            word(reason),
            quantity,
        );
    }

    fn add(
        &self,
        project_id: u64,
        now_ms: u64,
        category: String,
        outcome: Outcome,
        reason: String,
        quantity: u64,
    ) {
        let mut key = Key {
            project_id,
            hour_ms: now_ms - now_ms % HOUR_MS,
            category,
            outcome,
            reason,
        };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MAX_KEYS && !counts.contains_key(&key) {
            key.category = "other".to_owned();
            key.reason = "other".to_owned();
        }
        let count = counts.entry(key).or_default();
        *count = count.saturating_add(quantity);
    }

    /// Moves the counts into the store. When the store refuses they stay for the next time.
    pub fn flush(&self, store: &dyn Store) {
        let taken =
            std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return;
        }
        let rows: Vec<OutcomeCount> = taken
            .iter()
            .map(|(key, quantity)| OutcomeCount {
                project_id: key.project_id,
                hour_ms: key.hour_ms,
                category: key.category.clone(),
                outcome: key.outcome.as_str().to_owned(),
                reason: key.reason.clone(),
                quantity: *quantity,
            })
            .collect();
        if let Err(error) = store.add_outcomes(&rows) {
            tracing::warn!(%error, "the account of outcomes could not be written; trying again");
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, quantity) in taken {
                let count = counts.entry(key).or_default();
                *count = count.saturating_add(quantity);
            }
        }
    }
}

/// Brings a foreign word into a form that cannot hurt: lowercase letters, digits, `_`, `-`, `.`, at most 64.
fn word(text: &str) -> String {
    let word: String = text
        .chars()
        .map(|char| char.to_ascii_lowercase())
        .filter(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.'))
        .take(64)
        .collect();
    if word.is_empty() {
        "unknown".to_owned()
    } else {
        word
    }
}

fn known_category(name: &str) -> &'static str {
    CATEGORIES
        .iter()
        .find(|known| **known == name)
        .copied()
        .unwrap_or("other")
}

const CATEGORIES: [&str; 18] = [
    "default",
    "error",
    "transaction",
    "security",
    "attachment",
    "attachment_item",
    "session",
    "profile",
    "profile_chunk",
    "replay",
    "monitor",
    "span",
    "feedback",
    "log_item",
    "log_byte",
    "trace_metric",
    "metric_bucket",
    "internal",
];

const HOUR_MS: u64 = 3_600_000;
/// Distinct counters held between two flushes.
const MAX_KEYS: usize = 10_000;
