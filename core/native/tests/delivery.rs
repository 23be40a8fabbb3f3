//! From a capture to the server: what arrives, in which form, and what the answers do.

#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test is a failed test that names its line"
)]

mod support;

use std::time::Duration;

use faultwire_native::{Client, Sdk};
use support::{Answer, StubServer, dsn, nobody};

fn sdk() -> Sdk {
    Sdk {
        name: "faultwire.test".to_owned(),
        version: "9.9.9".to_owned(),
        platform: "other".to_owned(),
    }
}

/// A client with a queue of its own and the given further options.
fn client_in(queue: &std::path::Path, dsn: &str, more: serde_json::Value) -> Client {
    let mut options = serde_json::json!({"dsn": dsn, "queueDir": queue, "release": "shop@1.2.3"});
    options
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let client = Client::new(&options.to_string(), sdk());
    assert_eq!(client.warnings(), [""; 0]);
    client
}

fn message(text: &str) -> String {
    serde_json::json!({"message": text}).to_string()
}

fn stats(client: &Client) -> serde_json::Value {
    serde_json::from_str(&client.stats()).unwrap()
}

/// The segment files below a queue directory.
fn segments(queue: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![queue.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "fwq") {
                found.push(path);
            }
        }
    }
    found
}

const NO_MORE: fn() -> serde_json::Value = || serde_json::json!({});
const WAIT_MS: u64 = 30_000;

#[test]
fn a_captured_event_arrives_with_its_scope() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    let scope = client.scope().fork();
    scope.set("tag", "kind", "\"test\"");
    scope.set("user", "", r#"{"id":"7"}"#);
    scope.breadcrumb(
        1_700_000_000_000.0,
        "http",
        "info",
        "GET /",
        Some(r#"{"status":200}"#),
    );
    let id = scope.capture(message("it broke"), false);
    assert!(client.flush(WAIT_MS));

    let events = server.events();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event["event_id"], id.as_str());
    assert_eq!(event["release"], "shop@1.2.3");
    assert_eq!(event["tags"]["kind"], "test", "{event}");
    assert_eq!(event["user"]["id"], "7");
    assert_eq!(
        event["breadcrumbs"]["values"][0]["message"], "GET /",
        "{event}"
    );
    assert_eq!(event["sdk"]["name"], "faultwire.test");
    assert_eq!(event["platform"], "other");
    let request = &server.requests()[0];
    assert_eq!(request.path, "/api/42/envelope/");
    assert_eq!(request.headers["content-encoding"], "gzip");
    assert!(
        request.headers["x-sentry-auth"].contains("sentry_key=0123456789abcdef0123456789abcdef")
    );
    assert!(support::envelope_header(&request.body)["sent_at"].is_string());
    assert_eq!(
        stats(&client),
        serde_json::json!({"captured":1,"recovered":0,"delivered":1,"queued":0,"lost":{}})
    );
    assert!(client.close(WAIT_MS));
    assert!(
        segments(queue.path()).is_empty(),
        "an empty queue leaves no segment behind"
    );
}

#[test]
fn events_wait_on_disk_while_nobody_listens_and_go_out_with_the_next_start() {
    let queue = tempfile::tempdir().unwrap();
    let address = nobody();
    let client = client_in(queue.path(), &dsn(address), NO_MORE());
    let ids: Vec<String> = (0..20)
        .map(|n| {
            client
                .scope()
                .capture(message(&format!("offline {n}")), false)
        })
        .collect();
    assert!(!client.close(200));
    assert_eq!(stats(&client)["queued"], 20);
    assert_eq!(stats(&client)["lost"], serde_json::json!({}));

    let server = StubServer::start_at(address);
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    let mut arrived: Vec<String> = server
        .wait_for_events(20)
        .iter()
        .map(|e| e["event_id"].as_str().unwrap().to_owned())
        .collect();
    assert!(client.flush(WAIT_MS));
    arrived.sort();
    let mut expected = ids.clone();
    expected.sort();
    assert_eq!(arrived, expected, "each once, with its old id");
    assert_eq!(stats(&client)["recovered"], 20);
    assert_eq!(stats(&client)["delivered"], 20);
    assert!(client.close(WAIT_MS));
    assert!(segments(queue.path()).is_empty());
}

#[test]
fn a_server_that_comes_back_gets_everything_without_a_restart() {
    let queue = tempfile::tempdir().unwrap();
    let address = nobody();
    let client = client_in(queue.path(), &dsn(address), NO_MORE());
    for n in 0..50 {
        client
            .scope()
            .capture(message(&format!("offline {n}")), false);
    }
    assert!(!client.flush(50));
    let server = StubServer::start_at(address);
    assert!(client.flush(WAIT_MS), "{}", client.stats());
    assert_eq!(server.ids().len(), 50);
}

