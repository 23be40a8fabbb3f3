//! The table of options: one row each, the only place where a name, default, range or description is written.

use super::Options;
use super::read::Given;

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A number within these bounds, both included.
    Number {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// A whole number within these bounds, both included.
    Integer {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
    },
    /// A text; the empty one means "not given".
    Text,
    /// A list of texts.
    Texts,
    /// A DSN; the empty text means "none".
    Dsn,
}

/// One option.
#[derive(Debug)]
pub struct Row {
    /// The name in camelCase; snake_case is derived from it.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// The default as JSON; `null` for none.
    pub default: &'static str,
    /// Environment variables that set it, the strongest first.
    pub env: &'static [&'static str],
    /// What it is for, in a sentence or three; units included.
    pub doc: &'static str,
    /// Stores a value of the right kind and range.
    pub(super) put: fn(&mut Options, Given),
}

/// Every option of the core.
pub static TABLE: &[Row] = &[
    Row {
        name: "dsn",
        kind: Kind::Dsn,
        default: "null",
        env: &["FAULTWIRE_DSN", "SENTRY_DSN"],
        doc: "Where events go, as shown on the project's page. Without it the SDK does nothing.",
        put: |o, given| o.dsn = given.dsn(),
    },
    Row {
        name: "enabled",
        kind: Kind::Flag,
        default: "true",
        env: &[],
        doc: "Whether anything is captured at all.",
        put: |o, given| o.enabled = given.flag(),
    },
    Row {
        name: "release",
        kind: Kind::Text,
        default: "null",
        env: &["FAULTWIRE_RELEASE", "SENTRY_RELEASE"],
        doc: "Version of the app, such as `shop@1.4.2`. Needed to see which release broke.",
        put: |o, given| o.release = given.text(),
    },
    Row {
        name: "environment",
        kind: Kind::Text,
        default: "\"production\"",
        env: &["FAULTWIRE_ENVIRONMENT", "SENTRY_ENVIRONMENT"],
        doc: "Deployment stage, such as `production` or `staging`.",
        put: |o, given| o.environment = given.text(),
    },
    Row {
        name: "dist",
        kind: Kind::Text,
        default: "null",
        env: &[],
        doc: "Build of one release, if there are several.",
        put: |o, given| o.dist = given.text(),
    },
    Row {
        name: "serverName",
        kind: Kind::Text,
        default: "null",
        env: &[],
        doc: "Name of the machine, sent as it is given.",
        put: |o, given| o.server_name = given.text(),
    },
    Row {
        name: "sampleRate",
        kind: Kind::Number { min: 0.0, max: 1.0 },
        default: "1",
        env: &["FAULTWIRE_SAMPLE_RATE", "SENTRY_SAMPLE_RATE"],
        doc: "Share of events that are kept. Those sampled away are counted.",
        put: |o, given| o.sample_rate = given.number(),
    },
    Row {
        name: "maxBreadcrumbs",
        kind: Kind::Integer { min: 0, max: 1000 },
        default: "100",
        env: &[],
        doc: "Newest breadcrumbs kept per scope.",
        put: |o, given| o.max_breadcrumbs = given.size(),
    },
    Row {
        name: "maxValueLength",
        kind: Kind::Integer {
            min: 0,
            max: 1 << 20,
        },
        default: "0",
        env: &[],
        doc: "Longest text inside an event, in bytes; 0 for no limit but that of the whole event.",
        put: |o, given| o.max_value_length = given.size(),
    },
    Row {
        name: "attachStacktrace",
        kind: Kind::Flag,
        default: "false",
        env: &[],
        doc: "Whether messages carry the stack of the place that sent them.",
        put: |o, given| o.attach_stacktrace = given.flag(),
    },
    Row {
        name: "sendDefaultPii",
        kind: Kind::Flag,
        default: "false",
        env: &[],
        doc: "Whether e-mail and IP addresses are kept. Secrets are always removed; what the app sets as the user always stays.",
        put: |o, given| o.send_default_pii = given.flag(),
    },
    Row {
        name: "inAppInclude",
        kind: Kind::Texts,
        default: "[]",
        env: &[],
        doc: "Frames that are the app's own: beginnings of module or function names, or parts of paths. Wins over inAppExclude.",
        put: |o, given| o.in_app_include = given.texts(),
    },
    Row {
        name: "inAppExclude",
        kind: Kind::Texts,
        default: "[]",
        env: &[],
        doc: "Frames that are not the app's own, written like inAppInclude.",
        put: |o, given| o.in_app_exclude = given.texts(),
    },
    Row {
        name: "ignoreErrors",
        kind: Kind::Texts,
        default: "[]",
        env: &[],
        doc: "Errors that are not captured: a part of the message or of `Type: message`, or an expression written `/…/i`.",
        put: |o, given| o.ignore_errors = given.texts(),
    },
    Row {
        name: "scrubKeys",
        kind: Kind::Texts,
        default: "[]",
        env: &[],
        doc: "Further keys whose values are removed before anything is stored or sent.",
        put: |o, given| o.scrub_keys = given.texts(),
    },
    Row {
        name: "scrubSafeKeys",
        kind: Kind::Texts,
        default: "[]",
        env: &[],
        doc: "Keys whose values are kept although their name looks sensitive.",
        put: |o, given| o.scrub_safe_keys = given.texts(),
    },
    Row {
        name: "queueDir",
        kind: Kind::Text,
        default: "null",
        env: &["FAULTWIRE_QUEUE_DIR"],
        doc: "Folder of the queue on disk; by default one per DSN below the user's cache folder.",
        put: |o, given| o.queue_dir = given.text(),
    },
    Row {
        name: "maxQueueBytes",
        kind: Kind::Integer {
            min: 1 << 20,
            max: 1 << 40,
        },
        default: "268435456",
        env: &[],
        doc: "Size of the queue on disk in bytes. When it is full the oldest events of the lowest level are given up and counted.",
        put: |o, given| o.max_queue_bytes = given.integer(),
    },
    Row {
        name: "maxQueueAge",
        kind: Kind::Integer {
            min: 60,
            max: 365 * 86_400,
        },
        default: "2592000",
        env: &[],
        doc: "Age in seconds after which a queued event is given up and counted.",
        put: |o, given| o.max_queue_age = given.integer(),
    },
    Row {
        name: "maxParallelRequests",
        kind: Kind::Integer { min: 1, max: 256 },
        default: "32",
        env: &[],
        doc: "Requests in flight at most. The SDK begins with a few and adds one with every answer.",
        put: |o, given| o.max_parallel_requests = given.size(),
    },
    Row {
        name: "sendClientReports",
        kind: Kind::Flag,
        default: "true",
        env: &[],
        doc: "Whether the server is told how many events were given up, and why.",
        put: |o, given| o.send_client_reports = given.flag(),
    },
    Row {
        name: "flushTimeout",
        kind: Kind::Integer {
            min: 0,
            max: 3_600_000,
        },
        default: "2000",
        env: &[],
        doc: "How long flush() waits by default, in milliseconds.",
        put: |o, given| o.flush_timeout = given.integer(),
    },
    Row {
        name: "shutdownTimeout",
        kind: Kind::Integer {
            min: 0,
            max: 3_600_000,
        },
        default: "2000",
        env: &[],
        doc: "Longest time an exit is held up, in milliseconds. What is not sent by then is on disk and goes out at the next start.",
        put: |o, given| o.shutdown_timeout = given.integer(),
    },
    Row {
        name: "proxy",
        kind: Kind::Text,
        default: "null",
        env: &[],
        doc: "HTTP proxy, such as `http://proxy.local:3128`.",
        put: |o, given| o.proxy = given.text(),
    },
    Row {
        name: "caCerts",
        kind: Kind::Text,
        default: "null",
        env: &[],
        doc: "File with additional certificate authorities in PEM form.",
        put: |o, given| o.ca_certs = given.text(),
    },
    Row {
        name: "debug",
        kind: Kind::Flag,
        default: "false",
        env: &["FAULTWIRE_DEBUG", "SENTRY_DEBUG"],
        doc: "Whether the SDK prints what it does.",
        put: |o, given| o.debug = given.flag(),
    },
];

impl Default for Options {
    fn default() -> Options {
        let mut options = Options {
            dsn: None,
            enabled: false,
            release: None,
            environment: None,
            dist: None,
            server_name: None,
            sample_rate: 0.0,
            max_breadcrumbs: 0,
            max_value_length: 0,
            attach_stacktrace: false,
            send_default_pii: false,
            in_app_include: Vec::new(),
            in_app_exclude: Vec::new(),
            ignore_errors: Vec::new(),
            scrub_keys: Vec::new(),
            scrub_safe_keys: Vec::new(),
            queue_dir: None,
            max_queue_bytes: 0,
            max_queue_age: 0,
            max_parallel_requests: 0,
            send_client_reports: false,
            flush_timeout: 0,
            shutdown_timeout: 0,
            proxy: None,
            ca_certs: None,
            debug: false,
        };
        // The blank above is filled from the table, so that a default is written once.
        for row in TABLE {
            super::read::apply_default(row, &mut options);
        }
        options
    }
}
