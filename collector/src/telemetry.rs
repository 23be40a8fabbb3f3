//! What the server tells about itself: Prometheus metrics and log lines.
//!
//! Neither ever carries a DSN key, a body or anything a client sent beyond fixed words: labels are static strings
//! chosen here, so that a stranger cannot blow up the number of time series.

use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for log collectors.
    Json,
}

/// Starts logging to standard error. `FAULTWIRE_LOG` filters (`info` by default, e.g. `faultwire_collector=debug`).
/// A second call in one process changes nothing.
pub fn start_logging(format: LogFormat) {
    let filter =
        EnvFilter::try_from_env("FAULTWIRE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // Its debug lines hold the values of statements: what apps sent, and hashes of logins.
    let filter = match "tokio_postgres=warn".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    // Tests start several servers in one process; only the first one decides.
    let _ = match format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    endpoint: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabels {
    endpoint: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ItemLabels {
    category: &'static str,
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// Every figure the server counts. Cheap to update from any thread.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<EndpointLabels, Histogram, fn() -> Histogram>,
    wire_bytes: Counter,
    decoded_bytes: Counter,
    items: Family<ItemLabels, Counter>,
    in_flight_bytes: Gauge,
    spool_records: Gauge,
    spool_bytes: Gauge,
    spool_group_records: Histogram,
    spool_group_seconds: Histogram,
    spool_refused: Family<ResultLabels, Counter>,
    digest_events: Family<ResultLabels, Counter>,
    digest_batch_events: Histogram,
    digest_batch_seconds: Histogram,
    digest_lag_seconds: Gauge<f64, AtomicU64>,
}

impl Metrics {
    /// Registers all metrics, at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("faultwire");
        let metrics = Metrics {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(latency),
            wire_bytes: Counter::default(),
            decoded_bytes: Counter::default(),
            items: Family::default(),
            in_flight_bytes: Gauge::default(),
            spool_records: Gauge::default(),
            spool_bytes: Gauge::default(),
            spool_group_records: Histogram::new(exponential_buckets(1.0, 2.0, 12)),
            spool_group_seconds: latency(),
            spool_refused: Family::default(),
            digest_events: Family::default(),
            digest_batch_events: Histogram::new(exponential_buckets(1.0, 2.0, 12)),
            digest_batch_seconds: latency(),
            digest_lag_seconds: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register(
            "requests",
            "Answered ingest requests",
            metrics.requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time from the request's headers to its answer",
            Unit::Seconds,
            metrics.request_seconds.clone(),
        );
        registry.register(
            "ingest_wire_bytes",
            "Body bytes received, as on the wire",
            metrics.wire_bytes.clone(),
        );
        registry.register(
            "ingest_decoded_bytes",
            "Body bytes after decompression",
            metrics.decoded_bytes.clone(),
        );
        registry.register(
            "items",
            "What became of received items",
            metrics.items.clone(),
        );
        registry.register(
            "ingest_in_flight_bytes",
            "Request bodies held in memory now",
            metrics.in_flight_bytes.clone(),
        );
        registry.register(
            "spool_records",
            "Acknowledged records not yet in the store",
            metrics.spool_records.clone(),
        );
        registry.register(
            "spool_bytes",
            "Bytes the spool occupies on disk",
            metrics.spool_bytes.clone(),
        );
        registry.register(
            "spool_group_records",
            "Records made durable by one fdatasync",
            metrics.spool_group_records.clone(),
        );
        registry.register_with_unit(
            "spool_group_duration",
            "Time of one write and fdatasync",
            Unit::Seconds,
            metrics.spool_group_seconds.clone(),
        );
        registry.register(
            "spool_refused",
            "Records the spool refused",
            metrics.spool_refused.clone(),
        );
        registry.register(
            "digest_events",
            "Events moved into the store, by result",
            metrics.digest_events.clone(),
        );
        registry.register(
            "digest_batch_events",
            "Events in one digest batch",
            metrics.digest_batch_events.clone(),
        );
        registry.register_with_unit(
            "digest_batch_duration",
            "Time of one digest batch",
            Unit::Seconds,
            metrics.digest_batch_seconds.clone(),
        );
        registry.register_with_unit(
            "digest_lag",
            "Age of the oldest event of the last digest batch when it was saved",
            Unit::Seconds,
            metrics.digest_lag_seconds.clone(),
        );
        Metrics {
            registry,
            ..metrics
        }
    }

    /// Counts one answered ingest request. `endpoint` is a route's name, never a path from outside.
    pub fn request(&self, endpoint: &'static str, status: u16, took: Duration) {
        self.requests
            .get_or_create(&RequestLabels { endpoint, status })
            .inc();
        self.request_seconds
            .get_or_create(&EndpointLabels { endpoint })
            .observe(took.as_secs_f64());
    }

    /// Counts the bytes of one body, as received and after decompression.
    pub fn body(&self, wire: u64, decoded: u64) {
        self.wire_bytes.inc_by(wire);
        self.decoded_bytes.inc_by(decoded);
    }

    /// Counts what became of an item. All three words must be fixed ones (see `intake::outcomes`).
    pub fn item(
        &self,
        category: &'static str,
        outcome: &'static str,
        reason: &'static str,
        quantity: u64,
    ) {
        self.items
            .get_or_create(&ItemLabels {
                category,
                outcome,
                reason,
            })
            .inc_by(quantity);
    }

    /// The gauge of body bytes held in memory now.
    pub fn in_flight_bytes(&self) -> Gauge {
        self.in_flight_bytes.clone()
    }

    /// Sets the fill of the spool.
    pub fn spool(&self, records: u64, bytes: u64) {
        self.spool_records.set(records as i64);
        self.spool_bytes.set(bytes as i64);
    }

    /// Counts one group commit of the spool.
    pub fn spool_group(&self, records: usize, took: Duration) {
        self.spool_group_records.observe(records as f64);
        self.spool_group_seconds.observe(took.as_secs_f64());
    }

    /// Counts records the spool could not take; `result` is `full` or `io`.
    pub fn spool_refused(&self, result: &'static str, records: u64) {
        self.spool_refused
            .get_or_create(&ResultLabels { result })
            .inc_by(records);
    }

    /// Counts digested events; `result` is for example `new_issue`, `existing_issue`, `duplicate`, `set_aside`.
    pub fn digested(&self, result: &'static str, events: u64) {
        self.digest_events
            .get_or_create(&ResultLabels { result })
            .inc_by(events);
    }

    /// Counts one saved digest batch: its size, how long it took, and the age of its oldest event.
    pub fn digest_batch(&self, events: usize, took: Duration, lag: Duration) {
        self.digest_batch_events.observe(events as f64);
        self.digest_batch_seconds.observe(took.as_secs_f64());
        self.digest_lag_seconds.set(lag.as_secs_f64());
    }

    /// Writes everything in the OpenMetrics text form, for `GET /metrics`.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        if text::encode(&mut out, &self.registry).is_err() {
            // Writing into a String does not fail; say so in the answer instead of an empty page if it ever does.
            let _ = writeln!(out, "# metrics could not be encoded");
        }
        out
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

fn latency() -> Histogram {
    // 0.25 ms to 4 s: the answer time promised is 3/20 ms, the store's worst case is seconds.
    Histogram::new(exponential_buckets(0.00025, 2.0, 15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_carry_the_counted_figures() {
        let metrics = Metrics::new();
        metrics.request("envelope", 200, Duration::from_millis(3));
        metrics.item("error", "accepted", "", 2);
        metrics.spool(7, 4096);
        metrics.digested("duplicate", 1);
        metrics.digest_batch(5, Duration::from_millis(2), Duration::from_millis(40));
        let text = metrics.encode();
        for line in [
            "faultwire_requests_total{endpoint=\"envelope\",status=\"200\"} 1",
            "faultwire_items_total{category=\"error\",outcome=\"accepted\",reason=\"\"} 2",
            "faultwire_spool_records 7",
            "faultwire_digest_events_total{result=\"duplicate\"} 1",
            "faultwire_digest_lag_seconds 0.04",
        ] {
            assert!(text.contains(line), "{line} is missing in:\n{text}");
        }
    }
}
