//! Any Python value to JSON text: never raises, never loops, never grows past its budget.
//!
//! `json.dumps(default=repr)` does none of the three (cycles, a 50 MB string, a `__repr__` that raises or asks a
//! database). The bounds here protect the calling thread and the crossing into the core; trimming to what a server
//! accepts is the core's business. Built-in containers are read by their storage, so no code of the app runs for them;
//! code of the app runs only in [`crate::foreign`].

use std::fmt::Write;

use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString,
    PyTuple,
};

use crate::foreign::{self, Patience};
use crate::text::{cut, quote};

/// How far a value may be followed.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Levels of containers.
    pub depth: usize,
    /// Entries of one container.
    pub breadth: usize,
    /// Characters of one text.
    pub text: usize,
    /// Bytes of the whole result, kept approximately.
    pub total: usize,
}

/// For a piece of context: what a person looks at, not a heap dump.
pub const CONTEXT: Bounds = Bounds {
    depth: 6,
    breadth: 100,
    text: 8_192,
    total: 65_536,
};

/// For a whole event that the app built itself, and for options.
pub const EVENT: Bounds = Bounds {
    depth: 32,
    breadth: 10_000,
    text: 262_144,
    total: 4_194_304,
};

/// For what hangs on an exception object: half the heap can be reached from there.
pub const ERROR: Bounds = Bounds {
    depth: 4,
    breadth: 32,
    text: 2_048,
    total: 8_192,
};

/// For one local variable. `total` is what is left of the budget of all of them.
pub const LOCAL: Bounds = Bounds {
    depth: 3,
    breadth: 10,
    text: 512,
    total: 4_096,
};

/// How an object without a JSON form is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// By `repr`, for a developer who looks at variables.
    Repr,
    /// By `str`, for a value the app chose to attach: a date, a path, a decimal number.
    Str,
}

/// Appends the JSON text of `value` to `out`.
pub fn write(
    out: &mut String,
    value: &Bound<'_, PyAny>,
    bounds: Bounds,
    style: Style,
    patience: &mut Patience,
) {
    let end = out.len() + bounds.total;
    let mut writer = Writer {
        out,
        bounds,
        end,
        style,
        patience,
        path: Vec::new(),
    };
    writer.value(value, 0);
}

