//! Everything that can be judged without running the product: formatting, lints, the dependency graph, what is committed.
//!
//! Each check runs even if an earlier one failed, so that one call names everything that is wrong.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};

use crate::run::{Tool, say};
use crate::{edges, gen_options, needs, paths, table};

/// Runs all checks and prints a table; fails if one failed.
pub fn run() -> Result<()> {
    type Check = (&'static str, fn() -> Result<String>);
    let checks: [Check; 8] = [
        ("formatting", formatting),
        ("dependency edges", dependency_edges),
        ("lints", lints),
        ("ban list", ban_list),
        ("generated files", generated_files),
        ("licences", licences),
        ("machine traces", machine_traces),
        ("file length", file_length),
    ];
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    for (name, check) in checks {
        let started = Instant::now();
        let outcome = check();
        let seconds = format!("{:.1}", started.elapsed().as_secs_f64());
        let (result, note) = match outcome {
            Ok(note) => ("ok", note),
            Err(error) => {
                failures.push(format!("{name}: {error:#}"));
                ("FAILED", "see below".to_owned())
            }
        };
        rows.push(vec![name.to_owned(), result.to_owned(), seconds, note]);
    }
    println!(
        "\n{}",
        table::render(&["check", "result", "seconds", "note"], &rows)
    );
    if failures.is_empty() {
        Ok(())
    } else {
        bail!("{}", failures.join("\n\n"))
    }
}

fn formatting() -> Result<String> {
    needs::RUSTFMT.ensure()?;
    Tool::cargo()
        .args(["fmt", "--all", "--check", "--", "-l"])
        .step("cargo fmt --check")
        .context("these files are not formatted: run `cargo fmt --all`")?;
    Ok(String::new())
}

fn dependency_edges() -> Result<String> {
    let graph = edges::read()?;
    let found = edges::violations(&graph);
    if !found.is_empty() {
        bail!("{}", found.join("\n"));
    }
    let ours = graph.values().filter(|package| package.ours).count();
    Ok(format!(
        "{ours} crates of ours, {} libraries below them",
        graph.len() - ours
    ))
}

fn lints() -> Result<String> {
    needs::CLIPPY.ensure()?;
    Tool::cargo()
        .args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])
        .step("cargo clippy")?;
    Ok("warnings are errors".to_owned())
}

/// Proves that the ban list of the sans-IO crates bites: a scratch crate that uses everything on it, under that very file, must
/// be told off for each entry. A list that clippy silently ignored (a misspelt path, a moved file) would look just like a clean crate.
fn ban_list() -> Result<String> {
    let config = fs::read_to_string(paths::at("core/clippy.toml"))
        .context("core/clippy.toml is gone: the sans-IO rule lives there")?;
    if paths::at("core/protocol/clippy.toml").exists() {
        bail!(
            "core/protocol/clippy.toml hides core/clippy.toml from the protocol crate: remove it"
        );
    }
    let methods = banned(&config, "disallowed-methods");
    let types = banned(&config, "disallowed-types");
    if methods.is_empty() || types.is_empty() {
        bail!("core/clippy.toml bans nothing any more");
    }
    let folder = paths::target().join("xtask").join("ban-list");
    fs::create_dir_all(folder.join("src"))
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let manifest =
        "[package]\nname = \"ban-list\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), manifest).context("cannot write the scratch crate")?;
    fs::write(folder.join("src/lib.rs"), offender(&methods, &types))
        .context("cannot write the scratch crate")?;
    let tool = Tool::cargo()
        .args(["clippy", "--quiet", "--offline"])
        .dir(&folder)
        .env("CLIPPY_CONF_DIR", paths::at("core"))
        .env("CARGO_TARGET_DIR", folder.join("target"));
    let output = tool
        .command()
        .output()
        .with_context(|| format!("{} does not start", tool.line()))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("the scratch crate for the ban list does not compile:\n{told}");
    }
    let silent: Vec<&String> = methods
        .iter()
        .chain(&types)
        .filter(|path| !told.contains(&format!("`{path}`")))
        .collect();
    if !silent.is_empty() {
        bail!("core/clippy.toml names {silent:?}, but clippy does not object to a use of it");
    }
    Ok(format!(
        "clippy objects to all {} entries",
        methods.len() + types.len()
    ))
}

