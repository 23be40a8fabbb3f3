//! What SDKs may expect of the ingest endpoints: one request a case, against the real program.
//! The numbers are those of the conformance checklist, protocol.md section 11.

// Clippy takes helpers of tests for ordinary code.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write as _;

use common::{Collector, KEY, PROJECT, Reply};

const ID: &str = "4f2b0c7a9d1e4a58b7a6f0e2c3d4e5f6";

fn header_id(number: u32) -> String {
    format!("{number:08x}9d1e4a58b7a6f0e2c3d4e5f6")
}

/// An envelope as JavaScript writes it: no length, no final newline.
fn envelope(id: &str, event: &str) -> Vec<u8> {
    format!("{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\"}}\n{event}").into_bytes()
}

fn message(text: &str) -> String {
    format!("{{\"message\":\"{text}\"}}")
}

fn assert_open_to_browsers(case: &str, reply: &Reply) {
    assert_eq!(
        reply.header("access-control-allow-origin"),
        Some("*"),
        "{case}"
    );
    assert_eq!(
        reply.header("access-control-expose-headers"),
        Some("x-sentry-error, x-sentry-rate-limits, retry-after"),
        "{case}"
    );
    assert_eq!(
        reply.header("cross-origin-resource-policy"),
        Some("cross-origin"),
        "{case}"
    );
    assert!(
        !(300..400).contains(&reply.status),
        "{case}: a redirect loses the body"
    );
}

fn assert_refused(case: &str, reply: &Reply, status: u16, words: &str) {
    assert_eq!(reply.status, status, "{case}: {}", reply.text());
    assert_open_to_browsers(case, reply);
    let body = reply.json();
    assert!(
        body["detail"].is_string() && body["causes"].is_array(),
        "{case}: {body}"
    );
    assert!(
        body.to_string().contains(words),
        "{case}: {body} does not say `{words}`"
    );
}

fn assert_taken(case: &str, reply: &Reply, id: &str) {
    assert_eq!(reply.status, 200, "{case}: {}", reply.text());
    assert_open_to_browsers(case, reply);
    assert_eq!(reply.text(), format!("{{\"id\":\"{id}\"}}"), "{case}");
}

/// Points 1 to 5: where credentials may stand, with and without the slash, with a path in front.
#[test]
fn senders_are_recognised_wherever_their_key_stands() {
    let collector = Collector::start();
    let query = format!(
        "sentry_version=7&sentry_key={KEY}&sentry_client=sentry.javascript.browser%2F11.12.0"
    );
    let header =
        format!("Sentry sentry_key={KEY}, sentry_version=7, sentry_client=sentry.python/2.75.0");
    let tight = format!("Sentry sentry_version=7,sentry_client=sentry.java/8.1,sentry_key={KEY}");
    let basic = {
        use base64::Engine as _;
        format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(format!("{KEY}:"))
        )
    };
    let capitals = format!("sentry sentry_key={}", KEY.to_uppercase());
    type Case<'a> = (&'a str, String, Vec<(&'a str, &'a str)>);
    let cases: [Case<'_>; 9] = [
        (
            "query",
            format!("/api/42/envelope/?{query}"),
            vec![
                ("content-type", "text/plain;charset=UTF-8"),
                ("origin", "http://shop.example.com"),
            ],
        ),
        ("no slash", format!("/api/42/envelope?{query}"), vec![]),
        (
            "sub-path",
            format!("/errors/here/api/42/envelope/?{query}"),
            vec![],
        ),
        (
            "header",
            "/api/42/envelope/".into(),
            vec![("x-sentry-auth", &header)],
        ),
        (
            "header without blanks, chunked",
            "/api/42/envelope/".into(),
            vec![("x-sentry-auth", &tight), ("transfer-encoding", "chunked")],
        ),
        (
            "authorization",
            "/api/42/envelope/".into(),
            vec![("authorization", &header)],
        ),
        (
            "basic",
            "/api/42/envelope/".into(),
            vec![("authorization", &basic)],
        ),
        (
            "capitals",
            "/api/42/envelope/".into(),
            vec![("x-sentry-auth", &capitals)],
        ),
        (
            "empty header beside the query",
            format!("/api/42/envelope/?{query}"),
            vec![("x-sentry-auth", "")],
        ),
    ];
    for (number, (case, path, headers)) in cases.iter().enumerate() {
        let id = header_id(number as u32 + 1);
        let reply = collector.send("POST", path, headers, &envelope(&id, &message(case)));
        assert_taken(case, &reply, &id);
        assert_eq!(
            collector.event(&id)["event"]["logentry"]["formatted"],
            *case
        );
    }
    let dsn = |project: u64, key: &str| {
        format!(
            "{{\"event_id\":\"{ID}\",\"dsn\":\"https://{key}@o7.other.example.com/sub/{project}\"}}\n{{\"type\":\"event\"}}\n{}",
            message("tunnel")
        )
    };
    let tunnel = collector.send("POST", "/api/42/envelope/", &[], dsn(42, KEY).as_bytes());
    assert_taken("tunnel", &tunnel, ID);
    let both = collector.send(
        "POST",
        "/api/42/envelope/",
        &[("x-sentry-auth", &header)],
        dsn(42, KEY).as_bytes(),
    );
    assert_taken("header and dsn", &both, ID);
    let other = "00000000000000000000000000000001";
    for (case, body) in [("project", dsn(43, KEY)), ("key", dsn(42, other))] {
        let reply = collector.send(
            "POST",
            "/api/42/envelope/",
            &[("x-sentry-auth", &header)],
            body.as_bytes(),
        );
        assert_refused(case, &reply, 400, case);
        let reply = collector.send(
            "POST",
            &format!("/api/42/envelope/?{query}"),
            &[],
            body.as_bytes(),
        );
        assert_refused(case, &reply, 400, case);
    }
}

