//! The coercions that make foreign events regular. Source: protocol §3.
//!
//! No event is refused. A value of the wrong kind becomes `null` and leaves an `err` remark in `_meta`; attributes nobody
//! knows stay as they are. Deviations from the reference server, all towards keeping more: an exception without type and
//! value stays if it has a stack, a text in place of the exceptions becomes one, bools and numbers are read from texts too, and `rust`, `dart` and other unknown
//! platforms keep their names.

mod coerce;
mod details;
mod exception;
mod request;

use super::view::Level;
use crate::id::EventId;
use crate::json::{Object, Value, object};
use crate::time::{self, Millis};
use coerce::Coerce;

/// Brings an event into canonical form, whichever SDK made it. Idempotent.
///
/// Afterwards: `exception`, `threads` and `breadcrumbs` are `{"values":[...]}` or absent; `tags` and the request's
/// `headers`, `cookies` and `query_string` are lists of `[key, value]`; times are numbers; `level` exists; aliases of
/// attributes are gone; a stack keeps its first 50 and last 200 frames. `received` stands in for a missing or unreadable
/// time. Anything but an object becomes an empty event.
pub fn normalize(event: &mut Value<'_>, received: Millis) {
    let mut coerce = Coerce::default();
    let root = event.make_object();
    rename_aliases(root);
    identity(root, received, &mut coerce);
    details::message(root, &mut coerce);
    details::tags(root, &mut coerce);
    names(root, &mut coerce);
    exception::all_stacks(root, &mut coerce);
    details::breadcrumbs(root, &mut coerce);
    details::user(root, &mut coerce);
    request::request(root, &mut coerce);
    details::contexts(root, &mut coerce);
    details::fingerprint(root, &mut coerce);
    details::sdk(root, &mut coerce);
    for key in ["extra", "modules", "debug_meta", "csp", "template"] {
        coerce.object(root, key);
    }
    if root
        .get("_meta")
        .is_some_and(|meta| meta.as_object().is_none())
    {
        root.remove("_meta");
    }
    coerce.record(event);
}

/// Old clients name interfaces by class path.
fn rename_aliases(event: &mut Object<'_>) {
    for (alias, name) in ALIASES {
        if let Some(value) = event.remove(alias)
            && event.get(name).is_none_or(Value::is_null)
        {
            event.insert(name, value);
        }
    }
}

fn identity<'a>(event: &mut Object<'a>, received: Millis, coerce: &mut Coerce<'a>) {
    coerce.convert(event, "event_id", "expected an event id", |value| {
        EventId::parse(value.as_str()?).map(|id| Value::from(id.to_string()))
    });
    coerce.convert(event, "timestamp", "expected a timestamp", timestamp);
    coerce.convert(event, "start_timestamp", "expected a timestamp", timestamp);
    if event.get("timestamp").is_none_or(Value::is_null) {
        event.insert("timestamp", received.as_seconds());
    }
    coerce.convert(event, "level", "expected a level", |value| {
        Level::parse(value).map(|level| Value::from(level.as_str()))
    });
    if event.get("level").is_none_or(Value::is_null) {
        let transaction = event.str("type") == Some("transaction");
        event.insert("level", if transaction { "info" } else { "error" });
    }
}

/// Texts at the top of the event, which several SDKs send as numbers.
fn names<'a>(event: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    if let Some(site) = event.remove("site")
        && let Some(text) = coerce::lenient_text(&site)
    {
        details::add_tag(event, "site", text.into_owned());
    }
    for (key, max_chars) in NAMES {
        coerce.text(event, key, max_chars);
    }
    coerce.check(event, "release", "invalid release", |release| {
        !matches!(release.trim(), "" | "." | ".." | "latest")
            && !release.contains(['\n', '\r', '\t', '/', '\\'])
    });
    coerce.check(event, "environment", "invalid environment", |environment| {
        environment != "none"
            && !environment.trim().is_empty()
            && !environment.contains(['\n', '\r', '/'])
    });
    coerce.check(event, "dist", "invalid dist", |dist| {
        !dist.is_empty()
            && dist
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
    });
    coerce.check(event, "logger", "invalid logger", |logger| {
        !logger.contains('\n')
    });
}

/// A timestamp as number; numbers keep their text.
fn timestamp<'a>(value: &Value<'a>) -> Option<Value<'a>> {
    let seconds = time::parse(value)?;
    Some(match value {
        Value::Number(_) => value.clone(),
        _ => Value::from(seconds),
    })
}

/// Brings a list container into the form `{"values":[...]}`; one without entries is removed. Entries that are no objects
/// become `null`, so that the indexes in `_meta` stay right. Source: protocol §3.1, list container.
fn container<'a>(event: &mut Object<'a>, key: &'static str, coerce: &mut Coerce<'a>) {
    let Some(list) = event.get_mut(key) else {
        return;
    };
    let mut items = match list.take() {
        Value::Array(items) => items,
        Value::Object(mut container) => match container.remove("values") {
            Some(Value::Array(items)) => items,
            Some(Value::Null) => Vec::new(),
            Some(entry @ Value::Object(_)) => vec![entry],
            Some(other) => {
                coerce.invalid(&[key, "values"], "expected a list", other);
                Vec::new()
            }
            None if container.is_empty() => Vec::new(),
            None => vec![Value::Object(container)],
        },
        Value::Null => Vec::new(),
        // A crash report of a hand-made client; the text is all there is.
        text @ Value::String(_) if key == "exception" => vec![object([("value", text)])],
        other => {
            coerce.invalid(&[key], "expected a list", other);
            Vec::new()
        }
    };
    coerce.enter(key);
    coerce.enter("values");
    for (index, item) in items.iter_mut().enumerate() {
        if !matches!(item, Value::Object(_) | Value::Null) {
            coerce.enter_index(index);
            coerce.invalid(&[], "expected an object", item.take());
            coerce.leave();
        }
    }
    coerce.leave();
    coerce.leave();
    if items.iter().all(Value::is_null) {
        event.remove(key);
    } else {
        event.insert(key, object([("values", Value::Array(items))]));
    }
}

const ALIASES: [(&str, &str); 9] = [
    ("sentry.interfaces.Exception", "exception"),
    ("sentry.interfaces.Stacktrace", "stacktrace"),
    ("sentry.interfaces.Threads", "threads"),
    ("sentry.interfaces.Breadcrumbs", "breadcrumbs"),
    ("sentry.interfaces.User", "user"),
    ("sentry.interfaces.Http", "request"),
    ("sentry.interfaces.Contexts", "contexts"),
    ("sentry.interfaces.Template", "template"),
    ("sentry.interfaces.Csp", "csp"),
];

/// Attribute and longest text in characters. Source: protocol §3.2.
const NAMES: [(&str, usize); 10] = [
    ("release", 200),
    ("dist", 64),
    ("environment", 64),
    ("server_name", 256),
    ("logger", 64),
    ("transaction", 200),
    ("culprit", 200),
    ("platform", 64),
    ("checksum", 128),
    ("type", 64),
];
