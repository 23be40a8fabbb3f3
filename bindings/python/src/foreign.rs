//! The only place where code of the app runs while an event is built: `__repr__` and `__str__`.
//!
//! Such code can raise, take seconds, ask a database or return fifty megabytes. What is promised: whatever it raises
//! ends here; after [`PATIENCE`] in all no further call is made, so one event is held up by that and one slow call; a
//! container that is not built in is never asked, because its elements may be computed or fetched on demand (a lazy
//! query, a data frame).

use std::time::{Duration, Instant};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};
use pyo3::{ffi, intern};

use crate::bounded::Style;
use crate::text::cut;

/// How much time the app's own code may still take for one event.
#[derive(Debug)]
pub struct Patience {
    left: Duration,
}

impl Patience {
    /// The whole time.
    pub fn new() -> Self {
        Self { left: PATIENCE }
    }

    /// Runs `call` if there is time left, and takes the time it took.
    fn spend<T>(&mut self, call: impl FnOnce() -> Option<T>) -> Option<T> {
        if self.left.is_zero() {
            return None;
        }
        let begun = Instant::now();
        let result = call();
        self.left = self.left.saturating_sub(begun.elapsed());
        result
    }
}

/// An object that has no JSON form, in a few words.
pub fn describe(value: &Bound<'_, PyAny>, style: Style, patience: &mut Patience) -> String {
    let class = value.get_type();
    let name = type_name(&class);
    if let Ok(itself) = value.cast::<PyType>() {
        return format!("<class {}>", type_name(itself));
    }
    let py = value.py();
    if is_lazy(&class) {
        return format!("<{name}>");
    }
    let asked = match style {
        Style::Repr => intern!(py, "__repr__"),
        Style::Str => intern!(py, "__str__"),
    };
    if says_nothing(&class, asked) {
        return format!("<{name}>");
    }
    patience
        .spend(|| {
            let told = match style {
                Style::Repr => value.repr(),
                Style::Str => value.str(),
            };
            Some(match quiet(py, told) {
                Some(text) => cut(&text, MOST_TEXT).into_owned(),
                None => format!("<unreadable {name}>"),
            })
        })
        .unwrap_or_else(|| format!("<{name}>"))
}

/// `str(exception)` within `limit` characters; None if it raises.
pub fn message(
    exception: &Bound<'_, PyAny>,
    limit: usize,
    patience: &mut Patience,
) -> Option<String> {
    patience.spend(|| {
        let text = quiet(exception.py(), exception.str())?;
        Some(cut(&text, limit).into_owned())
    })
}

/// The fields of an instance of a dataclass. Its generated `__repr__` would print all of every field.
pub fn dataclass_fields<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    let py = value.py();
    let class = value.get_type();
    if !class.hasattr(intern!(py, "__dataclass_fields__")).ok()? {
        return None;
    }
    let fields = read(value, intern!(py, "__dict__"))?;
    fields.cast_into::<PyDict>().ok()
}

/// An attribute; None if there is none or reading it raises.
pub fn read<'py>(
    value: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
) -> Option<Bound<'py, PyAny>> {
    let found = quiet(value.py(), value.getattr(name))?;
    (!found.is_none()).then_some(found)
}

/// The class's qualified name.
pub fn type_name(class: &Bound<'_, PyType>) -> String {
    class
        .qualname()
        .map(|name| cut(&name, 256).into_owned())
        .unwrap_or_else(|_| "object".to_owned())
}

/// What a call into the app's code gave, without what it raised. Ctrl-C pressed meanwhile is raised again as soon as the
/// app's code goes on.
fn quiet<T>(py: Python<'_>, result: PyResult<T>) -> Option<T> {
    result
        .inspect_err(|error| {
            if error.is_instance_of::<PyKeyboardInterrupt>(py) {
                // SAFETY: may be called at any time; it only marks the signal as pending.
                unsafe { ffi::PyErr_SetInterrupt() };
            }
        })
        .ok()
}

/// Whether the class is a container of its own making.
fn is_lazy(class: &Bound<'_, PyType>) -> bool {
    let py = class.py();
    // Along the bases, not by `hasattr`: that would also find what a metaclass has, and every Enum is iterable there.
    let bases = class.mro();
    let has = |name: &Bound<'_, PyString>| {
        bases.iter().any(|base| {
            base.getattr(intern!(py, "__dict__"))
                .and_then(|members| members.contains(name))
                .unwrap_or(true)
        })
    };
    has(intern!(py, "__len__")) && has(intern!(py, "__iter__"))
}

/// Whether the text would be `object`'s own: a class name and an address.
fn says_nothing(class: &Bound<'_, PyType>, asked: &Bound<'_, PyString>) -> bool {
    let py = class.py();
    let base = py.get_type::<PyAny>();
    let same = |name: &Bound<'_, PyString>| match (class.getattr(name), base.getattr(name)) {
        (Ok(own), Ok(plain)) => own.is(&plain),
        _ => true,
    };
    // object's `__str__` calls `__repr__`.
    same(asked) && same(intern!(py, "__repr__"))
}

/// For one event: about what a fast page takes altogether.
const PATIENCE: Duration = Duration::from_millis(10);
const MOST_TEXT: usize = 8_192;
