//! Bar: every event of a recorded request is readable through the API with everything that was sent.
//!
//! The real program is sent the real requests, and each event is compared value by value with its payload. A value may
//! differ only by a coercion that the protocol reference documents, or with a remark that names the rule. Secrets that
//! were planted in the recorded apps must not come back.
//!
//! Two sets: the project's own (`tests/recordings`, always) and the requests of official SDKs beside the repository
//! (skipped by name where they are absent).

#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test names its line"
)]

mod common;
mod recorded_support;

use std::path::Path;

use common::{Collector, recorded_envelopes};
use recorded_support::{Comparison, Recording, compare, time};
use serde_json::Value;

/// What the recorded apps were planted with. None of it may be stored.
const SECRETS: [&str; 9] = [
    "hunter2",
    "4111 1111 1111 1111",
    "4111111111111111",
    "s3cr3t",
    "sk_test_0123456789",
    "token=abc123",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9",
    "DE89370400440532013000",
    "postgres://shop:",
];

/// Sends all recordings and checks every event; returns how many events and values were compared.
fn replay(recordings: &[Recording]) -> (usize, usize) {
    let collector = Collector::start();
    let mut events = Vec::new();
    for recording in recordings {
        let headers: Vec<(&str, &str)> = recording
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let reply = collector.send(
            &recording.method,
            &recording.target,
            &headers,
            &recording.body,
        );
        // A tunnel is a path of the app's own server, which forwards to us; it comes to our door like this.
        let reply = if reply.status == 405 || reply.status == 404 {
            collector.send("POST", "/api/42/envelope/", &headers, &recording.body)
        } else {
            reply
        };
        assert_eq!(reply.status, 200, "{}: {}", recording.name, reply.text());
        events.extend(
            recording
                .event()
                .map(|event| (recording.name.as_str(), event)),
        );
    }
    collector.wait_until_digested();

    let mut problems = Vec::new();
    let (mut values, mut scrubbed) = (0, 0);
    for (name, (id, sent, sent_at)) in &events {
        let detail = collector.event(id);
        let received = time(&detail["received_at"]).unwrap();
        let drift = sent_at.as_ref().map_or(0.0, |sent_at| {
            received - time(&Value::from(sent_at.as_str())).unwrap()
        });
        let drift = if drift.abs() < 55.0 * 60.0 {
            0.0
        } else {
            drift
        };
        let Comparison {
            lost,
            added,
            scrubbed: removed,
            compared,
        } = compare(sent, &detail["event"], drift);
        values += compared;
        scrubbed += removed.len();
        problems.extend(lost.iter().map(|what| format!("{name}: lost {what}")));
        problems.extend(
            added
                .iter()
                .filter(|what| !documented_addition(what))
                .map(|what| format!("{name}: added {what}")),
        );
        let stored = detail.to_string();
        for secret in SECRETS.iter().filter(|secret| stored.contains(**secret)) {
            let at = stored.find(secret).unwrap();
            let around: String = stored[at.saturating_sub(60)..].chars().take(140).collect();
            problems.push(format!(
                "{name}: stores the secret {secret}: ...{around}..."
            ));
        }
    }
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
    assert!(
        scrubbed > 0,
        "the recordings hold secrets, so something must have been removed"
    );
    println!(
        "{} events, {values} values compared, {scrubbed} scrubbed",
        events.len()
    );
    (events.len(), values)
}

/// What the server fills in: protocol sections 3.5 (paths default to each other), 3.9, 3.10, 3.12, 3.13.
fn documented_addition(what: &str) -> bool {
    let key = what.split('=').next().unwrap_or_default();
    let last = key.rsplit('.').next().unwrap_or_default();
    let top = !key.contains('.');
    (top && matches!(
        last,
        "received" | "event_id" | "timestamp" | "type" | "level" | "platform" | "logentry"
    )) || (key.starts_with("exception.") || key.starts_with("threads."))
        && matches!(last, "abs_path" | "filename")
        || matches!(
            key,
            "user" | "user.ip_address" | "request.inferred_content_type"
        )
        || key.starts_with("contexts.") && last == "type"
}

#[test]
fn own_recordings_come_back_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let (events, values) = replay(&Recording::all(&folder));
    assert!(
        events >= 6 && values > 300,
        "{events} events, {values} values"
    );
}

#[test]
fn recordings_of_official_sdks_come_back_whole() {
    let Some(folder) = recorded_envelopes() else {
        println!("skipped: recordings_of_official_sdks_come_back_whole: ../shared is absent");
        return;
    };
    let (events, values) = replay(&Recording::all(&folder));
    assert!(
        events >= 50 && values > 5000,
        "{events} events, {values} values"
    );
}
