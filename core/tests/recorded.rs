//! Two thousand events of ten languages go through the engine: none is dropped, and what makes each one that event stays.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads its files"
)]

use faultwire_core::engine::{Capture, Engine, NoSources, Outcome, SdkInfo};
use faultwire_core::options::Options;
use faultwire_protocol::envelope;
use faultwire_protocol::event::Event;
use faultwire_protocol::id::EventId;
use faultwire_protocol::json::{self, Value};
use faultwire_protocol::time::{Millis, Now};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

#[test]
fn recorded_events_of_all_languages_keep_their_exceptions_and_frames() {
    let shared = std::env::var_os("FAULTWIRE_SHARED").map(PathBuf::from);
    let shared =
        shared.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let folder = shared.join("fixtures/grouping");
    if !folder.is_dir() {
        println!("skipped: recorded_events_of_all_languages: ../shared is absent");
        return;
    }
    let dsn = r#"{"dsn":"https://0123456789abcdef0123456789abcdef@errors.example/1","sendDefaultPii":true}"#;
    let (options, _) = Options::from_json(dsn, &|_| None);
    let sdk = SdkInfo {
        name: "faultwire.test".into(),
        version: "1".into(),
        platform: "other".into(),
    };
    let (engine, _) = Engine::new(options, sdk);
    let mut events = 0u64;
    for file in ["dev.events.jsonl.gz", "d4j.events.jsonl.gz"] {
        let mut text = String::new();
        let packed = File::open(folder.join(file)).expect("the file is there");
        flate2::read::GzDecoder::new(packed)
            .read_to_string(&mut text)
            .expect("gzip of text");
        for line in text.lines() {
            events += 1;
            let capture = Capture {
                event_json: line.to_owned(),
                scope: engine.scope(),
                id: EventId::from_random(u128::from(events).to_be_bytes()),
                now: Now {
                    mono: Millis(1),
                    wall: Millis(1_762_000_000_000),
                },
                fatal: false,
            };
            let Outcome::Ready(ready) = engine.capture(&capture, &mut NoSources) else {
                panic!("{file}: event {events} was dropped")
            };
            let read = envelope::parse(&ready.payload).expect("an envelope");
            let payload = json::decode(read.items[0].payload);
            let (sent, given) = (
                json::parse(&payload).expect("JSON"),
                json::parse(line).expect("JSON"),
            );
            assert_eq!(essence(&sent), essence(&given), "{file}: event {events}");
        }
    }
    assert!(events > 2_000, "only {events} events");
}

/// Types, values and frames of all exceptions, the message, platform and release.
fn essence(event: &Value<'_>) -> Vec<String> {
    let view = Event::new(event);
    let mut out = vec![
        view.platform().to_owned(),
        view.release().unwrap_or_default().to_owned(),
    ];
    let clean = |text: Option<&str>| text.unwrap_or_default().to_owned();
    out.push(clean(view.message()));
    for exception in view.exceptions() {
        out.push(clean(exception.type_()));
        out.push(clean(exception.value()));
        out.extend(exception.frames().map(|frame| {
            format!(
                "{:?} {:?} {:?} {:?}",
                frame.module(),
                frame.function(),
                frame.filename(),
                frame.lineno()
            )
        }));
    }
    out
}
