//! Faultwire for [tracing](https://docs.rs/tracing): errors that an app logs become events, warnings and notices become the
//! breadcrumbs that led to them.
//!
//! ```
//! use tracing_subscriber::prelude::*;
//!
//! let _guard = faultwire::init(faultwire::Options::default());
//! tracing_subscriber::registry()
//!     .with(tracing_subscriber::fmt::layer())
//!     .with(faultwire_tracing::layer())
//!     .init();
//!
//! let _span = tracing::info_span!("checkout", order = 7).entered();
//! tracing::info!(items = 3, "cart loaded"); // a breadcrumb
//! let error = "x".parse::<u32>().unwrap_err();
//! tracing::error!(error = &error as &dyn std::error::Error, "the price list is broken"); // an event, with its sources
//! ```
//!
//! What an event carries: the message, the fields (context `fields`), where it was logged (context `tracing`: target, module,
//! file, line, names of the spans), the fields of the spans it was logged in (context `spans`), and the current scope of
//! [`faultwire`]. A field that is a `&dyn Error` becomes the exception, with its chain of sources; one that is only
//! displayed (`%error`) is a text and has no chain. With two, the first counts.
//!
//! What the SDK itself logs is never captured, nor is what an app logs while an event is made (in a hook, in the `Display`
//! of an error): it would lead to the next event, without end.

mod fields;

use std::cell::Cell;

use faultwire::{Breadcrumb, Level, Object, Value};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use fields::{Fields, SpanFields};

/// The layer as most apps want it: events from level error, breadcrumbs from level info.
///
/// ```
/// use tracing_subscriber::prelude::*;
/// let subscriber = tracing_subscriber::registry().with(faultwire_tracing::layer());
/// ```
pub fn layer() -> FaultwireLayer {
    FaultwireLayer {
        events: LevelFilter::ERROR,
        breadcrumbs: LevelFilter::INFO,
    }
}

/// Takes what is logged to Faultwire; see [`layer`].
///
/// It filters nothing for other layers. Its own input can be narrowed with
/// [`Layer::with_filter`], by target for example.
///
/// ```
/// use tracing_subscriber::{filter::Targets, prelude::*};
/// let quiet = Targets::new().with_default(tracing::Level::INFO).with_target("noisy", tracing::Level::ERROR);
/// let subscriber = tracing_subscriber::registry().with(faultwire_tracing::layer().with_filter(quiet));
/// ```
#[derive(Debug, Clone)]
pub struct FaultwireLayer {
    events: LevelFilter,
    breadcrumbs: LevelFilter,
}

impl FaultwireLayer {
    /// From which level on a log line is an event. `LevelFilter::OFF`: none is.
    ///
    /// ```
    /// use tracing::level_filters::LevelFilter;
    /// let layer = faultwire_tracing::layer().events(LevelFilter::WARN);
    /// ```
    pub fn events(mut self, from: LevelFilter) -> FaultwireLayer {
        self.events = from;
        self
    }

    /// From which level on a log line that is no event is a breadcrumb. `LevelFilter::OFF`: none is.
    ///
    /// ```
    /// use tracing::level_filters::LevelFilter;
    /// let layer = faultwire_tracing::layer().breadcrumbs(LevelFilter::DEBUG);
    /// ```
    pub fn breadcrumbs(mut self, from: LevelFilter) -> FaultwireLayer {
        self.breadcrumbs = from;
        self
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let level = metadata.level();
        (*level <= self.events || *level <= self.breadcrumbs) && !is_own(metadata.target())
    }
}

impl<S> Layer<S> for FaultwireLayer
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !self.wants(attributes.metadata()) {
            return;
        }
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        if once(|| attributes.record(&mut fields)) {
            span.extensions_mut().insert(SpanFields(fields.values));
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        if !once(|| record.record(&mut fields)) {
            return;
        }
        if let Some(SpanFields(known)) = span.extensions_mut().get_mut() {
            for (key, value) in fields.values.iter() {
                known.insert(key.to_owned(), value.clone());
            }
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !self.wants(event.metadata()) {
            return;
        }
        once(|| {
            let mut fields = Fields::reporting(level_of(event.metadata()));
            event.record(&mut fields);
            if *event.metadata().level() <= self.events {
                capture(event, fields, &context);
            } else {
                add_breadcrumb(event.metadata(), fields);
            }
        });
    }
}

fn capture<S>(event: &Event<'_>, fields: Fields, context: &Context<'_, S>)
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    let metadata = event.metadata();
    let mut place = Object::new();
    place.insert("target", metadata.target().to_owned());
    if let Some(module) = metadata.module_path() {
        place.insert("module", module.to_owned());
    }
    if let Some(file) = metadata.file() {
        place.insert("file", file.to_owned());
    }
    if let Some(line) = metadata.line() {
        place.insert("line", line);
    }
    let mut spans = Object::new();
    let mut names = Vec::new();
    for span in context
        .event_scope(event)
        .into_iter()
        .flat_map(|scope| scope.from_root())
    {
        names.push(Value::from(span.name()));
        if let Some(SpanFields(known)) = span.extensions().get::<SpanFields>()
            && !known.is_empty()
        {
            spans.insert(span.name().to_owned(), Value::Object(known.clone()));
        }
    }
    if !names.is_empty() {
        place.insert("spans", Value::Array(names));
    }
    let mut report = fields
        .report()
        .logger(metadata.target())
        .mechanism("tracing")
        .context("tracing", Value::Object(place));
    if !spans.is_empty() {
        report = report.context("spans", Value::Object(spans));
    }
    report.capture();
}

fn add_breadcrumb(metadata: &Metadata<'_>, fields: Fields) {
    let mut breadcrumb = Breadcrumb::new(fields.message)
        .category(metadata.target())
        .level(level_of(metadata));
    for (key, value) in fields.values.iter() {
        breadcrumb = breadcrumb.data(key, value.clone());
    }
    faultwire::add_breadcrumb(breadcrumb);
}

fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warning,
        tracing::Level::INFO => Level::Info,
        _ => Level::Debug,
    }
}

/// Whether the SDK logged it: its crates, and the HTTP client it sends with.
fn is_own(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or(target);
    OWN.contains(&name)
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` unless this thread is in the layer already: the `Debug` of a field may log. Gives whether it ran.
fn once(work: impl FnOnce()) -> bool {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            let _ = INSIDE.try_with(|inside| inside.set(false));
        }
    }
    if INSIDE
        .try_with(|inside| inside.replace(true))
        .unwrap_or(true)
    {
        return false;
    }
    let _leave = Leave;
    work();
    true
}

const OWN: &[&str] = &[
    "faultwire",
    "faultwire_core",
    "faultwire_native",
    "faultwire_protocol",
    "faultwire_tower",
    "faultwire_tracing",
    "ureq",
    "ureq_proto",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_targets_are_those_of_the_sdk() {
        assert!(is_own("faultwire_native::transport"));
        assert!(is_own("faultwire"));
        assert!(!is_own("faultwire_collector::intake"));
        assert!(!is_own("shop::faultwire"));
    }
}
