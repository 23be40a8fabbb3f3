//! From spool to store with real parts: what is set aside, what is corrected, what comes out the same on any number
//! of threads.

#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test names its line"
)]

mod api_support;

use api_support::{NOON_MS, World, event_id, exception, record};
use faultwire_collector::intake::spool::Record;
use serde_json::{Value, json};

fn event(world: &World, n: u64) -> Value {
    world
        .get(&format!("/api/v1/events/{}", event_id(n)))
        .expect(200)
}

#[test]
fn bad_events_are_set_aside_and_the_batch_goes_on() {
    let world = World::new();
    world.project(1);
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = format!(r#"{{"message":"deep","extra":{{"x":{deep}}}}}"#);
    let broken = ["", "{", "[1,2]", "null", "\u{0}", deep.as_str()];
    let mut records: Vec<Record> = broken
        .iter()
        .enumerate()
        .map(|(n, json)| record(1, n as u64, json))
        .collect();
    records.insert(3, record(1, 100, r#"{"message":"first good"}"#));
    records.push(record(1, 101, r#"{"message":"last good"}"#));
    world.digest(&records);

    assert_eq!(event(&world, 100)["title"], "first good");
    assert_eq!(event(&world, 101)["title"], "last good");
    let stats = world.get("/api/v1/stats").expect(200);
    assert_eq!(stats["digested"], 2);
    let discarded: u64 = stats["discarded"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["quantity"].as_u64().unwrap())
        .sum();
    assert_eq!(discarded, broken.len() as u64, "{stats}");
    let reasons: Vec<&str> = stats["discarded"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["invalid_json", "nesting_too_deep", "payload"]);
}

#[test]
fn odd_events_are_kept() {
    let world = World::new();
    world.project(1);
    for (n, json) in [
        "{}",
        r#"{"exception":null,"message":false,"tags":null,"user":7,"contexts":[],"level":"loud"}"#,
        r#"{"exception":[],"threads":{},"breadcrumbs":{"values":[null,{}]},"tags":[["a"],["b",null],[1,2]]}"#,
        r#"{"message":"lone \ud800 and nul \u0000","extra":{"n":NaN}}"#,
        r#"{"event_id":"nonsense","platform":"klingon","release":17,"fingerprint":"x","timestamp":-5}"#,
        r#"{"exception":{"type":"E"},"request":{"headers":{"A":["x","y"]},"cookies":"a=b; c"}}"#,
    ]
    .into_iter()
    .enumerate()
    {
        let n = n as u64;
        world.digest(&[record(1, n, json)]);
        let stored = event(&world, n);
        assert_eq!(stored["event"]["event_id"], event_id(n).to_string(), "{json}");
        assert!(!stored["title"].as_str().unwrap().is_empty(), "{json}");
    }
}

#[test]
fn the_answered_id_wins_over_the_payloads() {
    let world = World::new();
    world.project(1);
    let json = format!(r#"{{"event_id":"{}","message":"x"}}"#, event_id(77));
    world.digest(&[record(1, 1, &json)]);
    assert_eq!(
        event(&world, 1)["event"]["event_id"],
        event_id(1).to_string()
    );
    world
        .get(&format!("/api/v1/events/{}", event_id(77)))
        .expect(404);
}

#[test]
fn clock_address_and_secrets() {
    let world = World::new();
    world.project(1);
    let json = format!(
        r#"{{"message":"login with password=hunter2 failed","timestamp":{},"user":{{"ip_address":"{{{{auto}}}}","email":"a@example.com"}},
            "extra":{{"password":"hunter2","note":"card 4111 1111 1111 1111"}}}}"#,
        NOON_MS / 1000 - 7200
    );
    let mut late = record(1, 1, &json);
    late.received_ms = NOON_MS;
    late.sent_at = Some("2026-11-22T10:00:00Z".to_owned());
    late.client_ip = Some("192.0.2.44".to_owned());
    world.digest(&[late]);
    let stored = event(&world, 1);
    assert_eq!(
        stored["timestamp"], "2026-11-22T12:00:00.000Z",
        "the clock was two hours slow"
    );
    assert_eq!(stored["event"]["user"]["ip_address"], "192.0.2.44");
    assert_eq!(
        stored["event"]["user"]["email"], "a@example.com",
        "sent on purpose"
    );
    let text = stored.to_string();
    assert!(
        !text.contains("hunter2") && !text.contains("4111"),
        "{text}"
    );
    assert_eq!(stored["event"]["extra"]["password"], "[Filtered]");
    assert!(
        stored["event"]["_meta"]["extra"]["password"][""]["rem"].is_array(),
        "{text}"
    );
    // Nor may a secret reach what is stored beside the payload.
    let beside = match &world.database {
        Some(database) => {
            let mut raw = database.raw();
            let tables = ["issues", "events", "issue_tags"].map(|table| {
                raw.query(&format!("SELECT t::text FROM {table} t"), &[])
                    .unwrap()
            });
            let rows = tables.iter().flatten();
            let rows: Vec<String> = rows.map(|row| row.get(0)).collect();
            assert!(!rows.is_empty());
            rows.join("\n").into_bytes()
        }
        None => std::fs::read(world.dir.path().join("faultwire.db-wal")).unwrap(),
    };
    assert!(!beside.windows(7).any(|bytes| bytes == b"hunter2"));
}

#[test]
fn a_big_batch_on_all_threads_is_as_one_by_one() {
    let records: Vec<Record> = (0..300)
        .map(|n| {
            let more = format!(
                r#","level":"{}","user":{{"id":"u{}"}},"tags":{{"n":"{}"}}"#,
                if n % 7 == 0 { "fatal" } else { "error" },
                n % 11,
                n % 5
            );
            record(
                1,
                n,
                &exception(
                    "E",
                    &format!("value {n}"),
                    &format!("step{}", n % 13),
                    &more,
                ),
            )
        })
        .collect();
    let seen = |world: &World| {
        let mut issues = world
            .get("/api/v1/projects/1/issues?sort=first_seen&limit=100")
            .expect(200)["items"]
            .take();
        for issue in issues.as_array_mut().unwrap() {
            let detail = world
                .get(&format!("/api/v1/issues/{}", issue["id"]))
                .expect(200);
            issue["tags"] = detail["tags"].clone();
            issue["latest"] = detail["latest_event_id"].clone();
        }
        issues
    };
    let (together, apart) = (World::new(), World::new());
    together.project(1);
    together.digest(&records);
    apart.project(1);
    for chunk in records.chunks(7) {
        apart.digest(chunk);
    }
    let (together, apart) = (seen(&together), seen(&apart));
    assert_eq!(together.as_array().unwrap().len(), 13);
    assert_eq!(together, apart);
}

#[test]
fn the_same_records_again_change_nothing() {
    let world = World::new();
    world.project(1);
    let records: Vec<Record> = (0..40)
        .map(|n| record(1, n, &exception("E", "x", &format!("f{}", n % 3), "")))
        .collect();
    world.digest(&records);
    let before = world.get("/api/v1/projects/1/issues").expect(200);
    // What a crash between the store's commit and the spool's leads to.
    world.digest(&records);
    world.digest(&records[10..30]);
    assert_eq!(world.get("/api/v1/projects/1/issues").expect(200), before);
    let stats = world.get("/api/v1/stats").expect(200);
    assert_eq!(stats["digested"], 40);
    assert_eq!(
        stats["discarded"],
        json!([{"category": "error", "reason": "duplicate", "quantity": 60}])
    );
}

fn sqlite(world: &World) -> rusqlite::Connection {
    rusqlite::Connection::open(world.dir.path().join("faultwire.db")).unwrap()
}

#[test]
fn an_event_that_the_store_refuses_is_set_aside_alone() {
    let world = World::new();
    world.project(1);
    let id = event_id(5).to_string();
    match &world.database {
        Some(database) => {
            let sql = format!(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
                 AS $$ BEGIN RAISE 'refused by the test'; END $$;
                 CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW
                 WHEN (encode(NEW.event_id, 'hex') = '{id}') EXECUTE FUNCTION refuse()"
            );
            database.raw().batch_execute(&sql).unwrap();
        }
        None => sqlite(&world)
            .execute_batch(&format!(
                "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN hex(NEW.event_id) = upper('{id}')
                 BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
            ))
            .unwrap(),
    }
    let records: Vec<Record> = (0..20)
        .map(|n| record(1, n, &exception("E", "x", "f", "")))
        .collect();
    world.digest(&records);
    let stats = world.get("/api/v1/stats").expect(200);
    assert_eq!(stats["digested"], 19);
    assert_eq!(
        stats["discarded"],
        json!([{"category": "error", "reason": "internal", "quantity": 1}])
    );
    // Its number is the store's business: a transaction that was refused may have used one up.
    let issues = world.get("/api/v1/projects/1/issues").expect(200);
    assert_eq!(issues["items"].as_array().unwrap().len(), 1, "{issues}");
    assert_eq!(issues["items"][0]["count"], 19);
    const REASON: &str = "SELECT reason FROM poison_events";
    let reason: String = match &world.database {
        Some(database) => database.raw().query_one(REASON, &[]).unwrap().get(0),
        None => sqlite(&world)
            .query_row(REASON, [], |row| row.get(0))
            .unwrap(),
    };
    assert!(reason.contains("refused by the test"), "{reason}");
}

#[test]
fn an_event_that_grew_past_the_limit_is_trimmed_not_dropped() {
    let world = World::new();
    world.project(1);
    // Larger than intake would let through: stands for what normalization and remarks could add.
    let locals = format!("\"{}\"", "x".repeat(4_000));
    let frames = vec![format!(r#"{{"function":"f","in_app":true,"vars":{{"v":{locals}}}}}"#); 240];
    let json = format!(
        r#"{{"exception":{{"values":[{{"type":"E","value":"big","stacktrace":{{"frames":[{}]}}}}]}},"extra":{{"blob":"{}"}}}}"#,
        frames.join(","),
        "y".repeat(900_000)
    );
    world.digest(&[record(1, 1, &json)]);
    let stored = world.get(&format!("/api/v1/events/{}/json", event_id(1)));
    assert!(
        stored.bytes.len() < 1_200_000,
        "{} bytes",
        stored.bytes.len()
    );
    let stored = stored.expect(200);
    assert_eq!(stored["exception"]["values"][0]["value"], "big");
    assert_eq!(
        stored["exception"]["values"][0]["stacktrace"]["frames"]
            .as_array()
            .unwrap()
            .len(),
        240
    );
    assert!(stored["_meta"].is_object(), "says what was cut");
}
