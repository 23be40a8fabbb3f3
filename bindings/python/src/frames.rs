//! Stacks: from tracebacks and live frames to the protocol's frames (protocol 3.5), oldest call first.
//!
//! Source lines are the worker's business, from `abs_path` and `lineno`; only code without a file (typed at a prompt, a
//! notebook cell) gets them here, if `linecache` already holds them. Locals are read newest frame first, until their
//! common budget is spent: the frames next to the fault are the ones a person looks at.

use std::fmt::Write;
use std::path::Path;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyModule, PyString, PyTuple, PyType};

use crate::bounded::{self, Bounds, Style};
use crate::foreign::{self, Patience, read};
use crate::text::{cut, member, quote};

/// One place of a stack: the frame, and the line it was at. The frame's own line has moved on since.
pub struct Place<'py> {
    frame: Bound<'py, PyAny>,
    line: u32,
}

/// What all stacks of one event share.
pub struct Budget {
    /// Whether locals are wanted.
    pub locals: bool,
    /// Bytes that locals may still take.
    pub bytes: usize,
    /// Time that the app's own `__repr__` may still take.
    pub patience: Patience,
}

impl Budget {
    /// The whole budget of one event.
    pub fn new(locals: bool) -> Self {
        Self {
            locals,
            bytes: MOST_LOCALS_BYTES,
            patience: Patience::new(),
        }
    }
}

/// The places of a traceback, oldest first: the first 50 and the last 200, which is what servers keep. The rest of a
/// deep recursion is passed over before anything is read of it.
pub fn of_traceback<'py>(traceback: Option<Bound<'py, PyAny>>) -> Vec<Place<'py>> {
    let mut places = Vec::new();
    let mut next = traceback;
    while let Some(at) = next {
        let py = at.py();
        let line = || at.getattr(intern!(py, "tb_lineno"))?.extract::<u32>();
        if let Some(frame) = read(&at, intern!(py, "tb_frame")) {
            places.push(Place {
                frame,
                line: line().unwrap_or(0),
            });
        }
        if places.len() >= OLDEST + 2 * NEWEST {
            places.drain(OLDEST..OLDEST + NEWEST);
        }
        next = read(&at, intern!(py, "tb_next"));
    }
    let excess = places.len().saturating_sub(OLDEST + NEWEST);
    if excess > 0 {
        places.drain(OLDEST..OLDEST + excess);
    }
    places
}

/// The places from `frame` outwards, oldest first, without the SDK's own.
pub fn of_frame<'py>(frame: Option<Bound<'py, PyAny>>) -> Vec<Place<'py>> {
    let mut places = Vec::new();
    let mut next = frame;
    while let Some(frame) = next {
        let py = frame.py();
        next = read(&frame, intern!(py, "f_back"));
        let own = places.is_empty() && module_of(&frame).is_some_and(|name| is_ours(&name));
        if !own && places.len() < OLDEST + NEWEST {
            let line = frame.getattr(intern!(py, "f_lineno"));
            let line = line.and_then(|line| line.extract::<u32>()).unwrap_or(0);
            places.push(Place { frame, line });
        }
    }
    places.reverse();
    places
}

/// The JSON list of frames.
pub fn to_json(py: Python<'_>, places: &[Place<'_>], budget: &mut Budget) -> String {
    let site = Site::of(py);
    let mut newest_first: Vec<String> = Vec::with_capacity(places.len());
    for place in places.iter().rev() {
        let mut out = String::with_capacity(512);
        frame(&mut out, place, site, budget);
        newest_first.push(out);
    }
    let mut list =
        String::with_capacity(newest_first.iter().map(|f| f.len() + 1).sum::<usize>() + 2);
    list.push('[');
    for (at, frame) in newest_first.iter().rev().enumerate() {
        if at > 0 {
            list.push(',');
        }
        list.push_str(frame);
    }
    list.push(']');
    list
}

