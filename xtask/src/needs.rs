//! What the machine has, what is missing, and how to get it.
//!
//! Rule: install by itself only what is ordinary and reversible here (npm packages into the tree, a Debian package when we are
//! root). Everything else is named with the command a person can run, because a task runner that changes a developer's machine
//! behind their back is a reason not to run it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{Tool, say};

/// The oldest Node that the SDK, the dashboard's tools and the example run on.
pub const NODE_MAJOR: u32 = 20;

/// Checks for Node and npm; on Debian as root takes the distribution's package if it is new enough.
pub fn node() -> Result<()> {
    let found = Tool::new("node").arg("--version").ask();
    if found
        .as_deref()
        .and_then(major)
        .is_some_and(|major| major >= NODE_MAJOR)
        && npm().ask().is_some()
    {
        return Ok(());
    }
    let offered = candidate("nodejs").as_deref().and_then(major);
    if is_root() && offered.is_some_and(|major| major >= NODE_MAJOR) {
        apt_install(&["nodejs", "npm"])?;
        return Ok(());
    }
    let found = found.map_or_else(
        || "no node was found".to_owned(),
        |version| format!("node {version} was found"),
    );
    bail!(
        "Node {NODE_MAJOR} or newer with npm is needed, {found}; install it with your version manager \
         (`nvm install {NODE_MAJOR}`, `fnm install {NODE_MAJOR}`, `brew install node`) or from nodejs.org, then run this again"
    )
}

/// Installs the npm packages of a folder that has a lock file, unless that exact lock file is what stands there already.
pub fn npm_packages(folder: &Path, title: &str) -> Result<()> {
    let lock = folder.join("package-lock.json");
    let wanted = fs::read(&lock).with_context(|| {
        format!(
            "{} is missing: run `npm install` there once and commit it",
            lock.display()
        )
    })?;
    let manifest = fs::read(folder.join("package.json")).unwrap_or_default();
    let mark = folder.join("node_modules").join(".faultwire-installed");
    let wanted = [wanted, manifest].concat();
    if fs::read(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    Tool::new(npm_name())
        .args(["ci", "--no-audit", "--no-fund"])
        .dir(folder)
        .step(&format!("npm packages of {title}"))?;
    // A copy of the lock file, not a date: dates differ in every clone and lie after a branch switch.
    if folder.join("node_modules").is_dir() {
        fs::write(&mark, wanted).with_context(|| format!("cannot write {}", mark.display()))?;
    }
    Ok(())
}

/// A Chromium or Chrome to drive headless; on Debian as root installs the package.
pub fn chromium() -> Result<PathBuf> {
    if let Some(path) = find_chromium() {
        return Ok(path);
    }
    if is_root() && candidate("chromium").is_some() {
        apt_install(&["chromium"])?;
        if let Some(path) = find_chromium() {
            return Ok(path);
        }
    }
    bail!(
        "no Chromium or Chrome was found; install one (`sudo apt-get install chromium`, `brew install --cask chromium`) \
         or name it with FAULTWIRE_CHROMIUM=/path/to/chromium"
    )
}

/// Parts of the Rust toolchain that `check` needs and a minimal install leaves out.
pub fn cargo_component(subcommand: &str, component: &str) -> Result<()> {
    if Tool::cargo()
        .args([subcommand, "--version"])
        .ask()
        .is_some()
    {
        return Ok(());
    }
    if Tool::new("rustup").arg("--version").ask().is_some() {
        Tool::new("rustup")
            .args(["component", "add", component])
            .step(&format!("rustup component {component}"))?;
        return Ok(());
    }
    bail!(
        "`cargo {subcommand}` is not there; run `rustup component add {component}` or install your distribution's package for it"
    )
}

/// `npm` with nothing but its version asked.
fn npm() -> Tool {
    Tool::new(npm_name()).arg("--version")
}

/// npm is a script, and Windows starts scripts only by their full name.
pub fn npm_name() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

/// The first number of a version text such as `v20.11.1` or Debian's `1:18.2+dfsg-1`.
pub fn major(version: &str) -> Option<u32> {
    let text = version.trim();
    let text = text.split_once(':').map_or(text, |(_, rest)| rest);
    let digits: String = text
        .trim_start_matches('v')
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

fn find_chromium() -> Option<PathBuf> {
    if let Some(named) = env::var_os("FAULTWIRE_CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    let on_path = env::var_os("PATH")
        .into_iter()
        .flat_map(|path| env::split_paths(&path).collect::<Vec<_>>());
    let on_path = on_path.flat_map(|folder| names.map(|name| folder.join(name)));
    let on_mac = [
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ];
    on_path
        .chain(on_mac.map(PathBuf::from))
        .find(|path| path.is_file())
}

/// The version that apt would install, if this machine has apt and knows the package.
fn candidate(package: &str) -> Option<String> {
    let policy = || {
        Tool::new("apt-cache")
            .args(["policy", package])
            .env("LC_ALL", "C")
            .ask()
    };
    let read = |text: String| {
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("Candidate: ").map(str::to_owned))?;
        (line != "(none)").then_some(line)
    };
    policy().and_then(read).or_else(|| {
        // A fresh container has no package lists yet.
        (is_root() && Tool::new("apt-get").arg("--version").ask().is_some())
            .then(apt_update)?
            .ok()?;
        policy().and_then(read)
    })
}

fn apt_install(packages: &[&str]) -> Result<()> {
    say(&format!(
        "  {} is missing and this is a Debian machine with root rights: installing it",
        packages.join(" and ")
    ));
    let install = Tool::new("apt-get")
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    let title = format!("apt-get install {}", packages.join(" "));
    if install.step(&title).is_ok() {
        return Ok(());
    }
    // Package lists older than the archive name files that are gone.
    apt_update()?;
    install.step(&title).map(drop)
}

fn apt_update() -> Result<()> {
    Tool::new("apt-get")
        .arg("update")
        .step("apt-get update")
        .map(drop)
}

fn is_root() -> bool {
    Tool::new("id").arg("-u").ask().as_deref() == Some("0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_form() {
        assert_eq!(major("v20.11.1"), Some(20));
        assert_eq!(major("22.0.0\n"), Some(22));
        assert_eq!(major("1:18.20.4+dfsg-1~deb12u1"), Some(18));
        assert_eq!(major("nothing"), None);
        assert_eq!(major(""), None);
    }
}
