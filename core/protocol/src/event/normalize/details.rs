//! Message, tags, breadcrumbs, user, contexts, fingerprint and SDK. Source: protocol §3.4, §3.7, §3.8, §3.10, §3.11,
//! §3.16 and §3.17.

use super::super::view::Level;
use super::coerce::{Coerce, lenient_text, pair_list, take_pairs};
use super::{container, timestamp};
use crate::json::{Object, Value, object};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

pub(super) fn message<'a>(event: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    for alias in ["message", "sentry.interfaces.Message"] {
        let Some(value) = event.remove(alias) else {
            continue;
        };
        let usable = !matches!(value, Value::Null | Value::Bool(false));
        if usable
            && event
                .get("logentry")
                .is_none_or(|entry| entry.is_null() || entry == &Value::Bool(false))
        {
            event.insert("logentry", value);
        }
    }
    let Some(entry) = event.get_mut("logentry") else {
        return;
    };
    if !matches!(entry, Value::Object(_)) {
        let text = match entry {
            Value::Null | Value::Bool(false) => None,
            _ => lenient_text(entry).map(Cow::into_owned),
        };
        match text {
            Some(text) => *entry = object([("formatted", text)]),
            None => {
                let original = entry.take();
                if !matches!(original, Value::Null | Value::Bool(false)) {
                    coerce.invalid(&["logentry"], "expected a message", original);
                }
                event.remove("logentry");
                return;
            }
        }
    }
    let Some(Value::Object(entry)) = event.get_mut("logentry") else {
        return;
    };
    coerce.enter("logentry");
    coerce.text(entry, "message", 8192);
    coerce.text(entry, "formatted", 8192);
    render(entry);
    coerce.leave();
    let empty = |key| {
        entry
            .get(key)
            .is_none_or(|value| value.is_null() || value.as_str() == Some(""))
    };
    if empty("formatted") && empty("message") {
        event.remove("logentry");
    }
}

/// Fills the parameters into the template, unless the client did. A template that equals the text is no template.
fn render(entry: &mut Object<'_>) {
    let formatted = entry.str("formatted").filter(|text| !text.is_empty());
    let Some(template) = entry.str("message").filter(|text| !text.is_empty()) else {
        return;
    };
    match formatted {
        Some(formatted) if formatted == template => {
            entry.remove("message");
        }
        Some(_) => {}
        None => match entry
            .get("params")
            .and_then(|params| fill(template, params))
        {
            Some(text) => {
                entry.insert("formatted", text);
            }
            None => {
                let template = entry.remove("message").unwrap_or_default();
                entry.insert("formatted", template);
            }
        },
    }
}

/// Renders `%s`, `%d`, `%(name)s`, `{}` and `{name}`; `None` if there was nothing to fill in.
fn fill(template: &str, params: &Value<'_>) -> Option<String> {
    let mut positional = params.as_array().unwrap_or_default().iter();
    let named = |name: &str| match params {
        Value::Object(object) => object.get(name),
        Value::Array(items) => name
            .parse::<usize>()
            .ok()
            .and_then(|index| items.get(index)),
        _ => None,
    };
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    let mut filled = false;
    while let Some(at) = rest.find(['%', '{']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let (param, length) = placeholder(rest, &named, &mut positional);
        match param {
            Some(param) => {
                filled = true;
                text.push_str(
                    &lenient_text(param).map_or_else(|| param.to_string(), Cow::into_owned),
                );
            }
            None => text.push_str(if rest.starts_with("%%") {
                "%"
            } else {
                &rest[..length]
            }),
        }
        rest = &rest[length..];
    }
    text.push_str(rest);
    filled.then_some(text)
}