#[test]
fn strangers_are_turned_away_with_the_reason() {
    let collector = Collector::start();
    let body = envelope(ID, &message("x"));
    let good = format!("Sentry sentry_key={KEY}");
    let future = format!("Sentry sentry_key={KEY}, sentry_version=8");
    let unknown = "/api/42/envelope/?sentry_key=00000000000000000000000000000001";
    type Case<'a> = (&'a str, String, Vec<(&'a str, &'a str)>, u16, &'a str);
    let cases: [Case<'_>; 8] = [
        (
            "none",
            "/api/42/envelope/".into(),
            vec![],
            401,
            "sentry_key",
        ),
        (
            "two",
            format!("/api/42/envelope/?sentry_key={KEY}"),
            vec![("x-sentry-auth", &good)],
            401,
            "more than one",
        ),
        (
            "unknown",
            unknown.into(),
            vec![],
            403,
            "no project has this key",
        ),
        (
            "not a key",
            "/api/42/envelope/?sentry_key=hello".into(),
            vec![],
            403,
            "no project has this key",
        ),
        (
            "other project",
            format!("/api/43/envelope/?sentry_key={KEY}"),
            vec![],
            403,
            "another project",
        ),
        (
            "version",
            "/api/42/envelope/".into(),
            vec![("x-sentry-auth", &future)],
            400,
            "version 8",
        ),
        (
            "project id",
            format!("/api/shop/envelope/?sentry_key={KEY}"),
            vec![],
            400,
            "project id",
        ),
        (
            "project 0",
            format!("/api/0/envelope/?sentry_key={KEY}"),
            vec![],
            400,
            "project id",
        ),
    ];
    for (case, path, headers, status, words) in cases {
        let reply = collector.send("POST", &path, &headers, &body);
        assert_refused(case, &reply, status, words);
        assert!(
            !reply.text().contains(KEY),
            "{case}: the answer repeats the key"
        );
    }
    let tunnel = b"{\"dsn\":\"http://00000000000000000000000000000001@h/42\"}\n";
    assert_refused(
        "tunnel",
        &collector.send("POST", "/api/42/envelope/", &[], tunnel),
        403,
        "no project",
    );
    let get = collector.send(
        "GET",
        &format!("/api/42/envelope/?sentry_key={KEY}"),
        &[],
        b"",
    );
    assert_refused("GET", &get, 405, "POST");
    let minidump = collector.send(
        "POST",
        &format!("/api/42/minidump/?sentry_key={KEY}"),
        &[],
        b"MDMP",
    );
    assert_refused("minidump", &minidump, 404, "no such");
}