fn frame(out: &mut String, place: &Place<'_>, site: &Site, budget: &mut Budget) {
    let frame = &place.frame;
    let py = frame.py();
    out.push('{');
    let code = read(frame, intern!(py, "f_code"));
    let text = |name: &Bound<'_, PyString>| {
        let found = read(code.as_ref()?, name)?;
        let found = found.cast_into::<PyString>().ok()?;
        Some(cut(&found, MOST_NAME).into_owned())
    };
    // Since 3.11 a method's name comes with its class.
    let name = text(intern!(py, "co_qualname")).or_else(|| text(intern!(py, "co_name")));
    let file = text(intern!(py, "co_filename")).unwrap_or_default();
    let module = module_of(frame);
    member(out, "function", name.as_deref().unwrap_or("<unknown>"));
    if let Some(module) = &module {
        member(out, "module", module);
    }
    let path = absolute(&file);
    member(out, "filename", relative(&path, module.as_deref()));
    member(out, "abs_path", &path);
    if place.line > 0 {
        // Writing to a String cannot fail.
        let _ = write!(out, ",\"lineno\":{}", place.line);
    }
    let in_app = !site.is_foreign(&path) && !module.as_deref().is_some_and(is_ours);
    let _ = write!(out, ",\"in_app\":{in_app}");
    if file.starts_with('<') {
        typed_lines(out, py, &file, place.line);
    }
    if budget.locals && budget.bytes > 0 {
        locals(out, frame, budget);
    }
    out.push('}');
}

/// Adds `vars`. At the top of a module, imports and definitions are left out: they are the source's text again.
fn locals(out: &mut String, frame: &Bound<'_, PyAny>, budget: &mut Budget) {
    let py = frame.py();
    let Some(found) = read(frame, intern!(py, "f_locals")) else {
        return;
    };
    // Since 3.13 a function's locals are a proxy; copying it is cheap, and it is bounded by the function's text.
    let found = match found.cast_into::<PyDict>() {
        Ok(dict) => dict,
        Err(other) => {
            let copy = PyDict::new(py);
            let Ok(proxy) = other.into_inner().cast_into::<pyo3::types::PyMapping>() else {
                return;
            };
            if copy.update(&proxy).is_err() {
                return;
            }
            copy
        }
    };
    let at_top = read(frame, intern!(py, "f_globals")).is_some_and(|globals| globals.is(&found));
    let begin = out.len();
    out.push_str(",\"vars\":{");
    let empty = out.len();
    let mut shown = 0;
    for (name, value) in bounded::entries(&found, MOST_SCANNED) {
        let Ok(name) = name.cast::<PyString>() else {
            continue;
        };
        let name = cut(name, MOST_NAME);
        if name.starts_with("__") || at_top && is_definition(&value) {
            continue;
        }
        if shown == MOST_LOCALS || budget.bytes == 0 {
            break;
        }
        if shown > 0 {
            out.push(',');
        }
        let before = out.len();
        quote(out, &name);
        out.push(':');
        let bounds = Bounds {
            total: bounded::LOCAL.total.min(budget.bytes),
            ..bounded::LOCAL
        };
        bounded::write(out, &value, bounds, Style::Repr, &mut budget.patience);
        budget.bytes = budget.bytes.saturating_sub(out.len() - before);
        shown += 1;
    }
    if out.len() == empty {
        out.truncate(begin);
    } else {
        out.push('}');
    }
}

fn is_definition(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyModule>()
        || value.is_instance_of::<PyType>()
        || value.is_callable() && foreign::type_name(&value.get_type()).contains("function")
}

fn module_of(frame: &Bound<'_, PyAny>) -> Option<String> {
    let py = frame.py();
    let globals = read(frame, intern!(py, "f_globals"))?
        .cast_into::<PyDict>()
        .ok()?;
    let name = globals.get_item(intern!(py, "__name__")).ok()??;
    let name = name.cast_into::<PyString>().ok()?;
    Some(cut(&name, MOST_NAME).into_owned())
}

/// The lines around code that has no file, from what `linecache` was given by a prompt or a notebook.
fn typed_lines(out: &mut String, py: Python<'_>, file: &str, line: u32) {
    let Some(lines) = cached_lines(py, file) else {
        return;
    };
    let Some(at) = (line as usize)
        .checked_sub(1)
        .filter(|at| *at < lines.len())
    else {
        return;
    };
    let text = |at: usize| {
        let line = lines.get_item(at).ok()?.cast_into::<PyString>().ok()?;
        let line = cut(&line, MOST_LINE).into_owned();
        Some(line.trim_end_matches(['\n', '\r']).to_owned())
    };
    let Some(context) = text(at) else { return };
    let around = |out: &mut String, key: &str, range: std::ops::Range<usize>| {
        let _ = write!(out, ",\"{key}\":[");
        for (count, line) in range.filter_map(text).enumerate() {
            if count > 0 {
                out.push(',');
            }
            quote(out, &line);
        }
        out.push(']');
    };
    around(out, "pre_context", at.saturating_sub(CONTEXT_LINES)..at);
    member(out, "context_line", &context);
    around(
        out,
        "post_context",
        at + 1..lines.len().min(at + 1 + CONTEXT_LINES),
    );
}

