//! Prints what each step costs on one recorded event: `cargo run --release -p faultwire-protocol --example speed [FILE]`.
//!
//! FILE is an uncompressed envelope body; without it the richest recorded Node event is taken.

// A measurement is a driver: it reads a file and a clock.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use faultwire_protocol::event::normalize;
use faultwire_protocol::scrub::{ScrubOptions, Scrubber};
use faultwire_protocol::time::Millis;
use faultwire_protocol::{envelope, fingerprint, json};
use std::hint::black_box;
use std::time::{Duration, Instant};

const RUNS: usize = 2000;

fn main() {
    let recorded = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/fixtures/envelopes/sentry-node-11.12.0-error-rich.bin"
    );
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| recorded.to_owned());
    let Ok(body) = std::fs::read(&path) else {
        println!("skipped: speed: {path} cannot be read");
        return;
    };
    let envelope = envelope::parse(&body).expect("the file is an envelope");
    let item = envelope
        .items
        .iter()
        .find(|item| item.kind == "event")
        .expect("it holds an event");
    let text = json::decode(item.payload);
    let scrubber = Scrubber::new(ScrubOptions::default());
    println!("{} bytes of event, median of {RUNS} runs", text.len());

    let mut event = json::parse(&text).expect("the event is json");
    let first = Instant::now();
    scrubber.scrub(&mut event);
    println!("first scrub     {:>8.1} µs", micros(first.elapsed()));

    report("parse", || {
        let start = Instant::now();
        black_box(json::parse(&text).is_ok());
        start.elapsed()
    });
    report("normalize", || {
        let mut event = json::parse(&text).expect("json");
        let start = Instant::now();
        normalize(&mut event, Millis(1));
        start.elapsed()
    });
    report("scrub", || {
        let mut event = json::parse(&text).expect("json");
        let start = Instant::now();
        black_box(scrubber.scrub(&mut event));
        start.elapsed()
    });
    report("fingerprint", || {
        let start = Instant::now();
        black_box(fingerprint::v1::compute(&event));
        start.elapsed()
    });
    report("write", || {
        let mut out = String::with_capacity(text.len());
        let start = Instant::now();
        event.write(&mut out);
        start.elapsed()
    });
}

fn report(name: &str, mut run: impl FnMut() -> Duration) {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| run()).collect();
    times.sort();
    println!(
        "{name:<15} {:>8.1} µs   p99 {:>8.1} µs",
        micros(times[RUNS / 2]),
        micros(times[RUNS * 99 / 100])
    );
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
