//! What the machine has, what is missing, and how to get it.
//!
//! Rule: install by itself only what is ordinary and reversible here (npm packages into the tree, a component of the Rust
//! toolchain, a Debian package when we are root). Everything else is named with the command a person can run, because a task
//! runner that changes a developer's machine behind their back is a reason not to run it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{Tool, say};
use crate::table;

#[derive(clap::Args)]
pub struct Args {
    /// Install what is missing, where this program may.
    #[arg(long)]
    install: bool,
}

/// A program or a part of one that some command needs.
pub struct Need {
    pub name: &'static str,
    /// The commands that need it.
    used_by: &'static str,
    /// What was found, as a person would name it: a version or a path.
    find: fn() -> Option<String>,
    /// Installs it if this machine lets us; false if not.
    install: fn() -> Result<bool>,
    by_hand: &'static str,
}

pub const NODE: Need = Need {
    name: "Node 20 or newer with npm",
    used_by: "up, test, shots, bench",
    find: find_node,
    install: || apt_if_new_enough("nodejs", NODE_MAJOR, &["nodejs", "npm"]),
    by_hand: "`nvm install 22`, `fnm install 22`, `brew install node`, or the installer from nodejs.org",
};

pub const CHROMIUM: Need = Need {
    name: "Chromium or Chrome",
    used_by: "shots, test dashboard, test up",
    find: || find_chromium().map(|path| path.display().to_string()),
    install: || apt(&["chromium"]),
    by_hand: "`sudo apt-get install chromium`, `brew install --cask chromium`, or FAULTWIRE_CHROMIUM=/path/to/it",
};

pub const RUSTFMT: Need = Need {
    name: "rustfmt",
    used_by: "check",
    find: || Tool::cargo().args(["fmt", "--version"]).ask(),
    install: || rustup(&["component", "add", "rustfmt"]),
    by_hand: "`rustup component add rustfmt`, or your distribution's package",
};

pub const CLIPPY: Need = Need {
    name: "clippy",
    used_by: "check",
    find: || Tool::cargo().args(["clippy", "--version"]).ask(),
    install: || rustup(&["component", "add", "clippy"]),
    by_hand: "`rustup component add clippy`, or your distribution's package",
};

const WASM: Need = Need {
    name: "Rust's WASM target",
    used_by: "nothing yet (bindings/wasm)",
    find: find_wasm,
    install: || rustup(&["target", "add", "wasm32-unknown-unknown"]),
    by_hand: "`rustup target add wasm32-unknown-unknown`",
};

pub const PYTHON: Need = Need {
    name: "Python 3.9 or newer with venv",
    used_by: "test python, bench python",
    find: find_python,
    install: || apt(&["python3", "python3-venv"]),
    by_hand: "`sudo apt-get install python3-venv`, `brew install python`, or pyenv",
};

pub const POSTGRES: Need = Need {
    name: "PostgreSQL server programs",
    used_by: "test collector, test postgres",
    find: find_postgres,
    install: || apt(&["postgresql"]),
    by_hand: "`sudo apt-get install postgresql`, `brew install postgresql`",
};

const ALL: [Need; 7] = [NODE, CHROMIUM, RUSTFMT, CLIPPY, WASM, PYTHON, POSTGRES];

/// `cargo xtask needs`: the list, and with `--install` the installing.
pub fn run(args: &Args) -> Result<()> {
    let mut rows = Vec::new();
    for need in ALL {
        let state = match (need.find)() {
            Some(found) => found,
            None if args.install => need.ensure().unwrap_or_else(|error| format!("{error:#}")),
            None => format!("missing: {}", need.by_hand),
        };
        rows.push(vec![need.name.to_owned(), need.used_by.to_owned(), state]);
    }
    println!("{}", table::render(&["what", "needed by", "found"], &rows));
    Ok(())
}

impl Need {
    /// Returns what is there, after installing it if that is allowed here.
    pub fn ensure(&self) -> Result<String> {
        if let Some(found) = (self.find)() {
            return Ok(found);
        }
        let installed = (self.install)()
            .with_context(|| format!("{} is missing; get it with {}", self.name, self.by_hand))?;
        match (self.find)() {
            Some(found) => Ok(found),
            None if installed => bail!(
                "{} was installed but is still not found; get it with {}",
                self.name,
                self.by_hand
            ),
            None => bail!(
                "{} is missing and cannot be installed from here; get it with {}",
                self.name,
                self.by_hand
            ),
        }
    }
}