fn cached_lines<'py>(py: Python<'py>, file: &str) -> Option<Bound<'py, PyList>> {
    let modules = py
        .import(intern!(py, "sys"))
        .ok()?
        .getattr(intern!(py, "modules"))
        .ok()?;
    let linecache = modules
        .cast::<PyDict>()
        .ok()?
        .get_item("linecache")
        .ok()??;
    let cache = read(&linecache, intern!(py, "cache"))?
        .cast_into::<PyDict>()
        .ok()?;
    // An entry is (size, time, lines, full name); one of another length has not been read yet.
    let entry = cache.get_item(file).ok()??.cast_into::<PyTuple>().ok()?;
    if entry.len() != 4 {
        return None;
    }
    entry.get_item(2).ok()?.cast_into::<PyList>().ok()
}

/// A relative path is one of the working directory; text in angle brackets names no file.
fn absolute(file: &str) -> String {
    if file.is_empty() || file.starts_with('<') || Path::new(file).is_absolute() {
        return file.to_owned();
    }
    std::path::absolute(file)
        .ok()
        .and_then(|path| path.into_os_string().into_string().ok())
        .unwrap_or_else(|| file.to_owned())
}

/// The part of a path that says where a module is: `shop/cart.py` of module `shop.cart`. Of a file that does not lie
/// where its module's name says, the file's own name.
fn relative<'p>(path: &'p str, module: Option<&str>) -> &'p str {
    if path.starts_with('<') {
        return path;
    }
    let is_separator = |letter| letter == '/' || letter == '\\';
    let depth = module
        .filter(|name| *name != "__main__")
        .map_or(0, |name| name.matches('.').count());
    let is_package = path.rsplit(is_separator).next() == Some("__init__.py");
    let pieces = depth + 1 + usize::from(is_package);
    let tail = match path.rmatch_indices(is_separator).nth(pieces - 1) {
        Some((at, _)) => &path[at + 1..],
        None => path,
    };
    let stem = tail
        .strip_suffix("/__init__.py")
        .or_else(|| tail.strip_suffix(".py"))
        .unwrap_or(tail);
    let agrees = module.is_some_and(|name| stem.split(is_separator).eq(name.split('.')));
    if agrees {
        return tail;
    }
    path.rsplit(is_separator).next().unwrap_or(path)
}

fn is_ours(module: &str) -> bool {
    module == "faultwire" || module.starts_with("faultwire.")
}

/// Where this interpreter keeps what is not the app.
struct Site {
    /// The folder of the standard library, with a separator at its end.
    library: String,
}

impl Site {
    fn of(py: Python<'_>) -> &Site {
        static SITE: PyOnceLock<Site> = PyOnceLock::new();
        SITE.get_or_init(py, || {
            // The `os` module lies at the top of the standard library, in every layout and virtual environment.
            let file = py.import("os").and_then(|os| os.getattr("__file__"));
            let file = file
                .and_then(|file| file.extract::<String>())
                .unwrap_or_default();
            let library = file
                .strip_suffix("os.py")
                .or_else(|| file.strip_suffix("os.pyc"));
            Site {
                library: library.unwrap_or_default().to_owned(),
            }
        })
    }

    fn is_foreign(&self, path: &str) -> bool {
        path.starts_with("<frozen")
            || path
                .split(['/', '\\'])
                .any(|part| part == "site-packages" || part == "dist-packages")
            || !self.library.is_empty() && path.starts_with(&self.library)
    }
}

const OLDEST: usize = 50;
const NEWEST: usize = 200;
const CONTEXT_LINES: usize = 5;
const MOST_NAME: usize = 512;
const MOST_LINE: usize = 1_024;
const MOST_LOCALS: usize = 40;
/// Names looked at in one frame: the top of a module can hold thousands.
const MOST_SCANNED: usize = 400;
/// Of all frames of an event together.
const MOST_LOCALS_BYTES: usize = 131_072;
