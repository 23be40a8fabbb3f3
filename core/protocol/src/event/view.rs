//! Accessors over an event. Source: protocol §3.

use super::title;
use crate::id::EventId;
use crate::json::{Object, Value};
use crate::time;
use std::borrow::Cow;
use std::fmt;

/// A read-only view of an event, for example `Event::new(&tree).title()`.
#[derive(Clone, Copy, Debug)]
pub struct Event<'v>(&'v Value<'v>);

/// How bad an event is, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Of interest to developers only.
    Debug,
    /// Normal operation.
    Info,
    /// Something to look at.
    Warning,
    /// Something failed. The default.
    Error,
    /// The program ended.
    Fatal,
}

impl Level {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }

    /// Reads names, the aliases `log`, `warn` and `critical`, and the numbers 10 to 50, also as text.
    /// Source: protocol §3.1, level.
    pub fn parse(value: &Value<'_>) -> Option<Level> {
        let name = match value {
            Value::String(name) => name.trim(),
            Value::Number(number) => number.as_text(),
            _ => return None,
        };
        let is = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        Some(match name {
            _ if is(&["error", "40"]) => Level::Error,
            _ if is(&["warning", "warn", "30"]) => Level::Warning,
            _ if is(&["info", "log", "20"]) => Level::Info,
            _ if is(&["fatal", "critical", "50"]) => Level::Fatal,
            _ if is(&["debug", "10"]) => Level::Debug,
            _ => return None,
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl<'v> Event<'v> {
    /// Looks at `event` as an event. Anything but an object is an event without attributes.
    pub fn new(event: &'v Value<'v>) -> Event<'v> {
        Event(event)
    }

    /// The tree underneath.
    pub fn tree(self) -> &'v Value<'v> {
        self.0
    }

    /// The event's own id.
    pub fn id(self) -> Option<EventId> {
        EventId::parse(self.str("event_id")?)
    }

    /// The level; `error` if missing or unknown.
    pub fn level(self) -> Level {
        self.0
            .get("level")
            .and_then(Level::parse)
            .unwrap_or(Level::Error)
    }

    /// The platform; `other` if missing.
    pub fn platform(self) -> &'v str {
        self.str("platform").unwrap_or("other")
    }

    /// When it happened, in Unix seconds.
    pub fn timestamp(self) -> Option<f64> {
        time::parse(self.0.get("timestamp")?)
    }

    /// The release it happened in.
    pub fn release(self) -> Option<&'v str> {
        self.str("release")
    }

    /// The build of that release.
    pub fn dist(self) -> Option<&'v str> {
        self.str("dist")
    }

    /// The environment, such as `production`.
    pub fn environment(self) -> Option<&'v str> {
        self.str("environment")
    }

    /// The name of the unit of work that was running, such as a route.
    pub fn transaction(self) -> Option<&'v str> {
        self.str("transaction")
    }

    /// The machine.
    pub fn server_name(self) -> Option<&'v str> {
        self.str("server_name")
    }

    /// The logger that reported it.
    pub fn logger(self) -> Option<&'v str> {
        self.str("logger")
    }

    /// The kind: `csp`, `feedback` or `transaction` if the event says or shows so, `error` with an exception, else
    /// `default`. Source: protocol §3.2, type.
    pub fn kind(self) -> &'static str {
        match self.str("type") {
            Some("transaction") => "transaction",
            Some("feedback") => "feedback",
            _ if self
                .0
                .get("csp")
                .is_some_and(|csp| csp.as_object().is_some()) =>
            {
                "csp"
            }
            _ if self.exceptions().next().is_some() => "error",
            _ => "default",
        }
    }

    /// The exceptions, causes first. Holes in the list are left out.
    pub fn exceptions(self) -> impl DoubleEndedIterator<Item = Exception<'v>> + Clone {
        let list = self
            .0
            .get("exception")
            .or_else(|| self.0.get("sentry.interfaces.Exception"));
        entries(list)
            .iter()
            .filter_map(Value::as_object)
            .map(Exception)
    }

    /// The exception that names the issue: the one with `main_exception_id`, else the last. Source: protocol §9.9.
    pub fn main_exception(self) -> Option<Exception<'v>> {
        if let Some(id) = self.0.get("main_exception_id").and_then(Value::as_u64) {
            let named = self.exceptions().find(|exception| {
                exception
                    .mechanism()
                    .and_then(|mechanism| mechanism.get("exception_id")?.as_u64())
                    == Some(id)
            });
            if named.is_some() {
                return named;
            }
        }
        self.exceptions().next_back()
    }

    /// The message with its parameters filled in, else its template. Source: protocol §3.4.
    pub fn message(self) -> Option<&'v str> {
        let entry = ["logentry", "message", "sentry.interfaces.Message"]
            .into_iter()
            .find_map(|key| self.0.get(key).filter(|value| !value.is_null()))?;
        let text = match entry {
            Value::String(text) => Some(text.as_ref()),
            Value::Object(entry) => {
                non_empty(entry.str("formatted")).or_else(|| entry.str("message"))
            }
            _ => None,
        };
        non_empty(text)
    }

    /// The message before its parameters were filled in, if the event has one.
    pub fn message_template(self) -> Option<&'v str> {
        non_empty(
            self.0
                .get("logentry")
                .or_else(|| self.0.get("message"))?
                .get("message")?
                .as_str(),
        )
    }

    /// The tags whose key and value are texts, in order.
    pub fn tags(self) -> impl Iterator<Item = (&'v str, &'v str)> {
        pairs(self.0.get("tags")).filter_map(|(key, value)| Some((key, value.as_str()?)))
    }

    /// The value of one tag.
    pub fn tag(self, name: &str) -> Option<&'v str> {
        self.tags()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The user attributes.
    pub fn user(self) -> Option<&'v Object<'v>> {
        self.0.get("user")?.as_object()
    }

    /// Who is counted as one user: `id:..`, `username:..`, `email:..` or `ip:..`, the first that exists.
    /// Source: protocol §3.8.
    pub fn user_ident(self) -> Option<String> {
        let user = self.user()?;
        [
            ("id", "id"),
            ("username", "username"),
            ("email", "email"),
            ("ip_address", "ip"),
        ]
        .iter()
        .find_map(|(key, name)| {
            let value: Cow<'_, str> = match user.get(key)? {
                Value::String(text) => Cow::Borrowed(text.trim()),
                Value::Number(number) => Cow::Borrowed(number.as_text()),
                _ => return None,
            };
            (!value.is_empty() && value != "{{auto}}").then(|| format!("{name}:{value}"))
        })
    }

    /// The breadcrumbs, oldest first.
    pub fn breadcrumbs(self) -> impl DoubleEndedIterator<Item = &'v Object<'v>> {
        let list = self
            .0
            .get("breadcrumbs")
            .or_else(|| self.0.get("sentry.interfaces.Breadcrumbs"));
        entries(list).iter().filter_map(Value::as_object)
    }

    /// The threads.
    pub fn threads(self) -> impl DoubleEndedIterator<Item = &'v Object<'v>> {
        entries(self.0.get("threads"))
            .iter()
            .filter_map(Value::as_object)
    }

    /// The stack that tells where it happened: of the main exception, else of the crashed, the current or the only
    /// thread, else the event's own. Source: protocol §9.1.
    pub fn main_stack(self) -> Option<Stacktrace<'v>> {
        if let Some(stack) = self.main_exception().and_then(Exception::stacktrace) {
            return Some(stack);
        }
        let flagged = |flag: &str| {
            self.threads()
                .find(|thread| thread.get(flag).and_then(Value::as_bool) == Some(true))
        };
        let only = || {
            (self.threads().count() == 1)
                .then(|| self.threads().next())
                .flatten()
        };
        let thread = flagged("crashed")
            .or_else(|| flagged("current"))
            .or_else(only);
        if let Some(stack) = thread
            .and_then(|thread| thread.get("stacktrace"))
            .and_then(Stacktrace::new)
        {
            return Some(stack);
        }
        Stacktrace::new(self.0.get("stacktrace")?)
    }

    /// The one line that names the issue. Never empty. Source: protocol §9.9.
    pub fn title(self) -> String {
        title::title(self)
    }

    /// Where it happened, in one line; empty if nothing says so.
    pub fn culprit(self) -> String {
        title::culprit(self)
    }

    fn str(self, key: &str) -> Option<&'v str> {
        non_empty(self.0.get(key)?.as_str())
    }
}