#[test]
fn a_project_created_while_the_server_runs_is_known_at_once() {
    let collector = Collector::start();
    let key = "0123456789abcdef0123456789abcdef";
    let path = format!("/api/7/envelope/?sentry_key={key}");
    let body = envelope(ID, &message("new"));
    assert_eq!(collector.send("POST", &path, &[], &body).status, 403);
    let data = collector.data().to_str().unwrap();
    let dsn = common::last_line(&[
        "project",
        "create",
        "late",
        "--data",
        data,
        "--id",
        "7",
        "--public-key",
        key,
    ]);
    assert_eq!(
        dsn,
        format!("http://{key}@{}/7", collector.address),
        "the DSN names the running server"
    );
    assert_taken("late", &collector.send("POST", &path, &[], &body), ID);
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn brotli(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 4,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &plain[..], &mut out, &parameters).unwrap();
    out
}

/// Points 3, 4 and 6.
#[test]
fn every_content_encoding_is_understood() {
    let collector = Collector::start();
    let path = format!("/api/42/envelope/?sentry_key={KEY}");
    let raw_deflate = |plain: &[u8]| {
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    };
    type Encode<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;
    let cases: [(&str, &str, Encode<'_>); 9] = [
        ("empty", "", &|plain| plain.to_vec()),
        ("utf-8", "UTF-8", &|plain| plain.to_vec()),
        ("identity", "identity", &|plain| plain.to_vec()),
        ("gzip", "gzip", &gzip),
        ("gzip in members", "gzip", &|plain| {
            [gzip(&plain[..20]), gzip(&plain[20..])].concat()
        }),
        ("zlib", "deflate", &zlib),
        ("raw deflate", "deflate", &raw_deflate),
        ("brotli", "br", &brotli),
        ("zstd", "zstd", &|plain| zstd::encode_all(plain, 3).unwrap()),
    ];
    for (number, (case, encoding, encode)) in cases.into_iter().enumerate() {
        let id = header_id(number as u32 + 1);
        let body = encode(&envelope(&id, &message(case)));
        for framing in [("x-framing", "length"), ("transfer-encoding", "chunked")] {
            let reply = collector.send(
                "POST",
                &path,
                &[("content-encoding", encoding), framing],
                &body,
            );
            assert_taken(case, &reply, &id);
        }
        assert_eq!(collector.event(&id)["event"]["logentry"]["formatted"], case);
    }
    let plain = envelope(ID, &message("x"));
    let unknown = collector.send("POST", &path, &[("content-encoding", "compress")], &plain);
    assert_refused("compress", &unknown, 415, "compress");
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let reply = collector.send("POST", &path, &[("content-encoding", encoding)], &plain);
        assert_refused(encoding, &reply, 400, "decompressed");
    }
    let cut = gzip(&plain);
    let reply = collector.send(
        "POST",
        &path,
        &[("content-encoding", "gzip")],
        &cut[..cut.len() - 6],
    );
    assert_refused("cut gzip", &reply, 400, "decompressed");
}

