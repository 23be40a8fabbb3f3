//! The small facts of an event that stand beside its payload: tags to count, the user, the issue's lines.

use faultwire_protocol::event::{Event, Exception};
use faultwire_protocol::json::{Object, Value};
use sha2::{Digest, Sha256};

/// Longest value of a counted tag; longer ones (URLs, mostly) would each be their own value anyway.
const MAX_TAG: usize = 200;

/// The event's tags and those derived from its attributes, for the issue's counters. A tag of the event wins over
/// a derived one. Source: protocol section 3.11; `user` is left out, users are counted on their own.
pub(super) fn tags(event: Event<'_>) -> Vec<(String, String)> {
    let mut tags: Vec<(String, String)> = Vec::with_capacity(16);
    let mut add = |key: &str, value: &str| {
        let value = value.trim();
        let fits = !value.is_empty() && value.chars().count() <= MAX_TAG && !value.contains('\n');
        if fits && !tags.iter().any(|(known, _)| known == key) {
            tags.push((key.to_owned(), value.to_owned()));
        }
    };
    for (key, value) in event.tags() {
        add(key, value);
    }
    add("level", event.level().as_str());
    for (key, value) in [
        ("environment", event.environment()),
        ("release", event.release()),
        ("dist", event.dist()),
        ("server_name", event.server_name()),
        ("transaction", event.transaction()),
        ("logger", event.logger()),
    ] {
        add(key, value.unwrap_or_default());
    }
    if let Some(exception) = event.main_exception() {
        if let Some(mechanism) = exception
            .mechanism()
            .and_then(|mechanism| mechanism.str("type"))
        {
            add("mechanism", mechanism);
        }
        if let Some(handled) = exception.handled() {
            add("handled", if handled { "yes" } else { "no" });
        }
    }
    let root = event.tree();
    if let Some(url) = root.path(&["request", "url"]).and_then(Value::as_str) {
        add("url", url);
    }
    for context in ["browser", "os", "runtime"] {
        let Some(object) = root.path(&["contexts", context]).and_then(Value::as_object) else {
            continue;
        };
        let Some(name) = object.str("name") else {
            continue;
        };
        match object.str("version") {
            Some(version) => add(context, &format!("{name} {version}")),
            None => add(context, name),
        }
        add(&format!("{context}.name"), name);
    }
    if let Some(device) = root
        .path(&["contexts", "device"])
        .and_then(Value::as_object)
    {
        for (key, name) in [("model", "device"), ("family", "device.family")] {
            add(name, device.str(key).unwrap_or_default());
        }
    }
    tags
}

/// The user for people: the most telling of what the app said.
pub(super) fn user_label(event: Event<'_>) -> Option<String> {
    let user = event.user()?;
    ["email", "username", "name", "id", "ip_address"]
        .into_iter()
        .find_map(|key| text(user, key))
}

fn text(object: &Object<'_>, key: &str) -> Option<String> {
    let text = match object.get(key)? {
        Value::String(text) => text.trim(),
        Value::Number(number) => number.as_text(),
        _ => return None,
    };
    (!text.is_empty()).then(|| text.chars().take(MAX_TAG).collect())
}

/// Under what the user is counted: a hash of the identity, so that counting keeps no second copy of it.
pub(super) fn user_hash(event: Event<'_>) -> Option<[u8; 16]> {
    let identity = event.user_ident()?;
    let hash: [u8; 32] = Sha256::digest(identity.as_bytes()).into();
    let mut short = [0; 16];
    short.copy_from_slice(&hash[..16]);
    Some(short)
}

/// The issue's type and value lines: of the main exception, else the title alone.
pub(super) fn kind_and_value(event: Event<'_>, title: &str) -> (String, String) {
    let exception = event
        .main_exception()
        .filter(|exception| !exception.synthetic());
    let kind = exception.and_then(Exception::type_);
    let value = exception.and_then(Exception::value).unwrap_or_default();
    let first_line: String = value
        .trim()
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(500)
        .collect();
    match kind {
        Some(kind) => (kind.to_owned(), first_line),
        None => (title.to_owned(), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faultwire_protocol::json;

    #[test]
    fn own_tags_win_over_derived_ones() {
        let event = json::parse(
            r#"{"tags":[["os","BeOS"],["shop","eu"],["empty",""]],"release":"1.2","level":"warning",
                "contexts":{"os":{"name":"Linux","version":"6.1"},"runtime":{"name":"node","version":"v20"}},
                "exception":{"values":[{"type":"E","mechanism":{"type":"onerror","handled":false}}]}}"#,
        )
        .unwrap();
        let tags = tags(Event::new(&event));
        let get = |key: &str| tags.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        for (key, expected) in [
            ("os", Some("BeOS")),
            ("os.name", Some("Linux")),
            ("shop", Some("eu")),
            ("empty", None),
            ("runtime", Some("node v20")),
            ("release", Some("1.2")),
            ("level", Some("warning")),
            ("mechanism", Some("onerror")),
            ("handled", Some("no")),
            ("environment", None),
        ] {
            assert_eq!(get(key), expected, "{key}");
        }
    }

    #[test]
    fn users() {
        let event = json::parse(r#"{"user":{"id":7,"email":"a@example.com"}}"#).unwrap();
        let other = json::parse(r#"{"user":{"id":"7"}}"#).unwrap();
        let (event, other) = (Event::new(&event), Event::new(&other));
        assert_eq!(user_label(event).as_deref(), Some("a@example.com"));
        assert_eq!(user_label(other).as_deref(), Some("7"));
        assert_eq!(user_hash(event), user_hash(other), "the id decides");
        assert_eq!(user_hash(Event::new(&Value::Null)), None);
    }

    #[test]
    fn lines_of_the_issue() {
        for (event, expected) in [
            (
                r#"{"exception":{"values":[{"type":"A"},{"type":"B","value":"x\ny"}]}}"#,
                ("B", "x"),
            ),
            (r#"{"message":"disk is full"}"#, ("title", "")),
            (
                r#"{"exception":{"values":[{"type":"Error","value":"hi","mechanism":{"type":"generic","synthetic":true}}]}}"#,
                ("title", ""),
            ),
        ] {
            let tree = json::parse(event).unwrap();
            let (kind, value) = kind_and_value(Event::new(&tree), "title");
            assert_eq!((kind.as_str(), value.as_str()), expected, "{event}");
        }
    }
}
