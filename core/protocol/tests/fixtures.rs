//! Recorded requests of other vendors' SDKs: every envelope is read, and every event stays intact field by field.

// A test is a driver: it reads files and its environment.
#![allow(clippy::disallowed_methods)]

use faultwire_protocol::event::{Event, entries, normalize, pairs};
use faultwire_protocol::json::{self, Value};
use faultwire_protocol::time::{self, Millis};
use faultwire_protocol::{envelope, fingerprint, scrub, trim};
use std::io::Read;
use std::path::PathBuf;

/// The bodies of all recorded requests, decompressed; `None`, with a line, if the folder is not there.
fn bodies(test: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let shared = std::env::var_os("FAULTWIRE_SHARED").map(PathBuf::from);
    let shared =
        shared.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let Ok(folder) = std::fs::read_dir(shared.join("fixtures/envelopes")) else {
        println!("skipped: {test}: ../shared is absent");
        return None;
    };
    let mut bodies = Vec::new();
    for entry in folder {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_none_or(|ending| ending != "bin") {
            continue;
        }
        let wire = std::fs::read(&path).expect("a recorded body can be read");
        let mut body = Vec::new();
        match wire.first() {
            Some(0x1f) => flate2::read::MultiGzDecoder::new(wire.as_slice())
                .read_to_end(&mut body)
                .map(drop),
            Some(b'{') => body.write_all_of(&wire),
            _ => brotli::Decompressor::new(wire.as_slice(), 4096)
                .read_to_end(&mut body)
                .map(drop),
        }
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        bodies.push((
            path.file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            body,
        ));
    }
    bodies.sort();
    assert!(bodies.len() > 80, "only {} recorded requests", bodies.len());
    Some(bodies)
}

trait WriteAllOf {
    fn write_all_of(&mut self, bytes: &[u8]) -> std::io::Result<()>;
}

impl WriteAllOf for Vec<u8> {
    fn write_all_of(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// Runs `check` on every recorded event.
fn each_event(test: &str, mut check: impl FnMut(&str, &Value<'_>)) {
    let Some(bodies) = bodies(test) else { return };
    let mut events = 0;
    for (name, body) in &bodies {
        let envelope = envelope::parse(body).unwrap_or_else(|error| panic!("{name}: {error}"));
        for item in envelope.items.iter().filter(|item| item.kind == "event") {
            let event =
                json::parse_bytes(item.payload).unwrap_or_else(|error| panic!("{name}: {error}"));
            check(name, &event);
            events += 1;
        }
    }
    assert!(events > 50, "only {events} events");
}

#[test]
fn every_recorded_envelope_is_read_whole_and_written_back() {
    let Some(bodies) = bodies("recorded envelopes") else {
        return;
    };
    for (name, body) in &bodies {
        let envelope = envelope::parse(body).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            envelope.skipped.is_empty(),
            "{name}: {:?}",
            envelope.skipped
        );
        assert!(!envelope.items.is_empty(), "{name} has items");
        let mut writer = envelope::Writer::new(&envelope.header);
        for item in &envelope.items {
            writer = writer.item(&item.kind, &[], item.payload);
        }
        let written = writer.finish();
        let again = envelope::parse(&written).expect("what we write we read");
        let payloads = |envelope: &envelope::Envelope<'_>| -> Vec<Vec<u8>> {
            envelope
                .items
                .iter()
                .map(|item| item.payload.to_vec())
                .collect()
        };
        assert_eq!(payloads(&envelope), payloads(&again), "{name}");
    }
}

#[test]
fn every_recorded_event_stays_intact_through_normalize() {
    each_event("recorded events", |name, raw| {
        let mut event = raw.clone();
        normalize(&mut event, Millis(1_795_310_000_000));
        let (before, after) = (Event::new(raw), Event::new(&event));
        assert_eq!(before.title(), after.title(), "{name}");
        for (exception, kept) in before.exceptions().zip(after.exceptions()) {
            for key in ["type", "value", "module", "thread_id", "mechanism"] {
                same(
                    name,
                    key,
                    exception.object().get(key),
                    kept.object().get(key),
                );
            }
            same_frames(
                name,
                exception.object().get("stacktrace"),
                kept.object().get("stacktrace"),
            );
        }
        assert_eq!(
            before.exceptions().count(),
            after.exceptions().count(),
            "{name}"
        );
        for (thread, kept) in before.threads().zip(after.threads()) {
            same_frames(name, thread.get("stacktrace"), kept.get("stacktrace"));
        }
        let crumbs = (
            entries(raw.get("breadcrumbs")),
            entries(event.get("breadcrumbs")),
        );
        assert_eq!(crumbs.0.len(), crumbs.1.len(), "{name}");
        for (crumb, kept) in crumbs.0.iter().zip(crumbs.1) {
            for key in ["type", "category", "message", "level", "data"] {
                same(name, key, crumb.get(key), kept.get(key));
            }
            assert_eq!(
                crumb.get("timestamp").and_then(time::parse),
                kept.get("timestamp").and_then(Value::as_f64),
                "{name}"
            );
        }
        let tags = |event: &Value<'_>| -> Vec<(String, Value<'static>)> {
            pairs(event.get("tags"))
                .map(|(key, value)| (key.to_owned(), value.clone().into_owned()))
                .collect()
        };
        for tag in tags(raw) {
            assert!(tags(&event).contains(&tag), "{name}: tag {tag:?}");
        }
        for key in [
            "user",
            "contexts",
            "extra",
            "modules",
            "release",
            "environment",
            "dist",
            "server_name",
            "sdk",
            "event_id",
            "platform",
            "transaction",
            "fingerprint",
            "debug_meta",
        ] {
            same(name, key, raw.get(key), event.get(key));
        }
        assert_eq!(before.timestamp(), after.timestamp(), "{name}");
        assert_eq!(before.message(), after.message(), "{name}");
    });
}

