//! The options of the SDK: defined once, in [`TABLE`], for every language.
//!
//! A binding passes what the user wrote as JSON and shows the warnings that come back. Nothing here fails: an unknown
//! or wrong option is a warning and the app runs on (design §3). The types of other languages come from the
//! same table ([`typescript()`], [`python()`]).
//!
//! Values given in code win over environment variables, and `FAULTWIRE_*` variables win over `SENTRY_*` ones, which are
//! read so that a deployment can switch without touching its configuration. Source: protocol §6.1.

mod python;
mod read;
mod table;
mod typescript;

pub use python::python;
pub use table::{Kind, Row, TABLE};
pub use typescript::typescript;

use faultwire_protocol::dsn::Dsn;
use faultwire_protocol::json::{self, Value};
use std::fmt;

/// The settings of one client, all within their ranges. [`Options::default`] holds the defaults of [`TABLE`].
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Where events go; `None` disables the client.
    pub dsn: Option<Dsn>,
    /// Whether the client does anything at all.
    pub enabled: bool,
    /// Version of the app.
    pub release: Option<String>,
    /// Deployment stage.
    pub environment: Option<String>,
    /// Build of one release.
    pub dist: Option<String>,
    /// Name of the machine.
    pub server_name: Option<String>,
    /// Share of events that are kept, 0 to 1.
    pub sample_rate: f64,
    /// Newest breadcrumbs kept per scope.
    pub max_breadcrumbs: usize,
    /// Longest text inside an event in bytes; 0 for no limit of its own.
    pub max_value_length: usize,
    /// Whether messages carry a stack, too.
    pub attach_stacktrace: bool,
    /// Whether e-mail and IP addresses are kept.
    pub send_default_pii: bool,
    /// Frames that are the app's own.
    pub in_app_include: Vec<String>,
    /// Frames that are not.
    pub in_app_exclude: Vec<String>,
    /// Errors that are not captured.
    pub ignore_errors: Vec<String>,
    /// Further keys whose values are removed.
    pub scrub_keys: Vec<String>,
    /// Keys whose values are kept although their name looks sensitive.
    pub scrub_safe_keys: Vec<String>,
    /// Folder of the queue; `None` lets the driver choose.
    pub queue_dir: Option<String>,
    /// Size of the queue on disk in bytes.
    pub max_queue_bytes: u64,
    /// Age after which a queued event is given up, in seconds.
    pub max_queue_age: u64,
    /// Requests in flight at most.
    pub max_parallel_requests: usize,
    /// Whether losses are reported to the server.
    pub send_client_reports: bool,
    /// Default of `flush()` in milliseconds.
    pub flush_timeout: u64,
    /// Longest time an exit is held up, in milliseconds.
    pub shutdown_timeout: u64,
    /// HTTP proxy.
    pub proxy: Option<String>,
    /// File of additional certificate authorities.
    pub ca_certs: Option<String>,
    /// Whether the SDK says what it does.
    pub debug: bool,
}

/// One sentence about a wrong option: which one, what was given, what is used instead. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning(pub String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Options {
    /// Reads what the user wrote, `text` being a JSON object with names in camelCase or snake_case.
    ///
    /// `env` gives an environment variable's value. `null` means "not given". Text that is not a JSON object gives the
    /// defaults and a warning.
    pub fn from_json(text: &str, env: &dyn Fn(&str) -> Option<String>) -> (Options, Vec<Warning>) {
        let mut options = Options::default();
        let mut warnings = Vec::new();
        let given = match json::parse(text) {
            Ok(Value::Object(given)) => given,
            Ok(Value::Null) => json::Object::new(),
            Ok(other) => {
                let kind = read::kind_of(&other);
                warnings.push(Warning(format!(
                    "options are {kind} instead of an object; the defaults are used"
                )));
                json::Object::new()
            }
            Err(error) => {
                warnings.push(Warning(format!(
                    "options are not valid JSON ({error}); the defaults are used"
                )));
                json::Object::new()
            }
        };
        for row in TABLE {
            if let Some((name, text)) = row.env.iter().find_map(|name| Some((name, env(name)?))) {
                read::from_env(row, name, &text, &mut options, &mut warnings);
            }
        }
        for (name, value) in given.iter() {
            match read::find(name) {
                Some(row) if !value.is_null() => {
                    read::from_value(row, value, &mut options, &mut warnings)
                }
                Some(_) => {}
                None => warnings.push(read::unknown(name)),
            }
        }
        (options, warnings)
    }

    /// Whether events are captured: enabled, and with a place to go.
    pub fn is_active(&self) -> bool {
        self.enabled && self.dsn.is_some()
    }

    /// The limits of the queue.
    pub fn outbox(&self) -> crate::outbox::Config {
        crate::outbox::Config {
            max_in_flight: self.max_parallel_requests,
            max_bytes: self.max_queue_bytes,
            max_age: self.max_queue_age.saturating_mul(1000),
            client_reports: self.send_client_reports,
            ..crate::outbox::Config::default()
        }
    }
}

#[cfg(test)]
mod tests;
