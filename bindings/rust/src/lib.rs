//! The Faultwire SDK for Rust: errors and panics of your app, with what led to them, to a Faultwire collector or any
//! server that speaks the Sentry protocol.
//!
//! ```
//! // DSN from the environment (`FAULTWIRE_DSN`) or `Options::new("https://key@host/1")`.
//! let _guard = faultwire::init(faultwire::Options::default());
//!
//! faultwire::set_tag("region", "eu-west");
//! faultwire::add_breadcrumb(faultwire::Breadcrumb::new("cart loaded").category("shop"));
//! if let Err(error) = "x".parse::<u32>() {
//!     faultwire::capture_error(&error);
//! }
//! // The guard flushes when it goes out of scope, at the end of main.
//! ```
//!
//! What it promises: no call panics, blocks or fails into your app; events are written to a queue on disk before they
//! are sent, so that what was captured survives a crash and hours without network; a panic is on disk before the
//! process dies. [`Guard::stats`] tells what became of every event.
//!
//! The scope that is current belongs to the thread. The thread that called [`init`] works on the global scope; other
//! threads start with a copy of it at their first use, so that what a request sets stays with that request's thread.
//! A future that wanders between threads takes its scope along with [`BindScope`].
//!
//! Beside it stand `faultwire-tracing` (what the app logs becomes events and breadcrumbs) and `faultwire-tower` (a scope
//! for every request of axum and anything else made of tower services).

mod active;
mod bind;
mod breadcrumb;
mod event;
mod options;
mod panics;
mod scope;
mod stack;

pub use bind::{BindScope, InScope};
pub use breadcrumb::Breadcrumb;
pub use event::{EventId, Level, Report};
pub use faultwire_native::json::{Object, Value, object};
pub use options::Options;
pub use panics::{Caught, catch_panics};
pub use scope::{Scope, User};

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use active::Active;

/// Starts the SDK for this process and returns the guard that flushes it at the end.
///
/// Wrong options are warnings on stderr, never errors; without a DSN the SDK does nothing. A second call replaces the
/// client of the first for everything captured from then on. Unless switched off ([`Options::capture_panics`]), a panic
/// hook is added in front of the one that is there.
///
/// ```
/// let guard = faultwire::init(faultwire::Options::default().release("shop@1.4.2").environment("test"));
/// # assert!(!guard.enabled(), "there is no DSN in this example");
/// ```
pub fn init(options: impl Into<Options>) -> Guard {
    let (active, warnings) = options.into().activate();
    print(warnings);
    if active.captures_panics && active.client.enabled() {
        panics::install();
    }
    let active = Arc::new(active);
    active::replace(active.clone());
    Guard { active }
}

/// Ends the SDK when it is dropped: waits for delivery, at most option `shutdownTimeout`. What was not delivered by
/// then is on disk and goes out at the next start.
///
/// ```
/// let guard = faultwire::init(faultwire::Options::default());
/// assert!(guard.flush(std::time::Duration::from_secs(1)));
/// ```
#[must_use = "the guard ends the SDK when it is dropped; bind it to a name that lives as long as main"]
pub struct Guard {
    active: Arc<Active>,
}

impl Guard {
    /// Whether captures go anywhere.
    ///
    /// ```
    /// assert!(!faultwire::init(faultwire::Options::default()).enabled(), "no DSN given");
    /// ```
    pub fn enabled(&self) -> bool {
        self.active.client.enabled()
    }

    /// Waits until everything captured so far is delivered, at most `timeout`; returns whether it is.
    ///
    /// ```
    /// let guard = faultwire::init(faultwire::Options::default());
    /// assert!(guard.flush(std::time::Duration::ZERO), "nothing was captured");
    /// ```
    pub fn flush(&self, timeout: Duration) -> bool {
        let done = self.active.client.flush(millis(timeout));
        print(self.active.client.warnings());
        done
    }

    /// Ends the SDK now: refuses new events and waits for delivery, at most `timeout`; returns whether all is delivered.
    /// What is not goes out at the next start. Dropping the guard afterwards does nothing more.
    ///
    /// ```
    /// let guard = faultwire::init(faultwire::Options::default());
    /// assert!(guard.close(std::time::Duration::from_secs(1)));
    /// ```
    pub fn close(&self, timeout: Duration) -> bool {
        let done = self.active.client.close(millis(timeout));
        print(self.active.client.warnings());
        done
    }

