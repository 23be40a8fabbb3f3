//! Scopes: the facts that go onto every event captured in one request, task or process.
//!
//! A scope is a value. Forking it costs two reference counts; the first write after a fork copies what it writes to
//! (copy on write), so neither side sees the other's later changes. Which scope is current is the host's knowledge.
//! Capturing takes such a fork along, so what an event says is what the scope held at that moment.
//!
//! Texts are kept as the host gave them and turned into a tree when an event is built, away from the calling thread.

use crate::breadcrumbs::{Crumb, Ring};
use faultwire_protocol::json::{self, Object, Value};
use faultwire_protocol::time::Millis;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Longest value that can be set, in bytes of JSON.
pub const MAX_VALUE_BYTES: usize = 64 << 10;
/// Size of one scope without its breadcrumbs, in bytes of names and JSON.
pub const MAX_SCOPE_BYTES: usize = 1 << 20;
/// Size of one scope's breadcrumbs.
pub const MAX_CRUMBS_BYTES: usize = 1 << 20;

/// Facts for events. Clone and fork freely.
#[derive(Debug, Clone)]
pub struct Scope {
    data: Arc<Data>,
    crumbs: Arc<Ring>,
    max_breadcrumbs: usize,
}

/// Why a value was not set. The scope is unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeError {
    subject: String,
    complaint: String,
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.complaint)
    }
}

impl std::error::Error for ScopeError {}

/// JSON texts, checked when they were set, by kind and key.
#[derive(Debug, Clone, Default)]
struct Data {
    values: BTreeMap<(Kind, Box<str>), Box<str>>,
    bytes: usize,
}

/// What can be set. The order is that in the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Level,
    Transaction,
    Fingerprint,
    Tag,
    User,
    Request,
    Context,
    Extra,
}

impl Scope {
    /// An empty scope that keeps the newest `max_breadcrumbs`.
    pub fn new(max_breadcrumbs: usize) -> Scope {
        Scope {
            data: Arc::default(),
            crumbs: Arc::default(),
            max_breadcrumbs,
        }
    }

    /// A scope with the same facts that goes its own way from here.
    pub fn fork(&self) -> Scope {
        self.clone()
    }

    /// Forgets everything, breadcrumbs included.
    pub fn clear(&mut self) {
        *self = Scope::new(self.max_breadcrumbs);
    }

    /// Sets one fact; `json` is its JSON text, and `null` removes it.
    ///
    /// | kind | key | json |
    /// |---|---|---|
    /// | `tag` | name | string, number or boolean |
    /// | `user` | field, or empty for the whole user | any, or an object |
    /// | `extra` | name | any |
    /// | `context` | name | object |
    /// | `request` | field, or empty for the whole request | any, or an object |
    /// | `level` | – | `"fatal"`, `"error"`, `"warning"`, `"info"` or `"debug"` |
    /// | `transaction` | – | string |
    /// | `fingerprint` | – | list of strings |
    ///
    /// Errors name the fact and leave the scope as it was: unknown kind, broken JSON, wrong shape, a value beyond
    /// [`MAX_VALUE_BYTES`], a scope beyond [`MAX_SCOPE_BYTES`].
    pub fn set(&mut self, kind: &str, key: &str, json: &str) -> Result<(), ScopeError> {
        let fail = |complaint: String| {
            let key: String = key.chars().take(80).collect();
            let subject = if key.is_empty() {
                kind.to_owned()
            } else {
                format!("{kind} `{key}`")
            };
            Err(ScopeError { subject, complaint })
        };
        let Some(kind) = Kind::parse(kind) else {
            return fail(format!(
                "unknown kind, expected one of {}",
                Kind::NAMES.map(|(_, name)| name).join(", ")
            ));
        };
        if json.len() > MAX_VALUE_BYTES {
            return fail(format!(
                "{} bytes exceed the limit of {MAX_VALUE_BYTES} bytes for one value",
                json.len()
            ));
        }
        let value = match json::parse(json) {
            Ok(value) => value,
            Err(error) => return fail(format!("not valid JSON: {error}")),
        };
        let whole = matches!(kind, Kind::User | Kind::Request) && key.is_empty();
        let key = if kind.is_single() { "" } else { key };
        if value.is_null() {
            let data = Arc::make_mut(&mut self.data);
            if whole {
                data.remove_all(kind)
            } else {
                data.remove(kind, key)
            }
            return Ok(());
        }
        if let Err(expected) = kind.accepts(&value, whole) {
            return fail(format!("expected {expected}"));
        }
        let entries = match (&value, whole) {
            (Value::Object(fields), true) => fields
                .iter()
                .map(|(key, value)| (key, value.to_string()))
                .collect(),
            (Value::Bool(_) | Value::Number(_), _) if kind == Kind::Tag => {
                vec![(key, Value::from(value.to_string()).to_string())]
            }
            _ => vec![(key, json.trim().to_owned())],
        };
        let mut data = Arc::clone(&self.data);
        let changed = Arc::make_mut(&mut data);
        if whole {
            changed.remove_all(kind);
        }
        for (key, json) in entries {
            changed.insert(kind, key, json);
        }
        if changed.bytes > MAX_SCOPE_BYTES {
            return fail(format!(
                "the scope would exceed its limit of {MAX_SCOPE_BYTES} bytes"
            ));
        }
        self.data = data;
        Ok(())
    }

