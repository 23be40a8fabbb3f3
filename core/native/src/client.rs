//! The handles a host holds: [`Client`] and [`Scope`].

use std::sync::Arc;

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

/// A client: options, queue and worker of one DSN. Cheap to clone; all clones are one client.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What a person would call the context of an event: tags, user, breadcrumbs. Cheap to fork.
#[derive(Debug, Clone)]
pub struct Scope {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    sdk: Sdk,
}

impl Client {
    /// Makes a client from the host's options as a JSON object. Never fails and never panics: what is wrong in the
    /// options becomes a warning (see [`Client::warnings`]); without a usable DSN the client is disabled.
    pub fn new(_options_json: &str, sdk: Sdk) -> Client {
        Client { shared: Arc::new(Shared { sdk }) }
    }

    /// Takes the warnings collected so far; the host prints each with the prefix `faultwire: `.
    pub fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether captures go anywhere: a usable DSN was given and the client is not closed.
    pub fn enabled(&self) -> bool {
        !self.shared.sdk.name.is_empty()
    }

    /// The global scope.
    pub fn scope(&self) -> Scope {
        Scope { shared: self.shared.clone() }
    }

    /// Hands over an event that went through [`Scope::prepare`] and the host's hook.
    pub fn submit(&self, _prepared_json: String, _fatal: bool) {}

    /// Counts an event that the host's hook dropped; `reason` is a wire reason such as `before_send`.
    pub fn reject(&self, _reason: &str) {}

    /// Waits until everything captured so far is delivered or `timeout_ms` passed; returns whether all went out.
    pub fn flush(&self, _timeout_ms: u64) -> bool {
        true
    }

    /// Flushes, then stops the worker. What was not delivered stays on disk for the next start.
    pub fn close(&self, _timeout_ms: u64) -> bool {
        true
    }

    /// Counters as JSON: `{"captured":n,"delivered":n,"queued":n,"lost":{"reason":n}}`.
    pub fn stats(&self) -> String {
        r#"{"captured":0,"delivered":0,"queued":0,"lost":{}}"#.to_owned()
    }
}

impl Scope {
    /// A copy that starts with what this scope holds and changes on its own from then on.
    pub fn fork(&self) -> Scope {
        self.clone()
    }

    /// Empties the scope.
    pub fn clear(&self) {}

    /// Sets one value. `kind` is `tag`, `user`, `extra`, `context`, `level`, `transaction` or `fingerprint`;
    /// `json` is the value as JSON text, `null` removes.
    pub fn set(&self, _kind: &str, _key: &str, _json: &str) {}

    /// Adds a breadcrumb. `time_ms` is Unix time in milliseconds; empty `level` means `info`.
    pub fn breadcrumb(&self, _time_ms: f64, _category: &str, _level: &str, _message: &str, _data_json: Option<&str>) {}

    /// Captures an event and returns its id (32 hex digits). With `fatal` it returns when the event is durable on
    /// disk, at most after `shutdownTimeout`; otherwise it hands the event over and returns in microseconds.
    pub fn capture(&self, _event_json: String, _fatal: bool) -> String {
        let mut bytes = [0u8; 16];
        let _ = getrandom::fill(&mut bytes);
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The event merged with this scope, for the host's hook; it carries `event_id`. `None` when sampling or an ignore
    /// rule dropped it (already counted).
    pub fn prepare(&self, event_json: String) -> Option<String> {
        Some(event_json)
    }
}
