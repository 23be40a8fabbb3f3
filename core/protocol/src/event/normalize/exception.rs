//! Exceptions, threads and their stacks. Source: protocol §3.3, §3.5 and §3.6.

use super::coerce::{Coerce, lenient_text};
use super::container;
use crate::json::{Object, Value};
use crate::trim::cap_frames;
use std::borrow::Cow;

pub(super) fn all_stacks<'a>(event: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    for key in ["exception", "threads"] {
        container(event, key, coerce);
    }
    adopt_stack(event);
    each_entry(event, "exception", coerce, exception);
    each_entry(event, "threads", coerce, thread);
    stacktrace(event, "stacktrace", coerce);
}

/// The old top-level stack belongs to the one exception that has none.
fn adopt_stack(event: &mut Object<'_>) {
    if event.get("stacktrace").is_none_or(|stack| stack.is_null()) {
        return;
    }
    let Some([Value::Object(only)]) = event
        .get("exception")
        .and_then(|list| list.get("values")?.as_array())
    else {
        return;
    };
    if only.get("stacktrace").is_some_and(|stack| !stack.is_null()) {
        return;
    }
    let stack = event.remove("stacktrace").unwrap_or_default();
    let values = event
        .get_mut("exception")
        .and_then(|list| list.get_mut("values")?.as_array_mut());
    if let Some([Value::Object(only)]) = values.map(Vec::as_mut_slice) {
        only.insert("stacktrace", stack);
    }
}

/// Runs `change` over the entries of a container; an entry for which it says false becomes `null`.
fn each_entry<'a>(
    event: &mut Object<'a>,
    key: &'static str,
    coerce: &mut Coerce<'a>,
    change: fn(&mut Object<'a>, &mut Coerce<'a>) -> bool,
) {
    let Some(values) = event
        .get_mut(key)
        .and_then(|list| list.get_mut("values")?.as_array_mut())
    else {
        return;
    };
    coerce.enter(key);
    coerce.enter("values");
    for (index, value) in values.iter_mut().enumerate() {
        let Value::Object(entry) = value else {
            continue;
        };
        coerce.enter_index(index);
        if !change(entry, coerce) {
            coerce.invalid(
                &[],
                "expected an exception with type, value or stack",
                value.take(),
            );
        }
        coerce.leave();
    }
    coerce.leave();
    coerce.leave();
    if values.iter().all(Value::is_null) {
        event.remove(key);
    }
}

fn exception<'a>(exception: &mut Object<'a>, coerce: &mut Coerce<'a>) -> bool {
    coerce.text(exception, "type", 256);
    if let Some(value) = exception.get_mut("value") {
        if !matches!(value, Value::Null | Value::String(_)) {
            // Any JSON is a message: objects are thrown in JavaScript.
            let text = lenient_text(value).map_or_else(|| value.to_string(), Cow::into_owned);
            *value = Value::from(text);
        }
        coerce.limit(value, &["value"], 8192);
    }
    split_type(exception);
    coerce.text(exception, "module", 256);
    if let Some(mechanism) = coerce.object(exception, "mechanism") {
        coerce.enter("mechanism");
        coerce.text(mechanism, "type", 128);
        for key in ["handled", "synthetic", "is_exception_group"] {
            coerce.bool(mechanism, key);
        }
        coerce.object(mechanism, "data");
        coerce.leave();
    }
    for key in ["stacktrace", "raw_stacktrace"] {
        stacktrace(exception, key, coerce);
    }
    let named = |key| exception.str(key).is_some_and(|text| !text.is_empty());
    named("type")
        || named("value")
        || exception
            .get("stacktrace")
            .is_some_and(|stack| stack.get("frames").is_some())
}

/// `TypeError: x is not a function` in the value alone is a type and a value.
fn split_type(exception: &mut Object<'_>) {
    if exception.str("type").is_some_and(|type_| !type_.is_empty()) {
        return;
    }
    // An entry that carries the stack of a message has no type, whatever its text looks like.
    let synthetic = exception
        .get("mechanism")
        .and_then(|mechanism| mechanism.get("synthetic")?.as_bool());
    if synthetic == Some(true) {
        return;
    }
    let Some((type_, rest)) = exception
        .str("value")
        .and_then(|value| value.split_once(':'))
    else {
        return;
    };
    let is_word = !type_.is_empty()
        && type_.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && type_
            .chars()
            .all(|char| char.is_alphanumeric() || matches!(char, '_' | '.' | '$'));
    if !is_word || !rest.starts_with(' ') {
        return;
    }
    let (type_, rest) = (type_.to_owned(), rest.trim_start().to_owned());
    exception.insert("type", type_);
    exception.insert("value", rest);
}

