//! The functions behind the vectors, each from JSON to JSON.

use faultwire_protocol::event::{Event, normalize};
use faultwire_protocol::json::{self, Object, Value, array, object};
use faultwire_protocol::rate_limit::{self, Limit, RateLimits, ReplyHeaders};
use faultwire_protocol::reply::{Verdict, verdict};
use faultwire_protocol::scrub::{ScrubOptions, Scrubber};
use faultwire_protocol::time::{self, Millis, Now};
use faultwire_protocol::{auth, dsn::Dsn, envelope, fingerprint, id::EventId, stack, trim};

type Function = fn(&Value<'_>) -> Value<'static>;

pub const ALL: [(&str, Function); 15] = [
    ("auth", auth_),
    ("dsn", dsn),
    ("envelope", envelope_),
    ("fingerprint", fingerprint_),
    ("id", id),
    ("json", json_),
    ("normalize", normalize_),
    ("rate_limit", rate_limit_),
    ("reply", reply),
    ("scrub", scrub),
    ("stack", stack_),
    ("time", time_),
    ("title", title),
    ("trim", trim_),
    ("view", view),
];

fn error(text: impl ToString) -> Value<'static> {
    object([("error", text.to_string())])
}

fn auth_(input: &Value<'_>) -> Value<'static> {
    let part = |name| input.get(name).and_then(Value::as_str);
    match auth::from_parts(part("x_sentry_auth"), part("authorization"), part("query")) {
        Ok(None) => Value::Null,
        Ok(Some(auth)) => object([
            ("key", Value::from(auth.key)),
            ("version", u64::from(auth.version).into()),
            ("client", auth.client.into()),
        ]),
        Err(reason) => error(reason),
    }
}

fn dsn(input: &Value<'_>) -> Value<'static> {
    match Dsn::parse(input.as_str().unwrap_or_default()) {
        Ok(dsn) => object([
            ("dsn", dsn.to_string()),
            ("endpoint", dsn.endpoint("envelope")),
            ("auth", auth::header(&dsn, "faultwire.test/1.0")),
        ]),
        Err(reason) => object([
            ("part", reason.part().to_owned()),
            ("error", reason.to_string()),
        ]),
    }
}

fn envelope_(input: &Value<'_>) -> Value<'static> {
    let envelope = match envelope::parse(input.as_str().unwrap_or_default().as_bytes()) {
        Ok(envelope) => envelope,
        Err(reason) => return error(reason),
    };
    let items = envelope.items.iter().map(|item| {
        object([
            ("kind", Value::from(item.kind.clone().into_owned())),
            ("header", item.header.clone().into_owned()),
            ("payload", json::decode(item.payload).into_owned().into()),
        ])
    });
    let skipped = envelope
        .skipped
        .iter()
        .map(|skipped| format!("{}: {}", skipped.index, skipped.reason));
    object([
        (
            "event_id",
            Value::from(envelope.event_id().map(|id| id.to_string())),
        ),
        ("dsn", envelope.dsn().map(|dsn| dsn.to_string()).into()),
        ("sent_at", envelope.sent_at().into()),
        ("items", array(items)),
        ("skipped", array(skipped)),
    ])
}

fn fingerprint_(input: &Value<'_>) -> Value<'static> {
    let print = fingerprint::v1::compute(input);
    object([
        ("hash", Value::from(print.hash)),
        ("parts", array(print.parts)),
    ])
}

fn id(input: &Value<'_>) -> Value<'static> {
    EventId::parse(input.as_str().unwrap_or_default())
        .map(|id| id.to_string())
        .into()
}

/// What the accessors read from an event, raw and normalized alike.
fn view(input: &Value<'_>) -> Value<'static> {
    let read = |event: &Value<'_>| {
        let event = Event::new(event);
        object([
            ("kind", Value::from(event.kind())),
            ("level", event.level().as_str().into()),
            ("message", event.message().map(str::to_owned).into()),
            ("user", event.user_ident().into()),
            (
                "tags",
                array(event.tags().map(|(key, value)| format!("{key}={value}"))),
            ),
            (
                "types",
                array(
                    event
                        .exceptions()
                        .map(|exception| exception.type_().unwrap_or("?").to_owned()),
                ),
            ),
            (
                "handled",
                event
                    .main_exception()
                    .and_then(|exception| exception.handled())
                    .into(),
            ),
            ("breadcrumbs", event.breadcrumbs().count().into()),
        ])
        .into_owned()
    };
    let mut normalized = input.clone().into_owned();
    normalize(&mut normalized, RECEIVED);
    let (raw, normalized) = (read(input), read(&normalized));
    if raw == normalized {
        raw
    } else {
        object([("raw", raw), ("normalized", normalized)])
    }
}

fn json_(input: &Value<'_>) -> Value<'static> {
    match json::parse(input.as_str().unwrap_or_default()) {
        Ok(value) => Value::from(value.to_string()),
        Err(reason) => error(reason),
    }
}

const RECEIVED: Millis = Millis(1_763_769_600_000);

fn normalize_(input: &Value<'_>) -> Value<'static> {
    let mut event = input.clone().into_owned();
    normalize(&mut event, RECEIVED);
    let once = event.clone();
    normalize(&mut event, RECEIVED);
    assert_eq!(once, event, "normalizing twice changes nothing more");
    event
}

fn rate_limit_(input: &Value<'_>) -> Value<'static> {
    if let Some(limits) = input.get("write").and_then(Value::as_array) {
        let limits: Vec<Limit> = limits.iter().map(limit).collect();
        return rate_limit::header(&limits).into();
    }
    let mut limits = RateLimits::default();
    let mut now = Now {
        mono: Millis(1000),
        wall: RECEIVED,
    };
    let mut unreadable = 0;
    for reply in input
        .get("replies")
        .and_then(Value::as_array)
        .unwrap_or_default()
    {
        let header = |name| reply.get(name).and_then(Value::as_str);
        let headers = ReplyHeaders {
            rate_limits: header("limits"),
            retry_after: header("retry_after"),
        };
        let status = reply.get("status").and_then(Value::as_u64).unwrap_or(200) as u16;
        unreadable += limits.update(headers, status, now);
    }
    now.mono = now
        .mono
        .plus(input.get("later").and_then(Value::as_u64).unwrap_or(0));
    let mut until: Object<'static> = ["error", "session", "attachment", "unheard-of"]
        .into_iter()
        .map(|category| {
            (
                category,
                limits.limited(category, now).map(|millis| millis.0),
            )
        })
        .collect();
    until.insert("unreadable", unreadable);
    until.into()
}

fn limit(value: &Value<'_>) -> Limit {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let categories = value
        .get("categories")
        .and_then(Value::as_array)
        .unwrap_or_default();
    Limit {
        seconds: value.get("seconds").and_then(Value::as_u64).unwrap_or(0),
        categories: categories
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        scope: text("scope").unwrap_or_default(),
        reason: text("reason"),
    }
}

fn reply(input: &Value<'_>) -> Value<'static> {
    match verdict(input.as_u64().map(|status| status as u16)) {
        Verdict::Delivered => "delivered".into(),
        Verdict::RateLimited => "rate_limited".into(),
        Verdict::Retry => "retry".into(),
        Verdict::Discard(reason) => format!("discard: {reason}").into(),
    }
}

fn scrub(input: &Value<'_>) -> Value<'static> {
    let keys = |name| {
        let list = input
            .get(name)
            .and_then(Value::as_array)
            .unwrap_or_default();
        list.iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let scrubber = Scrubber::new(ScrubOptions {
        send_default_pii: input.get("pii").and_then(Value::as_bool) == Some(true),
        extra_keys: keys("extra_keys"),
        safe_keys: keys("safe_keys"),
    });
    if let Some(text) = input.get("text").and_then(Value::as_str) {
        return scrubber.scrub_text(text).into_owned().into();
    }
    let mut event = input.get("event").cloned().unwrap_or_default().into_owned();
    scrubber.scrub(&mut event);
    let once = event.clone();
    assert_eq!(
        scrubber.scrub(&mut event),
        0,
        "a second run finds nothing in {once}"
    );
    assert_eq!(once, event, "a second run changes nothing");
    event
}

fn stack_(input: &Value<'_>) -> Value<'static> {
    let frames = match (input.as_str(), input.get("raw").and_then(Value::as_str)) {
        (Some(raw), _) => stack::parse(raw),
        (_, Some(raw)) => stack::parse_after_message(
            raw,
            input.get("message").and_then(Value::as_str).unwrap_or(""),
        ),
        _ => Vec::new(),
    };
    array(
        frames
            .into_iter()
            .map(|frame| frame.into_value().into_owned()),
    )
}

fn time_(input: &Value<'_>) -> Value<'static> {
    if let Some(millis) = input.get("rfc3339").and_then(Value::as_u64) {
        return time::rfc3339(Millis(millis)).into();
    }
    if let Some(date) = input.get("http_date").and_then(Value::as_str) {
        return time::parse_http_date(date).map(|millis| millis.0).into();
    }
    input.get("parse").and_then(time::parse).into()
}

fn title(input: &Value<'_>) -> Value<'static> {
    let event = Event::new(input);
    object([("title", event.title()), ("culprit", event.culprit())])
}

fn trim_(input: &Value<'_>) -> Value<'static> {
    let mut event = input.get("event").cloned().unwrap_or_default().into_owned();
    let max = input
        .get("max_bytes")
        .and_then(Value::as_u64)
        .unwrap_or(u64::MAX) as usize;
    trim::trim(&mut event, max);
    event
}