/// A view of one exception. Source: protocol §3.3.
#[derive(Clone, Copy, Debug)]
pub struct Exception<'v>(&'v Object<'v>);

impl<'v> Exception<'v> {
    /// The object underneath.
    pub fn object(self) -> &'v Object<'v> {
        self.0
    }

    /// The class, such as `TypeError`. Called `type` on the wire.
    pub fn type_(self) -> Option<&'v str> {
        non_empty(self.0.str("type"))
    }

    /// The message.
    pub fn value(self) -> Option<&'v str> {
        non_empty(self.0.str("value"))
    }

    /// The module or package of the class.
    pub fn module(self) -> Option<&'v str> {
        non_empty(self.0.str("module"))
    }

    /// How it was caught.
    pub fn mechanism(self) -> Option<&'v Object<'v>> {
        self.0.get("mechanism")?.as_object()
    }

    /// Whether the program dealt with it; `None` if unknown.
    pub fn handled(self) -> Option<bool> {
        self.mechanism()?.get("handled")?.as_bool()
    }

    /// Whether the SDK made the type up, so that it says nothing about the fault.
    pub fn synthetic(self) -> bool {
        self.mechanism()
            .and_then(|mechanism| mechanism.get("synthetic")?.as_bool())
            == Some(true)
    }

    /// The stack, if it has at least one frame.
    pub fn stacktrace(self) -> Option<Stacktrace<'v>> {
        Stacktrace::new(self.0.get("stacktrace")?)
    }

    /// The frames, oldest call first; none without a stack.
    pub fn frames(self) -> impl DoubleEndedIterator<Item = Frame<'v>> + Clone {
        self.stacktrace().into_iter().flat_map(Stacktrace::frames)
    }
}