fn thread<'a>(thread: &mut Object<'a>, coerce: &mut Coerce<'a>) -> bool {
    coerce.text(thread, "name", 1024);
    for key in ["crashed", "current", "main"] {
        coerce.bool(thread, key);
    }
    stacktrace(thread, "stacktrace", coerce);
    true
}

fn stacktrace<'a>(parent: &mut Object<'a>, key: &'static str, coerce: &mut Coerce<'a>) {
    let Some(value) = parent.get_mut(key) else {
        return;
    };
    if let Value::Array(_) = value {
        // The frames without their object.
        let frames = value.take();
        *value = crate::json::object([("frames", frames)]);
    }
    let Some(stack) = coerce.object(parent, key) else {
        return;
    };
    coerce.enter(key);
    match stack.get_mut("frames") {
        Some(Value::Array(frames)) => {
            let length = frames.len();
            if cap_frames(frames, HEAD_FRAMES, TAIL_FRAMES) > 0 {
                stack.insert(
                    "frames_omitted",
                    crate::json::array([HEAD_FRAMES, length - TAIL_FRAMES]),
                );
            }
        }
        Some(Value::Null) | None => {}
        Some(other) => {
            let original = other.take();
            coerce.invalid(&["frames"], "expected a list", original);
        }
    }
    coerce.enter("frames");
    let frames = stack.get_mut("frames").and_then(Value::as_array_mut);
    for (index, value) in frames.into_iter().flatten().enumerate() {
        coerce.enter_index(index);
        match value {
            Value::Object(item) => frame(item, coerce),
            Value::Null => {}
            other => {
                let original = other.take();
                coerce.invalid(&[], "expected an object", original);
            }
        }
        coerce.leave();
    }
    coerce.leave();
    coerce.leave();
    // A stack without frames says nothing and would hide other stacks.
    let no_frames = |frames: &Value<'_>| {
        frames
            .as_array()
            .is_none_or(|frames| frames.iter().all(Value::is_null))
    };
    if parent
        .get(key)
        .is_some_and(|stack| stack.get("frames").is_none_or(no_frames))
    {
        parent.remove(key);
    }
}

fn frame<'a>(frame: &mut Object<'a>, coerce: &mut Coerce<'a>) {
    for (key, max_chars) in FRAME_TEXTS {
        coerce.text(frame, key, max_chars);
    }
    split_url(frame);
    for key in ["lineno", "colno"] {
        coerce.positive(frame, key);
    }
    coerce.bool(frame, "in_app");
    for key in ["pre_context", "post_context"] {
        let Some(lines) = frame.get_mut(key) else {
            continue;
        };
        match lines {
            Value::Array(lines) => {
                for line in lines
                    .iter_mut()
                    .filter(|line| !matches!(line, Value::String(_)))
                {
                    *line = lenient_text(line)
                        .map_or(Value::from(""), |text| Value::from(text.into_owned()));
                }
            }
            Value::Null => {}
            other => {
                let original = other.take();
                coerce.invalid(&[key], "expected a list", original);
            }
        }
    }
    if let Some(vars) = frame.get_mut("vars")
        && !matches!(vars, Value::Object(_) | Value::Array(_) | Value::Null)
    {
        let original = vars.take();
        coerce.invalid(&["vars"], "expected an object", original);
    }
}

/// Of a URL only the path stays in `filename`; `abs_path` keeps it whole and defaults to `filename`.
fn split_url(frame: &mut Object<'_>) {
    let Some(Value::String(filename)) = frame.get("filename") else {
        return;
    };
    let path = ["http://", "https://"].iter().find_map(|scheme| {
        let rest = filename.strip_prefix(scheme)?;
        let path = &rest[rest.find('/')?..];
        Some(path.split(['?', '#']).next().unwrap_or(path).to_owned())
    });
    let filename = filename.clone();
    if frame.str("abs_path").is_none_or(str::is_empty) && !filename.is_empty() {
        frame.insert("abs_path", filename);
    }
    if let Some(path) = path {
        frame.insert("filename", path);
    }
}

/// Source: protocol §3.5, frame caps.
const HEAD_FRAMES: usize = 50;
const TAIL_FRAMES: usize = 200;

/// Attribute and longest text in characters. Paths and modules have no limit worth enforcing below this one.
const FRAME_TEXTS: [(&str, usize); 8] = [
    ("function", 512),
    ("raw_function", 512),
    ("symbol", 512),
    ("module", 1024),
    ("package", 1024),
    ("filename", 1024),
    ("abs_path", 2048),
    ("context_line", 4096),
];
