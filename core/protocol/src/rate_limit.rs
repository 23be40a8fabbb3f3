//! Rate limits: what a client may not send for a while, and the header a server says it with.

use crate::time::{self, Millis, Now};
use std::collections::BTreeMap;

/// The limits that hold for one DSN, in the client's memory.
///
/// A later deadline always wins over an earlier one. Categories that nobody defined are ignored; they never widen to
/// everything (protocol §0.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Deadline on the monotonic clock by category; the empty name stands for all.
    deadlines: BTreeMap<&'static str, Millis>,
}

/// The two headers of an answer that speak about limits, raw.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplyHeaders<'a> {
    /// `X-Sentry-Rate-Limits`; several header lines joined by commas.
    pub rate_limits: Option<&'a str>,
    /// `Retry-After`: seconds or an HTTP date.
    pub retry_after: Option<&'a str>,
}

impl RateLimits {
    /// Takes in the headers of any answer, whatever its status.
    ///
    /// Without a limit header a 429 limits everything for `Retry-After`, or for 60 s if that is missing or unreadable.
    /// Waits are capped at [`MAX_SECONDS`]. Returns how many elements of the header could not be read; the others apply.
    /// Source: protocol §4.2.
    pub fn update(&mut self, headers: ReplyHeaders<'_>, status: u16, now: Now) -> usize {
        match headers.rate_limits.map(str::trim) {
            Some(header) if !header.is_empty() => self.apply_header(header, now),
            _ if status == 429 => {
                let wait = headers
                    .retry_after
                    .and_then(|value| retry_after(value, now));
                self.extend(ALL, now.mono.plus(wait.unwrap_or(DEFAULT_SECONDS * 1000)));
                0
            }
            _ => 0,
        }
    }

    /// Until when (monotonic) `category` may not be sent; `None` if it may go now.
    pub fn limited(&self, category: &str, now: Now) -> Option<Millis> {
        let deadline = |name: &str| self.deadlines.get(name).copied();
        deadline(ALL)
            .max(deadline(category))
            .filter(|&until| until > now.mono)
    }

    fn apply_header(&mut self, header: &str, now: Now) -> usize {
        let mut unreadable = 0;
        for element in header.split(',') {
            let mut fields = element.split(':').map(str::trim);
            let seconds = fields.next().and_then(parse_seconds);
            let (Some(seconds), Some(categories)) = (seconds, fields.next()) else {
                unreadable += 1;
                continue;
            };
            let until = now.mono.plus(seconds * 1000);
            if categories.is_empty() {
                self.extend(ALL, until);
                continue;
            }
            for name in categories.split(';').map(str::trim) {
                if let Some(known) = CATEGORIES.iter().find(|known| **known == name) {
                    self.extend(known, until);
                }
            }
        }
        unreadable
    }

    fn extend(&mut self, category: &'static str, until: Millis) {
        let deadline = self.deadlines.entry(category).or_default();
        *deadline = until.max(*deadline);
    }
}

/// One limit that a server announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How long it holds; written as 1 to [`MAX_SECONDS`].
    pub seconds: u64,
    /// Category names; empty for all.
    pub categories: Vec<String>,
    /// `organization`, `project` or `key`.
    pub scope: String,
    /// Machine-readable cause, such as `quota`.
    pub reason: Option<String>,
}

/// Writes the value of `X-Sentry-Rate-Limits` so that the weakest parser among the official SDKs copes: whole seconds, no
/// blanks, no empty element, at least three fields. An empty list gives an empty text; send no header then.
/// Source: protocol §4.1.
pub fn header(limits: &[Limit]) -> String {
    let mut header = String::new();
    for limit in limits {
        if !header.is_empty() {
            header.push_str(", ");
        }
        header.push_str(&limit.seconds.clamp(1, MAX_SECONDS).to_string());
        header.push(':');
        let categories: Vec<String> = limit.categories.iter().map(|name| field(name)).collect();
        header.push_str(&categories.join(";"));
        header.push(':');
        header.push_str(&field(&limit.scope));
        if let Some(reason) = &limit.reason {
            header.push(':');
            header.push_str(&field(reason));
        }
    }
    header
}

/// Longest wait that is believed or announced: a day. Some parsers overflow beyond, and a client that slept for a month
/// on a typing error would be worse than one request a day.
pub const MAX_SECONDS: u64 = 86_400;

/// Leaves only characters that cannot be taken for a separator.
fn field(text: &str) -> String {
    text.chars()
        .filter(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-'))
        .collect()
}

/// Seconds with decimals rounded up, capped; `None` for negative numbers and texts.
fn parse_seconds(text: &str) -> Option<u64> {
    if !text.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    let seconds: f64 = text.parse().ok()?;
    Some(seconds.ceil().min(MAX_SECONDS as f64) as u64)
}

/// Reads a `Retry-After` header, seconds or an HTTP date, as milliseconds from now; capped at [`MAX_SECONDS`], `None` if it
/// is neither. A date in the past is 0.
pub fn retry_after(value: &str, now: Now) -> Option<u64> {
    let value = value.trim();
    if let Some(seconds) = parse_seconds(value) {
        return Some(seconds * 1000);
    }
    let until = time::parse_http_date(value)?;
    Some(until.since(now.wall).min(MAX_SECONDS * 1000))
}

const ALL: &str = "";
const DEFAULT_SECONDS: u64 = 60;

/// Every category name of protocol §4.4.
const CATEGORIES: [&str; 40] = [
    "default",
    "error",
    "transaction",
    "security",
    "attachment",
    "session",
    "profile",
    "replay",
    "transaction_processed",
    "transaction_indexed",
    "monitor",
    "profile_indexed",
    "span",
    "monitor_seat",
    "feedback",
    "user_report_v2",
    "metric_bucket",
    "span_indexed",
    "profile_duration",
    "profile_chunk",
    "metric_second",
    "replay_video",
    "uptime",
    "attachment_item",
    "log_item",
    "log_byte",
    "profile_duration_ui",
    "profile_chunk_ui",
    "seer_autofix",
    "seer_scanner",
    "prevent_user",
    "prevent_review",
    "size_analysis",
    "installable_build",
    "trace_metric",
    "seer_user",
    "profile_backend",
    "profile_ui",
    "trace_metric_byte",
    "snapshot_image",
];
