//! From an exception object to the protocol's list of exceptions, oldest first (protocol 3.3).
//!
//! Any object can be raised: one whose `__str__` raises, one with fifty megabytes of text, a cycle of causes. Every text
//! goes through `cut`, every list has an end.

use std::collections::HashSet;
use std::fmt::Write;

use pyo3::exceptions::{PyBaseException, PyOSError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use crate::bounded::{self, Style};
use crate::foreign::{self, read};
use crate::frames::{self, Budget};
use crate::guard::guard;
use crate::text::{cut, cut_str, member, quote};

/// Describes `raised` for an event: the JSON list of exceptions, and the JSON object of contexts with what the app hung on
/// the exceptions, by exception type, or None.
///
/// `kind` and `handled` say how it was caught. `frame` is where the app called the SDK: what is not an exception, or was
/// never raised, gets that stack. An empty list means that nothing could be described.
#[pyfunction]
#[pyo3(signature = (raised, kind, handled, with_locals, frame=None))]
pub fn describe(
    raised: &Bound<'_, PyAny>,
    kind: &str,
    handled: bool,
    with_locals: bool,
    frame: Option<Bound<'_, PyAny>>,
) -> (String, Option<String>) {
    guard(|| {
        let mut budget = Budget::new(with_locals);
        if !raised.is_instance_of::<PyBaseException>() {
            return (other(raised, kind, handled, frame, &mut budget), None);
        }
        let found = collect(raised, kind, handled);
        let mut texts = Vec::with_capacity(found.len());
        let mut contexts = String::from("{");
        let mut named = HashSet::new();
        for (at, one) in found.iter().enumerate() {
            let place = frame.as_ref().filter(|_| at == 0);
            texts.push(exception(one, place, &mut budget));
            own_properties(&mut contexts, &mut named, &one.exception, &mut budget);
        }
        texts.reverse();
        let contexts = (contexts.len() > 1).then(|| contexts + "}");
        (format!("[{}]", texts.join(",")), contexts)
    })
}

/// The JSON list of frames from `frame` outwards, without the SDK's own: for a message that carries its stack.
#[pyfunction]
pub fn current_stack(py: Python<'_>, frame: Option<Bound<'_, PyAny>>, with_locals: bool) -> String {
    guard(|| frames::to_json(py, &frames::of_frame(frame), &mut Budget::new(with_locals)))
}

struct Found<'py> {
    exception: Bound<'py, PyAny>,
    /// JSON text.
    mechanism: String,
}

/// An exception that is still to be looked at, and how it hangs on the one before.
struct Next<'py> {
    exception: Bound<'py, PyAny>,
    /// The attribute, and the id of the exception that has it.
    hangs: Option<(String, usize)>,
}

/// The exception, its members and its cause, depth first, outermost first. A cycle ends where it closes. Without
/// recursion: a chain of causes can be as long as a loop that wraps its own error.
fn collect<'py>(raised: &Bound<'py, PyAny>, kind: &str, handled: bool) -> Vec<Found<'py>> {
    let mut found: Vec<Found<'py>> = Vec::new();
    let mut seen = HashSet::new();
    let mut stack = vec![Next {
        exception: raised.clone(),
        hangs: None,
    }];
    while let Some(Next { exception, hangs }) = stack.pop() {
        if found.len() >= MOST_EXCEPTIONS || !seen.insert(exception.as_ptr() as usize) {
            continue;
        }
        let id = found.len();
        let members = members_of(&exception);
        let cause = cause_of(&exception);
        let is_alone = hangs.is_none() && cause.is_none() && members.is_none();

        let mut mechanism = String::from("{");
        member(
            &mut mechanism,
            "type",
            if hangs.is_none() { kind } else { "chained" },
        );
        // Writing to a String cannot fail.
        let _ = write!(mechanism, ",\"handled\":{handled}");
        if let Some((source, parent)) = &hangs {
            member(&mut mechanism, "source", source);
            let _ = write!(mechanism, ",\"parent_id\":{parent}");
        }
        if !is_alone {
            let _ = write!(mechanism, ",\"exception_id\":{id}");
        }
        if members.is_some() {
            mechanism.push_str(",\"is_exception_group\":true");
        }
        if let Some(number) = errno_of(&exception) {
            let _ = write!(mechanism, ",\"meta\":{{\"errno\":{{\"number\":{number}}}}}");
        }
        mechanism.push('}');
        found.push(Found {
            exception,
            mechanism,
        });

        // The last one pushed is looked at first: members in their order, the cause after them.
        if let Some((source, cause)) = cause {
            stack.push(Next {
                exception: cause,
                hangs: Some((source.to_owned(), id)),
            });
        }
        for (at, member) in members.unwrap_or_default().into_iter().enumerate().rev() {
            stack.push(Next {
                exception: member,
                hangs: Some((format!("exceptions[{at}]"), id)),
            });
        }
    }
    found
}