struct Writer<'w> {
    out: &'w mut String,
    bounds: Bounds,
    /// The length of `out` at which only marks are written.
    end: usize,
    style: Style,
    patience: &'w mut Patience,
    /// Addresses of the containers around the current value.
    path: Vec<usize>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Bound<'_, PyAny>, depth: usize) {
        if value.is_none() {
            self.out.push_str("null");
        } else if let Ok(text) = value.cast::<PyString>() {
            self.text(text);
        } else if let Ok(flag) = value.cast::<PyBool>() {
            self.out
                .push_str(if flag.is_true() { "true" } else { "false" });
        } else if value.is_instance_of::<PyInt>() {
            self.integer(value);
        } else if let Ok(float) = value.cast::<PyFloat>() {
            self.float(float.value());
        } else if let Ok(dict) = value.cast::<PyDict>() {
            self.container(value, "{...}", depth, |writer, depth| {
                writer.members(entries(dict, writer.bounds.breadth), dict.len(), depth);
            });
        } else if let Ok(list) = value.cast::<PyList>() {
            let count = list.len();
            let items = (0..count.min(self.bounds.breadth)).map_while(|at| list.get_item(at).ok());
            let items: Vec<_> = items.collect();
            self.container(value, "[...]", depth, |writer, depth| {
                writer.list(items, count, depth);
            });
        } else if let Ok(tuple) = value.cast::<PyTuple>() {
            let count = tuple.len();
            let items: Vec<_> = tuple.iter().take(self.bounds.breadth).collect();
            self.container(value, "(...)", depth, |writer, depth| {
                writer.list(items, count, depth);
            });
        } else if let Ok(set) = value.cast_exact::<PySet>() {
            let items: Vec<_> = set.iter().take(self.bounds.breadth).collect();
            let count = set.len();
            self.container(value, "{...}", depth, |writer, depth| {
                writer.list(items, count, depth);
            });
        } else if let Ok(set) = value.cast_exact::<PyFrozenSet>() {
            let items: Vec<_> = set.iter().take(self.bounds.breadth).collect();
            let count = set.len();
            self.container(value, "{...}", depth, |writer, depth| {
                writer.list(items, count, depth);
            });
        } else if let Ok(bytes) = value.cast::<PyBytes>() {
            self.bytes(bytes.as_bytes());
        } else if value.is_instance_of::<PyByteArray>() {
            quote(self.out, "[bytearray]");
        } else if let Some(fields) = foreign::dataclass_fields(value) {
            self.container(value, "{...}", depth, |writer, depth| {
                let count = fields.len();
                let mut members = entries(&fields, writer.bounds.breadth);
                if let Ok(name) = value.get_type().name() {
                    let key = PyString::new(value.py(), "__class__").into_any();
                    members.insert(0, (key, name.into_any()));
                }
                writer.members(members, count + 1, depth);
            });
        } else {
            let text = foreign::describe(value, self.style, self.patience);
            let limit = self.bounds.text.min(self.left());
            let text = crate::text::cut_str(&text, limit);
            quote(self.out, &text);
        }
    }

    fn left(&self) -> usize {
        self.end.saturating_sub(self.out.len())
    }

    fn text(&mut self, text: &Bound<'_, PyString>) {
        let text = cut(text, self.bounds.text.min(self.left()));
        quote(self.out, &text);
    }

    fn integer(&mut self, value: &Bound<'_, PyAny>) {
        // Writing to a String cannot fail. A subclass of int is its number: no code of the app is asked.
        if let Ok(whole) = value.extract::<i64>() {
            let _ = write!(self.out, "{whole}");
        } else if let Ok(whole) = value.extract::<u128>() {
            let _ = write!(self.out, "\"{whole}\"");
        } else {
            // Printing a number of a million digits takes quadratic time.
            quote(self.out, "[a very large int]");
        }
    }

    fn float(&mut self, float: f64) {
        if float.is_finite() {
            let _ = write!(self.out, "{float:?}");
        } else {
            let _ = write!(self.out, "\"{float}\"");
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let shown = bytes.len().min(MOST_BYTES).min(self.left());
        let more = bytes.len() - shown;
        let mut text = format!("b\"{}\"", bytes[..shown].escape_ascii());
        if more > 0 {
            let _ = write!(text, " and {more} more bytes");
        }
        quote(self.out, &text);
    }

    /// Writes a container by `body`, unless it is too deep, too late or around itself.
    fn container(
        &mut self,
        value: &Bound<'_, PyAny>,
        folded: &str,
        depth: usize,
        body: impl FnOnce(&mut Self, usize),
    ) {
        let address = value.as_ptr() as usize;
        if self.path.contains(&address) {
            quote(self.out, "[Circular]");
        } else if depth >= self.bounds.depth || self.left() == 0 {
            quote(self.out, folded);
        } else {
            self.path.push(address);
            body(self, depth + 1);
            self.path.pop();
        }
    }

    fn list(&mut self, items: Vec<Bound<'_, PyAny>>, count: usize, depth: usize) {
        self.out.push('[');
        let mut written = 0;
        for item in &items {
            if self.left() == 0 {
                break;
            }
            if written > 0 {
                self.out.push(',');
            }
            self.value(item, depth);
            written += 1;
        }
        if written < count {
            if written > 0 {
                self.out.push(',');
            }
            let _ = write!(self.out, "\"[{} more]\"", count - written);
        }
        self.out.push(']');
    }

    fn members(&mut self, members: Vec<Entry<'_>>, count: usize, depth: usize) {
        self.out.push('{');
        let mut written = 0;
        for (key, value) in &members {
            if self.left() == 0 {
                break;
            }
            if written > 0 {
                self.out.push(',');
            }
            let key = key_text(key, self.patience);
            quote(self.out, &key);
            self.out.push(':');
            self.value(value, depth);
            written += 1;
        }
        if written < count {
            if written > 0 {
                self.out.push(',');
            }
            let _ = write!(self.out, "\"...\":\"[{} more]\"", count - written);
        }
        self.out.push('}');
    }
}

type Entry<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// The first entries of a dict. All are taken before any is looked at: a `__repr__` may change the dict, or let another
/// thread do it.
pub fn entries<'py>(dict: &Bound<'py, PyDict>, most: usize) -> Vec<Entry<'py>> {
    dict.iter().take(most).collect()
}

fn key_text(key: &Bound<'_, PyAny>, patience: &mut Patience) -> String {
    match key.cast::<PyString>() {
        Ok(text) => cut(text, MOST_KEY).into_owned(),
        Err(_) => {
            let mut text = String::new();
            let tiny = Bounds {
                depth: 1,
                breadth: 4,
                text: MOST_KEY,
                total: MOST_KEY,
            };
            write(&mut text, key, tiny, Style::Repr, patience);
            text
        }
    }
}

const MOST_KEY: usize = 256;
const MOST_BYTES: usize = 128;
