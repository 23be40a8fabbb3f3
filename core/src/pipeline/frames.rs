//! Stacks: from raw text to frames, which frames are the app's own, and the source lines around them.

use crate::engine::Sources;
use crate::options::Options;
use faultwire_protocol::json::{self, Object, Value};
use faultwire_protocol::stack;
use std::borrow::Cow;

/// Replaces each exception's `stack` text by frames. A `stack` at the top of the event (the place that sent a message)
/// becomes the current thread if `attach` is set. Frames that the host made itself win over the text.
pub(super) fn parse_stacks(event: &mut Object<'_>, attach: bool) {
    for exception in exceptions_mut(event) {
        let Some(text) = exception.remove("stack") else {
            continue;
        };
        let message = exception.str("value").unwrap_or_default().to_owned();
        if exception.get("stacktrace").is_none_or(Value::is_null)
            && let Some(stacktrace) = stacktrace(text, &message)
        {
            exception.insert("stacktrace", stacktrace);
        }
    }
    if let Some(text) = event.remove("stack")
        && attach
        && !event.contains("threads")
        && let Some(stacktrace) = stacktrace(text, "")
    {
        let thread = json::object([("current", Value::Bool(true)), ("stacktrace", stacktrace)]);
        event.insert("threads", json::object([("values", json::array([thread]))]));
    }
}

/// Calls `f` for the frame list of every exception and thread, oldest frame first.
pub(super) fn each_stack<'a>(event: &mut Object<'a>, mut f: impl FnMut(&mut Vec<Value<'a>>)) {
    for key in ["exception", "threads"] {
        for holder in values_mut(event, key) {
            if let Some(frames) = holder
                .get_mut("stacktrace")
                .and_then(|stack| stack.get_mut("frames"))
            {
                frames.as_array_mut().map(&mut f);
            }
        }
    }
    if let Some(frames) = event
        .get_mut("stacktrace")
        .and_then(|stack| stack.get_mut("frames"))
    {
        frames.as_array_mut().map(&mut f);
    }
}

/// Calls `f` for every frame of [`each_stack`].
pub(super) fn each<'a>(event: &mut Object<'a>, mut f: impl FnMut(&mut Object<'a>)) {
    each_stack(event, |frames| {
        frames
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .for_each(&mut f)
    });
}

/// Sets `in_app` where the options speak about the frame; include wins. Else the frame keeps what it says.
///
/// A pattern is the beginning of a module or function name, or a part of a path.
pub(super) fn mark_in_app(frame: &mut Object<'_>, options: &Options) {
    let matches = |patterns: &[String]| {
        let begins =
            |key: &str, pattern: &str| frame.str(key).is_some_and(|name| name.starts_with(pattern));
        let within =
            |key: &str, pattern: &str| frame.str(key).is_some_and(|path| path.contains(pattern));
        patterns
            .iter()
            .map(String::as_str)
            .filter(|pattern| !pattern.is_empty())
            .any(|pattern| {
                begins("module", pattern)
                    || begins("function", pattern)
                    || within("abs_path", pattern)
                    || within("filename", pattern)
            })
    };
    if matches(&options.in_app_include) {
        frame.insert("in_app", true);
    } else if matches(&options.in_app_exclude) {
        frame.insert("in_app", false);
    }
}