/// What an exception came from, by Python's own rule of what a traceback shows: `from` wins, and `from None` hides.
fn cause_of<'py>(exception: &Bound<'py, PyAny>) -> Option<(&'static str, Bound<'py, PyAny>)> {
    let py = exception.py();
    let is_error = |other: &Bound<'py, PyAny>| other.is_instance_of::<PyBaseException>();
    if let Some(cause) = read(exception, intern!(py, "__cause__")) {
        return Some(("__cause__", cause)).filter(|(_, cause)| is_error(cause));
    }
    let suppressed = read(exception, intern!(py, "__suppress_context__"));
    if suppressed.is_some_and(|flag| flag.is_truthy().unwrap_or(true)) {
        return None;
    }
    let context = read(exception, intern!(py, "__context__"))?;
    Some(("__context__", context)).filter(|(_, context)| is_error(context))
}

/// The exceptions inside an ExceptionGroup, or inside the backport's of older Pythons; both say so by their base's name.
fn members_of<'py>(exception: &Bound<'py, PyAny>) -> Option<Vec<Bound<'py, PyAny>>> {
    let py = exception.py();
    let is_group = exception.get_type().mro().iter().any(|base| {
        let name = base.getattr(intern!(py, "__name__"));
        name.is_ok_and(|name| {
            name.cast::<PyString>()
                .is_ok_and(|name| name == "BaseExceptionGroup")
        })
    });
    if !is_group {
        return None;
    }
    let members = read(exception, intern!(py, "exceptions"))?
        .cast_into::<PyTuple>()
        .ok()?;
    let members = members
        .iter()
        .filter(|member| member.is_instance_of::<PyBaseException>());
    Some(members.take(MOST_MEMBERS).collect())
}

fn errno_of(exception: &Bound<'_, PyAny>) -> Option<i64> {
    if !exception.is_instance_of::<PyOSError>() {
        return None;
    }
    read(exception, intern!(exception.py(), "errno"))?
        .extract::<i64>()
        .ok()
}

fn exception(found: &Found<'_>, frame: Option<&Bound<'_, PyAny>>, budget: &mut Budget) -> String {
    let exception = &found.exception;
    let py = exception.py();
    let class = exception.get_type();
    let mut out = String::from("{");
    let name = class.name().map(|name| cut(&name, 256).into_owned());
    member(&mut out, "type", name.as_deref().unwrap_or("Exception"));
    let module = class.module().map(|name| cut(&name, 256).into_owned());
    if let Some(module) = module
        .ok()
        .filter(|name| name != "builtins" && name != "__main__")
    {
        member(&mut out, "module", &module);
    }
    member(&mut out, "value", &value_of(exception, budget));
    let traceback = read(exception, intern!(py, "__traceback__"));
    let places = match (traceback, frame) {
        (Some(traceback), _) => frames::of_traceback(Some(traceback)),
        (None, frame) => frames::of_frame(frame.cloned()),
    };
    if !places.is_empty() {
        out.push_str(",\"stacktrace\":{\"frames\":");
        out.push_str(&frames::to_json(py, &places, budget));
        out.push('}');
    }
    out.push_str(",\"mechanism\":");
    out.push_str(&found.mechanism);
    out.push('}');
    out
}

/// The message, with the notes that were added to it below it, as a traceback prints them.
fn value_of(exception: &Bound<'_, PyAny>, budget: &mut Budget) -> String {
    let mut text = overlong(exception)
        .or_else(|| foreign::message(exception, MOST_TEXT, &mut budget.patience))
        .unwrap_or_else(|| format!("<unreadable {}>", foreign::type_name(&exception.get_type())));
    let notes = read(exception, intern!(exception.py(), "__notes__"));
    if let Some(notes) = notes.and_then(|notes| notes.cast_into::<PyList>().ok()) {
        for note in notes.iter().take(MOST_NOTES) {
            if let Ok(note) = note.cast::<PyString>() {
                text.push('\n');
                text.push_str(&cut(note, MOST_NOTE));
            }
        }
    }
    text
}

