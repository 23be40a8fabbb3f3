//! What a user configures.

use std::sync::Arc;

use faultwire_native::json::{Object, Value};
use faultwire_native::{Client, Sdk};

use crate::active::Active;

/// The host's hook: sees the event before it is scrubbed and stored, returns it or drops it.
pub(crate) type BeforeSend = Arc<dyn Fn(Value<'static>) -> Option<Value<'static>> + Send + Sync>;

/// The options of [`crate::init`].
///
/// The methods cover the usual ones; [`Options::set`] reaches every option of the SDK by its name. What is not set here
/// comes from the environment (`FAULTWIRE_DSN`, `FAULTWIRE_RELEASE`, `FAULTWIRE_ENVIRONMENT`, …) or has its default.
///
/// ```
/// let options = faultwire::Options::new("https://0123456789abcdef0123456789abcdef@errors.example.com/1")
///     .release("shop@1.4.2")
///     .sample_rate(0.5)
///     .set("maxBreadcrumbs", 50);
/// ```
#[derive(Clone)]
pub struct Options {
    values: Object<'static>,
    before_send: Option<BeforeSend>,
    capture_panics: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            values: Object::new(),
            before_send: None,
            capture_panics: true,
        }
    }
}

impl Options {
    /// Options with a DSN.
    ///
    /// ```
    /// faultwire::Options::new("https://0123456789abcdef0123456789abcdef@errors.example.com/1");
    /// ```
    pub fn new(dsn: &str) -> Options {
        Options::default().set("dsn", dsn.to_owned())
    }

    /// Sets any option by its name, in camelCase or snake_case. An unknown name or a value out of range is a warning
    /// at [`crate::init`].
    ///
    /// ```
    /// faultwire::Options::default().set("shutdownTimeout", 500).set("in_app_include", vec!["shop::".into()]);
    /// ```
    pub fn set(mut self, name: &str, value: impl Into<Value<'static>>) -> Options {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// Version of the app, such as `shop@1.4.2`.
    ///
    /// ```
    /// faultwire::Options::default().release(concat!(env!("CARGO_PKG_NAME"), "@", env!("CARGO_PKG_VERSION")));
    /// ```
    pub fn release(self, release: &str) -> Options {
        self.set("release", release.to_owned())
    }

    /// Deployment stage, such as `production`.
    ///
    /// ```
    /// faultwire::Options::default().environment("staging");
    /// ```
    pub fn environment(self, environment: &str) -> Options {
        self.set("environment", environment.to_owned())
    }

    /// Share of events that are kept, 0 to 1.
    ///
    /// ```
    /// faultwire::Options::default().sample_rate(0.25);
    /// ```
    pub fn sample_rate(self, rate: f64) -> Options {
        self.set("sampleRate", rate)
    }

    /// Whether e-mail and IP addresses are kept. Secrets are removed always.
    ///
    /// ```
    /// faultwire::Options::default().send_default_pii(true);
    /// ```
    pub fn send_default_pii(self, keep: bool) -> Options {
        self.set("sendDefaultPii", keep)
    }

    /// Folder of the queue on disk.
    ///
    /// ```
    /// faultwire::Options::default().queue_dir("/var/lib/shop/faultwire");
    /// ```
    pub fn queue_dir(self, dir: impl AsRef<std::path::Path>) -> Options {
        self.set("queueDir", dir.as_ref().to_string_lossy().into_owned())
    }

    /// Whether the SDK says on stderr what it does.
    ///
    /// ```
    /// faultwire::Options::default().debug(true);
    /// ```
    pub fn debug(self, debug: bool) -> Options {
        self.set("debug", debug)
    }

    /// A hook that sees every event before it is scrubbed and stored. It returns the event, changed or not, or `None`
    /// to drop it. It runs on the thread that captures; a panic in it drops the event. With a hook, symbols are looked
    /// up on the capturing thread, because the hook wants to see them.
    ///
    /// ```
    /// faultwire::Options::default().before_send(|mut event| {
    ///     event.as_object_mut()?.remove("server_name");
    ///     Some(event)
    /// });
    /// ```
    pub fn before_send(
        mut self,
        hook: impl Fn(Value<'static>) -> Option<Value<'static>> + Send + Sync + 'static,
    ) -> Options {
        self.before_send = Some(Arc::new(hook));
        self
    }

    /// Whether panics are captured, as fatal events; on unless switched off.
    ///
    /// ```
    /// faultwire::Options::default().capture_panics(false);
    /// ```
    pub fn capture_panics(mut self, capture: bool) -> Options {
        self.capture_panics = capture;
        self
    }

    /// Makes the client. Gives the warnings about wrong options beside it.
    pub(crate) fn activate(self) -> (Active, Vec<String>) {
        let sdk = Sdk {
            name: "faultwire.rust".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: "rust".to_owned(),
        };
        let given = |names: [&str; 2]| names.iter().find_map(|name| self.values.get(name));
        let stack_on_messages =
            given(["attachStacktrace", "attach_stacktrace"]).and_then(Value::as_bool);
        let client = Client::new(&Value::Object(self.values.clone()).to_string(), sdk);
        let warnings = client.warnings();
        let active = Active {
            client,
            before_send: self.before_send,
            captures_panics: self.capture_panics,
            stack_on_messages: stack_on_messages.unwrap_or(false),
        };
        (active, warnings)
    }
}

impl From<&str> for Options {
    fn from(dsn: &str) -> Options {
        Options::new(dsn)
    }
}

impl From<String> for Options {
    fn from(dsn: String) -> Options {
        Options::new(&dsn)
    }
}
