//! How much the collector takes: `cargo xtask bench ingest` builds and runs this beside a release build of the server.
//!
//! Four parts, each on a server of its own in an empty folder:
//! 1. as fast as it goes, standard events of 24.6 KB: accepted/s (answered with 200, durable), digested/s while loaded
//!    and while draining, memory, processor time and bytes on disk per event;
//! 2. the same with the recorded mix of `collector/tests/recordings`;
//! 3. 1,000 events/s, sent on time whatever the answers do: p50 and p99 of the answer, processor time per event;
//! 4. 500 events/s: time from the answer until the event is readable through the API.
//!
//! The generator shares the machine with the server and takes its own part of it; the figures say what both do together.

mod events;
mod load;
mod server;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use events::Pool;
use server::Server;

struct Settings {
    binary: PathBuf,
    seconds: u64,
    connections: usize,
}

fn main() {
    let settings = settings();
    println!(
        "{} s a part, {} connections, {} processors, generator included",
        settings.seconds,
        settings.connections,
        std::thread::available_parallelism().map_or(0, usize::from)
    );
    let standard = Pool::standard();
    println!(
        "standard event: {} bytes",
        standard.mean_event_bytes().round()
    );
    flat_out("standard event", &settings, &standard);
    match Pool::recorded() {
        Some(mix) => flat_out("recorded mix", &settings, &mix),
        None => println!("skipped: recorded mix: collector/tests/recordings is absent"),
    }
    steady(&settings, &standard);
    visible(&settings, &standard);
}

fn settings() -> Settings {
    let mut settings = Settings {
        // target/release/examples/ingest_bench -> target/release/faultwire
        binary: std::env::current_exe()
            .ok()
            .and_then(|own| Some(own.parent()?.parent()?.join("faultwire")))
            .unwrap_or_else(|| "faultwire".into()),
        seconds: 10,
        connections: 64,
    };
    let mut args = std::env::args().skip(1);
    while let (Some(name), Some(value)) = (args.next(), args.next()) {
        match name.as_str() {
            "--binary" => settings.binary = value.into(),
            "--seconds" => settings.seconds = value.parse().expect("--seconds takes a number"),
            "--connections" => {
                settings.connections = value.parse().expect("--connections takes a number");
            }
            other => panic!("unknown option {other}; there are --binary, --seconds, --connections"),
        }
    }
    settings
}

fn flat_out(name: &str, settings: &Settings, pool: &Pool) {
    let server = Server::start(&settings.binary);
    let idle = server.resident_mib();
    let cpu = server.cpu_seconds();
    let time = Duration::from_secs(settings.seconds);
    let load = load::closed(&server.address, pool, settings.connections, time);
    let digested_under_load = server.digested();
    let loaded = server.resident_mib();
    let drained = server.wait_until_digested();
    let events = load.events.max(1) as f64;
    let digested = server.digested();
    let cpu = server.cpu_seconds() - cpu;
    println!("\n{name}, as fast as it goes");
    println!(
        "  accepted      {:>8.0} /s   ({} events, {} refused, answer p50 {:.1} ms, p99 {:.1} ms)",
        events / load.took.as_secs_f64(),
        load.events,
        load.refused,
        load.quantile_ms(0.5),
        load.quantile_ms(0.99)
    );
    println!(
        "  digested      {:>8.0} /s   while loaded; {:.0} /s while draining the {} left",
        digested_under_load / load.took.as_secs_f64(),
        (digested - digested_under_load) / drained.as_secs_f64().max(0.001),
        digested - digested_under_load
    );
    println!(
        "  sustained     {:>8.0} /s   from the first request until the last event was in the store",
        digested / (load.took + drained).as_secs_f64()
    );
    println!(
        "  processor     {:>8.3} ms an event, accepted and digested",
        cpu * 1000.0 / events
    );
    print_threads(&server, events);
    println!(
        "  memory        {idle:>8.1} MiB idle, {loaded:.1} MiB loaded, {:.1} MiB at most",
        server.peak_mib()
    );
    println!(
        "  on disk       {:>8.2} KiB an event",
        server.disk_bytes() / 1024.0 / digested.max(1.0)
    );
    assert!(
        (digested - events).abs() < 0.5,
        "accepted {events} events but digested {digested}"
    );
}

fn steady(settings: &Settings, pool: &Pool) {
    let server = Server::start(&settings.binary);
    let cpu = server.cpu_seconds();
    let time = Duration::from_secs(settings.seconds);
    let load = load::open(&server.address, pool, 16, 1000, time, |_| {});
    server.wait_until_digested();
    let cpu = server.cpu_seconds() - cpu;
    println!(
        "\n1,000 events/s, on time ({} sent, {} refused)",
        load.events, load.refused
    );
    println!(
        "  answer        {:>8.2} ms p50, {:.2} ms p99, {:.2} ms at most",
        load.quantile_ms(0.5),
        load.quantile_ms(0.99),
        load.quantile_ms(1.0)
    );
    println!(
        "  processor     {:>8.3} ms an event",
        cpu * 1000.0 / load.events.max(1) as f64
    );
    print_threads(&server, load.events.max(1) as f64);
    println!("  memory        {:>8.1} MiB", server.resident_mib());
}

fn visible(settings: &Settings, pool: &Pool) {
    let server = Server::start(&settings.binary);
    let time = Duration::from_secs(settings.seconds);
    let (sample, samples) = std::sync::mpsc::sync_channel(0);
    let waits = std::thread::scope(|scope| {
        let server = &server;
        let looking = scope.spawn(move || {
            samples
                .iter()
                .map(|(id, answered): (String, Instant)| server.time_until_readable(&id, answered))
                .collect::<Vec<_>>()
        });
        let load = load::open(&server.address, pool, 16, 500, time, move |id| {
            // One at a time is looked for; those answered meanwhile are let pass.
            let _ = sample.try_send((id.to_owned(), Instant::now()));
        });
        let waits = looking.join().expect("the watching thread does not panic");
        (load, waits)
    });
    let (load, mut waits) = waits;
    waits.sort_unstable();
    println!(
        "\n500 events/s, answer to readable ({} sent, {} looked at)",
        load.events,
        waits.len()
    );
    println!(
        "  visible after {:>8.1} ms p50, {:.1} ms p99",
        load::quantile_ms(&waits, 0.5),
        load::quantile_ms(&waits, 0.99)
    );
}

/// Threads that have ended (digest makes some for a batch) are in the total only.
fn print_threads(server: &Server, events: f64) {
    let threads: Vec<String> = server
        .cpu_by_thread()
        .iter()
        .map(|(name, seconds)| format!("{name} {:.3}", seconds * 1000.0 / events))
        .collect();
    println!("                         by thread: {}", threads.join(", "));
}
