use super::*;
use faultwire_protocol::envelope;

fn engine(options: &str) -> Engine {
    let dsn = r#""dsn":"https://0123456789abcdef0123456789abcdef@errors.example/1""#;
    let text = format!(
        "{{{dsn}{}{options}}}",
        if options.is_empty() { "" } else { "," }
    );
    let (options, warnings) = Options::from_json(&text, &|_| None);
    assert_eq!(warnings, []);
    let sdk = SdkInfo {
        name: "faultwire.test".into(),
        version: "1.2.3".into(),
        platform: "node".into(),
    };
    Engine::new(options, sdk).0
}

fn capture(engine: &Engine, event: &str) -> Capture {
    Capture {
        event_json: event.to_owned(),
        scope: engine.scope(),
        id: EventId::from_random([3; 16]),
        now: Now {
            mono: Millis(5),
            wall: Millis(1_762_071_330_120),
        },
        fatal: false,
    }
}

/// The event inside a ready envelope.
fn sent(outcome: &Outcome) -> String {
    let Outcome::Ready(ready) = outcome else {
        panic!("dropped: {outcome:?}")
    };
    let read = envelope::parse(&ready.payload).expect("an envelope");
    assert_eq!(read.event_id(), Some(ready.id));
    assert_eq!(read.items.len(), 1);
    String::from_utf8(read.items[0].payload.to_vec()).expect("UTF-8")
}

