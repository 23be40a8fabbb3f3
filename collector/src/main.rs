//! The `faultwire` program: see `faultwire --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match faultwire_collector::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One sentence: the context first, its causes behind it.
            eprintln!("faultwire: {error:#}");
            ExitCode::FAILURE
        }
    }
}
