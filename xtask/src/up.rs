//! `cargo xtask up`: from a clone to an issue on a dashboard, in one command that asks nothing.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::demo::{self, Demo, Plan};
use crate::run::say;
use crate::{paths, products};

#[derive(clap::Args)]
pub struct Args {
    /// Port of the collector. Default: 9000, or the next free one if that is taken.
    #[arg(long)]
    port: Option<u16>,
    /// Data folder. Kept between runs. Default: .faultwire/demo
    #[arg(long)]
    data: Option<PathBuf>,
    /// Throw the demo's data away first.
    #[arg(long)]
    fresh: bool,
    /// End as soon as the issues are on the dashboard, instead of waiting for Ctrl-C.
    #[arg(long)]
    once: bool,
    /// Run every example, not only the first. (The Node shop is the only one in this version.)
    #[arg(long)]
    all: bool,
}

/// The faults in the example, each of which must become one issue.
pub const ISSUES: usize = 3;

/// Examples in the order they run. The first is what plain `up` runs.
const EXAMPLES: &[&str] = &["node-express"];

pub fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    let data = args
        .data
        .clone()
        .unwrap_or_else(|| paths::state().join("demo"));
    if args.fresh {
        demo::forget(&data)?;
    }
    let plan = Plan {
        data: data.clone(),
        port: args.port,
    };
    say("Building what the demo needs");
    products::for_the_demo()?;
    // Until here nothing needs a clean end: a stopped build is stopped by the signal, which the terminal sends to every child.
    let stopped = watch_for_stop()?;
    let mut demo = Demo::start(&plan)?;
    say(&format!(
        "The collector runs on {}, its data is in {}",
        demo.base(),
        data.display()
    ));
    let names = if args.all { EXAMPLES } else { &EXAMPLES[..1] };
    let examples = names
        .iter()
        .map(|name| products::example(name))
        .collect::<Result<Vec<_>>>()?;
    let shown = fail_and_watch(&demo, &examples, started)?;
    say("");
    say(&format!(
        "  The shop failed {} times: {} new events in {} issues are on the dashboard.",
        shown.reported, shown.events, shown.issues
    ));
    say(&format!(
        "  First issue shown {:.1} s after the start, {:.1} s after the shop began to start.",
        shown.first_since_start.as_secs_f64(),
        shown.first_since_failure.as_secs_f64()
    ));
    say("");
    say(&format!("  Dashboard   {}", demo.page()));
    say(&format!(
        "  Password    {}",
        demo.password
            .as_deref()
            .unwrap_or("the one chosen at the first start")
    ));
    say(&format!("  DSN         {}", demo.dsn));
    if args.once {
        say("");
        return demo.stop();
    }
    let (mut shop, address) = demo.open_shop()?;
    say(&format!("  Shop        {address}  (break it yourself)"));
    say("");
    say("  Ctrl-C ends it; the data stays for the next time.");
    while !stopped() {
        let gone = demo
            .collector
            .ended()
            .map(|status| ("the collector", status, demo.collector.said()));
        let gone = gone.or_else(|| shop.ended().map(|status| ("the shop", status, shop.said())));
        if let Some((name, status, said)) = gone {
            // The terminal sends Ctrl-C to the children as well, and they may be quicker than we are.
            thread::sleep(Duration::from_millis(200));
            if stopped() {
                break;
            }
            bail!("{name} ended with {status}; what it said:\n{said}");
        }
        thread::sleep(Duration::from_millis(100));
    }
    say("");
    say("  Stopping");
    shop.stop();
    demo.stop()
}

/// What became of the failures.
pub struct Shown {
    pub issues: usize,
    /// Failures that the examples said they reported.
    pub reported: u64,
    /// Events that the API counted in this run.
    pub events: u64,
    pub first_since_start: Duration,
    pub first_since_failure: Duration,
}

/// Lets the examples fail and looks at the API until every failure they reported is there.
///
/// The scripts and the look at the API run side by side: the time of the first issue is the product's, not the script's.
pub fn fail_and_watch(demo: &Demo, examples: &[PathBuf], started: Instant) -> Result<Shown> {
    let before = demo.seen()?;
    let failing = Instant::now();
    let drive_all = || {
        examples
            .iter()
            .map(|example| demo.drive(example))
            .sum::<Result<u64>>()
    };
    thread::scope(|scope| {
        let scripts = scope.spawn(drive_all);
        let mut first = None;
        while !scripts.is_finished() {
            if first.is_none() && demo.seen()?.events > before.events {
                first = Some(Instant::now());
            }
            thread::sleep(LOOK_EVERY);
        }
        let reported = scripts
            .join()
            .map_err(|_| anyhow!("running the example panicked"))??;
        let ended = Instant::now();
        loop {
            let seen = demo.seen()?;
            let events = seen.events - before.events;
            if seen.issues >= ISSUES && events >= reported && reported > 0 {
                let first = first.unwrap_or_else(Instant::now);
                return Ok(Shown {
                    issues: seen.issues,
                    reported,
                    events,
                    first_since_start: first - started,
                    first_since_failure: first - failing,
                });
            }
            if ended.elapsed() > PATIENCE {
                bail!(
                    "the example reported {reported} failures, but {} s later the API lists {} issues with {events} new events; \
                     the collector's last lines:\n{}",
                    PATIENCE.as_secs(),
                    seen.issues,
                    demo.collector.said()
                );
            }
            thread::sleep(LOOK_EVERY);
        }
    })
}

/// Ctrl-C and SIGTERM set a flag that the returned function reads.
fn watch_for_stop() -> Result<impl Fn() -> bool> {
    static STOPPED: AtomicBool = AtomicBool::new(false);
    ctrlc::set_handler(|| {
        // The second one means it: a child that hangs must not hold the terminal.
        if STOPPED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .context("cannot watch for Ctrl-C")?;
    Ok(|| STOPPED.load(Ordering::Relaxed))
}

/// Far more than digest needs, even on a busy machine with two cores.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);