#[test]
fn a_fatal_event_is_on_disk_when_the_call_returns() {
    let queue = tempfile::tempdir().unwrap();
    let client = client_in(queue.path(), &dsn(nobody()), NO_MORE());
    // Behind ordinary events it would have to wait: it must not.
    for n in 0..200 {
        client
            .scope()
            .capture(message(&format!("ordinary {n}")), false);
    }
    let id = client.scope().capture(message("the end"), true);
    // The id is stored twice: in the record's meta as bytes, in the event as text.
    let stored: Vec<u8> = segments(queue.path())
        .iter()
        .flat_map(|s| std::fs::read(s).unwrap())
        .collect();
    assert!(
        stored.windows(32).any(|w| w == id.as_bytes()),
        "the fatal event is in a segment"
    );
}

#[test]
fn hooked_events_keep_the_id_they_were_prepared_with() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    let prepared = client.scope().prepare(message("hooked")).unwrap();
    let id = serde_json::from_str::<serde_json::Value>(&prepared).unwrap()["event_id"]
        .as_str()
        .unwrap()
        .to_owned();
    client.submit(prepared.replace("hooked", "changed"), false);
    client.scope().prepare(message("dropped")).unwrap();
    client.reject("before_send");
    assert!(client.flush(WAIT_MS));
    assert_eq!(server.ids(), [id]);
    assert!(server.events()[0].to_string().contains("changed"));
    let stats = stats(&client);
    assert_eq!(
        (&stats["captured"], &stats["lost"]["before_send"]),
        (&2.into(), &1.into())
    );
}

#[test]
fn what_the_server_refuses_for_good_is_counted_and_reported() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    server.script([Answer::status(413)]);
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    client.scope().capture(message("too large"), false);
    client.flush(WAIT_MS);
    assert_eq!(stats(&client)["lost"], serde_json::json!({"send_error": 1}));
    client.scope().capture(message("fine"), false);
    assert!(client.close(WAIT_MS));
    assert_eq!(server.ids().len(), 2);
    let discarded = &server.reports()[0]["discarded_events"][0];
    assert_eq!(
        (&discarded["reason"], &discarded["quantity"]),
        (&"send_error".into(), &1.into())
    );
}

#[test]
fn a_rate_limit_holds_events_back_and_loses_none() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    server.script([Answer::status(429).with("X-Sentry-Rate-Limits", "1:error:key")]);
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    let id = client.scope().capture(message("limited"), false);
    server.wait_for_requests(1);
    let events = server.wait_for_events(2);
    assert!(client.flush(WAIT_MS));
    assert!(
        events.iter().all(|e| e["event_id"] == id.as_str()),
        "sent again after the limit"
    );
    assert_eq!(stats(&client)["delivered"], 1);
}

#[test]
fn a_queue_directory_that_cannot_be_used_is_one_warning_and_events_still_go_out() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let server = StubServer::start();
    let options = serde_json::json!({"dsn": server.dsn(), "queueDir": file});
    let client = Client::new(&options.to_string(), sdk());
    let warnings = client.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains(file.to_str().unwrap()) && warnings[0].contains("not a directory"),
        "{warnings:?}"
    );
    client.scope().capture(message("from memory"), false);
    // Nothing can make it durable, so a fatal capture waits until it is delivered.
    client.scope().capture(message("last words"), true);
    assert!(
        server
            .events()
            .iter()
            .any(|e| e.to_string().contains("last words"))
    );
    assert!(client.close(WAIT_MS));
    assert_eq!(server.ids().len(), 2);
}

#[test]
fn a_damaged_segment_costs_only_the_damaged_record() {
    let queue = tempfile::tempdir().unwrap();
    let address = nobody();
    let client = client_in(queue.path(), &dsn(address), NO_MORE());
    for n in 0..10 {
        client
            .scope()
            .capture(message(&format!("event number {n}")), false);
    }
    client.close(100);
    let path = segments(queue.path()).pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let place = bytes
        .windows(14)
        .position(|w| w == b"event number 4")
        .unwrap();
    bytes[place] ^= 0x20;
    bytes.truncate(bytes.len() - 7); // and the last record is torn
    std::fs::write(&path, &bytes).unwrap();

    let server = StubServer::start_at(address);
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    server.wait_for_events(8);
    assert!(client.close(WAIT_MS));
    assert_eq!(server.ids().len(), 8);
}

#[test]
fn a_queue_directory_that_was_deleted_is_made_anew() {
    let queue = tempfile::tempdir().unwrap();
    let address = nobody();
    let client = client_in(queue.path(), &dsn(address), NO_MORE());
    client.scope().capture(message("swept away"), true);
    for entry in std::fs::read_dir(queue.path()).unwrap() {
        std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
    }
    let id = client.scope().capture(message("after the sweep"), true);
    client.close(100);
    assert_eq!(segments(queue.path()).len(), 1);
    let server = StubServer::start_at(address);
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    assert!(client.close(WAIT_MS));
    assert!(server.ids().contains(&id));
}