/// The paths of one list in a clippy.toml.
fn banned(config: &str, list: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut inside = false;
    for line in config.lines() {
        let line = line.trim();
        if line.starts_with(list) {
            inside = true;
        } else if inside && line.starts_with(']') {
            break;
        }
        if let (true, Some((_, rest))) = (inside, line.split_once("path = \"")) {
            paths.extend(rest.split('"').next().map(str::to_owned));
        }
    }
    paths
}

/// A crate that uses every banned path once: functions by name in a body, types in an alias.
fn offender(methods: &[String], types: &[String]) -> String {
    let mut source = String::from("#![allow(unused)]\npub fn methods() {\n");
    for path in methods {
        // A generic function needs its type arguments even to be named.
        let arguments = match path.as_str() {
            "std::thread::spawn" => "::<fn(), ()>",
            "std::fs::write" => "::<&str, &str>",
            path if path.starts_with("std::fs::") || path.starts_with("std::env::") => "::<&str>",
            _ => "",
        };
        source.push_str(&format!("    let _ = {path}{arguments};\n"));
    }
    source.push_str("}\n");
    for (index, path) in types.iter().enumerate() {
        source.push_str(&format!("pub type Banned{index} = {path};\n"));
    }
    source
}

fn generated_files() -> Result<String> {
    gen_options::run(true)?;
    Ok("what the core prints".to_owned())
}

fn licences() -> Result<String> {
    const LICENCE: &str = "MIT OR Apache-2.0";
    for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
        if !paths::at(file).is_file() {
            bail!("{file} is missing");
        }
    }
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(paths::at("Cargo.toml"))
        .no_deps()
        .exec()?;
    for package in &metadata.packages {
        if package.license.as_deref() != Some(LICENCE) {
            bail!(
                "{} says licence {:?}, not {LICENCE}",
                package.manifest_path,
                package.license
            );
        }
    }
    let manifests = tracked(&["package.json", "**/package.json"])?;
    for file in &manifests {
        let text =
            fs::read_to_string(paths::at(file)).with_context(|| format!("cannot read {file}"))?;
        let manifest: serde_json::Value =
            serde_json::from_str(&text).with_context(|| format!("{file} is not JSON"))?;
        // A private package that says nothing is published by nobody.
        let says_nothing = manifest["private"] == true && manifest["license"].is_null();
        if !says_nothing && manifest["license"] != LICENCE {
            bail!("{file} says licence {}, not {LICENCE}", manifest["license"]);
        }
    }
    Ok(format!(
        "{} crates, {} npm packages",
        metadata.packages.len(),
        manifests.len()
    ))
}

/// Committed files must not know the machine they were written on: its folders, or the registry that it happened to use.
fn machine_traces() -> Result<String> {
    let root = paths::root();
    let mut folders = vec![root.clone()];
    // The parent is a trace only if it belongs to this checkout: a clone in the temporary folder says nothing.
    folders.extend(
        root.parent()
            .filter(|parent| *parent != std::env::temp_dir())
            .map(Path::to_owned),
    );
    folders.extend(std::env::var_os("HOME").map(Into::into));
    let folders: Vec<String> = folders
        .iter()
        .map(|folder| folder.display().to_string())
        .filter(|folder| folder.len() > 1)
        .collect();
    let mut found = Vec::new();
    for folder in &folders {
        found.extend(grep(&["--fixed-strings", "-e", &format!("{folder}/")])?);
    }
    let hosts =
        "https?://[^ \"'`)>]*(npmjs|npmmirror|crates\\.io|pypi|pythonhosted|maven)[^ \"'`)>]*";
    let hosts = grep(&["--extended-regexp", "-e", hosts])?;
    // Pages for people are fine; addresses that a tool downloads from are not.
    found.extend(
        hosts
            .into_iter()
            .filter(|line| !line.contains("www.npmjs.com/package")),
    );
    if found.is_empty() {
        return Ok("no machine paths, no registry addresses".to_owned());
    }
    Err(anyhow!(
        "committed files name a path of this machine or the address of a package registry:\n{}",
        found.join("\n")
    ))
}