/// Adds source lines to the app's own frames and to the frame that threw, newest first, until [`MAX_SOURCE_FRAMES`]
/// have them. Library frames stay without: they are folded in every display and would double the bytes on the wire.
pub(super) fn add_source_lines(frames: &mut [Value<'_>], sources: &mut dyn Sources) {
    let newest = frames.len().saturating_sub(1);
    let mut with_lines = 0;
    for (index, frame) in frames.iter_mut().enumerate().rev() {
        let Some(frame) = frame.as_object_mut() else {
            continue;
        };
        let worth_it =
            index == newest || frame.get("in_app").and_then(Value::as_bool) != Some(false);
        let has_lines = frame
            .get("context_line")
            .is_some_and(|line| !line.is_null());
        if !worth_it || has_lines {
            continue;
        }
        let path = frame
            .str("abs_path")
            .or_else(|| frame.str("filename"))
            .filter(|path| is_file(path));
        let (Some(path), Some(line)) = (path, frame.get("lineno").and_then(Value::as_u64)) else {
            continue;
        };
        let Some(found) = u32::try_from(line)
            .ok()
            .filter(|line| *line > 0)
            .and_then(|line| sources.lines(path, line))
        else {
            continue;
        };
        let column = frame
            .get("colno")
            .and_then(Value::as_u64)
            .and_then(|column| usize::try_from(column).ok());
        let around =
            |lines: Vec<String>| json::array(lines.into_iter().map(|line| snip(line, None)));
        frame.insert("pre_context", around(found.pre));
        frame.insert("context_line", snip(found.line, column));
        frame.insert("post_context", around(found.post));
        with_lines += 1;
        if with_lines == MAX_SOURCE_FRAMES {
            return;
        }
    }
}

/// Keeps the oldest 50 and the newest 200 frames, as servers do (protocol §10, frames per stack).
pub(super) fn cap(frames: &mut Vec<Value<'_>>) {
    let excess = frames.len().saturating_sub(OLDEST_FRAMES + NEWEST_FRAMES);
    if excess > 0 {
        frames.drain(OLDEST_FRAMES..OLDEST_FRAMES + excess);
    }
}

fn stacktrace<'a>(text: Value<'a>, message: &str) -> Option<Value<'a>> {
    let frames: Vec<Value<'a>> = match text {
        Value::String(Cow::Borrowed(raw)) => stack::parse_after_message(raw, message)
            .into_iter()
            .map(stack::Frame::into_value)
            .collect(),
        // An escape in the JSON (there is always one: line feeds) made the text ours; frames must outlive it.
        Value::String(Cow::Owned(raw)) => {
            let frames = stack::parse_after_message(&raw, message).into_iter();
            frames
                .map(|frame| frame.into_value().into_owned())
                .collect()
        }
        _ => return None,
    };
    (!frames.is_empty()).then(|| json::object([("frames", Value::Array(frames))]))
}

/// The entries of a list in any of its three shapes: `{values: [..]}`, a list, one object.
fn values_mut<'e, 'a>(
    event: &'e mut Object<'a>,
    key: &str,
) -> impl Iterator<Item = &'e mut Object<'a>> {
    let list: &'e mut [Value<'a>] = match event.get_mut(key) {
        Some(Value::Array(list)) => list,
        Some(value @ Value::Object(_)) => {
            if value.get("values").is_some() {
                value
                    .get_mut("values")
                    .and_then(Value::as_array_mut)
                    .map(Vec::as_mut_slice)
                    .unwrap_or_default()
            } else {
                std::slice::from_mut(value)
            }
        }
        _ => &mut [],
    };
    list.iter_mut().filter_map(Value::as_object_mut)
}

fn exceptions_mut<'e, 'a>(event: &'e mut Object<'a>) -> impl Iterator<Item = &'e mut Object<'a>> {
    values_mut(event, "exception")
}

/// Whether a frame's path can name a file on this machine: absolute, and no URL.
fn is_file(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic();
    path.starts_with('/') || path.starts_with("\\\\") || drive
}

/// Cuts a source line, keeping the part around `column` (from 1): the line that matters in a minified file is long.
fn snip(line: String, column: Option<usize>) -> Value<'static> {
    if line.len() <= MAX_LINE_BYTES {
        return Value::from(line);
    }
    let middle = column.unwrap_or(0).saturating_sub(1).min(line.len());
    let mut start = middle
        .saturating_sub(MAX_LINE_BYTES / 2)
        .min(line.len() - MAX_LINE_BYTES);
    let mut end = start + MAX_LINE_BYTES;
    while !line.is_char_boundary(start) {
        start -= 1;
    }
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let before = if start > 0 { "…" } else { "" };
    let after = if end < line.len() { "…" } else { "" };
    Value::from(format!("{before}{}{after}", &line[start..end]))
}

const MAX_SOURCE_FRAMES: usize = 50;
const MAX_LINE_BYTES: usize = 200;
const OLDEST_FRAMES: usize = 50;
const NEWEST_FRAMES: usize = 200;

#[cfg(test)]
mod tests;
