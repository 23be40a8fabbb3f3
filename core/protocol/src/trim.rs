//! Brings an event under a size limit without ever dropping it.
//!
//! What helps least to understand a fault goes first, in one fixed order, so that every SDK trims alike and a person who
//! looks at a trimmed event knows what to expect. Each cut leaves its original length in `_meta` (protocol §3.18).

use crate::json::{Object, Value};
use crate::meta;
use std::borrow::Cow;

/// Cuts `event` until its JSON is at most `max_bytes` long, if anything is left to cut; returns how many values were cut.
///
/// Order: local variables of frames, `extra`, breadcrumb data, request bodies, older breadcrumbs, source lines around
/// frames, `modules` and custom contexts, middle frames, and finally all texts, shorter and shorter. Ids, types, levels
/// and the newest frames stay. Does nothing to an event that fits.
pub fn trim(event: &mut Value<'_>, max_bytes: usize) -> usize {
    let mut size = event.to_string().len();
    let mut cuts = 0;
    for step in STEPS {
        if size <= max_bytes {
            break;
        }
        cuts += step(event);
        size = event.to_string().len();
    }
    for limit in TEXT_LIMITS {
        if size <= max_bytes {
            break;
        }
        cuts += shorten(event, limit);
        size = event.to_string().len();
    }
    cuts
}

type Step = fn(&mut Value<'_>) -> usize;

const STEPS: [Step; 9] = [
    |event| each_frame(event, |frame| remove(frame, &["vars"])),
    |event| limit_texts_under(event, "extra", 1024),
    |event| each_breadcrumb(event, |crumb| remove(crumb, &["data"])),
    |event| {
        event
            .get_mut("request")
            .and_then(Value::as_object_mut)
            .map_or(0, |request| remove(request, &["data", "env"]))
    },
    |event| keep_newest(event, "breadcrumbs", 20),
    |event| {
        each_frame(event, |frame| {
            remove(frame, &["pre_context", "post_context"])
        })
    },
    |event| {
        event
            .as_object_mut()
            .map_or(0, |event| remove(event, &["modules", "extra"]))
    },
    |event| keep_newest(event, "breadcrumbs", 0),
    |event| each_stack(event, |frames| cap_frames(frames, 10, 30)),
];

/// The last resort, from generous to harsh, in bytes of each text.
const TEXT_LIMITS: [usize; 4] = [4096, 1024, 256, 64];

/// Keeps the first `head` and last `tail` frames; returns how many went.
pub(crate) fn cap_frames(frames: &mut Vec<Value<'_>>, head: usize, tail: usize) -> usize {
    let excess = frames.len().saturating_sub(head + tail);
    if excess > 0 {
        frames.drain(head..head + excess);
    }
    excess
}

/// Cuts `text` to at most `max` bytes, dots included, at a character boundary.
pub fn truncate(text: &str, max: usize) -> Option<String> {
    if text.len() <= max {
        return None;
    }
    let mut end = max.saturating_sub(3);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Some(format!("{}...", &text[..end]))
}

fn shorten(event: &mut Value<'_>, max: usize) -> usize {
    let mut cuts = Vec::new();
    shorten_at(event, max, &mut Vec::new(), &mut cuts);
    meta::record_lengths(event, &cuts);
    cuts.len()
}

fn limit_texts_under(event: &mut Value<'_>, key: &'static str, max: usize) -> usize {
    let mut cuts = Vec::new();
    if let Some(value) = event.get_mut(key) {
        shorten_at(value, max, &mut vec![key.to_owned()], &mut cuts);
    }
    meta::record_lengths(event, &cuts);
    cuts.len()
}

fn shorten_at(
    value: &mut Value<'_>,
    max: usize,
    path: &mut Vec<String>,
    cuts: &mut Vec<(Vec<String>, usize)>,
) {
    match value {
        Value::String(text) => {
            if let Some(short) = truncate(text, max) {
                cuts.push((path.clone(), text.chars().count()));
                *text = Cow::Owned(short);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(index.to_string());
                shorten_at(item, max, path, cuts);
                path.pop();
            }
        }
        Value::Object(object) => {
            for (key, item) in object.iter_mut() {
                if path.is_empty()
                    && matches!(key, "_meta" | "event_id" | "sdk" | "type" | "debug_meta")
                {
                    continue;
                }
                path.push(key.to_owned());
                shorten_at(item, max, path, cuts);
                path.pop();
            }
        }
        _ => {}
    }
}

fn remove(object: &mut Object<'_>, keys: &[&str]) -> usize {
    keys.iter()
        .filter(|key| object.remove(key).is_some())
        .count()
}

fn list_mut<'v, 'a>(event: &'v mut Value<'a>, key: &str) -> Option<&'v mut Vec<Value<'a>>> {
    match event.get_mut(key)? {
        Value::Array(items) => Some(items),
        Value::Object(object) => object.get_mut("values")?.as_array_mut(),
        _ => None,
    }
}

fn keep_newest(event: &mut Value<'_>, key: &'static str, count: usize) -> usize {
    let Some(items) = list_mut(event, key) else {
        return 0;
    };
    let (length, excess) = (items.len(), items.len().saturating_sub(count));
    items.drain(..excess);
    if excess > 0 {
        meta::record_lengths(event, &[(vec![key.to_owned()], length)]);
    }
    excess
}

fn each_breadcrumb(
    event: &mut Value<'_>,
    mut change: impl FnMut(&mut Object<'_>) -> usize,
) -> usize {
    let crumbs = list_mut(event, "breadcrumbs")
        .map(|items| items.iter_mut())
        .into_iter()
        .flatten();
    crumbs
        .filter_map(Value::as_object_mut)
        .map(&mut change)
        .sum()
}

fn each_stack(
    event: &mut Value<'_>,
    mut change: impl FnMut(&mut Vec<Value<'_>>) -> usize,
) -> usize {
    let mut changed = 0;
    for container in ["exception", "threads"] {
        for entry in list_mut(event, container).into_iter().flatten() {
            let frames = entry
                .get_mut("stacktrace")
                .and_then(|stack| stack.get_mut("frames")?.as_array_mut());
            changed += frames.map_or(0, &mut change);
        }
    }
    let own = event
        .get_mut("stacktrace")
        .and_then(|stack| stack.get_mut("frames")?.as_array_mut());
    changed + own.map_or(0, change)
}

fn each_frame(event: &mut Value<'_>, mut change: impl FnMut(&mut Object<'_>) -> usize) -> usize {
    each_stack(event, |frames| {
        frames
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .map(&mut change)
            .sum()
    })
}
