//! `NativeScope`: one layer of scope data, and the place an event is captured from.

use faultwire_native::Scope;
use napi_derive::napi;

use crate::guard::guard;
use crate::plain_error::PlainError;

/// A handle on a core scope. Which scope is current is JavaScript's knowledge (async-local storage); what it holds is
/// the core's. Dropped by JavaScript's garbage collector.
#[napi]
pub struct NativeScope {
    inner: Scope,
}

impl NativeScope {
    pub(crate) fn new(inner: Scope) -> Self {
        Self { inner }
    }
}

#[napi]
impl NativeScope {
    /// A copy that shares everything until one of the two is written to.
    #[napi]
    pub fn fork(&self) -> NativeScope {
        let parent = &self.inner;
        // Cloning is the fallback because a scope must come back: the copy then shares writes with its parent, which
        // is still a working scope.
        let inner = guard(|| Some(parent.fork())).unwrap_or_else(|| parent.clone());
        NativeScope { inner }
    }

    /// Forgets everything set on this scope.
    #[napi]
    pub fn clear(&self) {
        guard(|| self.inner.clear());
    }

    /// Sets one piece of scope data. `kind` is `tag`, `user`, `extra`, `context`, `level`, `transaction` or
    /// `fingerprint`; `json` is the value as JSON text, `null` removes it.
    #[napi]
    pub fn set(&self, kind: String, key: String, json: String) {
        guard(|| self.inner.set(&kind, &key, &json));
    }

    /// Adds a breadcrumb. `time_ms` is unix milliseconds; `data_json` a JSON object, if there is one.
    #[napi]
    pub fn breadcrumb(
        &self,
        time_ms: f64,
        category: String,
        level: String,
        message: String,
        data_json: Option<String>,
    ) {
        guard(|| {
            self.inner
                .breadcrumb(time_ms, &category, &level, &message, data_json.as_deref());
        });
    }

    /// Hands an event to the core and answers its id (32 hex digits), or an empty string if the client is disabled.
    /// With `fatal` it returns when the event is durable on disk, otherwise within microseconds.
    #[napi]
    pub fn capture(&self, event_json: String, fatal: bool) -> String {
        guard(|| self.inner.capture(event_json, fatal))
    }

    /// [`capture`](Self::capture) of one error from its texts; the worker puts the JSON together. For the plain error of
    /// most days: quoting a stack of 2 KB as JSON is half of what building its event costs the calling thread.
    ///
    /// `mechanism_json` is the exception's mechanism, `rest_json` further members of the event (`"level":"fatal",…`).
    #[napi]
    pub fn capture_error(
        &self,
        error_type: String,
        value: String,
        stack: String,
        mechanism_json: String,
        rest_json: Option<String>,
        fatal: bool,
    ) -> String {
        let error = PlainError {
            error_type,
            value,
            stack,
            mechanism_json,
            rest_json,
        };
        guard(|| {
            self.inner
                .capture_deferred(move || error.into_event(), fatal)
        })
    }

    /// The event as a hook should see it, scope merged in; null if it was dropped (and counted) before the hook.
    #[napi]
    pub fn prepare(&self, event_json: String) -> Option<String> {
        guard(|| self.inner.prepare(event_json))
    }
}
