//! The HTTP request during which the event happened. Source: protocol §3.9.

use super::coerce::{Coerce, lenient_text, pair_list, take_pairs};
use crate::auth::percent_decode;
use crate::json::{self, Object, Value};
use std::borrow::Cow;

type Pairs<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

pub(super) fn request<'a>(event: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    let Some(request) = coerce.object(event, "request") else {
        return;
    };
    coerce.enter("request");
    coerce.text(request, "url", 2048);
    split_url(request);
    coerce.convert(request, "method", "expected an http method", |method| {
        let method = method.as_str()?.trim().to_ascii_uppercase();
        let valid = (3..=32).contains(&method.len())
            && method
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_'));
        valid.then(|| Value::from(method))
    });
    query(request, coerce);
    headers(request, coerce);
    cookies(request, coerce);
    data(request);
    coerce.text(request, "fragment", 1024);
    coerce.object(request, "env");
    coerce.leave();
}

/// Query and fragment move out of the URL, if their own attributes are empty.
fn split_url(request: &mut Object<'_>) {
    let Some(url) = request.str("url").map(str::to_owned) else {
        return;
    };
    let is_empty = |value: Option<&Value<'_>>| match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(object)) => object.is_empty(),
        _ => false,
    };
    let (rest, fragment) = url
        .split_once('#')
        .map_or((url.as_str(), None), |(rest, part)| (rest, Some(part)));
    let (rest, query) = rest
        .split_once('?')
        .map_or((rest, None), |(rest, part)| (rest, Some(part)));
    for (key, part) in [("query_string", query), ("fragment", fragment)] {
        if let Some(part) = part.filter(|part| !part.is_empty())
            && is_empty(request.get(key))
        {
            request.insert(key, part.to_owned());
        }
    }
    if rest.len() < url.len() {
        request.insert("url", rest.to_owned());
    }
}

fn query<'a>(request: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    pairs(request, "query_string", coerce, |text| {
        let text = text.strip_prefix('?').unwrap_or(text);
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text| Cow::Owned(percent_decode(text).into_owned());
            (decode(key), Value::String(decode(value)))
        });
        pairs.collect()
    });
}

fn headers<'a>(request: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    pairs(request, "headers", coerce, |text| {
        let pairs = text.lines().filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            Some((
                Cow::Owned(key.trim().to_owned()),
                Value::from(value.trim().to_owned()),
            ))
        });
        pairs.collect()
    });
    let Some(Value::Array(headers)) = request.get_mut("headers") else {
        return;
    };
    for header in headers.iter_mut() {
        if let Value::Array(pair) = header
            && let Some(Value::String(name)) = pair.first_mut()
            && let Some(word_case) = word_case(name)
        {
            *name = Cow::Owned(word_case);
        }
    }
}

/// A `Cookie` header stands in for missing cookies; it is removed, so that there is one place to scrub.
fn cookies<'a>(request: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    let mut from_header = None;
    if let Some(Value::Array(headers)) = request.get_mut("headers") {
        headers.retain_mut(
            |header| match header.as_array_mut().map(Vec::as_mut_slice) {
                Some([name, value]) if name.as_str() == Some("Cookie") => {
                    from_header.get_or_insert(value.take());
                    false
                }
                _ => true,
            },
        );
    }
    if request.get("cookies").is_none_or(Value::is_null)
        && let Some(cookies) = from_header
    {
        request.insert("cookies", cookies);
    }
    pairs(request, "cookies", coerce, |text| {
        let pairs = text
            .split(';')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (Cow::Owned(key.to_owned()), Value::from(value.to_owned()))
            });
        pairs.collect()
    });
}

/// Brings one pair list into canonical form; `read` understands it as one text.
fn pairs<'a>(
    request: &mut Object<'a>,
    key: &'static str,
    coerce: &mut Coerce<'a>,
    read: fn(&str) -> Pairs<'a>,
) {
    let Some(value) = request.get_mut(key).filter(|value| !value.is_null()) else {
        return;
    };
    let pairs = match value {
        Value::String(text) => Some(read(text)),
        _ => take_pairs(value),
    };
    let Some(mut pairs) = pairs else {
        let original = value.take();
        coerce.invalid(&[key], "expected pairs", original);
        return;
    };
    pairs.retain(|(_, value)| !value.is_null());
    for (_, value) in &mut pairs {
        if !matches!(value, Value::String(_)) {
            *value = Value::from(plain_text(value));
        }
    }
    *value = pair_list(pairs);
}

/// A header value; PHP sends lists of them.
fn plain_text(value: &Value<'_>) -> String {
    match value {
        Value::Array(items) => items.iter().map(plain_text).collect::<Vec<_>>().join(","),
        other => lenient_text(other).map_or_else(|| other.to_string(), Cow::into_owned),
    }
}

/// Bodies that are JSON or a form in one text become the structure they hold.
fn data(request: &mut Object<'_>) {
    let Some(text) = request.get("data").and_then(Value::as_str) else {
        return;
    };
    let trimmed = text.trim();
    let (content_type, parsed) = if trimmed.starts_with(['{', '[']) {
        match json::parse(trimmed) {
            Ok(value) => ("application/json", value.into_owned()),
            Err(_) => return,
        }
    } else if let Some(form) = parse_form(trimmed) {
        ("application/x-www-form-urlencoded", form)
    } else {
        return;
    };
    request.insert("data", parsed);
    if request
        .get("inferred_content_type")
        .is_none_or(Value::is_null)
    {
        request.insert("inferred_content_type", content_type);
    }
}

/// Reads `a=1&b=2`; prose with an equals sign in it is no form.
fn parse_form(text: &str) -> Option<Value<'static>> {
    if text.is_empty() || text.contains(|char: char| char.is_whitespace() || char == '<') {
        return None;
    }
    let pairs: Option<Vec<(String, String)>> = text
        .split('&')
        .map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (!key.is_empty()).then(|| {
                (
                    percent_decode(key).into_owned(),
                    percent_decode(value).into_owned(),
                )
            })
        })
        .collect();
    Some(json::object(pairs?))
}

/// `content-type` as `Content-Type`; `None` if it is so already.
fn word_case(name: &str) -> Option<String> {
    let mut start = true;
    let cased: String = name
        .chars()
        .map(|char| {
            let cased = if start {
                char.to_ascii_uppercase()
            } else {
                char.to_ascii_lowercase()
            };
            start = !char.is_ascii_alphanumeric();
            cased
        })
        .collect();
    (cased != name).then_some(cased)
}
