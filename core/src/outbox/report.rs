//! Client reports: telling the server what was lost on our side. Source: protocol §4.5.
//!
//! Losses add up here until a request carries them: an item beside the next event, or a request of their own when the
//! queue has nothing to send, at a flush, at a close, and at the latest [`REPORT_INTERVAL`] after the first loss. When
//! the request that carries them fails, they come back. The loss of a report itself is never counted.

use crate::loss::Loss;
use faultwire_protocol::time::{Millis, Now};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Quantities by reason and category.
pub(super) type Counts = BTreeMap<(Loss, String), u64>;

/// Losses that no request has carried yet.
#[derive(Debug, Default)]
pub(super) struct Reports {
    pending: Counts,
    due: Option<Millis>,
}

impl Reports {
    /// Adds losses; the first one starts the clock.
    pub(super) fn add(&mut self, loss: Loss, category: &str, quantity: u64, now: Now) {
        if quantity > 0 {
            *self.pending.entry((loss, category.to_owned())).or_default() += quantity;
            self.due.get_or_insert(now.mono.plus(REPORT_INTERVAL));
        }
    }

    /// Takes everything back that a failed request carried.
    pub(super) fn give_back(&mut self, counts: Counts, now: Now) {
        for ((loss, category), quantity) in counts {
            self.add(loss, &category, quantity, now);
        }
    }

    /// When the losses must go, with or without an event; `None` without losses.
    pub(super) fn due(&self) -> Option<Millis> {
        self.due
    }

    /// Hands over all losses with the payload of their `client_report` item; `None` if there are none.
    pub(super) fn take(&mut self, now: Now) -> Option<(String, Counts)> {
        if self.pending.is_empty() {
            return None;
        }
        self.due = None;
        let counts = std::mem::take(&mut self.pending);
        let events = discarded_events(&counts);
        let seconds = now.wall.0 as f64 / 1000.0;
        Some((
            format!(r#"{{"timestamp":{seconds},"discarded_events":{events}}}"#),
            counts,
        ))
    }

    /// The losses as text for the disk; `None` if there are none.
    pub(super) fn save(&self) -> Option<String> {
        (!self.pending.is_empty()).then(|| discarded_events(&self.pending))
    }
}

/// Reads what [`Reports::save`] wrote. Anything that does not fit is skipped: these are counts, not events.
pub(super) fn parse_saved(text: &str) -> Vec<(Loss, String, u64)> {
    use faultwire_protocol::json;
    let Ok(json::Value::Array(rows)) = json::parse(text) else {
        return Vec::new();
    };
    let read = |row: &json::Value<'_>| {
        let loss = Loss::parse(row.get("reason")?.as_str()?)?;
        let quantity = match row.get("quantity")? {
            json::Value::Number(number) => number.as_u64()?,
            _ => return None,
        };
        Some((loss, row.get("category")?.as_str()?.to_owned(), quantity))
    };
    rows.iter().filter_map(read).collect()
}

fn discarded_events(counts: &Counts) -> String {
    let mut out = String::from("[");
    for (index, ((loss, category), quantity)) in counts.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Categories are plain words of ours or letters that `super::category_name` let through: nothing to escape.
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            r#"{comma}{{"reason":"{}","category":"{category}","quantity":{quantity}}}"#,
            loss.as_str()
        );
    }
    out.push(']');
    out
}

/// How long a loss may wait for an event to ride with, in milliseconds. The official server-side SDKs use 30 s too.
pub(super) const REPORT_INTERVAL: u64 = 30_000;