#[test]
fn event_travels_with_scope_defaults_and_frames() {
    let engine = engine(r#""release":"shop@1","serverName":"web-1","inAppInclude":["/srv/"]"#);
    let mut capture = capture(
        &engine,
        r#"{"exception":{"values":[{"type":"E","value":"v","stack":"E: v\n    at f (/srv/a.js:1:2)"}]},"tags":{"a":"1"},"odd":[1]}"#,
    );
    capture.scope.set("tag", "b", r#""2""#).expect("valid");
    capture.scope.breadcrumb(crate::breadcrumbs::Crumb::new(
        1000.0, "log", "info", "hello", None,
    ));
    let outcome = engine.capture(&capture, &mut NoSources);
    let event = sent(&outcome);
    let event = json::parse(&event).expect("JSON");
    let at = |path: &[&str]| event.path(path).map(Value::to_string).unwrap_or_default();
    assert_eq!(at(&["event_id"]), format!("\"{}\"", capture.id));
    assert_eq!(at(&["timestamp"]), "1762071330.12");
    assert_eq!(at(&["release"]), r#""shop@1""#);
    assert_eq!(at(&["environment"]), r#""production""#);
    assert_eq!(at(&["server_name"]), r#""web-1""#);
    assert_eq!(at(&["platform"]), r#""node""#);
    assert_eq!(
        at(&["sdk"]),
        r#"{"name":"faultwire.test","version":"1.2.3"}"#
    );
    assert_eq!(at(&["tags"]), r#"{"a":"1","b":"2"}"#);
    assert_eq!(
        at(&["breadcrumbs"]),
        r#"{"values":[{"timestamp":1,"category":"log","level":"info","message":"hello"}]}"#
    );
    assert_eq!(at(&["odd"]), "[1]");
    let frame = r#"{"function":"f","filename":"/srv/a.js","abs_path":"/srv/a.js","lineno":1,"colno":2,"in_app":true}"#;
    assert_eq!(
        at(&["exception"]),
        format!(r#"{{"values":[{{"type":"E","value":"v","stacktrace":{{"frames":[{frame}]}}}}]}}"#)
    );
    let Outcome::Ready(ready) = outcome else {
        unreachable!()
    };
    assert_eq!(
        (ready.priority, &*ready.category, ready.captured),
        (Priority::Error, "error", Millis(1_762_071_330_120))
    );
}

#[test]
fn what_the_event_says_wins_over_the_client() {
    let engine = engine(r#""release":"shop@1""#);
    let event = sent(&engine.capture(
        &capture(&engine, r#"{"release":"own","environment":"lab","platform":"python","timestamp":7,"event_id":"other"}"#),
        &mut NoSources,
    ));
    for own in [
        r#""release":"own""#,
        r#""environment":"lab""#,
        r#""platform":"python""#,
        r#""timestamp":7"#,
    ] {
        assert!(event.contains(own), "{own} in {event}");
    }
    assert!(!event.contains("other"), "the client gives the id: {event}");
}

#[test]
fn secrets_are_gone_before_the_queue_wherever_they_came_from() {
    let engine = engine(r#""scrubKeys":["loyaltyCard"]"#);
    let mut capture = capture(
        &engine,
        r#"{"extra":{"password":"planted-secret","loyaltyCard":"planted-secret"}}"#,
    );
    capture
        .scope
        .set("context", "login", r#"{"password":"planted-secret"}"#)
        .expect("valid");
    let data = Some(r#"{"password":"planted-secret"}"#);
    capture
        .scope
        .breadcrumb(crate::breadcrumbs::Crumb::new(1000.0, "http", "", "", data));
    let Outcome::Ready(ready) = engine.capture(&capture, &mut NoSources) else {
        panic!("dropped")
    };
    assert!(!String::from_utf8_lossy(&ready.payload).contains("planted-secret"));
    // A hook sees the whole event, and what it leaves or adds is scrubbed after it.
    let prepared = engine.prepare(&capture).expect("not ignored");
    assert!(prepared.contains("planted-secret"));
    let Outcome::Ready(ready) =
        engine.submit(&prepared, capture.id, false, capture.now, &mut NoSources)
    else {
        panic!("dropped")
    };
    assert!(!String::from_utf8_lossy(&ready.payload).contains("planted-secret"));
}

#[test]
fn hook_has_the_last_word_and_keeps_the_id() {
    let engine = engine(r#""release":"shop@1","serverName":"web-1""#);
    let capture = capture(&engine, r#"{"message":"m"}"#);
    let prepared = engine.prepare(&capture).expect("not ignored");
    let hooked = prepared
        .replace(r#""server_name":"web-1","#, "")
        .replace("shop@1", "hooked@2");
    let outcome = engine.submit(
        &hooked,
        EventId::from_random([9; 16]),
        false,
        capture.now,
        &mut NoSources,
    );
    let event = sent(&outcome);
    assert!(
        event.contains("hooked@2") && !event.contains("web-1"),
        "{event}"
    );
    let Outcome::Ready(ready) = outcome else {
        unreachable!()
    };
    assert_eq!(ready.id, capture.id);
    let Outcome::Ready(bare) = engine.submit(
        "{}",
        EventId::from_random([9; 16]),
        false,
        capture.now,
        &mut NoSources,
    ) else {
        panic!("dropped")
    };
    assert_eq!(bare.id, EventId::from_random([9; 16]));
    assert!(String::from_utf8_lossy(&bare.payload).contains(r#""platform":"node""#));
}

#[test]
fn each_early_end_has_its_reason() {
    let engine = engine(r#""ignoreErrors":["boring"],"sampleRate":0"#);
    let id = EventId::from_random([1; 16]);
    assert_eq!(engine.admit(id), Admission::Lost(Loss::SampleRate));
    let ignored = capture(&engine, r#"{"message":"a boring thing"}"#);
    assert_eq!(
        engine.capture(&ignored, &mut NoSources),
        Outcome::Dropped(Loss::EventProcessor)
    );
    assert_eq!(engine.prepare(&ignored), Err(Loss::EventProcessor));
    for broken in ["", "[]", "{", "null", "\"text\""] {
        assert_eq!(
            engine.capture(&capture(&engine, broken), &mut NoSources),
            Outcome::Dropped(Loss::Invalid),
            "{broken}"
        );
        assert_eq!(
            engine.submit(broken, id, false, ignored.now, &mut NoSources),
            Outcome::Dropped(Loss::Invalid)
        );
    }
    assert_eq!(
        engine.submit("{}", id, false, ignored.now, &mut NoSources),
        Outcome::Dropped(Loss::SampleRate)
    );
    let (options, _) = Options::from_json("{}", &|_| None);
    let sdk = SdkInfo {
        name: String::new(),
        version: String::new(),
        platform: String::new(),
    };
    assert_eq!(Engine::new(options, sdk).0.admit(id), Admission::Disabled);
}

#[test]
fn sampling_keeps_its_share_and_decides_alike_everywhere() {
    let engine = engine(r#""sampleRate":0.25"#);
    let mut kept = 0;
    let mut state = 1u64;
    for _ in 0..20_000 {
        let mut bytes = [0; 16];
        for byte in &mut bytes {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
        let id = EventId::from_random(bytes);
        let accepted = engine.admit(id) == Admission::Accepted;
        kept += u32::from(accepted);
        if kept < 50 {
            let now = Now::default();
            let submitted = engine.submit("{}", id, false, now, &mut NoSources);
            assert_eq!(accepted, submitted != Outcome::Dropped(Loss::SampleRate));
        }
    }
    assert!((4700..5300).contains(&kept), "{kept} of 20000 at 0.25");
    let all = self::engine("");
    assert_eq!(
        all.admit(EventId::from_random([0xff; 16])),
        Admission::Accepted
    );
}

#[test]
fn priority_follows_level_exception_and_fatality() {
    let engine = engine("");
    let rank = |event: &str, fatal: bool| {
        let capture = Capture {
            fatal,
            ..capture(&engine, event)
        };
        let Outcome::Ready(ready) = engine.capture(&capture, &mut NoSources) else {
            panic!("dropped")
        };
        (
            ready.priority,
            String::from_utf8_lossy(&ready.payload).contains(r#""level":"fatal""#),
        )
    };
    assert_eq!(
        rank(r#"{"message":"m","level":"info"}"#, false),
        (Priority::Low, false)
    );
    assert_eq!(rank(r#"{"message":"m"}"#, false), (Priority::Low, false));
    assert_eq!(
        rank(r#"{"message":"m","level":"error"}"#, false),
        (Priority::Error, false)
    );
    assert_eq!(
        rank(r#"{"exception":[{"type":"E"}],"level":"warning"}"#, false),
        (Priority::Error, false)
    );
    assert_eq!(
        rank(r#"{"message":"m","level":"fatal"}"#, false),
        (Priority::Fatal, true)
    );
    assert_eq!(
        rank(r#"{"exception":[{"type":"E"}]}"#, true),
        (Priority::Fatal, true)
    );
    // Durable at once, but the app survives: the host says so by the level.
    assert_eq!(
        rank(r#"{"exception":[{"type":"E"}],"level":"error"}"#, true),
        (Priority::Fatal, false)
    );
    let mut quiet = capture(&engine, "{}");
    quiet.fatal = true;
    quiet.scope.set("level", "", r#""info""#).expect("valid");
    assert!(sent(&engine.capture(&quiet, &mut NoSources)).contains(r#""level":"fatal""#));
}

#[test]
fn huge_event_is_cut_and_never_dropped() {
    let engine = engine(r#""maxValueLength":1000"#);
    let extra: Vec<String> = (0..400)
        .map(|i| format!(r#""k{i}":"{}""#, "x".repeat(5_000)))
        .collect();
    let text = format!(
        r#"{{"exception":[{{"type":"E","value":"{}"}}],"extra":{{{}}}}}"#,
        "v".repeat(50_000),
        extra.join(",")
    );
    let event = sent(&engine.capture(&capture(&engine, &text), &mut NoSources));
    assert!(event.len() <= pipeline::MAX_EVENT_BYTES, "{}", event.len());
    let event = json::parse(&event).expect("JSON");
    let value = event
        .get("exception")
        .and_then(|list| list.as_array()?.first()?.get("value")?.as_str());
    assert!(value.is_some_and(|value| value.len() <= 1000 && value.starts_with("vvv")));
}

#[test]
fn nesting_beyond_any_parser_costs_only_what_is_nested() {
    let engine = engine("");
    let list = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = capture(
        &engine,
        &format!(r#"{{"message":"kept","extra":{{"list":{list}}},"level":"error"}}"#),
    );
    for event in [
        sent(&engine.capture(&deep, &mut NoSources)),
        sent(&engine.submit(&deep.event_json, deep.id, false, deep.now, &mut NoSources)),
    ] {
        assert!(
            event.contains("kept")
                && event.contains(r#""level":"error""#)
                && event.contains("[too deep]")
        );
        assert!(json::parse(&event).is_ok());
    }
    // Two halves that are fine alone and too deep together.
    let half = format!("{}{}", "[".repeat(120), "]".repeat(120));
    let mut capture = capture(&engine, "{}");
    capture.scope.set("extra", "half", &half).expect("valid");
    let event = sent(&engine.capture(&capture, &mut NoSources));
    let depth = event.bytes().filter(|byte| *byte == b'[').count();
    assert!(
        (90..=depth::MAX_EVENT_DEPTH + 1).contains(&depth),
        "{depth}"
    );
}

#[test]
fn deep_recursion_sends_both_ends_of_the_stack() {
    let engine = engine("");
    let frames: String = (1..=5000)
        .map(|line| format!(r"\n    at f{line} (/srv/a.js:{line}:1)"))
        .collect();
    let text = format!(
        r#"{{"exception":[{{"type":"RangeError","value":"v","stack":"RangeError: v{frames}"}}]}}"#
    );
    let event = sent(&engine.capture(&capture(&engine, &text), &mut NoSources));
    assert_eq!(event.matches("\"lineno\"").count(), 250);
    assert!(event.contains("\"f1\"") && event.contains("\"f200\"") && event.contains("\"f5000\""));
    assert!(!event.contains("\"f201\"") && !event.contains("\"f4950\""));
}

#[test]
fn entry_and_meta_agree() {
    let engine = engine("");
    let Outcome::Ready(ready) = engine.capture(&capture(&engine, "{}"), &mut NoSources) else {
        panic!("dropped")
    };
    let entry = ready.entry(7, 99);
    let meta = EntryMeta::decode(&ready.meta().encode()).expect("reads back");
    assert_eq!(
        (entry.event_id, entry.priority, &entry.category),
        (meta.event_id, meta.priority, &meta.category)
    );
    assert_eq!(
        (entry.key, entry.bytes, meta.captured),
        (7, 99, ready.captured)
    );
}