/// Installs the npm packages of a folder that has a lock file, unless that exact lock file is what stands there already.
///
/// No package's install scripts run: what we use needs none, and a build must not run strangers' code that nobody reads.
pub fn npm_packages(folder: &Path, title: &str) -> Result<()> {
    let lock = folder.join("package-lock.json");
    let wanted = fs::read(&lock).with_context(|| {
        format!(
            "{} is missing: run `npm install` there once and commit it",
            lock.display()
        )
    })?;
    let manifest = fs::read(folder.join("package.json"))
        .with_context(|| format!("no package.json in {}", folder.display()))?;
    let mark = folder.join("node_modules").join(".faultwire-installed");
    let wanted = [wanted, manifest].concat();
    if fs::read(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    npm()
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .dir(folder)
        .step(&format!("npm packages of {title}"))?;
    // A copy of the lock file, not a date: dates differ in every clone and lie after a branch switch.
    if folder.join("node_modules").is_dir() {
        fs::write(&mark, wanted).with_context(|| format!("cannot write {}", mark.display()))?;
    }
    Ok(())
}

/// npm is a script, and Windows starts scripts only by their full name.
pub fn npm() -> Tool {
    Tool::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

fn find_node() -> Option<String> {
    let version = Tool::new("node").arg("--version").ask()?;
    npm().arg("--version").ask()?;
    (major(&version)? >= NODE_MAJOR).then_some(version)
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
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    let on_mac = [
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ];
    on_path
        .chain(on_mac.map(PathBuf::from))
        .find(|path| path.is_file())
}

fn find_wasm() -> Option<String> {
    let sysroot = Tool::new("rustc").args(["--print", "sysroot"]).ask()?;
    let folder = Path::new(&sysroot).join("lib/rustlib/wasm32-unknown-unknown/lib");
    folder.is_dir().then(|| "wasm32-unknown-unknown".to_owned())
}

fn find_python() -> Option<String> {
    let probe = "import sys, venv, ensurepip; assert sys.version_info >= (3, 9); print(sys.version.split()[0])";
    Tool::new("python3").args(["-c", probe]).ask()
}

fn find_postgres() -> Option<String> {
    let version = |program: &Path| Tool::new(program).arg("--version").ask();
    // Debian keeps the server's programs off the PATH, one folder a version.
    let debian = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut debian: Vec<PathBuf> = debian
        .map(|folder| folder.path().join("bin/initdb"))
        .collect();
    debian.sort();
    version(Path::new("initdb")).or_else(|| debian.iter().rev().find_map(|path| version(path)))
}

/// The first number of a version text such as `v20.11.1` or Debian's `1:18.2+dfsg-1`.
fn major(version: &str) -> Option<u32> {
    let text = version.trim();
    let text = text.split_once(':').map_or(text, |(_, rest)| rest);
    let digits: String = text
        .trim_start_matches('v')
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

fn rustup(args: &[&str]) -> Result<bool> {
    if Tool::new("rustup").arg("--version").ask().is_none() {
        return Ok(false);
    }
    Tool::new("rustup")
        .args(args)
        .step(&format!("rustup {}", args.join(" ")))?;
    Ok(true)
}

/// Installs Debian packages; false where there is no apt or we are not root.
fn apt(packages: &[&str]) -> Result<bool> {
    if !may_apt() {
        return Ok(false);
    }
    say(&format!(
        "  {} is missing; this is a Debian machine with root rights, so it is installed",
        packages[0]
    ));
    let install = Tool::new("apt-get")
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    let title = format!("apt-get install {}", packages.join(" "));
    if candidate(packages[0]).is_some() && install.step(&title).is_ok() {
        return Ok(true);
    }
    // A fresh container has no package lists, and old ones name files that have left the archive.
    apt_update()?;
    install.step(&title).map(|_| true)
}

/// Like [`apt`], but only if the distribution's version will do.
fn apt_if_new_enough(package: &str, wanted: u32, packages: &[&str]) -> Result<bool> {
    if !may_apt() {
        return Ok(false);
    }
    if candidate(package).is_none() {
        apt_update()?;
    }
    if candidate(package)
        .as_deref()
        .and_then(major)
        .is_none_or(|offered| offered < wanted)
    {
        return Ok(false);
    }
    apt(packages)
}

fn may_apt() -> bool {
    Tool::new("id").arg("-u").ask().as_deref() == Some("0")
        && Tool::new("apt-get").arg("--version").ask().is_some()
}

/// The version that apt would install, if it knows the package.
fn candidate(package: &str) -> Option<String> {
    let text = Tool::new("apt-cache")
        .args(["policy", package])
        .env("LC_ALL", "C")
        .ask()?;
    let version = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    (version != "(none)").then(|| version.to_owned())
}

fn apt_update() -> Result<()> {
    Tool::new("apt-get")
        .arg("update")
        .step("apt-get update")
        .map(drop)
}

/// The oldest Node that the dashboard's tools and the example run on.
const NODE_MAJOR: u32 = 20;

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

    fn need(find: fn() -> Option<String>, install: fn() -> Result<bool>) -> Need {
        Need {
            name: "a thing",
            used_by: "tests",
            find,
            install,
            by_hand: "`get thing`",
        }
    }

    #[test]
    fn what_is_there_is_not_installed_again() {
        let there = need(|| Some("1.0".to_owned()), || panic!("nothing to install"));
        assert_eq!(there.ensure().unwrap(), "1.0");
    }

    #[test]
    fn what_cannot_be_installed_is_named_with_its_command() {
        let absent = need(|| None, || Ok(false))
            .ensure()
            .unwrap_err()
            .to_string();
        assert_eq!(
            absent,
            "a thing is missing and cannot be installed from here; get it with `get thing`"
        );
        let useless = need(|| None, || Ok(true)).ensure().unwrap_err().to_string();
        assert!(useless.contains("still not found"), "{useless}");
        let broken = need(|| None, || bail!("no network")).ensure().unwrap_err();
        assert!(
            format!("{broken:#}").ends_with("`get thing`: no network"),
            "{broken:#}"
        );
    }

    #[test]
    fn npm_packages_without_a_lock_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = npm_packages(folder.path(), "nothing")
            .unwrap_err()
            .to_string();
        assert!(error.contains("package-lock.json is missing"), "{error}");
    }
}
