//! The handles a host holds: [`Client`] and [`Scope`].
//!
//! Every call is safe on any thread and at any time, also after [`Client::close`] and in a forked child: it never
//! panics, never blocks beyond its stated bound, and what cannot be done is counted, see [`Client::stats`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use faultwire_core::breadcrumbs::Crumb;
use faultwire_core::engine::{Admission, Capture};
use faultwire_core::loss::{Ledger, Loss};
use faultwire_core::scope::Scope as Facts;

use crate::runtime::Runtime;
use crate::setup::{self, Prepared};
use crate::worker::{Captured, Event};
use crate::{clock, ids};

/// Who is speaking: goes into `event.sdk`, the `User-Agent` and the auth header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sdk {
    /// Dotted name, for instance `faultwire.node`.
    pub name: String,
    /// Version of the binding, for instance `0.1.0`.
    pub version: String,
    /// `event.platform` where the host's event does not say: `node`, `python`, `rust`, …
    pub platform: String,
}

/// The options that a host needs for the part of the work that only it can do, as the core understood them.
///
/// A host asks for them instead of reading what the app gave, so that defaults and ranges stay in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long `flush()` waits when the app names no time, in milliseconds.
    pub flush_timeout_ms: u64,
    /// The most an exit may be held up, in milliseconds.
    pub shutdown_timeout_ms: u64,
    /// Whether a message carries the stack of the place that sent it; only the host can walk it.
    pub attach_stacktrace: bool,
    /// Whether the client's address may go on an event; only the host knows it.
    pub send_default_pii: bool,
}

/// A client: options, queue and worker of one DSN. Cheap to clone; all clones are one client.
///
/// When the last clone is dropped the client closes, within option `shutdownTimeout`. A [`Scope`] does not keep it open.
///
/// ```
/// use faultwire_native::{Client, Sdk};
///
/// let sdk = Sdk { name: "example".into(), version: "1.0.0".into(), platform: "other".into() };
/// let client = Client::new(r#"{"dsn": null}"#, sdk);
/// assert!(!client.enabled());
/// client.scope().capture(r#"{"message":"nobody listens"}"#.to_owned(), false);
/// assert!(client.close(100));
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    scope: Scope,
    _closer: Arc<Closer>,
}

/// What a person would call the context of an event: tags, user, breadcrumbs.
///
/// A clone is the same scope; [`Scope::fork`] makes a new one, cheaply.
#[derive(Clone)]
pub struct Scope {
    inner: Arc<Inner>,
    facts: Arc<Mutex<Facts>>,
}

struct Inner {
    /// `None` for a client that does nothing.
    runtime: Option<Arc<Runtime>>,
    warnings: Mutex<Vec<String>>,
    max_breadcrumbs: usize,
    settings: Settings,
}

/// Closes the client when the last handle goes. Scopes and the worker hold only `Inner`.
struct Closer {
    inner: Arc<Inner>,
}

impl Client {
    /// Makes a client from the host's options as a JSON object.
    ///
    /// Never fails and never panics: what is wrong in the options becomes a warning (see [`Client::warnings`]); without
    /// a usable DSN the client does nothing. Starts no thread, unless an earlier process left events in the queue.
    pub fn new(options_json: &str, sdk: Sdk) -> Client {
        let Prepared {
            runtime,
            warnings,
            max_breadcrumbs,
            settings,
        } = setup::prepare(options_json, sdk);
        let inner = Arc::new(Inner {
            runtime,
            warnings: Mutex::new(warnings),
            max_breadcrumbs,
            settings,
        });
        let facts = Arc::new(Mutex::new(Facts::new(max_breadcrumbs)));
        let scope = Scope {
            inner: inner.clone(),
            facts,
        };
        Client {
            scope,
            _closer: Arc::new(Closer {
                inner: inner.clone(),
            }),
            inner,
        }
    }

    /// Takes the warnings collected so far; the host prints each with the prefix `faultwire: `. What goes wrong later
    /// on the worker thread (a full disk, say) is written to stderr with the same prefix instead.
    pub fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.inner.warnings))
    }

    /// Whether captures go anywhere: a usable DSN was given and the client is not closed.
    pub fn enabled(&self) -> bool {
        self.inner
            .runtime()
            .is_some_and(|runtime| !runtime.is_closing())
    }

    /// What the host must know of the options. The same for a client without a DSN.
    pub fn settings(&self) -> Settings {
        self.inner.settings
    }

    /// The global scope.
    pub fn scope(&self) -> Scope {
        self.scope.clone()
    }

    /// Hands over an event that went through [`Scope::prepare`] and the host's hook. With `fatal` it returns when the
    /// event is durable on disk, at most after option `shutdownTimeout`.
    pub fn submit(&self, prepared_json: String, fatal: bool) {
        if let Some(runtime) = self.inner.runtime() {
            let now = clock::now();
            runtime.capture(Captured::new(
                Event::Prepared(prepared_json),
                ids::event_id(),
                now,
                fatal,
            ));
        }
    }

    /// Counts an event that the host's hook dropped; `reason` is a wire reason such as `before_send`, and anything
    /// unknown counts as that.
    pub fn reject(&self, reason: &str) {
        if let Some(runtime) = self.inner.runtime() {
            runtime.lost(Loss::parse(reason).unwrap_or(Loss::BeforeSend));
        }
    }

    /// Waits until everything captured so far is delivered or `timeout_ms` passed; returns whether all went out. May
    /// be called from several threads at once.
    pub fn flush(&self, timeout_ms: u64) -> bool {
        self.inner
            .runtime()
            .is_none_or(|runtime| runtime.flush(timeout_ms))
    }

    /// Refuses new events, waits like [`Client::flush`], and ends the worker. What was not delivered stays on disk
    /// for the next start. Calling it again is harmless.
    pub fn close(&self, timeout_ms: u64) -> bool {
        self.inner
            .runtime()
            .is_none_or(|runtime| runtime.close(timeout_ms))
    }

    /// [`Client::close`] with option `shutdownTimeout`: the most an exit may be held up.
    pub fn shut_down(&self) -> bool {
        self.inner
            .runtime()
            .is_none_or(|runtime| runtime.close(runtime.setup.shutdown_timeout_ms))
    }

    /// Counters as JSON: `{"captured":n,"recovered":n,"delivered":n,"queued":n,"lost":{"reason":n}}`. At any moment
    /// `captured + recovered = delivered + queued + lost`.
    pub fn stats(&self) -> String {
        self.inner
            .runtime()
            .map_or_else(Ledger::default, |runtime| runtime.ledger())
            .to_json()
    }
}

