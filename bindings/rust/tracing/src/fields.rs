//! The fields of a log line or a span, in the event's terms.

use std::error::Error;
use std::fmt;

use faultwire::{Level, Object, Report, Value};
use tracing::field::{Field, Visit};

/// What one log line or span says. A large number, a text of any length: trimming is the core's work.
#[derive(Default)]
pub(crate) struct Fields {
    /// The field `message`.
    pub(crate) message: String,
    /// All others.
    pub(crate) values: Object<'static>,
    /// For a log line: of which level, and once an error was found, the report that holds its chain. The error itself is
    /// only borrowed while the fields are visited.
    level: Option<Level>,
    report: Option<Report>,
}

/// The fields of a span, kept with it.
pub(crate) struct SpanFields(pub(crate) Object<'static>);

impl Fields {
    /// For a log line.
    pub(crate) fn reporting(level: Level) -> Fields {
        Fields {
            level: Some(level),
            ..Fields::default()
        }
    }

    /// The report of a log line.
    pub(crate) fn report(self) -> Report {
        let level = self.level.unwrap_or(Level::Error);
        let mut report = self.report.unwrap_or_else(|| Report::new("", level));
        if !self.message.is_empty() {
            report = report.message(self.message);
        }
        if !self.values.is_empty() {
            report = report.context("fields", Value::Object(self.values));
        }
        report
    }

    fn put(&mut self, field: &Field, value: impl Into<Value<'static>>) {
        // What the bridge from `log` adds: its values are those of the metadata.
        if !field.name().starts_with("log.") {
            self.values.insert(field.name().to_owned(), value.into());
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.put(field, text);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message = value.to_owned();
        } else {
            self.put(field, value.to_owned());
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        match self.level {
            Some(level) if self.report.is_none() => {
                self.report = Some(Report::new("", level).error(value));
            }
            _ => self.put(field, value.to_string()),
        }
    }
}
