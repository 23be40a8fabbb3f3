//! Stack texts of JavaScript engines, turned into frames.
//!
//! JavaScript hosts hand over `error.stack` as it is (design §3), so the shapes of V8, SpiderMonkey and JavaScriptCore
//! are known in this one place. A line that is no frame, such as a further line of the message, is passed over.

use crate::json::{Object, Value};
use std::borrow::Cow;

/// One call on a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The function as the engine names it, without `async` and `[as alias]`; `None` for anonymous ones.
    pub function: Option<Cow<'a, str>>,
    /// The path of a URL, or the path itself; `node:fs`, `<anonymous>` and `native` stay as they are.
    pub filename: Option<Cow<'a, str>>,
    /// The whole URL or path; a `file:` URL becomes the path it names.
    pub abs_path: Option<Cow<'a, str>>,
    /// Line, from 1.
    pub lineno: Option<u32>,
    /// Column, from 1.
    pub colno: Option<u32>,
    /// False for code of the engine, of Node itself and below `node_modules`.
    pub in_app: bool,
}

impl<'a> Frame<'a> {
    /// The frame as it stands in an event. Source: protocol §3.5.
    pub fn into_value(self) -> Value<'a> {
        let mut frame = Object::new();
        let texts = [
            ("function", self.function),
            ("filename", self.filename),
            ("abs_path", self.abs_path),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                frame.insert(key, text);
            }
        }
        for (key, number) in [("lineno", self.lineno), ("colno", self.colno)] {
            if let Some(number) = number {
                frame.insert(key, number);
            }
        }
        frame.insert("in_app", self.in_app);
        Value::Object(frame)
    }
}

/// Reads the frames of a stack text, oldest call first; none if it has none.
///
/// Understands V8 (Node, Chrome, Edge, Hermes), SpiderMonkey and JavaScriptCore. A part that begins with `Caused by:` is
/// another error's stack and ends the reading.
pub fn parse(raw: &str) -> Vec<Frame<'_>> {
    let lines = || {
        raw.lines()
            .filter(|line| line.len() <= MAX_LINE_BYTES)
            .map(str::trim)
            .take_while(|line| !starts_cause(line))
    };
    let mut frames: Vec<Frame<'_>> = lines().filter_map(v8_line).collect();
    if frames.is_empty() {
        frames = lines().filter_map(at_sign_line).collect();
    }
    frames.reverse();
    frames
}

/// [`parse`] for a caller who knows the error's message: lines of the message that look like frames, because the program
/// put another stack into it, are not taken for this error's own.
pub fn parse_after_message<'a>(raw: &'a str, message: &str) -> Vec<Frame<'a>> {
    // V8 begins the text with `Type: message`; elsewhere the message is absent and nothing is cut.
    let message = message.trim_end();
    match raw.find(message) {
        Some(at) if message.contains('\n') && !raw[..at].contains('\n') => {
            parse(&raw[at + message.len()..])
        }
        _ => parse(raw),
    }
}

/// Longer lines are data in a message, not calls.
const MAX_LINE_BYTES: usize = 4096;

fn starts_cause(line: &str) -> bool {
    line.get(..10)
        .is_some_and(|start| start.eq_ignore_ascii_case("caused by:"))
        || line.starts_with("[cause]:")
}

/// `at f (file:1:2)` and its many relatives.
fn v8_line(line: &str) -> Option<Frame<'_>> {
    let rest = line.strip_prefix("at ")?.trim_start();
    let rest = rest.strip_prefix("async ").unwrap_or(rest);
    if let Some((function, place)) = split_call(rest) {
        let place = place.strip_prefix("address at ").unwrap_or(place);
        let location = location(eval_origin(place)).or_else(|| unlocated(place))?;
        return Some(frame(function_name(function), location));
    }
    let location = location(rest).or_else(|| {
        if rest.starts_with("index ") {
            None
        } else {
            unlocated(rest)
        }
    })?;
    Some(frame(None, location))
}

/// Splits `f (place)` at the bracket that matches the closing one; paths hold brackets too, as in `app/(shop)/page.js`.
fn split_call(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_suffix(')')?;
    let mut depth = 1;
    let matching = inner.bytes().enumerate().rev().find_map(|(index, byte)| {
        depth += i32::from(byte == b')') - i32::from(byte == b'(');
        (depth == 0).then_some(index)
    });
    let open = matching
        .filter(|&at| inner[..at].ends_with(' '))
        .or_else(|| inner.find(" (").map(|at| at + 1))?;
    Some((inner[..open].trim_end(), &inner[open + 1..]))
}

/// In `eval at f (http://x/y.js:21:17), <anonymous>:1:30` the place in real code, however deep evals are nested.
fn eval_origin(place: &str) -> &str {
    let mut place = place;
    while let Some(rest) = place.strip_prefix("eval at ") {
        let origin = rest.find(" (").and_then(|open| {
            let inner = &rest[open + 2..];
            let mut depth = 1;
            let close = inner.bytes().position(|byte| {
                depth += i32::from(byte == b'(') - i32::from(byte == b')');
                depth == 0
            })?;
            Some(&inner[..close])
        });
        match origin {
            Some(origin) => place = origin,
            None => return rest,
        }
    }
    place
}

