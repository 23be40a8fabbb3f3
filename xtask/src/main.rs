//! The project's own task runner: `cargo xtask up`, `test`, `check`, `bench`, `shots`, `gen-options`.
//! One module a command (`test` has `journeys` and `results` beside it); what several share stands in `run`, `needs`,
//! `products`, `demo`, `child` and `table`.

mod bench;
mod check;
mod child;
mod demo;
mod edges;
mod gen_options;
mod http;
mod journeys;
mod needs;
mod paths;
mod products;
mod python;
mod results;
mod run;
mod shots;
mod table;
mod test;
mod up;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Runs, tests and measures Faultwire. Finds out what is missing, installs it where that is harmless, and names the command otherwise.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    /// Show all output of every step. Without it the output is in .faultwire/logs, and shown when a step fails.
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything, start a collector with a demo project, let an example app fail, show where to look.
    Up(up::Args),
    /// Run all tests, or the named parts.
    Test(test::Args),
    /// Formatting, lints, forbidden dependency edges, ban list, generated files, licences.
    Check,
    /// Measure, beside the peers where there are any.
    Bench(bench::Args),
    /// Take pictures of the dashboard in a headless Chromium.
    Shots(shots::Args),
    /// What this machine has of the programs that the other commands need, and how to get the rest.
    Needs(needs::Args),
    /// Write the option types of every language from the core's table of options.
    GenOptions,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.verbose {
        run::be_verbose();
    }
    let result = match &cli.command {
        Command::Up(args) => up::run(args),
        Command::Test(args) => test::run(args),
        Command::Check => check::run(),
        Command::Bench(args) => bench::run(args),
        Command::Shots(args) => shots::run(args),
        Command::Needs(args) => needs::run(args),
        Command::GenOptions => gen_options::run(false),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            run::say(&format!("\nerror: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