/// Points 7 and 8, and the table of section 2.5.
#[test]
fn one_bad_item_never_costs_another_one() {
    let collector = Collector::start();
    let event = |text: &str| format!("{{\"type\":\"event\"}}\n{}\n", message(text));
    let head = "{}\n".to_owned();
    let kept: [(&str, String); 12] = [
        ("unknown before", head.clone() + "{\"type\":\"weather\"}\n{\"rain\":1}\n" + &event("unknown before")),
        ("unknown after", head.clone() + &event("unknown after") + "{\"type\":\"integration\"}\n[]\n"),
        (
            "unknown with newlines in a length payload",
            head.clone()
                + "{\"type\":\"blob\",\"length\":11}\na\n{\"type\":\n\n\n"
                + &event("unknown with newlines in a length payload"),
        ),
        ("truncated last item", head.clone() + &event("truncated last item") + "{\"type\":\"attachment\",\"length\":90}\nshort"),
        ("bad last header", head.clone() + &event("bad last header") + "{\"type\":\n"),
        ("item without a type", head.clone() + "{\"length\":2}\n{}\n" + &event("item without a type")),
        ("length as text", head.clone() + "{\"type\":\"event\",\"length\":\"many\"}\n" + &message("length as text")),
        ("blank lines", head.clone() + "\n\n" + &event("blank lines") + "\n\n"),
        (
            "bad header values",
            "{\"event_id\":\"nonsense\",\"sent_at\":17,\"trace\":{\"sample_rate\":1,\"x\":[]},\"sdk\":\"x\",\"dsn\":3}\n"
                .to_owned()
                + &event("bad header values"),
        ),
        (
            "duplicate sent_at",
            "{\"sent_at\":\"2026-11-02T08:15:30+00:00\",\"sent_at\":\"2026-11-02T08:15:30Z\"}\n".to_owned()
                + &event("duplicate sent_at"),
        ),
        ("two events", head.clone() + &event("two events") + &event("the second is counted")),
        ("a broken second event", head.clone() + &event("a broken second event") + "{\"type\":\"event\"}\n{{{\n"),
    ];
    for (case, body) in kept {
        let reply = collector.post_envelope(body.as_bytes());
        assert_eq!(reply.status, 200, "{case}: {}", reply.text());
        let id = reply.json()["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{case}: no id"))
            .to_owned();
        assert_eq!(collector.event(&id)["event"]["logentry"]["formatted"], case);
    }
    let fine_without_event: [(&str, &str); 6] = [
        ("no items", "{}\n"),
        (
            "no items, no newline",
            "{\"event_id\":\"4f2b0c7a9d1e4a58b7a6f0e2c3d4e5f6\"}",
        ),
        ("only unknown", "{}\n{\"type\":\"weather\"}\n{}\n"),
        (
            "only a client report",
            "{}\n{\"type\":\"client_report\"}\n{\"discarded_events\":[]}",
        ),
        (
            "broken event beside a session",
            "{}\n{\"type\":\"session\"}\n{}\n{\"type\":\"event\"}\nnot json",
        ),
        (
            "attachment alone",
            "{}\n{\"type\":\"attachment\",\"length\":2,\"filename\":\"a\"}\nab",
        ),
    ];
    for (case, body) in fine_without_event {
        let reply = collector.post_envelope(body.as_bytes());
        assert_eq!((reply.status, reply.text().as_str()), (200, "{}"), "{case}");
        assert_open_to_browsers(case, &reply);
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_objects = "{\"a\":".repeat(100_000);
    let refused: [(&str, String, &str); 9] = [
        ("empty", String::new(), "empty"),
        ("only newlines", "\n\n".into(), "empty"),
        ("not json", "hello\n{}".into(), "header"),
        ("array header", "[]\n".into(), "object"),
        ("junk behind the header", "{} {}\n".into(), "header"),
        (
            "event not json",
            head.clone() + "{\"type\":\"event\"}\n{\"message\":",
            "json",
        ),
        (
            "event not an object",
            head.clone() + "{\"type\":\"event\"}\n[1]",
            "object",
        ),
        (
            "nesting",
            head.clone() + "{\"type\":\"event\"}\n{\"extra\":" + &deep + "}",
            "nested",
        ),
        (
            "nesting never closed",
            head.clone() + "{\"type\":\"event\"}\n" + &deep_objects,
            "nested",
        ),
    ];
    for (case, body, words) in refused {
        assert_refused(case, &collector.post_envelope(body.as_bytes()), 400, words);
    }
    let many = head + &"{\"type\":\"session\",\"length\":2}\n{}\n".repeat(501);
    assert_refused(
        "501 items",
        &collector.post_envelope(many.as_bytes()),
        400,
        "500",
    );
}