/// Removes the alias of `Store.save [as flush]`; a nameless function has no name.
fn function_name(function: &str) -> Option<&str> {
    let function = match function.find(" [as ") {
        Some(at) => &function[..at],
        None => function,
    };
    (!matches!(function, "" | "<anonymous>" | "Anonymous function" | "?")).then_some(function)
}

/// SpiderMonkey and JavaScriptCore: `f@url:1:2`, or the place alone.
fn at_sign_line(line: &str) -> Option<Frame<'_>> {
    let (function, place) = match line.split_once('@') {
        // The @ of a package version inside a URL separates nothing.
        Some((before, _)) if before.contains("://") => (None, line),
        Some((function, place)) => (Some(function), place),
        None => (None, line),
    };
    // `url line 5 > eval:1:1`: the code was made at that line.
    let made_at = place.split_once(" line ").and_then(|(url, rest)| {
        let (line, _) = rest.split_once(" > ")?;
        Some(Location {
            path: url,
            line: Some(line.parse().ok()?),
            column: None,
        })
    });
    let native = || {
        matches!(place, "[native code]" | "[wasm code]").then_some(Location {
            path: place,
            line: None,
            column: None,
        })
    };
    // Text before an @ may be anything; without a name the place itself must look like one.
    let located = || location(place).filter(|found| function.is_some() || found.path.contains('/'));
    let found = made_at.or_else(located).or_else(native)?;
    let function = function.map(|name| {
        let name = name.rsplit_once('*').map_or(name, |(_, name)| name);
        name.trim_end_matches("/<").trim_end_matches('<')
    });
    Some(frame(
        function.filter(|name| !matches!(*name, "" | "anonymous" | "?")),
        found,
    ))
}

struct Location<'a> {
    path: &'a str,
    line: Option<u32>,
    column: Option<u32>,
}

/// `path:line:column`, `path:line`, or a wasm address.
fn location(place: &str) -> Option<Location<'_>> {
    if place.starts_with("wasm://") {
        let path = place.rsplit_once(":0x").map_or(place, |(path, _)| path);
        return Some(Location {
            path,
            line: None,
            column: None,
        });
    }
    let (rest, last) = place.rsplit_once(':')?;
    let last = number(last)?;
    let (path, line, column) = match rest
        .rsplit_once(':')
        .and_then(|(path, line)| Some((path, number(line)?)))
    {
        Some((path, line)) => (path, line, Some(last)),
        None => (rest, last, None),
    };
    if path.is_empty() {
        return None;
    }
    Some(Location {
        path,
        line: Some(line).filter(|&line| line > 0),
        column: column.filter(|&column| column > 0),
    })
}

fn number(digits: &str) -> Option<u32> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Places without a line: code of the engine. `Promise.all (index 0)` names none at all.
fn unlocated(place: &str) -> Option<Location<'_>> {
    let path = match place {
        "<anonymous>" | "native" | "native code" | "[native code]" | "unknown location" => place,
        _ if place
            .strip_prefix("index ")
            .is_some_and(|index| number(index).is_some()) =>
        {
            ""
        }
        _ => return None,
    };
    Some(Location {
        path,
        line: None,
        column: None,
    })
}

fn frame<'a>(function: Option<&'a str>, location: Location<'a>) -> Frame<'a> {
    let (filename, abs_path) = match location.path {
        "" => (None, None),
        path => {
            let abs_path = local_path(path);
            (Some(url_path(&abs_path)), Some(abs_path))
        }
    };
    Frame {
        function: function.map(Cow::Borrowed),
        in_app: abs_path.as_deref().is_some_and(is_in_app),
        filename,
        abs_path,
        lineno: location.line,
        colno: location.column,
    }
}

/// The path that a `file:` URL names, `C:/x` included; anything else as it is.
fn local_path(path: &str) -> Cow<'_, str> {
    let Some(rest) = path.strip_prefix("file://") else {
        return Cow::Borrowed(path);
    };
    let drive = rest.strip_prefix('/').filter(|rest| has_drive(rest));
    let rest = drive.unwrap_or(rest);
    if !rest.contains('%') {
        return Cow::Borrowed(rest);
    }
    // A plus is a plus in a path; only the escapes are decoded.
    Cow::Owned(crate::auth::percent_decode(&rest.replace('+', "%2B")).into_owned())
}

/// Of a web URL the path, without query and fragment.
fn url_path<'a>(path: &Cow<'a, str>) -> Cow<'a, str> {
    if !(path.starts_with("http://") || path.starts_with("https://")) {
        return path.clone();
    }
    let start = path.find("://").map_or(0, |at| at + 3);
    let Some(slash) = path[start..].find('/') else {
        return path.clone();
    };
    let end = path.find(['?', '#']).unwrap_or(path.len());
    let range = start + slash..end.max(start + slash);
    match path {
        Cow::Borrowed(path) => Cow::Borrowed(&path[range]),
        Cow::Owned(path) => Cow::Owned(path[range].to_owned()),
    }
}

/// The rule of the official Node SDK; browser code, being at a URL, is always in. Source: protocol §6.6.
fn is_in_app(path: &str) -> bool {
    let local = path.starts_with(['/', '.', '\\']) || has_drive(path);
    let url = path.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+'))
    });
    let dependency = path.contains("node_modules/") || path.contains("node_modules\\");
    (local || url && !path.starts_with("wasm://")) && !dependency
}

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}