/// A view of a stack with at least one frame. Source: protocol §3.5.
#[derive(Clone, Copy, Debug)]
pub struct Stacktrace<'v>(&'v [Value<'v>]);

impl<'v> Stacktrace<'v> {
    fn new(stacktrace: &'v Value<'v>) -> Option<Stacktrace<'v>> {
        let frames = stacktrace.get("frames")?.as_array()?;
        frames
            .iter()
            .any(|frame| frame.as_object().is_some())
            .then_some(Stacktrace(frames))
    }

    /// The frames, oldest call first.
    pub fn frames(self) -> impl DoubleEndedIterator<Item = Frame<'v>> + Clone {
        self.0.iter().filter_map(Value::as_object).map(Frame)
    }
}

/// A view of one frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'v>(&'v Object<'v>);

impl<'v> Frame<'v> {
    /// The object underneath.
    pub fn object(self) -> &'v Object<'v> {
        self.0
    }

    /// The function; `?` counts as none.
    pub fn function(self) -> Option<&'v str> {
        non_empty(self.0.str("function")).filter(|function| *function != "?")
    }

    /// The module.
    pub fn module(self) -> Option<&'v str> {
        non_empty(self.0.str("module"))
    }

    /// The path relative to the project.
    pub fn filename(self) -> Option<&'v str> {
        non_empty(self.0.str("filename"))
    }

    /// The absolute path or URL.
    pub fn abs_path(self) -> Option<&'v str> {
        non_empty(self.0.str("abs_path"))
    }

    /// Line, from 1.
    pub fn lineno(self) -> Option<u64> {
        self.0.get("lineno")?.as_u64().filter(|&line| line > 0)
    }

    /// Column, from 1.
    pub fn colno(self) -> Option<u64> {
        self.0.get("colno")?.as_u64().filter(|&column| column > 0)
    }

    /// Whether it belongs to the application rather than to a library; `None` if nobody said.
    pub fn in_app(self) -> Option<bool> {
        self.0.get("in_app")?.as_bool()
    }

    /// The source line.
    pub fn context_line(self) -> Option<&'v str> {
        self.0.str("context_line")
    }
}

/// The entries of a list container: a bare array, `{"values":[...]}`, or a single object. Source: protocol §3.1.
pub fn entries<'v>(list: Option<&'v Value<'v>>) -> &'v [Value<'v>] {
    match list {
        Some(Value::Array(items)) => items,
        Some(value @ Value::Object(object)) => match object.get("values") {
            Some(Value::Array(items)) => items,
            Some(_) => &[],
            None if object.is_empty() => &[],
            None => std::slice::from_ref(value),
        },
        _ => &[],
    }
}

/// The entries of a pair list: an array of `[key, value]`, or an object. Source: protocol §3.1.
pub fn pairs<'v>(list: Option<&'v Value<'v>>) -> impl Iterator<Item = (&'v str, &'v Value<'v>)> {
    let items = list.and_then(Value::as_array).unwrap_or_default();
    let object = list.and_then(Value::as_object);
    let from_array = items.iter().filter_map(|item| match item.as_array() {
        Some([key, value]) => Some((key.as_str()?, value)),
        _ => None,
    });
    from_array.chain(object.into_iter().flat_map(Object::iter))
}

fn non_empty(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}