fn grep(pattern: &[&str]) -> Result<Vec<String>> {
    let tool = Tool::new("git")
        .args(["grep", "--line-number", "-I"])
        .args(pattern)
        // Lock files of cargo name the index by design; recorded data may hold any path.
        .args([
            "--",
            ".",
            ":!Cargo.lock",
            ":!**/vectors/**",
            ":!**/fixtures/**",
            ":!**/recorded/**",
        ]);
    let output = tool
        .command()
        .output()
        .with_context(|| format!("{} does not start", tool.line()))?;
    match output.status.code() {
        Some(0) => Ok(String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| line.chars().take(200).collect())
            .collect()),
        Some(1) => Ok(Vec::new()),
        _ => bail!(
            "{} failed: {}",
            tool.line(),
            String::from_utf8_lossy(&output.stderr).trim()
        ),
    }
}

/// A file tells one story; past 600 lines there may be a second one inside. A report, not a failure: some stories are long.
fn file_length() -> Result<String> {
    const LONG: usize = 600;
    let mut long = Vec::new();
    for file in tracked(&["*.rs", "*.ts", "*.tsx", "*.mjs"])? {
        let is_data = ["tests", "test", "vectors", "fixtures"]
            .iter()
            .any(|folder| file.split('/').any(|part| part == *folder));
        if is_data || file.contains("generated") || file.ends_with("tests.rs") {
            continue;
        }
        let lines = fs::read_to_string(paths::at(&file))
            .map(|text| text.lines().count())
            .unwrap_or_default();
        if lines > LONG {
            long.push((lines, file));
        }
    }
    long.sort_unstable_by(|one, other| other.cmp(one));
    for (lines, file) in &long {
        say(&format!(
            "  note: {file} has {lines} lines; is there a second story inside?"
        ));
    }
    Ok(if long.is_empty() {
        "none above 600 lines".to_owned()
    } else {
        format!("{} above {LONG} lines (a note)", long.len())
    })
}

/// Committed files that match, relative to the root.
fn tracked(patterns: &[&str]) -> Result<Vec<String>> {
    let tool = Tool::new("git").args(["ls-files", "--"]).args(patterns);
    let text = tool.ask().with_context(|| {
        format!(
            "{} failed: `check` reads what is committed and needs git",
            tool.line()
        )
    })?;
    Ok(text.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
disallowed-methods = [
    { path = "std::thread::sleep", reason = "waiting belongs to a driver" },
    { path = "std::fs::write", reason = "files" },
]
disallowed-types = [
    { path = "std::fs::File", reason = "files" },
]
"#;

    #[test]
    fn the_ban_list_is_read_list_by_list() {
        assert_eq!(
            banned(CONFIG, "disallowed-methods"),
            ["std::thread::sleep", "std::fs::write"]
        );
        assert_eq!(banned(CONFIG, "disallowed-types"), ["std::fs::File"]);
        assert_eq!(banned(CONFIG, "disallowed-macros"), Vec::<String>::new());
    }

    #[test]
    fn the_offender_uses_every_entry() {
        let source = offender(
            &["std::fs::write".to_owned()],
            &["std::fs::File".to_owned()],
        );
        assert!(
            source.contains("std::fs::write::<&str, &str>;") && source.contains("= std::fs::File;"),
            "{source}"
        );
    }
}
