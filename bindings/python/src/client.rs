//! `NativeClient`: one client of the core, from options to shutdown.

use std::mem::ManuallyDrop;

use faultwire_native::{Client, Sdk};
use pyo3::prelude::*;

use crate::guard::guard;
use crate::scope::NativeScope;

/// A handle on the core's client.
///
/// Dropping it does not close the client: Python drops modules while it goes down, after `atexit` has already flushed
/// within its bound, and must not be held up a second time.
#[pyclass(frozen, module = "faultwire._native")]
pub struct NativeClient {
    inner: ManuallyDrop<Client>,
}

#[pymethods]
impl NativeClient {
    /// Builds a client from the options as JSON text. Wrong options become `warnings`, a wrong or missing DSN a disabled
    /// client.
    #[new]
    fn new(options_json: &str, sdk_version: &str) -> PyResult<Self> {
        let sdk = Sdk {
            name: "faultwire.python".to_owned(),
            version: sdk_version.to_owned(),
            platform: "python".to_owned(),
        };
        // The one call that may raise: without a client there is nothing to hand out, and `init` answers with its no-op
        // client and a warning.
        guard(|| Some(Client::new(options_json, sdk)))
            .map(|client| Self {
                inner: ManuallyDrop::new(client),
            })
            .ok_or_else(|| {
                pyo3::exceptions::PyRuntimeError::new_err("the native client failed to start")
            })
    }

    /// Warnings since the last call, each one sentence without a prefix.
    fn warnings(&self) -> Vec<String> {
        guard(|| self.inner.warnings())
    }

    /// Whether events go anywhere.
    fn enabled(&self) -> bool {
        guard(|| self.inner.enabled())
    }

    /// The options that the host's own part depends on, as the core understood them:
    /// `(flush_timeout_ms, shutdown_timeout_ms, attach_stacktrace, send_default_pii)`.
    fn settings(&self) -> (u64, u64, bool, bool) {
        guard(|| {
            let settings = self.inner.settings();
            (
                settings.flush_timeout_ms,
                settings.shutdown_timeout_ms,
                settings.attach_stacktrace,
                settings.send_default_pii,
            )
        })
    }

    /// The process-wide scope.
    fn scope(&self) -> NativeScope {
        NativeScope::new(self.inner.scope())
    }

    /// Takes an event back from a hook. With `fatal` it returns when the event is durable on disk.
    fn submit(&self, py: Python<'_>, prepared_json: String, fatal: bool) {
        let client = &*self.inner;
        if fatal {
            py.detach(|| guard(|| client.submit(prepared_json, true)));
        } else {
            guard(|| client.submit(prepared_json, false));
        }
    }

    /// Counts a prepared event that a hook dropped.
    fn reject(&self, reason: &str) {
        guard(|| self.inner.reject(reason));
    }

    /// Waits, without the GIL, until everything queued is delivered; whether that happened in time.
    fn flush(&self, py: Python<'_>, timeout_ms: f64) -> bool {
        let client = &*self.inner;
        py.detach(|| guard(|| client.flush(whole_ms(timeout_ms))))
    }

    /// Like `flush`, and stops the client.
    fn close(&self, py: Python<'_>, timeout_ms: f64) -> bool {
        let client = &*self.inner;
        py.detach(|| guard(|| client.close(whole_ms(timeout_ms))))
    }

    /// The loss ledger as JSON text: `{captured, recovered, delivered, queued, lost: {reason: n}}`.
    fn stats(&self) -> String {
        guard(|| self.inner.stats())
    }
}

/// A negative number or NaN means "do not wait"; a wait longer than a day is a mistake in units.
fn whole_ms(timeout_ms: f64) -> u64 {
    timeout_ms.clamp(0.0, LONGEST_MS) as u64
}

const LONGEST_MS: f64 = 86_400_000.0;