/// The parameter for the placeholder at the start of `text`, and the length of what it replaces.
fn placeholder<'v, 'a>(
    text: &str,
    named: &dyn Fn(&str) -> Option<&'v Value<'a>>,
    positional: &mut dyn Iterator<Item = &'v Value<'a>>,
) -> (Option<&'v Value<'a>>, usize) {
    if text.starts_with("%%") {
        return (None, 2);
    }
    if let Some(rest) = text.strip_prefix("%(") {
        if let Some(end) = rest.find(')') {
            let length = 2 + end + 1 + rest[end + 1..].chars().next().map_or(0, char::len_utf8);
            return (named(&rest[..end]), length);
        }
    } else if let Some(rest) = text.strip_prefix('%') {
        // Flags, width and precision end at the letter of the conversion.
        let width = rest
            .find(|char: char| !matches!(char, '0'..='9' | '.' | '-' | '+' | '#'))
            .unwrap_or(rest.len());
        if rest[width..].starts_with(['s', 'd', 'i', 'f', 'g', 'r', 'x', 'o', 'O', 'v']) {
            return (positional.next(), 1 + width + 1);
        }
    } else if let Some(rest) = text.strip_prefix('{')
        && let Some(end) = rest.find('}')
    {
        let name = &rest[..end];
        if name.is_empty() {
            return (positional.next(), 2);
        }
        if name
            .chars()
            .all(|char| char.is_alphanumeric() || char == '_')
        {
            return (named(name), end + 2);
        }
    }
    (None, 1)
}

pub(super) fn tags<'a>(event: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    let Some(value) = event.get_mut("tags") else {
        return;
    };
    if value.is_null() {
        return;
    }
    let Some(pairs) = take_pairs(value) else {
        let original = value.take();
        coerce.invalid(&["tags"], "expected pairs", original);
        return;
    };
    coerce.enter("tags");
    let mut seen = BTreeSet::new();
    let mut promoted = [("environment", None), ("server_name", None)];
    let mut kept: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(pairs.len());
    for (key, mut value) in pairs {
        let key = if key.contains(' ') {
            Cow::Owned(key.trim().replace(' ', "-"))
        } else {
            key
        };
        if value.is_null()
            || matches!(
                key.as_ref(),
                "release" | "dist" | "user" | "filename" | "function"
            )
        {
            continue;
        }
        if !is_tag_key(&key) {
            let key = key.chars().take(200).collect::<String>();
            coerce.invalid(&[&key], "invalid tag key", value);
            continue;
        }
        if !matches!(value, Value::String(_)) {
            match lenient_text(&value) {
                Some(text) => value = Value::from(text.into_owned()),
                None => {
                    coerce.invalid(&[&key], "expected a text", value);
                    continue;
                }
            }
        }
        let text = value.as_str().unwrap_or_default();
        if text.is_empty() || text.contains(['\n', '\r']) {
            if !text.is_empty() {
                coerce.invalid(&[&key], "invalid tag value", value);
            }
            continue;
        }
        if let Some((_, place)) = promoted.iter_mut().find(|(name, _)| *name == key) {
            place.get_or_insert(value);
            continue;
        }
        if seen.insert(key.clone()) {
            let index = kept.len().to_string();
            coerce.limit(&mut value, &[&index, "1"], 200);
            kept.push((key, value));
        }
    }
    coerce.leave();
    *value = pair_list(kept);
    for (name, tag) in promoted {
        if let Some(tag) = tag
            && event.get(name).is_none_or(Value::is_null)
        {
            event.insert(name, tag);
        }
    }
}

/// Adds a tag to the canonical list unless there is one of that name.
pub(super) fn add_tag(event: &mut Object<'_>, name: &'static str, value: String) {
    if value.is_empty() {
        return;
    }
    let tags = event.entry("tags");
    if !matches!(tags, Value::Array(_)) {
        *tags = Value::Array(Vec::new());
    }
    if let Value::Array(tags) = tags
        && !tags
            .iter()
            .any(|tag| tag.as_array().and_then(|pair| pair.first()?.as_str()) == Some(name))
    {
        tags.push(Value::Array(vec![name.into(), value.into()]));
    }
}

fn is_tag_key(key: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-');
    (1..=200).contains(&key.len()) && key.bytes().all(allowed)
}