#[test]
fn two_clients_on_one_queue_directory_do_not_disturb_each_other() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let first = client_in(queue.path(), &server.dsn(), NO_MORE());
    let second = client_in(queue.path(), &server.dsn(), NO_MORE());
    for n in 0..100 {
        first.scope().capture(message(&format!("first {n}")), false);
        second
            .scope()
            .capture(message(&format!("second {n}")), false);
    }
    assert!(first.close(WAIT_MS) && second.close(WAIT_MS));
    let mut ids = server.ids();
    assert_eq!(ids.len(), 200);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 200);
}

#[test]
fn events_of_another_project_are_never_picked_up() {
    let queue = tempfile::tempdir().unwrap();
    let offline = client_in(
        queue.path(),
        &dsn(nobody()).replace("/42", "/43"),
        NO_MORE(),
    );
    offline.scope().capture(message("for project 43"), false);
    offline.close(100);
    let server = StubServer::start();
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    client.scope().capture(message("for project 42"), false);
    assert!(client.close(WAIT_MS));
    assert_eq!(server.ids().len(), 1);
}

#[test]
fn a_burst_against_a_slow_server_is_delivered_or_queued() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    server.delay(Duration::from_millis(50));
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    let scope = client.scope();
    let event =
        serde_json::json!({"message": "burst", "extra": {"text": "lorem ipsum ".repeat(1000)}})
            .to_string();
    for _ in 0..10_000 {
        scope.capture(event.clone(), false);
    }
    client.close(1000);
    let stats = stats(&client);
    assert_eq!(stats["captured"], 10_000);
    assert_eq!(stats["lost"], serde_json::json!({}), "{stats}");
    assert_eq!(
        stats["delivered"].as_u64().unwrap() + stats["queued"].as_u64().unwrap(),
        10_000
    );
}

#[test]
fn captures_after_close_are_counted_and_close_may_be_called_again() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    client.scope().capture(message("before"), false);
    let closers: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            std::thread::spawn(move || client.close(WAIT_MS))
        })
        .collect();
    assert!(closers.into_iter().all(|c| c.join().unwrap()));
    assert!(!client.enabled());
    client.scope().capture(message("after"), false);
    client.scope().capture(message("after, fatal"), true);
    assert!(client.close(WAIT_MS) && client.flush(WAIT_MS));
    assert_eq!(
        stats(&client)["lost"],
        serde_json::json!({"queue_overflow": 2})
    );
    assert_eq!(stats(&client)["captured"], 3);
}

#[test]
fn flushes_from_several_threads_all_end() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    server.delay(Duration::from_millis(20));
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let client = client.clone();
            std::thread::spawn(move || {
                client
                    .scope()
                    .capture(message(&format!("thread {n}")), false);
                client.flush(WAIT_MS)
            })
        })
        .collect();
    assert!(threads.into_iter().all(|t| t.join().unwrap()));
    assert_eq!(server.ids().len(), 8);
}

#[test]
fn dropping_the_last_handle_delivers_and_ends() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    let scope = client.scope();
    scope.capture(message("last"), false);
    drop(client);
    assert_eq!(server.ids().len(), 1);
    // The scope outlives the client and is harmless.
    scope.capture(message("too late"), false);
    assert!(segments(queue.path()).is_empty());
}

#[test]
fn a_panic_in_a_deferred_event_is_counted_and_the_worker_goes_on() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    client
        .scope()
        .capture_deferred(|| panic!("a defect, on purpose"), false);
    client
        .scope()
        .capture_deferred(|| panic!("a defect, on purpose"), true);
    client
        .scope()
        .capture_deferred(|| message("made on the worker"), false);
    assert!(client.flush(WAIT_MS));
    assert_eq!(server.ids().len(), 1);
    assert_eq!(
        stats(&client)["lost"],
        serde_json::json!({"internal_sdk_error": 2})
    );
}

#[test]
fn source_lines_are_added_on_the_worker() {
    let queue = tempfile::tempdir().unwrap();
    let source = queue.path().join("shop.js");
    std::fs::write(&source, "one\ntwo\nthrow new Error('x')\nfour\n").unwrap();
    let server = StubServer::start();
    let client = client_in(queue.path(), &server.dsn(), NO_MORE());
    let frame = serde_json::json!({"function":"f","filename":"shop.js","abs_path":source,"lineno":3,"in_app":true});
    let event = serde_json::json!({"exception":{"values":[{"type":"E","value":"x","stacktrace":{"frames":[frame]}}]}});
    client.scope().capture(event.to_string(), false);
    assert!(client.flush(WAIT_MS));
    let event = server.events().remove(0);
    let frame = &event["exception"]["values"][0]["stacktrace"]["frames"][0];
    assert_eq!(frame["context_line"], "throw new Error('x')", "{event}");
    assert_eq!(frame["pre_context"], serde_json::json!(["one", "two"]));
}
