//! The JSON API, asked through its router: logins, pages, search, decisions, events. Every answer is compared with
//! `openapi.json`, and the document with the routes.

#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test names its line"
)]

mod api_support;

use api_support::schema::Document;
use api_support::{NOON_MS, PASSWORD, World, event_id, exception, record};
use axum::http::Method;
use faultwire_collector::intake::spool::Attachment;
use serde_json::{Value, json};

/// Five issues in project 1 with 1 to 5 events and different users, releases, levels.
fn shop() -> World {
    let world = World::new();
    world.project(1);
    let mut records = Vec::new();
    for issue in 1..=5_u64 {
        for event in 0..issue {
            let level = if issue == 5 { "fatal" } else { "error" };
            let more = format!(
                r#","level":"{level}","release":"shop@{issue}.{event}","environment":"prod {issue}","user":{{"id":"{}"}},"tags":{{"cart":"{event}"}}"#,
                event % 2
            );
            let json = exception(
                "TypeError",
                &format!("Größe {issue}"),
                &format!("step{issue}"),
                &more,
            );
            records.push(record(1, issue * 100 + event, &json));
        }
    }
    world.digest(&records);
    world
}

fn titles(page: &Value) -> Vec<String> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i["title"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn first_start_login_and_logout() {
    let world = World::new();
    let session = |cookie: &str| {
        world
            .ask(Method::GET, "/api/v1/session", &[("cookie", cookie)], None)
            .expect(200)
    };
    assert_eq!(session("")["setup"], true);

    let password = |text: &str| json!({ "password": text }).to_string();
    let post = |path: &str, text: &str| world.ask(Method::POST, path, &[], Some(&password(text)));
    post("/api/v1/session", PASSWORD).expect(409);
    post("/api/v1/setup", "short").expect(400);
    let setup = post("/api/v1/setup", PASSWORD);
    assert_eq!(setup.expect(200)["user"]["name"], "admin");
    let attributes = setup.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        attributes.contains("HttpOnly") && attributes.contains("SameSite=Lax"),
        "{attributes}"
    );
    post("/api/v1/setup", "another password").expect(409);
    assert!(
        !attributes.contains("Secure"),
        "a browser would drop it over plain HTTP"
    );
    let proxied = [("x-forwarded-proto", "https")];
    let body = password(PASSWORD);
    let login = world.ask(Method::POST, "/api/v1/session", &proxied, Some(&body));
    assert!(
        login.headers["set-cookie"]
            .to_str()
            .unwrap()
            .ends_with("; Secure")
    );

    let cookie = setup.cookie();
    assert_eq!(session(&cookie)["setup"], false);
    assert_eq!(session(&cookie)["user"]["name"], "admin");
    assert_eq!(session("")["user"], Value::Null);

    post("/api/v1/session", "wrong password").expect(401);
    let second = post("/api/v1/session", PASSWORD).cookie();
    assert_ne!(cookie, second, "every login has a secret of its own");

    let logout =
        |headers: &[(&str, &str)]| world.ask(Method::DELETE, "/api/v1/session", headers, None);
    logout(&[("cookie", &cookie)]).expect(403);
    let answer = logout(&[("cookie", &cookie), ("x-faultwire-request", "1")]);
    assert_eq!(answer.status, 204);
    assert!(
        answer.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    let projects =
        |cookie: &str| world.ask(Method::GET, "/api/v1/projects", &[("cookie", cookie)], None);
    projects(&cookie).expect(401);
    projects(&second).expect(200);

    world.store.set_password("a new password").unwrap();
    projects(&second).expect(401);
}

#[test]
fn guessing_is_bounded_per_address() {
    let world = World::new();
    world.store.set_first_password(PASSWORD).unwrap();
    let body = json!({ "password": "guess" }).to_string();
    let guess = |last: u8| {
        world.ask_from(
            [198, 51, 100, last].into(),
            Method::POST,
            "/api/v1/session",
            &[],
            Some(&body),
        )
    };
    for _ in 0..10 {
        guess(1).expect(401);
    }
    let refused = guess(1);
    refused.expect(429);
    let wait: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    guess(2).expect(401);
}

#[test]
fn a_cookie_alone_changes_nothing() {
    let world = shop();
    world.store.set_first_password(PASSWORD).unwrap();
    let body = json!({ "password": PASSWORD }).to_string();
    let cookie = world
        .ask(Method::POST, "/api/v1/session", &[], Some(&body))
        .cookie();
    let change = json!({ "status": "resolved" }).to_string();
    let patch = |headers: &[(&str, &str)]| {
        world.ask(Method::PATCH, "/api/v1/issues/1", headers, Some(&change))
    };

    patch(&[]).expect(401);
    patch(&[("cookie", &cookie)]).expect(403);
    patch(&[("authorization", "Bearer fwt_wrong")]).expect(401);
    assert_eq!(world.get("/api/v1/issues/1").json()["status"], "unresolved");
    assert_eq!(
        patch(&[("cookie", &cookie), ("x-faultwire-request", "1")]).expect(200)["status"],
        "resolved"
    );

    let form = [
        ("cookie", cookie.as_str()),
        ("x-faultwire-request", "1"),
        ("content-type", "text/plain"),
    ];
    patch(&form).expect(415);
    for guarded in [
        "/api/v1/projects",
        "/api/v1/stats",
        "/api/v1/events/00",
        "/api/v1/issues/1",
    ] {
        let answer = world.ask(Method::GET, guarded, &[], None);
        assert!(answer.expect(401)["detail"].is_string());
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
}

#[test]
fn projects() {
    let world = World::new();
    let created = world.send(
        Method::POST,
        "/api/v1/projects",
        r#"{"name":"Web Store","platform":"node"}"#,
    );
    let project = created.expect(201);
    assert_eq!(project["slug"], "web-store");
    assert_eq!(project["first_event_at"], Value::Null);
    assert_eq!(project["events_24h"], json!(vec![0; 24]));
    let dsn = project["dsn"].as_str().unwrap();
    assert!(
        dsn.starts_with("http://") && dsn.ends_with("@127.0.0.1:9000/1"),
        "{dsn}"
    );

    let proxied = [
        ("authorization", format!("Bearer {}", world.token)),
        ("host", "errors.example.com".to_owned()),
        ("x-forwarded-proto", "https".to_owned()),
    ];
    let proxied: Vec<_> = proxied
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let seen = world
        .ask(Method::GET, "/api/v1/projects/1", &proxied, None)
        .expect(200);
    let dsn = seen["dsn"].as_str().unwrap();
    assert!(
        dsn.starts_with("https://") && dsn.ends_with("@errors.example.com/1"),
        "{dsn}"
    );

    world
        .send(Method::POST, "/api/v1/projects", r#"{"name":"  "}"#)
        .expect(400);
    world
        .send(Method::POST, "/api/v1/projects", r#"{"nam":"x"}"#)
        .expect(400);
    world.get("/api/v1/projects/2").expect(404);
    world.get("/api/v1/projects/two").expect(404);
    world.get("/api/v1/projects/2/issues").expect(404);
    world.get("/api/v1/projects/2/events").expect(404);

    for n in 2..=30 {
        world.project(n);
    }
    let first = world.get("/api/v1/projects?limit=20").expect(200);
    assert_eq!(first["items"].as_array().unwrap().len(), 20);
    let cursor = first["next"].as_str().unwrap();
    let second = world
        .get(&format!("/api/v1/projects?limit=20&cursor={cursor}"))
        .expect(200);
    assert_eq!(second["items"][0]["id"], 21);
    assert_eq!(second["items"].as_array().unwrap().len(), 10);
    assert_eq!(second["next"], Value::Null);
}

#[test]
fn issues_in_every_order_page_by_page() {
    let world = shop();
    for (sort, expected) in [
        ("last_seen", [5, 4, 3, 2, 1]),
        ("first_seen", [5, 4, 3, 2, 1]),
        ("count", [5, 4, 3, 2, 1]),
        ("users", [5, 4, 3, 2, 1]),
    ] {
        for limit in [1, 2, 4, 5, 100] {
            let mut seen = Vec::new();
            let mut path = format!("/api/v1/projects/1/issues?sort={sort}&limit={limit}");
            loop {
                let page = world.get(&path).expect(200);
                seen.extend(
                    page["items"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|issue| issue["count"].as_u64().unwrap()),
                );
                let Some(next) = page["next"].as_str() else {
                    break;
                };
                path = format!("/api/v1/projects/1/issues?sort={sort}&limit={limit}&cursor={next}");
            }
            assert_eq!(seen, expected, "{sort} by {limit}");
        }
    }
    for wrong in [
        "limit=0",
        "limit=101",
        "limit=x",
        "sort=title",
        "cursor=count.5.5",
        "cursor=x",
        "query=is:open",
    ] {
        let answer = world
            .get(&format!("/api/v1/projects/1/issues?{wrong}"))
            .expect(400);
        assert!(answer["detail"].as_str().unwrap().len() > 10, "{answer}");
    }
}

#[test]
fn issues_by_words() {
    let world = shop();
    world
        .send(
            Method::PATCH,
            "/api/v1/issues/2",
            r#"{"status":"resolved"}"#,
        )
        .expect(200);
    world
        .send(Method::PATCH, "/api/v1/issues/3", r#"{"status":"ignored"}"#)
        .expect(200);
    for (query, expected) in [
        ("", &[5, 4, 1][..]),
        ("is:unresolved", &[5, 4, 1]),
        ("is:resolved", &[2]),
        ("is:ignored", &[3]),
        ("level:fatal", &[5]),
        ("level:error", &[4, 1]),
        ("release:shop@4.2", &[4]),
        ("release:shop@4.9", &[]),
        ("environment:\"prod 5\"", &[5]),
        ("GRÖSSE 4", &[]),
        ("größe 4", &[4]),
        ("STEP1", &[1]),
        ("typeerror: step", &[5, 4, 1]),
        ("nothing-like-this", &[]),
        ("100%", &[]),
        ("is:resolved level:fatal", &[]),
    ] {
        let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let page = world
            .get(&format!("/api/v1/projects/1/issues?query={query}"))
            .expect(200);
        let found: Vec<u64> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|issue| issue["count"].as_u64().unwrap())
            .collect();
        assert_eq!(found, expected, "{query}: {:?}", titles(&page));
    }
}

#[test]
fn an_issue_and_what_a_person_decides() {
    let world = shop();
    let issue = world.get("/api/v1/issues/5").expect(200);
    assert_eq!(issue["short_id"], "SHOP-1-5");
    assert_eq!(
        (&issue["type"], &issue["value"]),
        (&json!("TypeError"), &json!("Größe 5"))
    );
    assert_eq!((&issue["count"], &issue["users"]), (&json!(5), &json!(2)));
    assert_eq!(
        (&issue["first_release"], &issue["last_release"]),
        (&json!("shop@5.0"), &json!("shop@5.4"))
    );
    assert_eq!(issue["first_seen"], "2026-11-22T12:08:20.000Z");
    assert_eq!(issue["last_seen"], "2026-11-22T12:08:24.000Z");
    assert_eq!(issue["latest_event_id"], event_id(504).to_string());
    assert_eq!(issue["grouping"]["version"], "v1");
    let tag = |key: &str| {
        issue["tags"]
            .as_array()
            .unwrap()
            .iter()
            .find(|tag| tag["key"] == key)
            .cloned()
    };
    assert_eq!(tag("cart").unwrap()["total"], 5);
    assert_eq!(
        tag("level").unwrap()["values"],
        json!([{"value": "fatal", "count": 5}])
    );

    let patch = |status: &str| {
        world.send(
            Method::PATCH,
            "/api/v1/issues/5",
            &json!({ "status": status }).to_string(),
        )
    };
    let resolved = patch("resolved").expect(200);
    assert_eq!(
        (&resolved["status"], &resolved["substatus"]),
        (&json!("resolved"), &Value::Null)
    );
    patch("open").expect(400);
    world
        .send(
            Method::PATCH,
            "/api/v1/issues/99",
            r#"{"status":"resolved"}"#,
        )
        .expect(404);
    world.get("/api/v1/issues/99").expect(404);
    world.get("/api/v1/issues/five").expect(404);

    // The same error again, later than the decision by any clock.
    let mut again = record(1, 999, &exception("TypeError", "Größe 5", "step5", ""));
    again.received_ms = NOON_MS + 400 * 24 * 3_600_000;
    world.digest(&[again]);
    let regressed = world.get("/api/v1/issues/5").expect(200);
    assert_eq!(
        (&regressed["status"], &regressed["substatus"]),
        (&json!("unresolved"), &json!("regressed"))
    );
    assert_eq!(regressed["count"], 6);
}

#[test]
fn events_with_neighbours_and_files() {
    let world = shop();
    world.project(2);
    let mut with_file = record(2, 1, r#"{"message":"disk is full"}"#);
    with_file.event_id = event_id(500);
    with_file.attachments = vec![Attachment {
        filename: "../logs/\"tail\".html".to_owned(),
        content_type: "text/html".to_owned(),
        attachment_type: "event.attachment".to_owned(),
        data: b"\x00line\n\xff".to_vec().into(),
    }];
    world.digest(&[with_file]);

    let middle = world
        .get(&format!("/api/v1/events/{}", event_id(502)))
        .expect(200);
    assert_eq!(middle["previous_event_id"], event_id(501).to_string());
    assert_eq!(middle["next_event_id"], event_id(503).to_string());
    assert_eq!(middle["user"], "0");
    assert_eq!(
        middle["event"]["exception"]["values"][0]["value"],
        "Größe 5"
    );
    let latest = world.get("/api/v1/issues/5/events/latest").expect(200);
    assert_eq!(latest["id"], event_id(504).to_string());
    assert_eq!(latest["next_event_id"], Value::Null);

    // One id in two projects.
    let id = event_id(500);
    let ambiguous = world.get(&format!("/api/v1/events/{id}")).expect(400);
    assert!(
        ambiguous["detail"].as_str().unwrap().contains("?project="),
        "{ambiguous}"
    );
    assert_eq!(
        world
            .get(&format!("/api/v1/events/{id}?project=1"))
            .expect(200)["project_id"],
        1
    );
    let message = world
        .get(&format!("/api/v1/events/{id}?project=2"))
        .expect(200);
    assert_eq!(message["title"], "disk is full");
    let file = &message["attachments"][0];
    assert_eq!(
        (&file["size"], &file["content_type"]),
        (&json!(7), &json!("text/html"))
    );
    let path = format!("/api/v1/events/{id}/attachments/{}", file["id"]);
    let download = world.get(&format!("{path}?project=2"));
    assert_eq!(download.bytes, b"\x00line\n\xff");
    assert_eq!(
        download.headers["content-disposition"],
        "attachment; filename=\"_tail_.html\""
    );
    assert_eq!(download.headers["x-content-type-options"], "nosniff");
    assert!(
        download.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("sandbox")
    );
    world.get(&format!("{path}?project=1")).expect(404);

    // Every spelling of an id; the stored event alone.
    let dashed = "A5A5A5A5-A5A5-A5A5-0000-0000000001F5";
    let json = world.get(&format!("/api/v1/events/{dashed}/json"));
    assert_eq!(json.expect(200)["event_id"], event_id(501).to_string());
    assert!(
        json.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    world.get("/api/v1/events/nonsense").expect(404);
    world
        .get(&format!("/api/v1/events/{}", event_id(9)))
        .expect(404);

    let mut seen = Vec::new();
    let mut path = "/api/v1/issues/5/events?limit=2".to_owned();
    loop {
        let page = world.get(&path).expect(200);
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/api/v1/issues/5/events?limit=2&cursor={next}");
    }
    let expected: Vec<_> = (500..505).rev().map(|n| event_id(n).to_string()).collect();
    assert_eq!(seen, expected);
    assert_eq!(
        world.get("/api/v1/projects/1/events?limit=100").expect(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        15
    );
    world.get("/api/v1/issues/99/events").expect(404);
    world.get("/api/v1/issues/99/events/latest").expect(404);
}

#[test]
fn stats_add_up() {
    let world = shop();
    let twice = record(1, 100, &exception("TypeError", "Größe 1", "step1", ""));
    let broken = record(1, 7, "{\"half");
    world.digest(&[twice, broken]);
    let stats = world.get("/api/v1/stats").expect(200);
    assert_eq!(stats["digested"], 15);
    assert_eq!(
        stats["discarded"],
        json!([
            {"category": "error", "reason": "duplicate", "quantity": 1},
            {"category": "error", "reason": "invalid_json", "quantity": 1},
        ])
    );
    assert_eq!(
        world.get("/api/v1/issues/1").expect(200)["count"],
        1,
        "a duplicate is not counted"
    );
}

/// Paths that the code routes, read from its source: a router cannot be asked for its routes.
fn routed() -> Vec<String> {
    let source = include_str!("../src/api/mod.rs");
    let mut paths: Vec<String> = source
        .split('"')
        .filter(|text| text.starts_with("/api/v1/"))
        .map(str::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

#[test]
fn the_document_names_every_route_and_no_other() {
    let document = Document::new();
    let documented: Vec<String> = document.0["paths"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let mut sorted = documented.clone();
    sorted.sort();
    assert_eq!(sorted, routed());

    let world = World::new();
    let filled = |path: &str| path.replace("{id}", "1").replace("{attachment_id}", "1");
    for path in &documented {
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            let body = (method != Method::GET).then_some("{}");
            let answer = world.send(method.clone(), &filled(path), body.unwrap_or_default());
            let exists = answer.status != 405;
            assert_eq!(
                exists,
                document.operation(method.as_str(), path).is_some(),
                "{method} {path}"
            );
            if !exists {
                answer.expect(405);
            }
        }
    }
    let served = world
        .ask(Method::GET, "/api/v1/openapi.json", &[], None)
        .expect(200);
    assert_eq!(served, document.0);
}

#[test]
fn answers_are_as_documented() {
    let document = Document::new();
    let world = shop();
    let mut with_file = record(
        1,
        900,
        &exception("E", "x", "f", r#","user":{"email":"a@example.com"}"#),
    );
    with_file.attachments = vec![Attachment {
        filename: "a.txt".to_owned(),
        content_type: "text/plain".to_owned(),
        attachment_type: "event.attachment".to_owned(),
        data: b"a".to_vec().into(),
    }];
    world.digest(&[
        with_file,
        record(1, 901, "{"),
        record(1, 902, r#"{"message":"plain"}"#),
    ]);
    let (event, file_event) = (event_id(501), event_id(900));
    let json = |method: &str, pattern: &str, path: &str, body: Option<&str>, status: u16| {
        let method: Method = method.parse().unwrap();
        let answer = match body {
            Some(body) => world.send(method.clone(), path, body),
            None => world.get(path),
        };
        let operation = document.operation(method.as_str(), pattern).expect(pattern);
        let differences = document.differences(operation, status, &answer.expect(status));
        assert!(
            differences.is_empty(),
            "{method} {path} {status}:\n{}",
            differences.join("\n")
        );
    };
    let get = |pattern: &str, path: &str, status: u16| json("GET", pattern, path, None, status);
    get("/api/v1/openapi.json", "/api/v1/openapi.json", 200);
    get("/api/v1/session", "/api/v1/session", 200);
    let wrong = r#"{"password":"wrong password"}"#;
    json(
        "POST",
        "/api/v1/session",
        "/api/v1/session",
        Some(wrong),
        409,
    );
    json(
        "POST",
        "/api/v1/setup",
        "/api/v1/setup",
        Some(r#"{"password":"long enough"}"#),
        200,
    );
    json("POST", "/api/v1/setup", "/api/v1/setup", Some(wrong), 409);
    json(
        "POST",
        "/api/v1/session",
        "/api/v1/session",
        Some(wrong),
        401,
    );
    json(
        "POST",
        "/api/v1/session",
        "/api/v1/session",
        Some("[]"),
        400,
    );
    json(
        "POST",
        "/api/v1/session",
        "/api/v1/session",
        Some(r#"{"password":"long enough"}"#),
        200,
    );
    get("/api/v1/projects", "/api/v1/projects", 200);
    json(
        "POST",
        "/api/v1/projects",
        "/api/v1/projects",
        Some(r#"{"name":"b"}"#),
        201,
    );
    json(
        "POST",
        "/api/v1/projects",
        "/api/v1/projects",
        Some(r#"{"name":""}"#),
        400,
    );
    get("/api/v1/projects/{id}", "/api/v1/projects/1", 200);
    get("/api/v1/projects/{id}", "/api/v1/projects/99", 404);
    get(
        "/api/v1/projects/{id}/issues",
        "/api/v1/projects/1/issues",
        200,
    );
    get(
        "/api/v1/projects/{id}/issues",
        "/api/v1/projects/1/issues?limit=2",
        200,
    );
    get(
        "/api/v1/projects/{id}/issues",
        "/api/v1/projects/1/issues?limit=0",
        400,
    );
    get(
        "/api/v1/projects/{id}/issues",
        "/api/v1/projects/99/issues",
        404,
    );
    get(
        "/api/v1/projects/{id}/events",
        "/api/v1/projects/1/events",
        200,
    );
    get("/api/v1/issues/{id}", "/api/v1/issues/5", 200);
    get("/api/v1/issues/{id}", "/api/v1/issues/99", 404);
    json(
        "PATCH",
        "/api/v1/issues/{id}",
        "/api/v1/issues/5",
        Some(r#"{"status":"ignored"}"#),
        200,
    );
    json(
        "PATCH",
        "/api/v1/issues/{id}",
        "/api/v1/issues/5",
        Some(r#"{"status":"x"}"#),
        400,
    );
    get(
        "/api/v1/issues/{id}/events",
        "/api/v1/issues/5/events?limit=2",
        200,
    );
    get(
        "/api/v1/issues/{id}/events/latest",
        "/api/v1/issues/5/events/latest",
        200,
    );
    get(
        "/api/v1/events/{id}",
        &format!("/api/v1/events/{event}"),
        200,
    );
    get(
        "/api/v1/events/{id}",
        &format!("/api/v1/events/{file_event}"),
        200,
    );
    get(
        "/api/v1/events/{id}",
        &format!("/api/v1/events/{}", event_id(902)),
        200,
    );
    get("/api/v1/events/{id}", "/api/v1/events/zz", 404);
    get(
        "/api/v1/events/{id}/json",
        &format!("/api/v1/events/{event}/json"),
        200,
    );
    let path = format!("/api/v1/events/{file_event}/attachments/99");
    get(
        "/api/v1/events/{id}/attachments/{attachment_id}",
        &path,
        404,
    );
    get("/api/v1/stats", "/api/v1/stats", 200);

    // The checker itself: an answer that does not fit is seen.
    let operation = document.operation("GET", "/api/v1/stats").unwrap();
    assert_eq!(
        document
            .differences(operation, 200, &json!({"accepted": -1, "more": 1}))
            .len(),
        3
    );
}
