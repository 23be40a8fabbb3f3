//! Texts: from Python to Rust without copying megabytes, and from Rust into JSON.

use std::borrow::Cow;
use std::fmt::Write;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::bounded::{self, Style};
use crate::foreign::Patience;
use crate::guard::guard;

/// The JSON text of any value, within the bounds of a piece of context; with `whole` within those of an event.
#[pyfunction]
#[pyo3(signature = (value, whole=false))]
pub fn to_json(value: &Bound<'_, PyAny>, whole: bool) -> String {
    let bounds = if whole {
        bounded::EVENT
    } else {
        bounded::CONTEXT
    };
    let json = guard(|| {
        let mut out = String::new();
        bounded::write(&mut out, value, bounds, Style::Str, &mut Patience::new());
        out
    });
    // Empty only after a panic, and an empty text is not JSON.
    if json.is_empty() {
        "null".to_owned()
    } else {
        json
    }
}

/// Any value as a text of at most `limit` characters: a string itself, nothing for None, else its JSON text.
#[pyfunction]
pub fn plain_text(value: &Bound<'_, PyAny>, limit: usize) -> String {
    guard(|| plain(value, limit))
}

/// [`plain_text`] for a caller with a guard of its own.
pub fn plain(value: &Bound<'_, PyAny>, limit: usize) -> String {
    if value.is_none() {
        return String::new();
    }
    match value.cast::<PyString>() {
        Ok(text) => cut(text, limit).into_owned(),
        Err(_) => cut_str(&to_json(value, false), limit).into_owned(),
    }
}

/// The text itself, or its first `limit` characters and `...`. Of fifty megabytes only these are converted. A lone
/// surrogate becomes U+FFFD.
pub fn cut<'a>(text: &'a Bound<'_, PyString>, limit: usize) -> Cow<'a, str> {
    let length = text.code_point_len().unwrap_or(0);
    if length <= limit {
        return lossy(text);
    }
    let end = ffi::Py_ssize_t::try_from(limit).unwrap_or(ffi::Py_ssize_t::MAX);
    // SAFETY: `text` is a str and the GIL is held; the result is a new reference or null with an error set, which
    // `from_owned_ptr_or_err` takes over. Slicing by the type's own method would call a subclass's override.
    let head = unsafe {
        let head = ffi::PyUnicode_Substring(text.as_ptr(), 0, end);
        Bound::from_owned_ptr_or_err(text.py(), head)
    };
    let head = head.ok().and_then(|head| head.cast_into::<PyString>().ok());
    let head = head.map(|head| lossy(&head).into_owned());
    Cow::Owned(head.unwrap_or_default() + "...")
}

fn lossy<'a>(text: &'a Bound<'_, PyString>) -> Cow<'a, str> {
    match text.to_cow() {
        Ok(text) => text,
        // pyo3 makes one mark of each of a surrogate's three bytes.
        Err(_) => Cow::Owned(
            text.to_string_lossy()
                .replace("\u{fffd}\u{fffd}\u{fffd}", "\u{fffd}"),
        ),
    }
}

/// [`cut`] for a text that is Rust's already.
pub fn cut_str(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Appends `text` as a JSON string.
pub fn quote(out: &mut String, text: &str) {
    out.push('"');
    let mut clean = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[clean..at]);
        clean = at + 1;
        if escape.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[clean..]);
    out.push('"');
}

/// Appends `"key":"text"`, with a comma before it unless it opens an object.
pub fn member(out: &mut String, key: &str, text: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    quote(out, key);
    out.push(':');
    quote(out, text);
}
