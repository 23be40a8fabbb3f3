//! Sorting the items of an envelope: what becomes an event, what is counted, what cannot be read.
//!
//! One bad or unknown item never costs another one (protocol.md section 2.5).

use axum::http::StatusCode;
use bytes::Bytes;
use faultwire_protocol::envelope::{Envelope, Item};
use faultwire_protocol::id::EventId;
use faultwire_protocol::json::{self, Value};

use super::outcomes::Outcome;
use super::reply::Refusal;
use super::spool::Attachment;
use crate::config::Limits;

/// What one envelope comes to.
#[derive(Default)]
pub struct Sorted {
    /// The event, if there is one.
    pub event: Option<SortedEvent>,
    /// Counts for the account.
    pub counts: Vec<Count>,
    /// Lines of client reports: category, reason, quantity.
    pub reported: Vec<(String, String, u64)>,
    /// Some item is of a kind this server never takes: worth telling the SDK.
    pub unsupported: bool,
    /// Items that were understood, whatever became of them.
    pub understood: usize,
    /// Why the first item that was not understood was not.
    pub first_refusal: Option<Refusal>,
}

/// An event with what travels beside it.
pub struct SortedEvent {
    /// The id to answer: the header's, else the payload's. None: one has to be made.
    pub id: Option<EventId>,
    /// Event JSON as sent.
    pub payload: Bytes,
    /// Files to keep.
    pub attachments: Vec<Attachment>,
    /// Category to count it under.
    pub category: &'static str,
    /// Name and version of the SDK as the envelope has it.
    pub sdk: Option<String>,
    /// The envelope's `sent_at`, as written.
    pub sent_at: Option<String>,
}

impl SortedEvent {
    /// An event that came without an envelope.
    pub fn new(id: Option<EventId>, payload: Bytes, category: &'static str) -> Self {
        SortedEvent {
            id,
            payload,
            attachments: Vec::new(),
            category,
            sdk: None,
            sent_at: None,
        }
    }

    fn of_envelope(mut self, envelope: &Envelope<'_>) -> Self {
        let sdk = |name| envelope.header.path(&["sdk", name]).and_then(Value::as_str);
        self.sdk = sdk("name").map(|name| format!("{name}/{}", sdk("version").unwrap_or("?")));
        self.sent_at = envelope.header.get("sent_at").map(|value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        });
        self
    }
}

/// One line for the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Data category.
    pub category: &'static str,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: &'static str,
    /// How many.
    pub quantity: u64,
}

/// Sorts `envelope`, which was parsed from `body`.
pub fn sort(envelope: &Envelope<'_>, body: &Bytes, limits: &Limits) -> Sorted {
    let mut sorted = Sorted::default();
    let mut attachments = Vec::new();
    for item in &envelope.items {
        match item.kind.as_ref() {
            "event" => sorted.event(envelope, item, body, limits),
            "attachment" => attachments.push(item),
            "client_report" => sorted.client_report(item),
            "raw_security" => sorted.raw_security(envelope, item, limits),
            other => sorted.not_taken(other, item),
        }
    }
    for item in attachments {
        sorted.attachment(item, body, limits);
    }
    for skipped in &envelope.skipped {
        sorted.refuse(
            "default",
            Refusal::new(StatusCode::BAD_REQUEST, "an envelope item cannot be read")
                .cause(format!(
                    "envelope item {}: {}",
                    skipped.index, skipped.reason
                ))
                .reason("invalid_envelope"),
        );
    }
    sorted
}

/// Checks that `payload` is a JSON object within the limit; gives its tree.
pub fn check_event<'a>(payload: &'a [u8], limits: &Limits) -> Result<Value<'a>, Refusal> {
    if payload.len() > limits.max_event_bytes {
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "the event has {} bytes, the limit is {}",
                payload.len(),
                limits.max_event_bytes
            ),
        )
        .reason("too_large"));
    }
    let bad = |cause: String, reason| {
        Refusal::new(StatusCode::BAD_REQUEST, "the event is not valid")
            .cause(cause)
            .reason(reason)
    };
    match json::parse_bytes(payload) {
        Ok(tree @ Value::Object(_)) => Ok(tree),
        Ok(_) => Err(bad(
            "the payload is json but not an object".into(),
            "invalid_json",
        )),
        Err(error) if matches!(error.kind, json::ErrorKind::TooDeep) => {
            Err(bad(error.to_string(), "nesting_too_deep"))
        }
        Err(error) => Err(bad(error.to_string(), "invalid_json")),
    }
}

