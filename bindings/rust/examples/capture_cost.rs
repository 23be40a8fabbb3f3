//! What the Rust SDK costs the calling thread.
//!
//! `cargo run --release -p faultwire --example capture_cost`
//!
//! Nobody listens at the DSN, so nothing is sent. The rows are those of the shared targets for Rust.

use std::time::{Duration, Instant};

use faultwire::{Breadcrumb, Level, Options};

fn main() {
    let queue = tempfile::tempdir().expect("a temporary directory");
    let start = Instant::now();
    let options = Options::new("http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1")
        .queue_dir(queue.path())
        .set("shutdownTimeout", 100);
    let guard = faultwire::init(options);
    println!("{:<36} {:>10.2} µs", "init", micros(start.elapsed()));
    for number in 0..50 {
        faultwire::add_breadcrumb(Breadcrumb::new(format!("GET /item/{number}")).category("http"));
    }
    let error = "x".parse::<u32>().expect_err("not a number");
    // The first event waits for its place on disk; that is paid once a process and not shown here.
    faultwire::capture_error(&error);
    print_row("capture without a stack", 2000, || {
        faultwire::capture_message("slow answer", Level::Warning);
    });
    print_row("capture with a stack, 20 frames more", 1000, || {
        deeper(20, &error);
    });
    print_row("breadcrumb", 100_000, || {
        faultwire::add_breadcrumb(
            Breadcrumb::new("GET /cart")
                .category("http")
                .level(Level::Info),
        );
    });
    println!("{}", guard.stats());
}

#[inline(never)]
fn deeper(frames: u32, error: &std::num::ParseIntError) -> u32 {
    if frames == 0 {
        faultwire::capture_error(error);
        return 0;
    }
    // The addition after the call keeps it from being a loop.
    deeper(frames - 1, error) + 1
}

fn print_row(name: &str, rounds: usize, mut once: impl FnMut()) {
    let mut times: Vec<Duration> = Vec::with_capacity(rounds);
    for round in 0..rounds {
        let start = Instant::now();
        once();
        times.push(start.elapsed());
        // Lets the worker keep up: the cost of a capture, not of a fight for the cores.
        if round % 10 == 0 && rounds < 10_000 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    times.sort_unstable();
    let at = |part: f64| micros(times[((rounds - 1) as f64 * part) as usize]);
    println!(
        "{name:<36} p50 {:>10.2} µs   p99 {:>10.2} µs",
        at(0.5),
        at(0.99)
    );
}

fn micros(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1000.0
}
