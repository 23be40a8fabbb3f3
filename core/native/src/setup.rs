//! From the host's options to a client that is ready for its first event: reading, checking, locating. Starts nothing
//! unless there is something to recover.

use std::sync::Arc;

use faultwire_core::engine::{Engine, SdkInfo};
use faultwire_core::envelope;
use faultwire_core::options::Options;
use faultwire_protocol::auth;
use faultwire_protocol::dsn::Dsn;

use crate::client::{Sdk, Settings};
use crate::disk::Store;
use crate::log::Log;
use crate::runtime::{Runtime, Setup};
use crate::transport::HttpConfig;
use crate::{fork, queue_dir};

/// A client made of options.
pub(crate) struct Prepared {
    /// `None` without a usable DSN or with `enabled: false`.
    pub(crate) runtime: Option<Arc<Runtime>>,
    /// What is wrong with the options, for the host to print.
    pub(crate) warnings: Vec<String>,
    pub(crate) max_breadcrumbs: usize,
    pub(crate) settings: Settings,
}

/// Reads the options; whatever they are, a client comes out.
pub(crate) fn prepare(options_json: &str, sdk: Sdk) -> Prepared {
    let env = |name: &str| std::env::var(name).ok();
    let (options, complaints) = Options::from_json(options_json, &env);
    let mut warnings: Vec<String> = complaints.into_iter().map(|warning| warning.0).collect();
    let max_breadcrumbs = options.max_breadcrumbs;
    let settings = Settings {
        flush_timeout_ms: options.flush_timeout,
        shutdown_timeout_ms: options.shutdown_timeout,
        attach_stacktrace: options.attach_stacktrace,
        send_default_pii: options.send_default_pii,
    };
    let runtime = match &options.dsn {
        Some(dsn) if options.is_active() => {
            Some(start(dsn.clone(), options, sdk, &env, &mut warnings))
        }
        _ => None,
    };
    Prepared {
        runtime,
        warnings,
        max_breadcrumbs,
        settings,
    }
}

fn start(
    dsn: Dsn,
    options: Options,
    sdk: Sdk,
    env: &dyn Fn(&str) -> Option<String>,
    warnings: &mut Vec<String>,
) -> Arc<Runtime> {
    fork::watch();
    let queue_dir = queue_dir::locate(options.queue_dir.as_deref(), &dsn, env);
    let obstacle = queue_dir::obstacle(&queue_dir);
    if let Some(reason) = &obstacle {
        let dir = queue_dir.display();
        warnings.push(format!(
            "queue directory {dir} cannot be used: {reason}; events are kept in memory and still sent, but do not survive a restart"
        ));
    }
    let client = format!("{}/{}", sdk.name, sdk.version);
    let http = HttpConfig {
        url: dsn.endpoint("envelope"),
        auth: auth::header(&dsn, &client),
        user_agent: client,
        proxy: options.proxy.clone(),
        ca_certs: options.ca_certs.clone(),
        connections: options.max_parallel_requests,
        seal: |payload, report, sent_at| match (payload, report) {
            (None, Some(report)) => envelope::report_alone(report, sent_at),
            (payload, report) => envelope::seal(payload.unwrap_or_default(), sent_at, report),
        },
    };
    let limits = options.outbox();
    let shutdown_timeout_ms = options.shutdown_timeout;
    let log = Log::new(options.debug);
    let (engine, complaints) = Engine::new(
        options,
        SdkInfo {
            name: sdk.name,
            version: sdk.version,
            platform: sdk.platform,
        },
    );
    warnings.extend(complaints.into_iter().map(|warning| warning.0));
    let has_leftovers = obstacle.is_none() && Store::has_leftovers(&queue_dir);
    let warned = obstacle.is_some();
    let setup = Setup {
        engine,
        queue_dir,
        warned,
        limits,
        http,
        shutdown_timeout_ms,
        log,
    };
    let runtime = Runtime::new(Arc::new(setup));
    if has_leftovers {
        runtime.start();
    }
    runtime
}
