//! From an error or a text to the event's JSON.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use faultwire_native::json::{self, Object, Value};

use crate::Scope;
use crate::active::Active;
use crate::stack::Stack;

/// How much an event matters.
///
/// ```
/// assert!(faultwire::Level::Warning < faultwire::Level::Error);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For developers.
    Debug,
    /// Worth knowing.
    Info,
    /// Not right, and the app goes on.
    Warning,
    /// Something failed.
    Error,
    /// The process died of it.
    Fatal,
}

/// The id of a captured event as the server knows it: 32 hex digits, or nothing if there is no client.
///
/// ```
/// let id = faultwire::capture_message("hello", faultwire::Level::Info);
/// assert!(id.is_none(), "there is no client in this example");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct EventId(Option<String>);

impl Level {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }
}

impl EventId {
    /// Whether nothing was captured, because there is no client or a hook dropped the event.
    ///
    /// ```
    /// assert!(faultwire::EventId::default().is_none());
    /// ```
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_deref().unwrap_or("no event"))
    }
}

/// Captures a text.
pub(crate) fn message(active: &Active, scope: &Scope, text: &str, level: Level) -> EventId {
    let mut event = Object::new();
    event.insert("message", text.to_owned());
    event.insert("level", level.as_str());
    let stack = active.stack_on_messages.then(Stack::walk);
    capture(active, scope, event, level == Level::Fatal, move |event| {
        if let Some(frames) = stack.and_then(Stack::into_frames) {
            let thread = json::object([("current", Value::from(true)), ("stacktrace", frames)]);
            event.insert(
                "threads",
                json::object([("values", Value::Array(vec![thread]))]),
            );
        }
    })
}

/// Captures an error with its sources.
pub(crate) fn error<E: Error + ?Sized>(active: &Active, scope: &Scope, error: &E) -> EventId {
    let mut chain = vec![exception(
        name_of(error),
        error.to_string(),
        true,
        "generic",
    )];
    let mut source = error.source();
    while let Some(cause) = source.filter(|_| chain.len() < MAX_CHAIN) {
        chain.push(exception(
            name_in_debug(&format!("{cause:?}")),
            cause.to_string(),
            true,
            "chained",
        ));
        source = cause.source();
    }
    if chain.len() > 1 {
        number(&mut chain);
    }
    // Oldest cause first, the error itself last.
    chain.reverse();
    exceptions(active, scope, chain, Level::Error, Stack::walk())
}

/// Captures a panic; returns when the event is durable.
pub(crate) fn panic(active: &Active, scope: &Scope, message: String) -> EventId {
    let chain = vec![exception("panic".to_owned(), message, false, "panic")];
    exceptions(active, scope, chain, Level::Fatal, Stack::walk_panic())
}

fn exceptions(
    active: &Active,
    scope: &Scope,
    mut chain: Vec<Value<'static>>,
    level: Level,
    stack: Stack,
) -> EventId {
    let mut event = Object::new();
    event.insert("level", level.as_str());
    if let Some(name) = std::thread::current().name() {
        let thread = json::object([
            ("name", Value::from(name.to_owned())),
            ("current", true.into()),
        ]);
        event.insert(
            "threads",
            json::object([("values", Value::Array(vec![thread]))]),
        );
    }
    capture(active, scope, event, level == Level::Fatal, move |event| {
        if let (Some(last), Some(frames)) = (
            chain.last_mut().and_then(Value::as_object_mut),
            stack.into_frames(),
        ) {
            last.insert("stacktrace", frames);
        }
        event.insert("exception", json::object([("values", Value::Array(chain))]));
    })
}

/// Hands the event over. `finish` adds what takes long; without a hook it runs on the worker thread.
fn capture(
    active: &Active,
    scope: &Scope,
    mut event: Object<'static>,
    fatal: bool,
    finish: impl FnOnce(&mut Object<'static>) + Send + 'static,
) -> EventId {
    let Some(hook) = &active.before_send else {
        let finish = move || {
            finish(&mut event);
            Value::Object(event).to_string()
        };
        return EventId(
            active
                .client
                .enabled()
                .then(|| scope.native().capture_deferred(finish, fatal)),
        );
    };
    finish(&mut event);
    let Some(prepared) = scope.native().prepare(Value::Object(event).to_string()) else {
        return EventId::default();
    };
    let Ok(prepared) = json::parse(&prepared) else {
        return EventId::default();
    };
    let id = prepared
        .get("event_id")
        .and_then(Value::as_str)
        .map(str::to_owned);
    // A hook that panics drops the event, as in every other language (protocol 6.3).
    match catch_unwind(AssertUnwindSafe(|| hook(prepared.into_owned()))) {
        Ok(Some(event)) => {
            active.client.submit(event.to_string(), fatal);
            EventId(id)
        }
        Ok(None) | Err(_) => {
            active.client.reject("before_send");
            EventId::default()
        }
    }
}

fn exception(
    kind: String,
    value: String,
    handled: bool,
    mechanism: &'static str,
) -> Value<'static> {
    let (module, kind) = match kind.rsplit_once("::") {
        Some((module, kind)) => (Some(module.to_owned()), kind.to_owned()),
        None => (None, kind),
    };
    let mechanism = json::object([
        ("type", Value::from(mechanism)),
        ("handled", Value::from(handled)),
    ]);
    let mut exception = Object::new();
    exception.insert("type", kind);
    exception.insert("value", value);
    if let Some(module) = module {
        exception.insert("module", module);
    }
    exception.insert("mechanism", mechanism);
    Value::Object(exception)
}

/// Says which exception of a chain, outermost first, was caused by which (protocol 3.3).
fn number(chain: &mut [Value<'static>]) {
    for (id, exception) in (0_i64..).zip(chain) {
        let mechanism = exception
            .get_mut("mechanism")
            .and_then(Value::as_object_mut);
        if let Some(mechanism) = mechanism {
            mechanism.insert("exception_id", id);
            if id > 0 {
                mechanism.insert("parent_id", id - 1);
                mechanism.insert("source", "source");
            }
        }
    }
}

/// The name of the error's type with its path; of a trait object only what its `Debug` form shows.
fn name_of<E: Error + ?Sized>(error: &E) -> String {
    let name = std::any::type_name::<E>();
    if name.starts_with("dyn ") {
        return name_in_debug(&format!("{error:?}"));
    }
    // Generic arguments say little and differ between builds.
    name.split('<').next().unwrap_or(name).to_owned()
}

/// `NotFound { path: … }` and `Parse(…)` begin with the name of a type or variant; a quoted text has none.
fn name_in_debug(debug: &str) -> String {
    let end = debug
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(debug.len());
    let name = &debug[..end];
    if name.starts_with(char::is_alphabetic) {
        name.to_owned()
    } else {
        "Error".to_owned()
    }
}

/// Deeper chains are cycles.
const MAX_CHAIN: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_errors() {
        let number = "x".parse::<u32>().unwrap_err();
        assert_eq!(name_of(&number), "core::num::error::ParseIntError");
        let boxed: Box<dyn Error> = Box::new(number);
        assert_eq!(name_of(&*boxed), "ParseIntError");
        let text: Box<dyn Error> = "plain text".into();
        assert_eq!(name_of(&*text), "Error");
    }

    #[test]
    fn type_and_module_are_parted() {
        let value = exception(
            "shop::cart::Empty".to_owned(),
            "no items".to_owned(),
            true,
            "generic",
        );
        assert_eq!(value.get("type").and_then(Value::as_str), Some("Empty"));
        assert_eq!(
            value.get("module").and_then(Value::as_str),
            Some("shop::cart")
        );
    }
}
