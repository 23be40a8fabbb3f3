//! `NativeScope`: one layer of scope data, and the place an event is captured from.

use faultwire_native::Scope;
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::guard::guard;
use crate::text::{plain, to_json};

/// A handle on a core scope. Which scope is current is Python's knowledge (context variables); what it holds is the
/// core's.
///
/// Every call but a fatal capture keeps the GIL. They take microseconds, and it means that no scope's lock is held
/// without the GIL: a thread that forks holds the GIL, so the child never inherits such a lock from a thread it does
/// not have.
#[pyclass(frozen, module = "faultwire._native")]
pub struct NativeScope {
    inner: Scope,
}

impl NativeScope {
    pub(crate) fn new(inner: Scope) -> Self {
        Self { inner }
    }
}

#[pymethods]
impl NativeScope {
    /// A copy that shares everything until one of the two is written to.
    fn fork(&self) -> NativeScope {
        // Cloning is the fallback because a scope must come back: the copy then shares writes with its parent, which
        // is still a working scope.
        let inner = guard(|| Some(self.inner.fork())).unwrap_or_else(|| self.inner.clone());
        NativeScope { inner }
    }

    /// Forgets everything set on this scope.
    fn clear(&self) {
        guard(|| self.inner.clear());
    }

    /// Sets one piece of scope data. `kind` is `tag`, `user`, `extra`, `context`, `level`, `transaction` or
    /// `fingerprint`; `json` is the value as JSON text, `null` removes it.
    fn set(&self, kind: &str, key: &str, json: &str) {
        guard(|| self.inner.set(kind, key, json));
    }

    /// Adds a breadcrumb from its dict: `message`, `category`, `level`, `timestamp` (unix seconds, default now), `data`.
    /// One call, because an app leaves thousands of breadcrumbs for each event.
    fn breadcrumb<'py>(&self, crumb: &Bound<'py, PyDict>) {
        guard(|| {
            let py = crumb.py();
            let of = |key: &Bound<'py, PyString>| {
                let value = crumb.get_item(key).ok()??;
                (!value.is_none()).then_some(value)
            };
            let text = |key, limit| of(key).map_or_else(String::new, |value| plain(&value, limit));
            let at = of(intern!(py, "timestamp")).and_then(|at| at.extract::<f64>().ok());
            let data = of(intern!(py, "data")).map(|data| to_json(&data, false));
            self.inner.breadcrumb(
                at.unwrap_or_else(now) * 1_000.0,
                &text(intern!(py, "category"), 256),
                &text(intern!(py, "level"), 16),
                &text(intern!(py, "message"), 8_192),
                data.as_deref(),
            );
        });
    }

    /// Hands an event to the core and answers its id (32 hex digits). With `fatal` it returns when the event is durable
    /// on disk, otherwise within microseconds.
    fn capture(&self, py: Python<'_>, event_json: String, fatal: bool) -> String {
        if !fatal {
            return guard(|| self.inner.capture(event_json, false));
        }
        // A private copy, so that no lock of a shared scope is taken without the GIL.
        let own = guard(|| Some(self.inner.fork())).unwrap_or_else(|| self.inner.clone());
        py.detach(|| guard(|| own.capture(event_json, true)))
    }

    /// The event as a hook should see it, scope merged in; None if it was dropped (and counted) before the hook.
    fn prepare(&self, event_json: String) -> Option<String> {
        guard(|| self.inner.prepare(event_json))
    }
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}