    /// Adds a breadcrumb; see [`Crumb::new`] for the parts.
    pub fn breadcrumb(&mut self, crumb: Crumb) {
        if self.max_breadcrumbs > 0 {
            Arc::make_mut(&mut self.crumbs).push(crumb, self.max_breadcrumbs, MAX_CRUMBS_BYTES);
        }
    }

    /// Puts the scope's facts onto an event.
    ///
    /// What the event says itself wins, key by key, in tags, user, request, contexts and extra, and as a whole for
    /// transaction and fingerprint. The scope's level replaces the event's. Breadcrumbs are put together, sorted by
    /// time, and cut to the newest. Source: protocol §6.2.
    pub fn merge_into<'a>(&'a self, event: &mut Object<'a>, now: Millis) {
        for ((kind, key), text) in &self.data.values {
            let Ok(value) = json::parse(text) else {
                continue; // cannot be: checked by `set`
            };
            match kind {
                Kind::Level => {
                    event.insert("level", value);
                }
                Kind::Transaction | Kind::Fingerprint => {
                    let own = event.entry(kind.event_key());
                    if own.is_null() {
                        *own = value;
                    }
                }
                Kind::Tag | Kind::User | Kind::Request | Kind::Context | Kind::Extra => {
                    merge_key(event.entry(kind.event_key()), key, value);
                }
            }
        }
        self.crumbs.merge_into(event, self.max_breadcrumbs, now);
    }
}

/// Adds one entry to a map of the event unless it has that entry already. Tags may be a list of pairs (protocol §3.11).
fn merge_key<'a>(map: &mut Value<'a>, key: &'a str, value: Value<'a>) {
    if let Value::Array(pairs) = map {
        let named =
            |pair: &Value<'_>| pair.as_array().and_then(|pair| pair.first()?.as_str()) == Some(key);
        if !pairs.iter().any(named) {
            pairs.push(Value::Array(vec![Value::from(key), value]));
        }
        return;
    }
    // Anything else that is no map is invalid in these places and nobody could read it.
    let map = map.make_object();
    if !map.contains(key) {
        map.insert(key, value);
    }
}

impl Data {
    fn insert(&mut self, kind: Kind, key: &str, json: String) {
        self.remove(kind, key);
        self.bytes += key.len() + json.len();
        self.values
            .insert((kind, key.into()), json.into_boxed_str());
    }

    fn remove(&mut self, kind: Kind, key: &str) {
        if let Some(old) = self.values.remove(&(kind, Box::from(key))) {
            self.bytes -= key.len() + old.len();
        }
    }

    fn remove_all(&mut self, kind: Kind) {
        let keys: Vec<_> = self
            .values
            .keys()
            .filter(|(of, _)| *of == kind)
            .map(|(_, key)| key.clone())
            .collect();
        for key in keys {
            self.remove(kind, &key);
        }
    }
}

impl Kind {
    const NAMES: [(Kind, &'static str); 8] = [
        (Kind::Tag, "tag"),
        (Kind::User, "user"),
        (Kind::Extra, "extra"),
        (Kind::Context, "context"),
        (Kind::Request, "request"),
        (Kind::Level, "level"),
        (Kind::Transaction, "transaction"),
        (Kind::Fingerprint, "fingerprint"),
    ];

    fn parse(name: &str) -> Option<Kind> {
        Kind::NAMES
            .iter()
            .find(|(_, own)| *own == name)
            .map(|(kind, _)| *kind)
    }

    fn event_key(self) -> &'static str {
        match self {
            Kind::Tag => "tags",
            Kind::User => "user",
            Kind::Extra => "extra",
            Kind::Context => "contexts",
            Kind::Request => "request",
            Kind::Level => "level",
            Kind::Transaction => "transaction",
            Kind::Fingerprint => "fingerprint",
        }
    }

    fn is_single(self) -> bool {
        matches!(self, Kind::Level | Kind::Transaction | Kind::Fingerprint)
    }

    /// What is expected, if `value` is something else.
    fn accepts(self, value: &Value<'_>, whole: bool) -> Result<(), &'static str> {
        let (fits, expected) = match (self, value) {
            (Kind::Tag, Value::String(_) | Value::Number(_) | Value::Bool(_)) => (true, ""),
            (Kind::Tag, _) => (false, "a string, a number or a boolean"),
            (Kind::Context, value) => (value.as_object().is_some(), "an object"),
            (Kind::User | Kind::Request, value) if whole => {
                (value.as_object().is_some(), "an object")
            }
            (Kind::Level, value) => (
                value.as_str().is_some_and(|level| LEVELS.contains(&level)),
                "fatal, error, warning, info or debug",
            ),
            (Kind::Transaction, value) => (value.as_str().is_some(), "a string"),
            (Kind::Fingerprint, value) => {
                let texts = value
                    .as_array()
                    .is_some_and(|parts| parts.iter().all(|part| part.as_str().is_some()));
                (texts, "a list of strings")
            }
            (Kind::User | Kind::Request | Kind::Extra, _) => (true, ""),
        };
        if fits { Ok(()) } else { Err(expected) }
    }
}

const LEVELS: [&str; 5] = ["fatal", "error", "warning", "info", "debug"];

#[cfg(test)]
mod tests;
