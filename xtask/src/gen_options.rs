//! Writes the option types of every language from the core's one table of options.
//!
//! The core prints them (`core/examples/options_*.rs`), so this program needs no dependency on the engine and a clean
//! clone can build it in seconds. The generated files are committed, because readers and packages need them;
//! `check` generates them again and fails if the two differ.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::paths;
use crate::run::{Tool, say};

/// Writes every generated file, or with `only_check` fails if one is not what would be written.
pub fn run(only_check: bool) -> Result<()> {
    for file in FILES {
        let wanted = generate(file)?;
        let path = path(file);
        let found = fs::read_to_string(&path).unwrap_or_default();
        if found == wanted {
            say(&format!("  {} is up to date", file.path));
        } else if only_check {
            bail!(
                "{} is not what the core's options say: run `cargo xtask gen-options` and commit it",
                file.path
            );
        } else {
            fs::write(&path, wanted).with_context(|| format!("cannot write {}", path.display()))?;
            say(&format!("  {} written", file.path));
        }
    }
    Ok(())
}

/// A generated file: where it stands and the example of the core that prints it.
struct Generated {
    path: &'static str,
    example: &'static str,
}

const FILES: &[Generated] = &[
    Generated {
        path: "bindings/node/ts/options.generated.ts",
        example: "options_typescript",
    },
    Generated {
        path: "bindings/python/python/faultwire/_options_generated.py",
        example: "options_python",
    },
];

fn path(file: &Generated) -> PathBuf {
    paths::at(file.path)
}

fn generate(file: &Generated) -> Result<String> {
    let tool = Tool::cargo().args([
        "run",
        "--quiet",
        "--package",
        "faultwire-core",
        "--example",
        file.example,
    ]);
    let output = tool
        .command()
        .output()
        .with_context(|| format!("{} does not start", tool.line()))?;
    if !output.status.success() {
        bail!(
            "{} failed: {}",
            tool.line(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("{} printed something that is not UTF-8", tool.line()))
}