/// Point 10.
#[test]
fn ids_are_answered_in_one_form_and_the_header_wins() {
    let collector = Collector::start();
    let dashed = "4F2B0C7A-9D1E-4A58-B7A6-F0E2C3D4E5F6";
    let other = "00000000000000000000000000000abc";
    let with = |header: &str, event: &str| format!("{header}\n{{\"type\":\"event\"}}\n{event}");
    let cases = [
        (
            "dashed and upper case",
            with(&format!("{{\"event_id\":\"{dashed}\"}}"), "{}"),
            ID,
        ),
        (
            "in the payload",
            with("{}", &format!("{{\"event_id\":\"{other}\"}}")),
            other,
        ),
        (
            "both",
            with(
                &format!("{{\"event_id\":\"{ID}\"}}"),
                &format!("{{\"event_id\":\"{other}\"}}"),
            ),
            ID,
        ),
        (
            "bad header id",
            with("{\"event_id\":5}", &format!("{{\"event_id\":\"{other}\"}}")),
            other,
        ),
    ];
    for (case, body, id) in cases {
        assert_taken(case, &collector.post_envelope(body.as_bytes()), id);
        assert_eq!(collector.event(id)["id"], id, "{case}");
    }
    let made = collector
        .post_envelope(with("{}", "{\"message\":\"made\"}").as_bytes())
        .json();
    let made = made["id"].as_str().unwrap();
    assert_eq!(made.len(), 32);
    assert_eq!(
        collector.event(made)["event"]["logentry"]["formatted"],
        "made"
    );
}

/// Point 17.
#[test]
fn store_bodies_of_every_age_are_taken() {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD;
    let collector = Collector::start();
    let path = format!("/api/42/store/?sentry_key={KEY}");
    let event = |id: &str, text: &str| format!("{{\"event_id\":\"{id}\",\"message\":\"{text}\"}}");
    let bodies: [(&str, Vec<u8>, &str); 6] = [
        ("json", event(&header_id(1), "json").into_bytes(), ""),
        (
            "base64",
            base64.encode(event(&header_id(2), "base64")).into_bytes(),
            "",
        ),
        (
            "base64 of zlib",
            base64
                .encode(zlib(event(&header_id(3), "base64 of zlib").as_bytes()))
                .into_bytes(),
            "",
        ),
        (
            "gzip",
            gzip(event(&header_id(4), "gzip").as_bytes()),
            "gzip",
        ),
        (
            "blanks around",
            format!("\n  {}\n", event(&header_id(5), "blanks around")).into_bytes(),
            "",
        ),
        (
            "nan",
            format!(
                "{{\"event_id\":\"{}\",\"message\":\"nan\",\"extra\":{{\"x\":NaN}}}}",
                header_id(6)
            )
            .into(),
            "",
        ),
    ];
    for (number, (case, body, encoding)) in bodies.into_iter().enumerate() {
        let id = header_id(number as u32 + 1);
        let reply = collector.send("POST", &path, &[("content-encoding", encoding)], &body);
        assert_taken(case, &reply, &id);
        assert_eq!(collector.event(&id)["event"]["logentry"]["formatted"], case);
    }
    let as_envelope = [("content-type", "application/x-sentry-envelope")];
    let id = header_id(20);
    assert_taken(
        "envelope",
        &collector.send("POST", &path, &as_envelope, &envelope(&id, "{}")),
        &id,
    );
    let id = header_id(21);
    let reply = collector.send(
        "POST",
        &format!("/api/store/?sentry_key={KEY}"),
        &[],
        event(&id, "legacy").as_bytes(),
    );
    assert_taken("project from the key", &reply, &id);

    let id = header_id(22);
    let data = base64
        .encode(event(&id, "by get ~~~ ???"))
        .replace('+', "%2B")
        .replace('/', "%2F");
    let reply = collector.send(
        "GET",
        &format!("{path}&sentry_data={data}"),
        &[("origin", "http://x")],
        b"",
    );
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("image/gif"))
    );
    assert!(reply.body.starts_with(b"GIF89a"));
    assert_open_to_browsers("GET", &reply);
    assert_eq!(
        collector.event(&id)["event"]["logentry"]["formatted"],
        "by get ~~~ ???"
    );

    let transaction = collector.send(
        "POST",
        &path,
        &[],
        b"{\"type\":\"transaction\",\"spans\":[{},{}]}",
    );
    assert_eq!(
        (transaction.status, transaction.text().as_str()),
        (200, "{}")
    );
    for (case, body, words) in [
        ("empty", &b""[..], "empty"),
        ("text", b"hello world", "base64"),
        ("bad json", b"{\"message\":", "json"),
        ("base64 of nothing known", b"aGVsbG8gd29ybGQ=", "zlib"),
    ] {
        assert_refused(case, &collector.send("POST", &path, &[], body), 400, words);
    }
    assert_refused(
        "no data",
        &collector.send("GET", &path, &[], b""),
        400,
        "sentry_data",
    );
    assert_refused(
        "no key",
        &collector.send("POST", "/api/42/store/", &[], b"{}"),
        401,
        "sentry_key",
    );
}

