//! From an error or a text to the event's JSON.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use faultwire_native::json::{self, Object, Value};

use crate::Scope;
use crate::active::{self, Active};
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
    pub(crate) const fn none() -> EventId {
        EventId(None)
    }

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

thread_local! {
    static CAPTURING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is in the middle of a capture: in a hook, or in the `Display` of an error. What is captured there
/// would lead to the next capture, without end.
pub(crate) fn is_capturing() -> bool {
    CAPTURING.try_with(Cell::get).unwrap_or(true)
}

/// Runs a part of a capture in which code of the app may run; `None` if this thread is in one already.
fn guarded<R>(work: impl FnOnce() -> R) -> Option<R> {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            let _ = CAPTURING.try_with(|capturing| capturing.set(false));
        }
    }
    if faultwire_native::on_sdk_thread() || is_capturing() {
        return None;
    }
    let _ = CAPTURING.try_with(|capturing| capturing.set(true));
    let _leave = Leave;
    Some(work())
}

/// A text that code of the app makes, which may panic.
fn text_of(make: impl FnOnce() -> String) -> String {
    guarded(|| catch_unwind(AssertUnwindSafe(make)).ok())
        .flatten()
        .unwrap_or_else(|| "the error's own text could not be had: it panics".to_owned())
}

/// An event in the making, for those who report on behalf of others: loggers, frameworks, job queues. An app wants
/// [`crate::capture_error`] and [`crate::capture_message`].
///
/// ```
/// use faultwire::{Level, Report};
///
/// let error = "x".parse::<u32>().unwrap_err();
/// Report::new("the price list is broken", Level::Error)
///     .error(&error)
///     .logger("shop::prices")
///     .context("job", faultwire::object([("line", 7)]))
///     .capture();
/// ```
#[must_use = "a report goes nowhere until it is captured"]
pub struct Report {
    event: Object<'static>,
    level: Level,
    mechanism: &'static str,
    /// Newest first.
    chain: Vec<Cause>,
}

/// One error of a chain.
struct Cause {
    kind: String,
    text: String,
}

impl Report {
    /// A report with a text; an empty one is left out.
    ///
    /// ```
    /// faultwire::Report::new("disk almost full", faultwire::Level::Warning).capture();
    /// ```
    pub fn new(text: impl Into<String>, level: Level) -> Report {
        let report = Report {
            event: json::Object::from_iter([("level", Value::from(level.as_str()))]),
            level,
            mechanism: "generic",
            chain: Vec::new(),
        };
        let text = text.into();
        if text.is_empty() {
            return report;
        }
        report.message(text)
    }

    /// Replaces the text. Here an empty one is a text too: it is what the app said.
    ///
    /// ```
    /// faultwire::Report::new("", faultwire::Level::Warning).message("disk almost full").capture();
    /// ```
    pub fn message(mut self, text: impl Into<String>) -> Report {
        self.event.insert("message", text.into());
        self
    }

    /// Adds an error with its chain of sources. The event is then about the error; the stack is that of
    /// [`Report::capture`].
    ///
    /// ```
    /// let error = std::fs::read("/no/such/file").unwrap_err();
    /// faultwire::Report::new("", faultwire::Level::Error).error(&error).capture();
    /// ```
    pub fn error<E: Error + ?Sized>(mut self, error: &E) -> Report {
        self.chain = chain_of(error);
        self
    }

    /// Who reports: the name of a logger or module.
    ///
    /// ```
    /// faultwire::Report::new("slow", faultwire::Level::Info).logger("shop::payments").capture();
    /// ```
    pub fn logger(mut self, name: impl Into<String>) -> Report {
        self.event.insert("logger", name.into());
        self
    }

    /// How the error came here, in one word of the integration that reports: `tracing`, `actix`.
    ///
    /// ```
    /// faultwire::Report::new("slow", faultwire::Level::Info).mechanism("jobs").capture();
    /// ```
    pub fn mechanism(mut self, kind: &'static str) -> Report {
        self.mechanism = kind;
        self
    }

    /// Adds a named group of facts; it has to be an object.
    ///
    /// ```
    /// faultwire::Report::new("slow", faultwire::Level::Info)
    ///     .context("job", faultwire::object([("attempt", 3)]))
    ///     .capture();
    /// ```
    pub fn context(mut self, name: &str, value: impl Into<Value<'static>>) -> Report {
        let contexts = self.event.entry("contexts").make_object();
        contexts.insert(name.to_owned(), value.into());
        self
    }

    /// Captures it with the current scope. Level fatal returns only when the event is durable.
    ///
    /// ```
    /// let id = faultwire::Report::new("slow", faultwire::Level::Info).capture();
    /// assert!(id.is_none(), "there is no client in this example");
    /// ```
    pub fn capture(self) -> EventId {
        active::with(|active, scope| self.capture_with(active, scope)).unwrap_or_default()
    }

    pub(crate) fn capture_with(self, active: &Active, scope: &Scope) -> EventId {
        let Report {
            event,
            level,
            mechanism,
            chain,
        } = self;
        if chain.is_empty() {
            return text(active, scope, event, level);
        }
        let newest = mechanism;
        let mut chain: Vec<Value<'static>> = chain
            .into_iter()
            .enumerate()
            .map(|(depth, cause)| {
                let mechanism = if depth == 0 { newest } else { "chained" };
                exception(cause.kind, cause.text, true, mechanism)
            })
            .collect();
        if chain.len() > 1 {
            number(&mut chain);
        }
        // Oldest cause first, the error itself last.
        chain.reverse();
        exceptions(active, scope, event, chain, level, Stack::walk())
    }
}

/// Captures a panic. Unless it `is_caught` the process may die of it: then this returns when the event is durable.
pub(crate) fn panic(active: &Active, scope: &Scope, message: String, is_caught: bool) -> EventId {
    let level = if is_caught {
        Level::Error
    } else {
        Level::Fatal
    };
    let chain = vec![exception("panic".to_owned(), message, false, "panic")];
    let event = Report::new("", level).event;
    exceptions(active, scope, event, chain, level, Stack::walk_panic())
}

fn text(active: &Active, scope: &Scope, event: Object<'static>, level: Level) -> EventId {
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

/// The error and its sources, newest first.
fn chain_of<E: Error + ?Sized>(error: &E) -> Vec<Cause> {
    let mut chain = vec![Cause {
        kind: name_of(error),
        text: text_of(|| error.to_string()),
    }];
    let mut source = error.source();
    while let Some(cause) = source.filter(|_| chain.len() < MAX_CHAIN) {
        chain.push(Cause {
            kind: name_in_debug(&text_of(|| format!("{cause:?}"))),
            text: text_of(|| cause.to_string()),
        });
        source = cause.source();
    }
    chain
}

fn exceptions(
    active: &Active,
    scope: &Scope,
    mut event: Object<'static>,
    mut chain: Vec<Value<'static>>,
    level: Level,
    stack: Stack,
) -> EventId {
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
    event: Object<'static>,
    fatal: bool,
    finish: impl FnOnce(&mut Object<'static>) + Send + 'static,
) -> EventId {
    let describe_request = scope.describes_request();
    let finish = move |event: &mut Object<'static>| {
        finish(event);
        describe_request(event);
    };
    let id = guarded(|| hand_over(active, scope, event, fatal, finish)).unwrap_or_default();
    scope.remember(&id);
    id
}

fn hand_over(
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
        return name_in_debug(&text_of(|| format!("{error:?}")));
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