pub(super) fn breadcrumbs<'a>(event: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    container(event, "breadcrumbs", coerce);
    let Some(values) = event
        .get_mut("breadcrumbs")
        .and_then(|list| list.get_mut("values")?.as_array_mut())
    else {
        return;
    };
    coerce.enter("breadcrumbs");
    coerce.enter("values");
    for (index, value) in values.iter_mut().enumerate() {
        let Value::Object(crumb) = value else {
            continue;
        };
        coerce.enter_index(index);
        if let Some(kind) = crumb.remove("ty")
            && crumb.get("type").is_none_or(Value::is_null)
        {
            crumb.insert("type", kind);
        }
        coerce.convert(crumb, "timestamp", "expected a timestamp", timestamp);
        coerce.convert(crumb, "level", "expected a level", |level| {
            Level::parse(level).map(|level| Value::from(level.as_str()))
        });
        for (key, max_chars) in [("type", 128), ("category", 128), ("message", 8192)] {
            coerce.text(crumb, key, max_chars);
        }
        coerce.object(crumb, "data");
        coerce.leave();
    }
    coerce.leave();
    coerce.leave();
}

pub(super) fn user<'a>(event: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    let Some(user) = coerce.object(event, "user") else {
        return;
    };
    coerce.enter("user");
    for (key, max_chars) in [
        ("id", 128),
        ("email", 75),
        ("username", 128),
        ("name", 128),
        ("segment", 128),
    ] {
        coerce.text(user, key, max_chars);
    }
    coerce.convert(user, "ip_address", "expected an ip address", |ip| {
        let ip = ip.as_str()?.trim();
        (ip == "{{auto}}" || ip.parse::<IpAddr>().is_ok()).then(|| Value::from(ip.to_owned()))
    });
    coerce.object(user, "geo");
    coerce.object(user, "data");
    coerce.leave();
    if user.iter().all(|(key, _)| USER_KEYS.contains(&key)) {
        return;
    }
    let (known, unknown): (Vec<_>, Vec<_>) = std::mem::take(user)
        .into_iter()
        .partition(|(key, _)| USER_KEYS.contains(&key.as_ref()));
    *user = known.into_iter().collect();
    let own = std::mem::take(user.entry("data").make_object());
    // Of equal keys the last wins: what stands in `data` already.
    *user.entry("data").make_object() = unknown.into_iter().chain(own).collect();
}

const USER_KEYS: [&str; 8] = [
    "id",
    "email",
    "username",
    "name",
    "ip_address",
    "geo",
    "segment",
    "data",
];

/// Contexts that are no objects are dropped, the others stay whole.
pub(super) fn contexts<'a>(event: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    let Some(contexts) = coerce.object(event, "contexts") else {
        return;
    };
    coerce.enter("contexts");
    contexts.retain(|key, context| match context {
        Value::Object(_) => true,
        Value::Null => false,
        other => {
            let original = other.take();
            coerce.invalid(&[key], "expected an object", original);
            false
        }
    });
    coerce.leave();
}

pub(super) fn fingerprint<'a>(event: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    let Some(value) = event.get_mut("fingerprint") else {
        return;
    };
    match value {
        Value::Array(parts) => {
            parts.retain_mut(|part| match lenient_text(part).map(Cow::into_owned) {
                Some(text) => {
                    if !matches!(part, Value::String(_)) {
                        *part = Value::from(text);
                    }
                    true
                }
                None => false,
            });
            if parts.is_empty() {
                event.remove("fingerprint");
            }
        }
        Value::Null => {}
        other => {
            let original = other.take();
            coerce.invalid(&["fingerprint"], "expected a list", original);
        }
    }
}

pub(super) fn sdk<'a>(event: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    let Some(sdk) = coerce.object(event, "sdk") else {
        return;
    };
    coerce.enter("sdk");
    coerce.text(sdk, "name", 256);
    coerce.text(sdk, "version", 256);
    coerce.leave();
    if let Some(packages @ Value::Object(_)) = sdk.get_mut("packages") {
        let single = packages.take();
        *packages = Value::Array(vec![single]);
    }
}
