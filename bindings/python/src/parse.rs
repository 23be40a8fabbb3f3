//! JSON text to Python objects, for hooks and `stats`. Done here because importing Python's `json` costs every app two
//! milliseconds at start.

use faultwire_native::json::{self, Value};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// The value of a JSON text. Raises ValueError for what is not JSON; the core writes none of that.
#[pyfunction]
pub fn from_json<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let value = json::parse(text).map_err(|error| PyValueError::new_err(error.to_string()))?;
    object(py, &value)
}

/// The parser refuses nesting beyond its own limit, so the recursion is bounded.
fn object<'py>(py: Python<'py>, value: &Value<'_>) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(flag) => flag.into_bound_py_any(py),
        Value::Number(number) if number.as_text().contains(['.', 'e', 'E']) => {
            number.as_f64().into_bound_py_any(py)
        }
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => whole.into_bound_py_any(py),
            (None, Some(whole)) => whole.into_bound_py_any(py),
            (None, None) => number.as_f64().into_bound_py_any(py),
        },
        Value::String(text) => text.as_ref().into_bound_py_any(py),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(object(py, item)?)?;
            }
            Ok(list.into_any())
        }
        Value::Object(members) => {
            let dict = PyDict::new(py);
            for (key, member) in members.iter() {
                dict.set_item(key, object(py, member)?)?;
            }
            Ok(dict.into_any())
        }
    }
}
