//! Bar: the same input gives the same answers on SQLite and on PostgreSQL, field by field.

#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test names its line"
)]

mod api_support;

use api_support::postgres::Database;
use api_support::{NOON_MS, World, event_id, exception, record};
use axum::http::Method;
use faultwire_collector::intake::spool::{Attachment, Record};
use faultwire_collector::store::NewProject;
use serde_json::{Value, json};

const KEY: &str = "9c1d5f0a7b3e4c2d8f6a1b0c3d2e4f5a";

/// What apps of two projects send over some days: many issues, users, tags, late and repeated events, odd texts, files.
fn records() -> Vec<Record> {
    let mut records = Vec::new();
    for n in 0..400_u64 {
        let name = ["Straße", "cart", "Zebra", "ähnlich", "apple", "注文"][n as usize % 6];
        let level = ["error", "fatal", "warning", "info"][n as usize % 4];
        let more = format!(
            r#","level":"{level}","release":"shop@{}.{}","environment":"{}","timestamp":{},"transaction":"/{name}",
              "user":{{"id":"u{}"}},"tags":{{"name":"{name}","order":"{n}","Name":"{}"}},
              "contexts":{{"os":{{"name":"Linux","version":"{}"}}}}"#,
            n % 3,
            n % 7,
            if n % 5 == 0 { "test" } else { "prod" },
            (NOON_MS / 1000) - (n * 977) % 200_000,
            n % 23,
            n % 2,
            n % 4,
        );
        let mut one = record(
            1 + n % 2,
            n,
            &exception(
                "Error",
                &format!("{name} {}", n % 9),
                &format!("step{}", n % 17),
                &more,
            ),
        );
        if n % 50 == 0 {
            one.attachments = vec![
                Attachment {
                    filename: format!("log {n}.txt"),
                    content_type: "text/plain".to_owned(),
                    attachment_type: "event.attachment".to_owned(),
                    data: format!("line {n}\n").repeat(50).into(),
                },
                Attachment {
                    filename: "empty".to_owned(),
                    content_type: "application/octet-stream".to_owned(),
                    attachment_type: "event.attachment".to_owned(),
                    data: Vec::new().into(),
                },
            ];
        }
        records.push(one);
        // The same again, at once and later.
        if n % 11 == 0 {
            let again = records[n as usize / 2].clone();
            records.push(again);
        }
    }
    for (n, odd) in ["{", "{}", r#"{"message":"only text"}"#, "[1]"]
        .into_iter()
        .enumerate()
    {
        records.push(record(1, 1000 + n as u64, odd));
    }
    records.push(record(77, 2000, r#"{"message":"no such project"}"#));
    records
}

fn filled(database: Option<Database>) -> World {
    let world = World::on(database);
    for (id, name) in [(None, "Größter Shop"), (None, "Größter Shop")] {
        let key = (world.store.projects(None, 10, 0).unwrap().len() == 1).then(|| KEY.to_owned());
        let new = NewProject {
            name: name.to_owned(),
            id,
            public_key: key,
            ..NewProject::default()
        };
        world.store.create_project(new).unwrap();
    }
    let records = records();
    let (early, late) = records.split_at(records.len() / 2);
    world.digest(early);
    for (issue, status) in [
        (1, "resolved"),
        (2, "ignored"),
        (3, "resolved"),
        (4, "resolved"),
    ] {
        let body = json!({ "status": status }).to_string();
        world
            .send(Method::PATCH, &format!("/api/v1/issues/{issue}"), &body)
            .expect(200);
    }
    for chunk in late.chunks(37) {
        world.digest(chunk);
    }
    world
}

/// What differs by nature: when a person did something, and random keys.
fn masked(mut value: Value) -> Value {
    match &mut value {
        Value::Object(object) => {
            for (key, inner) in object.iter_mut() {
                let random = matches!(key.as_str(), "public_key" | "dsn" | "created_at");
                let taken = inner.take();
                *inner = if random && taken.is_string() {
                    "masked".into()
                } else {
                    masked(taken)
                };
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = masked(item.take());
            }
        }
        _ => {}
    }
    value
}

fn values(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.values().map(values).sum(),
        Value::Array(items) => items.iter().map(values).sum(),
        _ => 1,
    }
}

/// Follows a list through its pages, on both sides; gives all items.
fn pages(ask: &mut impl FnMut(&str) -> Value, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = ask(&format!("{path}{cursor}"));
        assert!(page["items"].is_array(), "{path}: {page}");
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

#[test]
fn answers_are_the_same_field_by_field() {
    let test = "answers_are_the_same_field_by_field";
    let Some(database) = Database::or_skip(test) else {
        return;
    };
    let (sqlite, postgres) = (filled(None), filled(Some(database)));
    let (mut asked, mut compared) = (0, 0);
    let mut ask = |path: &str| {
        let (one, other) = (sqlite.get(path), postgres.get(path));
        assert_eq!(one.status, other.status, "{path}");
        let (one, other) = (masked(one.json()), masked(other.json()));
        assert_eq!(one, other, "{path}");
        asked += 1;
        compared += values(&one);
        one
    };

    let projects = ask("/api/v1/projects");
    assert_eq!(projects["items"].as_array().unwrap().len(), 2, "{projects}");
    let stats = ask("/api/v1/stats");
    assert!(stats["digested"].as_u64().unwrap() > 390, "{stats}");
    assert!(stats["discarded"].as_array().unwrap().len() >= 4, "{stats}");
    let mut issues = Vec::new();
    for project in [1, 2] {
        ask(&format!("/api/v1/projects/{project}"));
        for query in [
            "",
            "is:resolved",
            "is:ignored",
            "level:fatal",
            "release:shop@1.1",
            "environment:test",
            "straße",
            "ZEBRA step1",
            "ähn",
            "100%",
            "注文",
        ] {
            let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
            for sort in ["last_seen", "first_seen", "count", "users"] {
                let path =
                    format!("/api/v1/projects/{project}/issues?query={query}&sort={sort}&limit=7");
                issues.extend(pages(&mut ask, &path));
            }
        }
        let events = pages(
            &mut ask,
            &format!("/api/v1/projects/{project}/events?limit=30"),
        );
        assert_eq!(events.len(), 200 + if project == 1 { 2 } else { 0 });
    }
    let mut ids: Vec<u64> = issues.iter().map(|i| i["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert!(ids.len() > 50, "{} issues", ids.len());
    for id in &ids {
        ask(&format!("/api/v1/issues/{id}"));
        pages(&mut ask, &format!("/api/v1/issues/{id}/events?limit=5"));
    }
    for n in (0..400).chain(1000..1004).chain([2000, 3000]) {
        let detail = ask(&format!("/api/v1/events/{}", event_id(n)));
        for file in detail["attachments"].as_array().into_iter().flatten() {
            let path = format!("/api/v1/events/{}/attachments/{}", event_id(n), file["id"]);
            assert_eq!(sqlite.get(&path).bytes, postgres.get(&path).bytes, "{path}");
        }
    }
    println!("{asked} answers, {compared} values compared");
    assert!(asked > 800 && compared > 30_000, "{asked} {compared}");
}