impl Sorted {
    /// A transaction that came to the store endpoint: counted and dropped.
    pub fn transaction(tree: &Value<'_>) -> Self {
        let mut sorted = Sorted {
            understood: 1,
            unsupported: true,
            ..Sorted::default()
        };
        let spans = tree
            .get("spans")
            .and_then(Value::as_array)
            .unwrap_or_default();
        sorted.count("transaction", Outcome::Filtered, "unsupported", 1);
        let quantity = spans.len() as u64 + 1;
        sorted.count("span", Outcome::Filtered, "unsupported", quantity);
        sorted
    }

    fn count(
        &mut self,
        category: &'static str,
        outcome: Outcome,
        reason: &'static str,
        quantity: u64,
    ) {
        self.counts.push(Count {
            category,
            outcome,
            reason,
            quantity,
        });
    }

    fn refuse(&mut self, category: &'static str, refusal: Refusal) {
        self.count(category, Outcome::Invalid, refusal.reason, 1);
        self.first_refusal.get_or_insert(refusal);
    }

    fn event(&mut self, envelope: &Envelope<'_>, item: &Item<'_>, body: &Bytes, limits: &Limits) {
        if self.event.is_some() {
            self.understood += 1;
            self.count("error", Outcome::Invalid, "duplicate_item", 1);
            return;
        }
        match check_event(item.payload, limits) {
            Ok(tree) => {
                self.understood += 1;
                let id = envelope.event_id().or_else(|| payload_id(&tree));
                let event = SortedEvent::new(id, body.slice_ref(item.payload), "error");
                self.event = Some(event.of_envelope(envelope));
            }
            Err(refusal) => self.refuse("error", refusal),
        }
    }

    fn raw_security(&mut self, envelope: &Envelope<'_>, item: &Item<'_>, limits: &Limits) {
        let header = |name: &str| item.header.get(name).and_then(Value::as_str);
        let reports = check_event(item.payload, limits).and_then(|tree| {
            super::security::events(
                &tree,
                header("sentry_release"),
                header("sentry_environment"),
            )
        });
        match reports.map(|reports| reports.into_iter().next()) {
            Ok(Some(report)) if self.event.is_none() => {
                self.understood += 1;
                let event = SortedEvent::new(envelope.event_id(), Bytes::from(report), "security");
                self.event = Some(event.of_envelope(envelope));
            }
            Ok(_) => {
                self.understood += 1;
                self.count("security", Outcome::Invalid, "duplicate_item", 1);
            }
            Err(refusal) => self.refuse("security", refusal),
        }
    }

    fn attachment(&mut self, item: &Item<'_>, body: &Bytes, limits: &Limits) {
        self.understood += 1;
        let text = |name: &str, default: &str| {
            item.header
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .unwrap_or(default)
                .to_owned()
        };
        let (outcome, reason) = match &mut self.event {
            None => (Outcome::Filtered, "no_event"),
            Some(_) if item.payload.len() > limits.max_attachment_bytes => {
                (Outcome::Filtered, "too_large")
            }
            Some(event) if event.attachments.len() >= limits.max_attachments => {
                (Outcome::Filtered, "too_many")
            }
            Some(event) => {
                event.attachments.push(Attachment {
                    filename: text("filename", "attachment"),
                    content_type: text("content_type", "application/octet-stream"),
                    attachment_type: text("attachment_type", "event.attachment"),
                    data: body.slice_ref(item.payload),
                });
                (Outcome::Accepted, "")
            }
        };
        self.count(
            "attachment",
            outcome,
            reason,
            item.payload.len().max(1) as u64,
        );
        self.count("attachment_item", outcome, reason, 1);
    }

