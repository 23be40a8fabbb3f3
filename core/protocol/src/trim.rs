//! Brings an event under a size limit without ever dropping it.
//!
//! What helps least to understand a fault goes first, in one fixed order, so that every SDK trims alike and a person who
//! looks at a trimmed event knows what to expect. A cut text leaves its original length in `_meta`, a kind of value that
//! went as a whole leaves one remark at the root (`["!trim:vars", "x"]`; protocol §3.18).

use crate::json::{Object, Value};
use crate::meta;
use std::borrow::Cow;

/// Cuts `event` until its JSON is at most `max_bytes` long, if anything is left to cut; returns how many values were cut.
///
/// Order: texts beyond 32 KiB, local variables of frames, long texts in `extra`, breadcrumb data, request body and
/// environment, older breadcrumbs, source lines around frames, `modules` and `extra`, all breadcrumbs, middle frames,
/// lists about the SDK, contexts that the application added, request headers, and finally all texts, shorter and shorter.
/// Ids, types, levels and the newest frames stay. Does nothing to an event that fits.
pub fn trim(event: &mut Value<'_>, max_bytes: usize) -> usize {
    let mut size = event.to_string().len();
    let mut cuts = 0;
    let mut gone = Vec::new();
    let mut fits = |event: &Value<'_>, cut: usize| {
        cuts += cut;
        if cut > 0 {
            size = event.to_string().len();
        }
        size <= max_bytes
    };
    if fits(event, 0) {
        return 0;
    }
    let mut done = {
        let cut = shorten(event, HUGE_TEXT);
        fits(event, cut)
    };
    for (name, step) in STEPS {
        if done {
            break;
        }
        let cut = step(event);
        if cut > 0 {
            gone.push(name);
        }
        done = fits(event, cut);
    }
    for limit in TEXT_LIMITS {
        if done {
            break;
        }
        let cut = shorten(event, limit);
        done = fits(event, cut);
    }
    for name in gone {
        meta::record_remark(event, &[], name, "x", None, None);
    }
    cuts
}

type Step = fn(&mut Value<'_>) -> usize;

const STEPS: [(&str, Step); 13] = [
    ("!trim:vars", |event| {
        each_frame(event, |frame| remove(frame, &["vars"]))
    }),
    ("!trim:extra texts", |event| {
        limit_texts_under(event, "extra", 1024)
    }),
    ("!trim:breadcrumb data", |event| {
        each_breadcrumb(event, |crumb| remove(crumb, &["data"]))
    }),
    ("!trim:request data", |event| {
        remove_under(event, "request", &["data", "env"])
    }),
    ("!trim:breadcrumbs", |event| {
        keep_newest(event, "breadcrumbs", 20)
    }),
    ("!trim:source lines", |event| {
        each_frame(event, |frame| {
            remove(frame, &["pre_context", "post_context"])
        })
    }),
    ("!trim:extra", |event| {
        event
            .as_object_mut()
            .map_or(0, |event| remove(event, &["modules", "extra"]))
    }),
    ("!trim:breadcrumbs", |event| {
        keep_newest(event, "breadcrumbs", 0)
    }),
    ("!trim:frames", |event| {
        each_stack(event, |frames| cap_frames(frames, 10, 30))
    }),
    ("!trim:sdk", |event| {
        remove_under(event, "sdk", &["integrations", "packages", "features"])
    }),
    ("!trim:contexts", own_contexts),
    ("!trim:headers", |event| {
        remove_under(event, "request", &["headers", "cookies"])
    }),
    ("!trim:frames", |event| {
        each_stack(event, |frames| cap_frames(frames, 3, 12))
    }),
];

/// No text of an ordinary event is longer; one that is must not cost the others their place.
const HUGE_TEXT: usize = 32 * 1024;

/// The last resort, from generous to harsh, in bytes of each text.
const TEXT_LIMITS: [usize; 4] = [4096, 1024, 256, 64];

/// Removes the contexts that are not of the known few.
fn own_contexts(event: &mut Value<'_>) -> usize {
    let Some(contexts) = event.get_mut("contexts").and_then(Value::as_object_mut) else {
        return 0;
    };
    let before = contexts.len();
    contexts.retain(|name, _| {
        matches!(
            name,
            "trace" | "os" | "runtime" | "browser" | "device" | "app"
        )
    });
    before - contexts.len()
}

fn remove_under(event: &mut Value<'_>, key: &str, keys: &[&str]) -> usize {
    event
        .get_mut(key)
        .and_then(Value::as_object_mut)
        .map_or(0, |object| remove(object, keys))
}

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
