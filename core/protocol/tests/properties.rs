//! Properties that hold for every input: nothing panics, what is written is read back, doing it twice changes nothing.

use faultwire_protocol::event::{Event, normalize};
use faultwire_protocol::json::{self, Value};
use faultwire_protocol::scrub::{ScrubOptions, Scrubber};
use faultwire_protocol::time::{self, Millis, Now};
use faultwire_protocol::{
    auth, dsn::Dsn, envelope, fingerprint, id::EventId, rate_limit, stack, trim,
};
use proptest::prelude::*;

/// Any JSON text that strict parsers accept.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        ".{0,20}".prop_map(serde_json::Value::from),
    ];
    let tree = leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    tree.prop_map(|tree| tree.to_string())
}

/// Texts made of the pieces that the detectors look for, glued together in any way.
fn secretive() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("password"),
        Just("token"),
        Just("Authorization"),
        Just("api_key"),
        Just("="),
        Just(":"),
        Just(": "),
        Just(" "),
        Just(";"),
        Just("&"),
        Just("\""),
        Just("'"),
        Just("\\\""),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just("--"),
        Just("@"),
        Just("://"),
        Just("https://u:p@x.test/"),
        Just("4111 1111 1111 1111"),
        Just("4111111111111111"),
        Just("DE89370400440532013000"),
        Just("jane@example.com"),
        Just("203.0.113.7"),
        Just("2001:db8::1:2"),
        Just("Bearer "),
        Just("Basic "),
        Just("abc123def456"),
        Just("YTpi"),
        Just("eyJhbGciOi.eyJzdWIi.abc"),
        Just("AKIAIOSFODNN7EXAMPLE"),
        Just("ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
        Just("-----BEGIN PRIVATE KEY-----"),
        Just("-----END PRIVATE KEY-----"),
        Just("[Filtered]"),
        Just("é"),
        Just("\n"),
        Just("."),
        Just("-"),
        Just("_"),
        Just("1"),
        Just("0"),
        Just("x"),
        Just("@tcp("),
        Just("<password>"),
        Just("<"),
        Just(">"),
        Just("<![CDATA["),
        Just("]]>"),
        Just("?"),
        Just("/"),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

fn parsed(text: &str) -> Value<'static> {
    json::parse(text).expect("serde writes json").into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_is_written_and_read_back(text in json_text()) {
        let value = parsed(&text);
        let written = value.to_string();
        prop_assert_eq!(&parsed(&written), &value);
        // And it means the same to a strict parser.
        let ours: serde_json::Value = serde_json::from_str(&written).expect("we write strict json");
        let theirs: serde_json::Value = serde_json::from_str(&text).expect("their own text");
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn json_of_any_bytes_never_panics_and_what_is_read_can_be_written(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(value) = json::parse_bytes(&bytes) {
            let again = value.to_string();
            prop_assert_eq!(json::parse(&again), Ok(value.borrowed()));
        }
    }

    #[test]
    fn json_like_text_never_panics(text in r#"[\[\]{}",:\\u0-9a-fdDN eE+.-]{0,60}"#) {
        if let Ok(value) = json::parse(&text) {
            serde_json::from_str::<serde_json::Value>(&value.to_string()).expect("what is tolerated comes out strict");
        }
    }

    #[test]
    fn envelopes_are_written_and_read_back(items in prop::collection::vec(("[a-z_]{1,12}", prop::collection::vec(any::<u8>(), 0..60)), 0..6)) {
        let mut writer = envelope::Writer::raw("{}");
        for (kind, payload) in &items {
            writer = writer.item(kind, &[("content_type", "x/y")], payload);
        }
        let bytes = writer.finish();
        let envelope = envelope::parse(&bytes).expect("our own envelope");
        prop_assert!(envelope.skipped.is_empty());
        let read: Vec<(String, Vec<u8>)> = envelope.items.iter().map(|item| (item.kind.to_string(), item.payload.to_vec())).collect();
        prop_assert_eq!(read, items);
    }

    #[test]
    fn a_cut_envelope_keeps_its_whole_items(cut in 0usize..200) {
        let bytes = envelope::Writer::raw("{}").item("a", &[], b"first\npayload").item("b", &[], b"second").item("c", &[], b"third").finish();
        let cut = cut.min(bytes.len());
        if let Ok(envelope) = envelope::parse(&bytes[..cut]) {
            let whole: [&[u8]; 3] = [b"first\npayload", b"second", b"third"];
            for (item, payload) in envelope.items.iter().zip(whole) {
                prop_assert_eq!(item.payload, payload);
            }
            prop_assert!(envelope.skipped.len() <= 1);
        }
    }

    #[test]
    fn small_parsers_never_panic(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Dsn::parse(&text);
        let _ = EventId::parse(&text);
        let _ = auth::from_parts(Some(&text), Some(&text), Some(&text));
        let _ = time::parse(&Value::from(text.as_str()));
        let _ = time::parse_http_date(&text);
        let _ = stack::parse(&text);
        let _ = envelope::parse(&bytes);
        let now = Now::default();
        let headers = rate_limit::ReplyHeaders { rate_limits: Some(&text), retry_after: Some(&text) };
        let mut limits = rate_limit::RateLimits::default();
        limits.update(headers, 429, now);
        prop_assert!(limits.limited("error", now).is_none_or(|until| until.0 <= rate_limit::MAX_SECONDS * 1000));
    }

    #[test]
    fn stack_like_text_never_panics(text in r"([ ]{4}at [a-z .<>(:/0-9@)\[\]]{0,30}\n?){0,6}") {
        for frame in stack::parse(&text) {
            prop_assert!(frame.lineno != Some(0));
        }
    }

    #[test]
    fn a_dsn_is_written_and_read_back(key in "[0-9a-f]{32}", host in "[a-z]{1,10}(\\.[a-z]{2,5}){0,2}", port in prop::option::of(1u16..), id in 1u64..) {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let dsn = Dsn::parse(&format!("https://{key}@{host}{port}/{id}")).expect("a regular dsn");
        prop_assert_eq!(Dsn::parse(&dsn.to_string()).expect("our own dsn"), dsn);
    }

    #[test]
    fn times_are_written_and_read_back(millis in 0u64..253_402_300_800_000) {
        let read = time::parse(&Value::from(time::rfc3339(Millis(millis)))).expect("our own time");
        prop_assert!((read * 1000.0 - millis as f64).abs() < 1.0);
    }

    #[test]
    fn scrubbing_is_idempotent(text in secretive()) {
        let scrubber = Scrubber::new(ScrubOptions::default());
        let once = scrubber.scrub_text(&text).into_owned();
        prop_assert_eq!(scrubber.scrub_text(&once), once.as_str());
    }

    #[test]
    fn scrubbing_any_event_is_idempotent(key in secretive(), text in secretive(), tree in json_text()) {
        let mut event = json::object([("message", Value::from(text.clone())), ("extra", json::object([(key.clone(), Value::from(text.clone())), ("t".to_owned(), parsed(&tree))]))]);
        event.make_object().insert("tags", Value::Array(vec![Value::Array(vec![Value::from(key), Value::from(text)])]));
        let scrubber = Scrubber::new(ScrubOptions::default());
        scrubber.scrub(&mut event);
        let once = event.clone();
        prop_assert_eq!(scrubber.scrub(&mut event), 0, "{}", once);
        prop_assert_eq!(once, event);
    }

    #[test]
    fn any_json_can_be_an_event(text in json_text(), key in prop::sample::select(EVENT_KEYS.to_vec())) {
        for tree in [parsed(&text), json::object([(key, parsed(&text))])] {
            let mut event = tree;
            normalize(&mut event, Millis(1_763_769_600_000));
            let once = event.clone();
            normalize(&mut event, Millis(1_763_769_600_000));
            prop_assert_eq!(&once, &event);
            prop_assert!(!Event::new(&event).title().is_empty());
            let _ = (Event::new(&event).culprit(), Event::new(&event).user_ident());
            prop_assert_eq!(fingerprint::v1::compute(&event).hash.len(), 32);
            trim::trim(&mut event, 200);
            Scrubber::new(ScrubOptions::default()).scrub(&mut event);
        }
    }
}

const EVENT_KEYS: [&str; 20] = [
    "exception",
    "threads",
    "breadcrumbs",
    "tags",
    "user",
    "request",
    "contexts",
    "logentry",
    "message",
    "fingerprint",
    "sdk",
    "stacktrace",
    "level",
    "timestamp",
    "release",
    "extra",
    "_meta",
    "csp",
    "debug_meta",
    "event_id",
];

#[test]
fn depth_is_bounded_without_deep_recursion() {
    for open in ["[", "{\"a\":"] {
        let text = open.repeat(1_000_000);
        let error = json::parse(&text).expect_err("far too deep");
        assert_eq!(error.kind, json::ErrorKind::TooDeep);
    }
}

#[test]
fn many_equal_and_many_different_keys_stay_fast() {
    let entries: Vec<String> = (0..200_000)
        .map(|index| format!("\"k{}\":{index}", index % 100_000))
        .collect();
    let value = json::parse(&format!("{{{}}}", entries.join(",")))
        .map(Value::into_owned)
        .expect("json");
    assert_eq!(value.as_object().map(json::Object::len), Some(100_000));
    assert_eq!(
        value.get("k0").and_then(Value::as_u64),
        Some(100_000),
        "the last one wins"
    );
}

#[test]
fn a_hostile_map_of_secrets_is_scrubbed_in_linear_time() {
    let entries: Vec<(String, u64)> = (0..10_000)
        .map(|index| (format!("user{index}@example.com"), index))
        .collect();
    let mut event = json::object([("extra", json::object(entries))]);
    Scrubber::new(ScrubOptions::default()).scrub(&mut event);
    let extra = event
        .get("extra")
        .and_then(Value::as_object)
        .expect("extra stays");
    assert_eq!(extra.len(), 10_000, "no value is lost");
    assert!(extra.iter().all(|(key, _)| key.starts_with("[Filtered]")));
    let keys: std::collections::BTreeSet<&str> = extra.iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), 10_000, "keys stay unique");
}