/// Point 18.
#[test]
fn browsers_reports_become_events() {
    let collector = Collector::start();
    let path =
        format!("/api/42/security/?sentry_key={KEY}&sentry_release=1.2&sentry_environment=prod");
    let old = br#"{"csp-report":{"document-uri":"https://shop.example.com/","violated-directive":"img-src","blocked-uri":"https://ads.example.net/a.png"}}"#;
    let new = br#"[{"type":"csp-violation","body":{"documentURL":"https://a/","effectiveDirective":"font-src","blockedURL":"https://fonts.example.org/f"}},
                   {"type":"csp-violation","body":{"effectiveDirective":"script-src-elem","blockedURL":"inline"}}]"#;
    for (kind, body) in [
        ("application/csp-report", &old[..]),
        ("application/json", old),
        ("application/reports+json; charset=utf-8", new),
    ] {
        let reply = collector.send("POST", &path, &[("content-type", kind)], body);
        assert_eq!(
            (reply.status, reply.body.len()),
            (200, 0),
            "{kind}: {}",
            reply.text()
        );
        assert_open_to_browsers(kind, &reply);
    }
    let alias = collector.send(
        "POST",
        &format!("/api/42/csp-report/?sentry_key={KEY}"),
        &[],
        old,
    );
    assert_eq!(alias.status, 200);
    collector.wait_until_digested();
    let titles: Vec<String> = collector.get("/api/v1/projects/42/issues").json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| issue["title"].as_str().unwrap().to_owned())
        .collect();
    for title in [
        "Blocked 'img-src' from 'ads.example.net'",
        "Blocked 'font-src' from 'fonts.example.org'",
        "Blocked inline 'script-src-elem'",
    ] {
        assert!(
            titles.iter().any(|found| found.contains(title)),
            "{title} is missing in {titles:?}"
        );
    }
    let html = collector.send("POST", &path, &[("content-type", "text/html")], old);
    assert_refused("content type", &html, 415, "json");
    assert_refused(
        "no violation",
        &collector.send("POST", &path, &[], b"{}"),
        400,
        "csp-report",
    );
    let nel = collector.send(
        "POST",
        &format!("/api/42/nel/?sentry_key={KEY}"),
        &[],
        b"[]",
    );
    assert_eq!(nel.status, 200);
}

