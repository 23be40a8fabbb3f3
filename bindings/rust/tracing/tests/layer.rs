//! The layer as an app uses it, against a scripted server. One process has one current client, so the tests take turns.

#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test is a failed test that names its line"
)]

#[path = "../../../../core/native/tests/support/mod.rs"]
mod support;

use std::error::Error;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use faultwire::{Guard, Options};
use faultwire_tracing::FaultwireLayer;
use serde_json::Value;
use support::StubServer;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::prelude::*;

const WAIT: Duration = Duration::from_secs(30);

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Logs with `layer` in place and gives the events that arrived.
fn logged(options: Options, layer: FaultwireLayer, log: impl FnOnce()) -> Vec<Value> {
    let _turn = turn();
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let guard: Guard = faultwire::init(
        options
            .set("dsn", server.dsn())
            .queue_dir(queue.path())
            .capture_panics(false),
    );
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, log);
    assert!(guard.flush(WAIT), "{}", guard.stats());
    server.events()
}

#[derive(Debug)]
struct PaymentFailed(std::num::ParseIntError);

impl fmt::Display for PaymentFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the provider said no")
    }
}

impl Error for PaymentFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[inline(never)]
fn pay() {
    let error = PaymentFailed("x".parse::<u32>().unwrap_err());
    tracing::error!(
        error = &error as &dyn Error,
        amount = 5900,
        "payment failed"
    );
}

#[test]
fn an_error_is_an_event_with_its_sources_and_what_led_to_it() {
    let events = logged(Options::default(), faultwire_tracing::layer(), || {
        let span = tracing::info_span!("checkout", order = 7, country = tracing::field::Empty);
        let _inside = span.enter();
        span.record("country", "DE");
        tracing::info!(items = 3, "cart loaded");
        tracing::warn!(target: "shop::stock", "few left");
        tracing::debug!("too small to keep");
        pay();
    });
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event["level"], "error");
    assert_eq!(event["logger"], "layer");
    let text = event["message"]
        .as_str()
        .or(event["logentry"]["formatted"].as_str());
    assert_eq!(text, Some("payment failed"), "{event}");
    let chain = event["exception"]["values"].as_array().unwrap();
    let types: Vec<&str> = chain.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["ParseIntError", "PaymentFailed"], "the cause first");
    assert_eq!(chain[1]["value"], "the provider said no");
    assert_eq!(chain[1]["mechanism"]["type"], "tracing");
    let frames = chain[1]["stacktrace"]["frames"].as_array().unwrap();
    let newest = frames.last().unwrap();
    assert!(
        newest["function"].as_str().unwrap().contains("pay"),
        "the line that logged: {newest}"
    );
    assert_eq!(newest["in_app"], true);
    let contexts = &event["contexts"];
    assert_eq!(contexts["fields"]["amount"], 5900);
    assert_eq!(contexts["tracing"]["target"], "layer");
    assert_eq!(contexts["tracing"]["spans"][0], "checkout");
    assert_eq!(contexts["spans"]["checkout"]["order"], 7);
    assert_eq!(contexts["spans"]["checkout"]["country"], "DE");
    let crumbs = event["breadcrumbs"]["values"].as_array().unwrap();
    let crumbs: Vec<(&str, &str, &str)> = crumbs
        .iter()
        .map(|c| {
            let text = |key: &str| c[key].as_str().unwrap();
            (text("category"), text("level"), text("message"))
        })
        .collect();
    assert_eq!(
        crumbs,
        [
            ("layer", "info", "cart loaded"),
            ("shop::stock", "warning", "few left")
        ]
    );
    assert_eq!(event["breadcrumbs"]["values"][0]["data"]["items"], 3);
}

#[test]
fn levels_can_be_chosen() {
    let layer = faultwire_tracing::layer()
        .events(LevelFilter::WARN)
        .breadcrumbs(LevelFilter::OFF);
    let events = logged(Options::default(), layer, || {
        tracing::info!("no breadcrumb");
        tracing::warn!("an event");
    });
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["level"], "warning");
    assert!(
        events[0]["breadcrumbs"]["values"]
            .as_array()
            .is_none_or(Vec::is_empty)
    );
}

struct Talkative;

impl fmt::Debug for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::error!(again = ?Talkative, "said while it is described");
        f.write_str("Talkative")
    }
}

impl fmt::Display for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        faultwire::capture_error(self);
        tracing::error!("said while it is displayed");
        f.write_str("talkative")
    }
}

impl Error for Talkative {}

#[test]
fn what_is_logged_while_an_event_is_made_leads_to_no_other() {
    let options = Options::default().before_send(|event| {
        tracing::error!("said in the hook");
        faultwire::capture_message("captured in the hook", faultwire::Level::Error);
        Some(event)
    });
    let events = logged(options, faultwire_tracing::layer(), || {
        tracing::error!(value = ?Talkative, "first");
        faultwire::capture_error(&Talkative);
        tracing::error!(target: "faultwire_native::transport", "of the SDK");
    });
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(events[0]["contexts"]["fields"]["value"], "Talkative");
    assert_eq!(events[1]["exception"]["values"][0]["value"], "talkative");
}