/// Texts that make careless scanners take the square of their length. A minute of work in a debug build if one does.
#[test]
fn hostile_texts_cost_no_more_than_long_ones() {
    let pieces = [
        "cookie:$",
        "password=\"",
        "token: '",
        "://",
        "a@",
        "@tcp(",
        "x_",
        "-----BEGIN PRIVATE KEY",
        "1:",
        "a,",
        "{",
        "eval at a (",
        "\\\"",
        "Bearer ",
        "a@b.co4111111111111111",
        "secret={",
        "=",
        "--token ",
        "eyJ_",
    ];
    let scrubber = Scrubber::new(ScrubOptions::default());
    for piece in pieces {
        let text = piece.repeat(100_000 / piece.len());
        let scrubbed = scrubber.scrub_text(&text).into_owned();
        assert!(!scrubbed.is_empty(), "{piece}");
        let event = json::object([
            ("message", Value::from(text.as_str())),
            ("tags", Value::from(text.as_str())),
        ]);
        fingerprint::v1::compute(&event);
        stack::parse(&format!("    at {text}"));
        let mut event = event;
        normalize(&mut event, Millis(1));
        scrubber.scrub(&mut event);
        trim::trim(&mut event, 1000);
    }
    let many = |entry: fn(usize) -> String| {
        format!(
            "{{{}}}",
            (0..10_000).map(entry).collect::<Vec<_>>().join(",")
        )
    };
    let odd = many(|index| format!("\"k {index}/\":[]"));
    let body = (0..10_000)
        .map(|index| format!("a{index}=b"))
        .collect::<Vec<_>>()
        .join("&");
    for key in EVENT_KEYS {
        let mut event = json::object([(key, parsed(&odd))]);
        normalize(&mut event, Millis(1));
        scrubber.scrub(&mut event);
    }
    let mut event = json::object([(
        "request",
        json::object([
            ("data", body.as_str()),
            ("query_string", body.as_str()),
            ("cookies", body.as_str()),
        ]),
    )]);
    normalize(&mut event, Millis(1));
    scrubber.scrub(&mut event);
    assert_eq!(
        event
            .path(&["request", "data"])
            .and_then(Value::as_object)
            .map(json::Object::len),
        Some(10_000)
    );
}