#[test]
fn plain_json_events_stand_each_alone() {
    let collector = Collector::start();
    let bearer = format!("Bearer {KEY}");
    let send = |body: &str| {
        collector.send(
            "POST",
            "/api/v1/events",
            &[("authorization", &bearer)],
            body.as_bytes(),
        )
    };
    let deep = format!(
        "{{\"extra\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let reply = send(&format!(
        "[{{\"event_id\":\"{ID}\",\"message\":\"one\"}}, 7, {{\"message\":\"two\"}}, {deep}, {{\"message\":}}]"
    ));
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_open_to_browsers("batch", &reply);
    let body = reply.json();
    assert_eq!(body["accepted"], 2);
    assert_eq!(body["ids"][0], ID);
    let rejected: Vec<u64> = body["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["index"].as_u64().unwrap())
        .collect();
    assert_eq!(rejected, [1, 3, 4]);
    assert!(
        body["rejected"][1]["reason"]
            .as_str()
            .unwrap()
            .contains("nested")
    );
    assert_eq!(collector.event(ID)["event"]["logentry"]["formatted"], "one");
    let second = body["ids"][1].as_str().unwrap();
    assert_eq!(
        collector.event(second)["event"]["logentry"]["formatted"],
        "two"
    );

    let lines = send("{\"message\":\"a\"}\n\n{\"message\":\"b\"}\n").json();
    assert_eq!(
        (
            lines["accepted"].as_u64(),
            lines["rejected"].as_array().unwrap().len()
        ),
        (Some(2), 0)
    );
    assert_eq!(
        send("{\n  \"message\": \"pretty\"\n}").json()["accepted"],
        1
    );
    assert_eq!(send("[]").json()["accepted"], 0);
    assert_refused("all bad", &send("[1,2]"), 400, "event 0");
    assert_refused("empty", &send(""), 400, "empty");
    assert_refused("open array", &send("[{}"), 400, "not closed");
    let query = collector.send(
        "POST",
        &format!("/api/v1/events?sentry_key={KEY}"),
        &[],
        b"{}",
    );
    assert_eq!(query.status, 200);
    assert_refused(
        "no key",
        &collector.send("POST", "/api/v1/events", &[], b"{}"),
        401,
        "Bearer",
    );
    let token = format!("Bearer {}", collector.token);
    let wrong = collector.send(
        "POST",
        "/api/v1/events",
        &[("authorization", &token)],
        b"{}",
    );
    assert_refused("an API token is no public key", &wrong, 403, "no project");
}

/// Point 21, as far as there are limits.
#[test]
fn preflights_and_announcements_are_as_browsers_need_them() {
    let collector = Collector::start();
    for path in [
        "/api/42/envelope/",
        "/api/42/store/",
        "/api/42/security/",
        "/api/v1/events",
        "/sub/api/9/envelope",
    ] {
        let reply = collector.send("OPTIONS", path, &[("origin", "http://x")], b"");
        assert_eq!(reply.status, 200, "{path}");
        assert_open_to_browsers(path, &reply);
        assert!(
            reply
                .header("access-control-allow-methods")
                .unwrap()
                .contains("POST")
        );
        let headers = reply.header("access-control-allow-headers").unwrap();
        for name in [
            "x-sentry-auth",
            "content-type",
            "content-encoding",
            "sentry-trace",
            "baggage",
            "traceparent",
        ] {
            assert!(headers.contains(name), "{path}: {name}");
        }
        assert_eq!(reply.header("access-control-max-age"), Some("3600"));
    }
    let mixed = "{}\n{\"type\":\"transaction\"}\n{\"spans\":[{},{},{}]}\n{\"type\":\"event\"}\n{\"message\":\"kept\"}";
    let reply = collector.post_envelope(mixed.as_bytes());
    assert_eq!(reply.status, 200);
    let limits = reply.header("x-sentry-rate-limits").unwrap();
    assert!(
        limits.starts_with("3600:transaction;span;")
            && limits.ends_with(":organization:unsupported"),
        "{limits}"
    );
    assert!(
        !limits.contains(' ') && !limits.contains("error") && !limits.contains("session"),
        "{limits}"
    );
    let plain = collector.post_envelope(&envelope(ID, "{}"));
    assert_eq!(
        plain.header("x-sentry-rate-limits"),
        None,
        "an ordinary answer announces nothing"
    );
}

