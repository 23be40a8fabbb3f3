//! `cargo xtask bench`: figures, always from release builds, always beside a peer in the same run where there is one.

use anyhow::{Result, bail};

use crate::run::{Tool, say};
use crate::{needs, paths, products, python};

#[derive(clap::Args)]
pub struct Args {
    /// What to measure. Default: all of it.
    #[arg(value_enum)]
    what: Vec<Bench>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Bench {
    /// Time on Node's calling thread per captureException, and a burst of 10,000, beside @sentry/node.
    Node,
    /// The same for Python, beside sentry-sdk.
    Python,
    /// Events a second that the collector accepts and digests on SQLite, answer times, memory.
    Ingest,
}

pub fn run(args: &Args) -> Result<()> {
    let all = [Bench::Node, Bench::Python, Bench::Ingest];
    let wanted = if args.what.is_empty() {
        &all[..]
    } else {
        &args.what
    };
    for bench in wanted {
        match bench {
            Bench::Node => node()?,
            Bench::Python => python::bench()?,
            Bench::Ingest => ingest()?,
        }
    }
    Ok(())
}

fn node() -> Result<()> {
    needs::NODE.ensure()?;
    Tool::cargo()
        .args(["build", "--release", "--package", "faultwire-node"])
        .step("Node addon (release)")?;
    products::node_package("release")?;
    let folder = paths::at("bindings/node/bench");
    if !folder.join("package-lock.json").is_file() {
        bail!(
            "bindings/node/bench/package-lock.json is missing: the peers of the comparison are named there"
        );
    }
    needs::npm_packages(&folder, "the Node benchmark")?;
    say("");
    needs::npm()
        .args(["run", "--silent", "bench"])
        .dir(paths::at("bindings/node"))
        .show()
}

fn ingest() -> Result<()> {
    Tool::cargo()
        .args([
            "build",
            "--release",
            "--package",
            "faultwire-collector",
            "--bins",
            "--example",
            "ingest_bench",
        ])
        .step("collector (release)")?;
    say("");
    Tool::new(
        paths::target()
            .join("release")
            .join("examples")
            .join("ingest_bench"),
    )
    .show()
}
