//! `cargo xtask up`: from a clone to an issue on a dashboard, in one command that asks nothing.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::demo::{self, Demo, Plan};
use crate::paths;
use crate::run::say;

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

/// What the example is known to produce: one issue for each of its three faults.
pub const ISSUES: usize = 3;

/// Examples in the order they run. The first is what plain `up` runs.
pub const EXAMPLES: &[&str] = &["node-express"];

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
    demo::build()?;
    // Until here nothing needs a clean end: a stopped build is stopped by the signal, which the terminal sends to every child.
    let stopped = watch_for_stop()?;
    let mut demo = Demo::start(&plan)?;
    say(&format!(
        "The collector runs on {}, its data is in {}",
        demo.base(),
        data.display()
    ));
    let examples = if args.all { EXAMPLES } else { &EXAMPLES[..1] };
    let shown = fail_and_watch(&demo, examples, started)?;
    say("");
    say(&format!("  {} issues are on the dashboard.", shown.issues));
    say(&format!(
        "  First issue shown {:.1} s after the start, {:.1} s after the example app began to start.",
        shown.since_start.as_secs_f64(),
        shown.since_failure.as_secs_f64()
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
    say("");
    if args.once {
        demo.collector.stop();
        return Ok(());
    }
    say("  Ctrl-C ends it; the data stays for the next time.");
    while !stopped() {
        if let Some(status) = demo.collector.ended() {
            // The terminal sends Ctrl-C to the collector as well, and it may be quicker than we are.
            thread::sleep(Duration::from_millis(100));
            if stopped() {
                break;
            }
            bail!(
                "the collector ended with {status}; what it said:\n{}",
                demo.collector.said()
            );
        }
        thread::sleep(Duration::from_millis(100));
    }
    say("");
    say("  Stopping the collector");
    if demo.collector.stop() {
        Ok(())
    } else {
        Err(anyhow!("the collector had to be killed"))
    }
}

/// When the first issue appeared.
pub struct Shown {
    pub issues: usize,
    pub since_start: Duration,
    pub since_failure: Duration,
}

/// Lets the examples fail and looks at the API until their issues are there.
///
/// The scripts and the look at the API run side by side: the time of the first issue is the product's, not the script's.
pub fn fail_and_watch(demo: &Demo, examples: &[&str], started: Instant) -> Result<Shown> {
    let before = demo.seen()?;
    let failing = Instant::now();
    let wanted = before.events + (ISSUES * examples.len()) as u64;
    thread::scope(|scope| {
        let scripts = scope.spawn(|| examples.iter().try_for_each(|example| demo.drive(example)));
        let mut scripts = Some(scripts);
        let mut first = None;
        let mut last_script_ended = failing;
        loop {
            let seen = demo.seen()?;
            if seen.events > before.events {
                first = first.or_else(|| Some(Instant::now()));
            }
            if scripts
                .as_ref()
                .is_some_and(|scripts| scripts.is_finished())
            {
                let scripts = scripts.take().map(|scripts| scripts.join());
                scripts
                    .transpose()
                    .map_err(|_| anyhow!("running the example panicked"))?
                    .transpose()?;
                last_script_ended = Instant::now();
            }
            if let (None, Some(first), true) = (
                &scripts,
                first,
                seen.issues >= ISSUES && seen.events >= wanted,
            ) {
                return Ok(Shown {
                    issues: seen.issues,
                    since_start: first - started,
                    since_failure: first - failing,
                });
            }
            if scripts.is_none() && last_script_ended.elapsed() > PATIENCE {
                bail!(
                    "the example ended well, but {} s later the API lists {} issues with {} new events instead of {ISSUES}; \
                     the collector's last lines:\n{}",
                    PATIENCE.as_secs(),
                    seen.issues,
                    seen.events - before.events,
                    demo.collector.said()
                );
            }
            thread::sleep(Duration::from_millis(50));
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
