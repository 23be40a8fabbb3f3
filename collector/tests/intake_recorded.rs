//! Requests that official SDKs really made, replayed byte for byte: each gets the answer its SDK needs. What becomes of
//! the events in them is compared value by value in `recorded.rs`.

mod common;
#[allow(dead_code, clippy::unwrap_used)]
mod recorded_support;

use std::path::Path;

use common::{Collector, PROJECT};
use recorded_support::Recording;

/// Checks the answer to every recording; gives the number of requests and of events.
fn check(recordings: &[Recording]) -> (usize, usize) {
    let collector = Collector::start();
    let mut events = 0;
    for recording in recordings {
        let headers: Vec<(&str, &str)> = recording
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| {
                !["host", "connection", "content-length"]
                    .iter()
                    .any(|own| name.eq_ignore_ascii_case(own))
            })
            .collect();
        // A tunnel posts to a path of the application, which hands the body on to the endpoint of the DSN in it.
        let path = if recording.target.contains("/api/") {
            recording.target.clone()
        } else {
            format!("/api/{PROJECT}/envelope/")
        };
        let reply = collector.send(&recording.method, &path, &headers, &recording.body);
        let name = &recording.name;
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        assert_eq!(
            reply.header("access-control-allow-origin"),
            Some("*"),
            "{name}"
        );
        match recording.event() {
            Some((id, ..)) => {
                assert_eq!(reply.text(), format!("{{\"id\":\"{id}\"}}"), "{name}");
                events += 1;
            }
            None => assert_eq!(reply.text(), "{}", "{name}"),
        }
    }
    (recordings.len(), events)
}

#[test]
fn requests_of_official_sdks_get_the_answer_they_need() {
    let Some(folder) = common::recorded_envelopes() else {
        eprintln!(
            "skipped: requests_of_official_sdks_get_the_answer_they_need: ../shared is absent"
        );
        return;
    };
    let (requests, events) = check(&Recording::all(&folder));
    println!("{requests} recorded requests answered with 200, {events} of them with an event id");
    assert!(requests > 50 && events > 30);
}

/// The project's own small set: always there, so that this never goes untested.
#[test]
fn own_recordings_get_the_answer_they_need() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let (requests, events) = check(&Recording::all(&folder));
    assert!(requests >= 7 && events >= 7);
}