    /// What became of the events, as JSON:
    /// `{"captured":3,"recovered":0,"delivered":1,"queued":1,"lost":{"sample_rate":1}}`.
    ///
    /// ```
    /// let guard = faultwire::init(faultwire::Options::default());
    /// assert!(guard.stats().starts_with(r#"{"captured":0"#));
    /// ```
    pub fn stats(&self) -> String {
        self.active.client.stats()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.active.client.shut_down();
        print(self.active.client.warnings());
    }
}

/// Captures a text. Returns the id under which the server will know it.
///
/// ```
/// faultwire::capture_message("payment provider answers slowly", faultwire::Level::Warning);
/// ```
pub fn capture_message(text: &str, level: Level) -> EventId {
    let report = || Report::new("", level).message(text);
    active::with(|active, scope| report().capture_with(active, scope)).unwrap_or_default()
}

/// Captures an error with its chain of sources and the stack of the place that called this.
///
/// The stack is walked here and its symbols are looked up on the worker thread.
///
/// ```
/// let error = std::fs::read("/no/such/file").unwrap_err();
/// faultwire::capture_error(&error);
///
/// let boxed: Box<dyn std::error::Error> = "it broke".into();
/// faultwire::capture_error(&*boxed);
/// ```
pub fn capture_error<E: Error + ?Sized>(error: &E) -> EventId {
    active::with(|active, scope| {
        Report::new("", Level::Error)
            .error(error)
            .capture_with(active, scope)
    })
    .unwrap_or_default()
}

/// Adds a breadcrumb to the current scope: what happened before an error.
///
/// ```
/// use faultwire::{Breadcrumb, Level};
/// faultwire::add_breadcrumb(Breadcrumb::new("GET /cart").category("http").level(Level::Info).data("status", 200));
/// ```
pub fn add_breadcrumb(breadcrumb: Breadcrumb) {
    active::with(|_, scope| scope.add_breadcrumb(breadcrumb));
}

/// Changes the current scope.
///
/// ```
/// faultwire::configure_scope(|scope| {
///     scope.set_tag("queue", "mail");
///     scope.set_extra("attempt", 3);
/// });
/// ```
pub fn configure_scope<R>(change: impl FnOnce(&Scope) -> R) -> Option<R> {
    active::with(|_, scope| change(scope))
}

/// Runs `work` with a copy of the current scope that `configure` may change; afterwards the scope before is current
/// again, also when `work` panics.
///
/// ```
/// let answer = faultwire::with_scope(
///     |scope| scope.set_tag("request", "42"),
///     || {
///         faultwire::capture_message("seen only in this request", faultwire::Level::Info);
///         42
///     },
/// );
/// assert_eq!(answer, 42);
/// ```
pub fn with_scope<R>(configure: impl FnOnce(&Scope), work: impl FnOnce() -> R) -> R {
    let _until_the_end = active::push();
    active::with(|_, scope| configure(scope));
    work()
}

/// Sets a tag: a short value to search and filter by.
///
/// ```
/// faultwire::set_tag("region", "eu-west");
/// ```
pub fn set_tag(key: &str, value: &str) {
    active::with(|_, scope| scope.set_tag(key, value));
}

/// Sets who is affected; `None` removes the user.
///
/// ```
/// faultwire::set_user(Some(faultwire::User { id: Some("7".into()), ..Default::default() }));
/// ```
pub fn set_user(user: Option<User>) {
    active::with(|_, scope| scope.set_user(user));
}

/// Sets a named group of facts.
///
/// ```
/// faultwire::set_context("order", faultwire::object([("items", 3)]));
/// ```
pub fn set_context(name: &str, value: Value<'_>) {
    active::with(|_, scope| scope.set_context(name, value));
}

/// Sets a single fact of any shape.
///
/// ```
/// faultwire::set_extra("attempt", 3);
/// ```
pub fn set_extra<'a>(key: &str, value: impl Into<Value<'a>>) {
    active::with(|_, scope| scope.set_extra(key, value));
}

/// Says on stderr what the SDK has to complain about.
fn print(warnings: Vec<String>) {
    use std::io::Write;
    for warning in warnings {
        // A closed stderr is no reason to panic.
        let _ = writeln!(std::io::stderr(), "faultwire: {warning}");
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