fn same(name: &str, key: &str, before: Option<&Value<'_>>, after: Option<&Value<'_>>) {
    let present = before.filter(|value| !value.is_null());
    // A number as text is the one thing that is coerced here: `value: 17` and the like.
    let text = present
        .and_then(Value::as_number)
        .map(|number| Value::from(number.as_text()));
    assert!(
        present.is_none() || present == after || text.as_ref() == after,
        "{name}: {key}\n  before {before:?}\n  after  {after:?}"
    );
}

fn same_frames(name: &str, before: Option<&Value<'_>>, after: Option<&Value<'_>>) {
    let frames = |stack: Option<&Value<'_>>| -> Vec<Value<'static>> {
        let list = stack
            .and_then(|stack| stack.get("frames")?.as_array())
            .unwrap_or_default();
        list.iter()
            .map(|frame| frame.clone().into_owned())
            .collect()
    };
    let (before, after) = (frames(before), frames(after));
    assert_eq!(before.len().min(250), after.len(), "{name}: frames");
    let kept = before
        .iter()
        .take(50)
        .chain(before.iter().skip(50.max(before.len().saturating_sub(200))));
    for (frame, kept) in kept.zip(&after) {
        for (key, value) in frame
            .as_object()
            .expect("recorded frames are objects")
            .iter()
        {
            let now = kept.get(key);
            if key == "filename" && value.as_str().is_some_and(|name| name.starts_with("http")) {
                assert_eq!(
                    Some(value),
                    kept.get("abs_path"),
                    "{name}: the whole url stays in abs_path"
                );
                assert!(
                    now.and_then(Value::as_str)
                        .is_some_and(|path| path.starts_with('/')),
                    "{name}: {now:?}"
                );
            } else {
                same(name, key, Some(value), now);
            }
        }
    }
}

#[test]
fn no_planted_secret_survives_and_nothing_else_is_lost() {
    each_event("recorded secrets", |name, raw| {
        let mut event = raw.clone();
        normalize(&mut event, Millis(1_795_310_000_000));
        let scrubber = scrub::Scrubber::new(scrub::ScrubOptions::default());
        let before = event.clone();
        scrubber.scrub(&mut event);
        let text = event.to_string();
        for secret in ["hunter2", "4111 1111 1111 1111", "token=abc123"] {
            assert!(
                !text.contains(secret),
                "{name} still has {secret}: {}",
                around(&text, secret)
            );
        }
        assert_eq!(
            scrubber.scrub(&mut event),
            0,
            "{name}: scrubbing is idempotent"
        );
        let (before, after) = (Event::new(&before), Event::new(&event));
        assert_eq!(before.title(), after.title(), "{name}");
        assert_eq!(before.culprit(), after.culprit(), "{name}");
        assert_eq!(
            before.tags().collect::<Vec<_>>(),
            after.tags().collect::<Vec<_>>(),
            "{name}"
        );
        assert_eq!(
            before.tree().get("contexts"),
            after.tree().get("contexts"),
            "{name}"
        );
        for (exception, kept) in before.exceptions().zip(after.exceptions()) {
            for (frame, kept) in exception.frames().zip(kept.frames()) {
                assert_eq!(
                    (frame.function(), frame.filename(), frame.lineno()),
                    (kept.function(), kept.filename(), kept.lineno()),
                    "{name}"
                );
            }
        }
    });
}

fn around<'t>(text: &'t str, part: &'t str) -> &'t str {
    let at = text.find(part).unwrap_or_default();
    text.get(at.saturating_sub(60)..(at + 60).min(text.len()))
        .unwrap_or(part)
}

#[test]
fn every_recorded_event_has_a_fingerprint_and_fits_when_trimmed() {
    each_event("recorded fingerprints", |name, raw| {
        let mut event = raw.clone();
        normalize(&mut event, Millis(1_795_310_000_000));
        let print = fingerprint::v1::compute(&event);
        assert_eq!(print.hash.len(), 32, "{name}");
        assert!(!print.parts.is_empty(), "{name}");
        assert_eq!(
            print,
            fingerprint::v1::compute(raw),
            "{name}: normalizing moves no event"
        );
        let id = event.get("event_id").cloned();
        trim::trim(&mut event, 12_000);
        assert!(
            event.to_string().len() <= 12_000,
            "{name}: {} bytes are left",
            event.to_string().len()
        );
        assert_eq!(id, event.get("event_id").cloned(), "{name}");
        assert_eq!(
            Event::new(raw).exceptions().count(),
            Event::new(&event).exceptions().count(),
            "{name}"
        );
    });
}