/// The message of an exception with one giant text, without a call to `str`: a KeyError would copy all of it.
fn overlong(exception: &Bound<'_, PyAny>) -> Option<String> {
    let args = read(exception, intern!(exception.py(), "args"))?
        .cast_into::<PyTuple>()
        .ok()?;
    if args.len() != 1 {
        return None;
    }
    let text = args.get_item(0).ok()?.cast_into_exact::<PyString>().ok()?;
    let is_overlong = text.code_point_len().is_ok_and(|length| length > MOST_TEXT);
    is_overlong.then(|| cut(&text, MOST_TEXT).into_owned())
}

/// Adds what the app hung on the exception (`status`, `order_id`) to the contexts, under the exception's type.
fn own_properties(
    contexts: &mut String,
    named: &mut HashSet<String>,
    exception: &Bound<'_, PyAny>,
    budget: &mut Budget,
) {
    let py = exception.py();
    let own =
        read(exception, intern!(py, "__dict__")).and_then(|own| own.cast_into::<PyDict>().ok());
    let Some(own) = own else { return };
    let shown = PyDict::new(py);
    for (name, value) in bounded::entries(&own, bounded::ERROR.breadth) {
        let is_dunder = name
            .cast::<PyString>()
            .is_ok_and(|name| cut(name, 8).starts_with("__"));
        if !is_dunder {
            // Names are strings; setting one cannot fail.
            let _ = shown.set_item(name, value);
        }
    }
    if shown.is_empty() {
        return;
    }
    let name = foreign::type_name(&exception.get_type());
    // The outermost exception comes first and wins: the issue is about it.
    if !named.insert(name.clone()) {
        return;
    }
    if contexts.len() > 1 {
        contexts.push(',');
    }
    quote(contexts, &name);
    contexts.push(':');
    bounded::write(
        contexts,
        shown.as_any(),
        bounded::ERROR,
        Style::Repr,
        &mut budget.patience,
    );
}

/// Something that is no exception, as one: in the same words as in the other languages.
fn other(
    raised: &Bound<'_, PyAny>,
    kind: &str,
    handled: bool,
    frame: Option<Bound<'_, PyAny>>,
    budget: &mut Budget,
) -> String {
    let value = if let Ok(text) = raised.cast::<PyString>() {
        cut(text, MOST_TEXT).into_owned()
    } else if let Ok(dict) = raised.cast::<PyDict>() {
        keys_of(dict)
    } else if let Ok(list) = raised.cast::<PyList>() {
        format!("an array of {}", list.len())
    } else if let Ok(tuple) = raised.cast::<PyTuple>() {
        format!("an array of {}", tuple.len())
    } else {
        let mut json = String::new();
        let patience = &mut budget.patience;
        bounded::write(&mut json, raised, bounded::ERROR, Style::Repr, patience);
        json.trim_matches('"').to_owned()
    };
    let mut out = String::from("[{");
    member(&mut out, "type", "NonError");
    member(&mut out, "value", &value);
    let places = frames::of_frame(frame);
    if !places.is_empty() {
        out.push_str(",\"stacktrace\":{\"frames\":");
        out.push_str(&frames::to_json(raised.py(), &places, budget));
        out.push('}');
    }
    out.push_str(",\"mechanism\":{");
    member(&mut out, "type", kind);
    let _ = write!(out, ",\"handled\":{handled},\"synthetic\":true}}}}]");
    out
}

fn keys_of(dict: &Bound<'_, PyDict>) -> String {
    let names: Vec<String> = bounded::entries(dict, 20)
        .iter()
        .filter_map(|(key, _)| Some(cut(key.cast::<PyString>().ok()?, 64).into_owned()))
        .collect();
    if names.is_empty() {
        return "an object without keys".to_owned();
    }
    format!("an object with keys: {}", cut_str(&names.join(", "), 256))
}

/// Causes and members followed from one exception.
const MOST_EXCEPTIONS: usize = 50;
const MOST_MEMBERS: usize = 32;
/// Characters of a message; the core trims further.
const MOST_TEXT: usize = 16_384;
const MOST_NOTES: usize = 20;
const MOST_NOTE: usize = 2_048;