/// Points 20 to 25 as far as they count: every dropped item is in the account.
#[test]
fn what_is_not_taken_is_counted() {
    let collector = Collector::start();
    let body = concat!(
        "{}\n",
        "{\"type\":\"session\"}\n{}\n",
        "{\"type\":\"sessions\"}\n{\"aggregates\":[{\"exited\":3,\"errored\":1},{\"crashed\":2}]}\n",
        "{\"type\":\"log\",\"item_count\":4}\n{\"items\":[]}\n",
        "{\"type\":\"check_in\"}\n{}\n",
        "{\"type\":\"user_report\"}\n{\"name\":null}\n",
        "{\"type\":\"replay_event\"}\n{}\n{\"type\":\"replay_recording\"}\n{}\n",
        "{\"type\":\"weather\"}\n{}\n",
        "{\"type\":\"client_report\"}\n",
        "{\"discarded_events\":[{\"reason\":\"before_send\",\"category\":\"error\",\"quantity\":40},",
        "{\"reason\":\"Odd Reason!\",\"category\":\"\",\"quantity\":2},{\"reason\":\"x\",\"quantity\":0}]}\n",
    );
    assert_eq!(collector.post_envelope(body.as_bytes()).status, 200);
    let expected = [
        ("session", "unsupported", 7),
        ("log_item", "unsupported", 4),
        ("monitor", "unsupported", 1),
        ("feedback", "unsupported", 1),
        ("replay", "unsupported", 1),
        ("default", "unknown_item_type", 1),
        ("error", "before_send", 40),
        ("unknown", "oddreason", 2),
    ];
    // The account goes to the store about once a second.
    let lines = common::wait_until("the account to be written", || {
        let stats = collector.get("/api/v1/stats").json();
        let lines = stats["discarded"].as_array().unwrap().clone();
        (!lines.is_empty()).then_some(lines)
    });
    for (category, reason, quantity) in expected {
        assert!(
            lines.iter().any(|line| {
                line["category"] == category
                    && line["reason"] == reason
                    && line["quantity"] == quantity
            }),
            "{category}/{reason}/{quantity} is missing in {lines:?}"
        );
    }
}

#[test]
fn attachments_travel_with_their_event() {
    let collector = Collector::start();
    let data = b"\x00\x01\x02\n\r\xff\n\n";
    let mut body = format!(
        "{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"attachment\",\"length\":{},\"filename\":\"blob.bin\",\"content_type\":\"application/x-blob\"}}\n",
        data.len()
    )
    .into_bytes();
    body.extend_from_slice(data);
    body.extend_from_slice(b"\n{\"type\":\"event\"}\n{\"message\":\"with a file\"}\n");
    body.extend_from_slice(
        format!("{{\"type\":\"attachment\",\"length\":{}}}\n", 2 << 20).as_bytes(),
    );
    body.resize(body.len() + (2 << 20), b'x');
    assert_taken("attachment", &collector.post_envelope(&body), ID);
    let event = collector.event(ID);
    let files = event["attachments"].as_array().unwrap();
    assert_eq!(
        files.len(),
        1,
        "the one beyond the limit is counted, not kept"
    );
    assert_eq!(files[0]["filename"], "blob.bin");
    assert_eq!(files[0]["content_type"], "application/x-blob");
    assert_eq!(files[0]["size"], data.len());
    let path = format!(
        "/api/v1/events/{ID}/attachments/{}?project={PROJECT}",
        files[0]["id"]
    );
    assert_eq!(collector.get(&path).body, data);
}

/// What is refused after its sender was recognised is in that project's account; what strangers send is not.
#[test]
fn refused_requests_are_counted_for_their_project() {
    let collector = Collector::start();
    let path = format!("/api/42/envelope/?sentry_key={KEY}");
    let encodings = ["compress", "gzip"];
    for encoding in encodings {
        collector.send("POST", &path, &[("content-encoding", encoding)], b"{}");
    }
    collector.post_envelope(b"");
    collector.post_envelope(b"{}\n{\"type\":\"event\"}\n{");
    collector.send("POST", "/api/42/envelope/?sentry_key=0", &[], b"");
    let expected = [
        "content_encoding",
        "empty_body",
        "invalid_compression",
        "invalid_json",
    ];
    let mut found = common::wait_until("the account to be written", || {
        let stats = collector.get("/api/v1/stats").json();
        let lines = stats["discarded"].as_array().unwrap();
        let found: Vec<_> = lines
            .iter()
            .map(|line| {
                (
                    line["reason"].as_str().unwrap().to_owned(),
                    line["quantity"].as_u64(),
                )
            })
            .collect();
        (found.len() >= expected.len()).then_some(found)
    });
    found.sort();
    assert_eq!(
        found,
        expected.map(|reason| (reason.to_owned(), Some(1))),
        "each once"
    );
}
