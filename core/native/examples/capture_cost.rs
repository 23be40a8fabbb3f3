//! What the SDK costs: the calling thread's time per call, and how long an event takes to reach the page cache.
//!
//! `cargo run --release -p faultwire-native --example capture_cost`
//!
//! The event is the one of the shared targets: an exception of 20 frames, 50 breadcrumbs, 10 tags. "In the page cache"
//! is seen from outside, by the length of the segment file, so it includes everything between. "Cold" is a new process:
//! thread start, directory claim, compiling of the scrubber's patterns.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use faultwire_native::{Client, Scope, Sdk};

#[path = "../tests/support/mod.rs"]
mod support;

fn main() {
    if let Some(queue) = std::env::args().nth(1) {
        cold(Path::new(&queue));
        return;
    }
    let queue = tempfile::tempdir().expect("a temporary directory");
    print_row("init", 200, || {
        let start = Instant::now();
        let client = client(queue.path());
        let took = start.elapsed();
        drop(client);
        took
    });
    let client = client(queue.path());
    let scope = standard_scope(&client);
    let event = standard_event();
    println!(
        "event: {} bytes of JSON, 50 breadcrumbs, 10 tags",
        event.len()
    );

    // Slow enough that the worker keeps up: the cost of handing over, not of a fight for two cores.
    print_row("capture, calling thread", 3000, || {
        let json = event.clone();
        let start = Instant::now();
        scope.capture(json, false);
        let took = start.elapsed();
        std::thread::sleep(Duration::from_micros(300));
        took
    });
    print_row("capture in a burst, calling thread", 10_000, || {
        let json = event.clone();
        let start = Instant::now();
        scope.capture(json, false);
        start.elapsed()
    });
    print_row("breadcrumb", 100_000, || {
        let start = Instant::now();
        scope.breadcrumb(
            1_700_000_000_000.0,
            "http",
            "info",
            "GET /checkout 200",
            None,
        );
        start.elapsed()
    });
    print_row("set tag", 100_000, || {
        let start = Instant::now();
        scope.set("tag", "region", "\"eu-west\"");
        start.elapsed()
    });
    print_row("fork", 100_000, || {
        let start = Instant::now();
        let fork = scope.fork();
        let took = start.elapsed();
        drop(fork);
        took
    });
    client.close(200);

    let warm = tempfile::tempdir().expect("a temporary directory");
    let client = self::client(warm.path());
    let scope = standard_scope(&client);
    scope.capture(event.clone(), true);
    print_row("capture to page cache, warm", 500, || {
        let before = stored_bytes(warm.path());
        let start = Instant::now();
        scope.capture(event.clone(), false);
        while stored_bytes(warm.path()) < before + 1000 {}
        start.elapsed()
    });
    print_row("fatal capture (synced)", 200, || {
        let start = Instant::now();
        scope.capture(event.clone(), true);
        start.elapsed()
    });
    client.close(200);

    burst();

    let program = std::env::current_exe().expect("this program has a path");
    print_row("capture to page cache, cold process", 40, || {
        let queue = tempfile::tempdir().expect("a temporary directory");
        let output = Command::new(&program)
            .arg(queue.path())
            .output()
            .expect("this program starts again");
        let nanos = String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .expect("a number of nanoseconds");
        Duration::from_nanos(nanos)
    });
}

/// Many events at once against a server that takes 50 ms for each answer.
fn burst() {
    const EVENTS: usize = 10_000;
    let queue = tempfile::tempdir().expect("a temporary directory");
    let server = support::StubServer::start();
    server.delay(Duration::from_millis(50));
    let options = format!(
        r#"{{"dsn":{:?},"queueDir":{:?}}}"#,
        server.dsn(),
        queue.path().display().to_string()
    );
    let sdk = Sdk {
        name: "faultwire.bench".into(),
        version: "0.1.0".into(),
        platform: "other".into(),
    };
    let client = Client::new(&options, sdk);
    let scope = standard_scope(&client);
    let event = standard_event();
    let start = Instant::now();
    for _ in 0..EVENTS {
        scope.capture(event.clone(), false);
    }
    let handed_over = start.elapsed();
    client.flush(120_000);
    let seconds = start.elapsed().as_secs_f64();
    let requests = server.requests();
    let bytes: usize = requests.iter().map(|request| request.wire_bytes).sum();
    println!(
        "burst of {EVENTS}, sink at 50 ms: handed over in {:.0} ms, {:.0} events/s, {} bytes on the wire each, {}",
        handed_over.as_secs_f64() * 1000.0,
        EVENTS as f64 / seconds,
        bytes / requests.len().max(1),
        client.stats()
    );
}

/// One measurement in a fresh process: from just before `capture` to the record in the page cache.
fn cold(queue: &Path) {
    let client = client(queue);
    let scope = standard_scope(&client);
    let event = standard_event();
    let start = Instant::now();
    scope.capture(event, false);
    while stored_bytes(queue) < 1000 {}
    println!("{}", start.elapsed().as_nanos());
    // The event need not go anywhere, and leaving must not wait for it.
    std::process::exit(0);
}

fn client(queue: &Path) -> Client {
    // Port 9 (discard) on this machine: nobody listens, so the network costs nothing.
    let options = format!(
        r#"{{"dsn":"http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1","queueDir":{:?},"maxQueueBytes":1073741824}}"#,
        queue.display().to_string()
    );
    let sdk = Sdk {
        name: "faultwire.bench".into(),
        version: "0.1.0".into(),
        platform: "other".into(),
    };
    Client::new(&options, sdk)
}

fn standard_scope(client: &Client) -> Scope {
    let scope = client.scope();
    for number in 0..10 {
        scope.set(
            "tag",
            &format!("tag{number}"),
            &format!("\"value {number}\""),
        );
    }
    for number in 0..50 {
        scope.breadcrumb(
            1_700_000_000_000.0,
            "http",
            "info",
            &format!("GET /item/{number} 200"),
            Some(r#"{"status":200}"#),
        );
    }
    scope
}

fn standard_event() -> String {
    let frame = |number: usize| {
        format!(
            r#"{{"function":"handler{number}","filename":"routes/shop.js","abs_path":"/srv/app/routes/shop.js","lineno":{number},"colno":7,"in_app":true}}"#
        )
    };
    let frames: Vec<String> = (1..=20).map(frame).collect();
    format!(
        r#"{{"exception":{{"values":[{{"type":"TypeError","value":"Cannot read properties of undefined (reading 'id')","stacktrace":{{"frames":[{}]}}}}]}}}}"#,
        frames.join(",")
    )
}

/// Sum of all segment lengths below `dir`.
fn stored_bytes(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    let sizes = entries.filter_map(Result::ok).map(|entry| {
        let path: PathBuf = entry.path();
        if path.is_dir() {
            stored_bytes(&path)
        } else {
            entry.metadata().map_or(0, |m| m.len())
        }
    });
    sizes.sum()
}

fn print_row(name: &str, rounds: usize, mut once: impl FnMut() -> Duration) {
    let mut times: Vec<Duration> = (0..rounds).map(|_| once()).collect();
    times.sort_unstable();
    let micros =
        |part: f64| times[((rounds - 1) as f64 * part) as usize].as_nanos() as f64 / 1000.0;
    println!(
        "{name:<38} p50 {:>10.2} µs   p99 {:>10.2} µs   max {:>10.2} µs",
        micros(0.5),
        micros(0.99),
        micros(1.0)
    );
}