    fn client_report(&mut self, item: &Item<'_>) {
        let Ok(report) = json::parse_bytes(item.payload) else {
            let refusal =
                Refusal::new(StatusCode::BAD_REQUEST, "a client report is not valid json");
            self.refuse("internal", refusal.reason("invalid_json"));
            return;
        };
        self.understood += 1;
        // Every list may be missing, and unknown words are kept (protocol.md section 4.5).
        for list in [
            "discarded_events",
            "rate_limited_events",
            "filtered_events",
            "filtered_sampling_events",
        ] {
            for line in report
                .get(list)
                .and_then(Value::as_array)
                .unwrap_or_default()
                .iter()
                .take(MAX_REPORT_LINES)
            {
                let word = |name| {
                    line.get(name)
                        .and_then(Value::as_str)
                        .unwrap_or("unknown")
                        .to_owned()
                };
                let quantity = line.get("quantity").and_then(Value::as_u64).unwrap_or(0);
                if quantity > 0 {
                    self.reported
                        .push((word("category"), word("reason"), quantity));
                }
            }
        }
    }

    /// Everything that is accepted, dropped and counted (protocol.md section 2.8).
    fn not_taken(&mut self, kind: &str, item: &Item<'_>) {
        self.understood += 1;
        let mut drop = |category, quantity| {
            self.counts.push(Count {
                category,
                outcome: Outcome::Filtered,
                reason: "unsupported",
                quantity,
            });
        };
        let never = match kind {
            "session" => {
                drop("session", 1);
                false
            }
            "sessions" => {
                drop("session", aggregated_sessions(item.payload));
                false
            }
            "user_report" | "feedback" => {
                drop("feedback", 1);
                false
            }
            "check_in" => {
                drop("monitor", 1);
                false
            }
            "security" => {
                drop("security", 1);
                false
            }
            "transaction" => {
                drop("transaction", 1);
                drop("span", list_length(item.payload, "spans") + 1);
                true
            }
            "span" => {
                drop("span", container_length(item));
                true
            }
            "log" | "otel_log" => {
                drop("log_item", container_length(item));
                drop("log_byte", item.payload.len() as u64);
                true
            }
            "trace_metric" => {
                drop("trace_metric", container_length(item));
                true
            }
            "profile" => {
                drop("profile", 1);
                true
            }
            "profile_chunk" => {
                drop("profile_chunk", 1);
                true
            }
            // One replay comes as a pair; the recording is not counted again.
            "replay_event" | "replay_video" => {
                drop("replay", 1);
                true
            }
            "replay_recording" => true,
            "metric_buckets" | "statsd" => {
                drop("metric_bucket", 1);
                true
            }
            _ => {
                self.counts.push(Count {
                    category: "default",
                    outcome: Outcome::Filtered,
                    reason: "unknown_item_type",
                    quantity: 1,
                });
                false
            }
        };
        self.unsupported |= never;
    }
}

/// Categories that this server never takes, for the announcement.
pub const NEVER_TAKEN: [&str; 10] = [
    "transaction",
    "span",
    "profile",
    "profile_chunk",
    "profile_chunk_ui",
    "replay",
    "log_item",
    "trace_metric",
    "metric",
    "metric_bucket",
];

/// The id inside an event.
pub fn payload_id(tree: &Value<'_>) -> Option<EventId> {
    EventId::parse(tree.get("event_id")?.as_str()?)
}

/// Entries of a container item: what its header says, else what it holds (protocol.md section 2.7).
fn container_length(item: &Item<'_>) -> u64 {
    item.header
        .get("item_count")
        .and_then(Value::as_u64)
        .unwrap_or_else(|| list_length(item.payload, "items"))
        .clamp(1, MAX_CONTAINER)
}

fn list_length(payload: &[u8], name: &str) -> u64 {
    let Ok(tree) = json::parse_bytes(payload) else {
        return 0;
    };
    tree.get(name)
        .and_then(Value::as_array)
        .map_or(0, |list| list.len() as u64)
}

fn aggregated_sessions(payload: &[u8]) -> u64 {
    let Ok(tree) = json::parse_bytes(payload) else {
        return 1;
    };
    let aggregates = tree
        .get("aggregates")
        .and_then(Value::as_array)
        .unwrap_or_default();
    let sum = aggregates
        .iter()
        .flat_map(|line| {
            ["exited", "errored", "abnormal", "unhandled", "crashed"]
                .map(|name| line.get(name).and_then(Value::as_u64).unwrap_or(0))
        })
        .fold(0, u64::saturating_add);
    sum.max(1)
}

const MAX_REPORT_LINES: usize = 500;
/// A header may claim any count; nobody sends more than this in one item.
const MAX_CONTAINER: u64 = 100_000;