impl Scope {
    /// A scope that starts with what this one holds and changes on its own from then on. Costs two reference counts.
    pub fn fork(&self) -> Scope {
        let facts = lock(&self.facts).fork();
        Scope {
            inner: self.inner.clone(),
            facts: Arc::new(Mutex::new(facts)),
        }
    }

    /// Empties the scope.
    pub fn clear(&self) {
        *lock(&self.facts) = Facts::new(self.inner.max_breadcrumbs);
    }

    /// Sets one value. `kind` is `tag`, `user`, `extra`, `context`, `request`, `level`, `transaction` or `fingerprint`;
    /// `json` is the value as JSON text, `null` removes. A value that cannot be set becomes a warning.
    pub fn set(&self, kind: &str, key: &str, json: &str) {
        let result = lock(&self.facts).set(kind, key, json);
        if let Err(error) = result {
            self.inner.warn(error.to_string());
        }
    }

    /// Adds a breadcrumb. `time_ms` is Unix time in milliseconds; an empty `level` means `info`.
    pub fn breadcrumb(
        &self,
        time_ms: f64,
        category: &str,
        level: &str,
        message: &str,
        data_json: Option<&str>,
    ) {
        if self.inner.runtime.is_some() {
            let crumb = Crumb::new(time_ms, category, level, message, data_json);
            lock(&self.facts).breadcrumb(crumb);
        }
    }

    /// Captures an event and returns its id (32 hex digits).
    ///
    /// It hands the event over and returns in microseconds, with two exceptions: a `fatal` event is waited for until it
    /// is durable on disk, at most option `shutdownTimeout`; the first event of a process until it is stored (it
    /// survives the process, about 2 ms, at most 250 ms).
    pub fn capture(&self, event_json: String, fatal: bool) -> String {
        self.capture_event(|scope| Event::Text(event_json, scope), fatal)
    }

    /// Like [`Scope::capture`], for a host in Rust: `finish` makes the event's JSON on the worker thread. Meant for work
    /// that is too slow for the calling thread, such as looking up symbols. A panic in it counts as `internal_sdk_error`.
    pub fn capture_deferred(
        &self,
        finish: impl FnOnce() -> String + Send + 'static,
        fatal: bool,
    ) -> String {
        self.capture_event(|scope| Event::Deferred(Box::new(finish), scope), fatal)
    }

    /// The event as the host's hook shall see it: merged with this scope, with frames and `event_id`, not scrubbed yet.
    /// `None` when an ignore rule dropped it (already counted) or the client does nothing. The result goes to
    /// [`Client::submit`] or [`Client::reject`].
    pub fn prepare(&self, event_json: String) -> Option<String> {
        let runtime = self.inner.runtime()?;
        let scope = lock(&self.facts).clone();
        let capture = Capture {
            event_json,
            scope,
            id: ids::event_id(),
            now: clock::now(),
            fatal: false,
        };
        // A defect in here must not unwind into the host.
        let prepared = catch_unwind(AssertUnwindSafe(|| runtime.setup.engine.prepare(&capture)));
        match prepared.unwrap_or(Err(Loss::InternalSdkError)) {
            Ok(json) => Some(json),
            Err(loss) => {
                runtime.lost(loss);
                None
            }
        }
    }

    fn capture_event(&self, event: impl FnOnce(Facts) -> Event, fatal: bool) -> String {
        let id = ids::event_id();
        if let Some(runtime) = self.inner.runtime() {
            match runtime.setup.engine.admit(id) {
                Admission::Accepted => {
                    let event = event(lock(&self.facts).clone());
                    runtime.capture(Captured::new(event, id, clock::now(), fatal));
                }
                Admission::Lost(loss) => runtime.lost(loss),
                Admission::Disabled => {}
            }
        }
        id.to_string()
    }
}

impl Inner {
    fn runtime(&self) -> Option<&Arc<Runtime>> {
        self.runtime.as_ref().map(|runtime| runtime.current())
    }

    /// Keeps a warning for the host. A host that never asks must not make the list grow.
    fn warn(&self, text: String) {
        let mut warnings = lock(&self.warnings);
        if warnings.len() < MAX_WARNINGS && !warnings.contains(&text) {
            warnings.push(text);
        }
    }
}

impl Drop for Closer {
    fn drop(&mut self) {
        if let Some(runtime) = self.inner.runtime() {
            runtime.close(runtime.setup.shutdown_timeout_ms);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const MAX_WARNINGS: usize = 32;
