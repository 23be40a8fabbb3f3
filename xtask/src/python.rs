//! The Python SDK: a virtual environment of its own, the wheel, its tests and its benchmark.
//!
//! Everything lies in cargo's target folder: the machine's own Python is asked for a virtual environment and otherwise left alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::run::{Tool, say};
use crate::{needs, paths};

/// A Python with packages of its own.
pub struct Venv {
    python: PathBuf,
}

impl Venv {
    /// The environment `name` with the packages of a requirements file, made or renewed if the file has changed since.
    pub fn with(name: &str, requirements: &str) -> Result<Self> {
        needs::PYTHON.ensure()?;
        let folder = home().join(name);
        let python = if cfg!(windows) {
            folder.join("Scripts/python.exe")
        } else {
            folder.join("bin/python")
        };
        let list = paths::at(requirements);
        let wanted = fs::read(&list).with_context(|| format!("{} is missing", list.display()))?;
        let mark = folder.join(".faultwire-installed");
        // A copy of the file, not a date: dates differ in every clone and lie after a branch switch.
        if !python.is_file() || fs::read(&mark).is_ok_and(|installed| installed != wanted) {
            Tool::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&folder)
                .step(&format!("Python environment {name}"))?;
        }
        let venv = Self { python };
        if !mark.is_file() {
            say(&format!(
                "  the packages of {requirements} are installed into {}",
                folder.display()
            ));
            venv.python()
                .args(["-m", "pip", "install", "--disable-pip-version-check", "-r"])
                .arg(&list)
                .step(&format!("Python packages of {name}"))?;
            fs::write(&mark, wanted).with_context(|| format!("cannot write {}", mark.display()))?;
        }
        Ok(venv)
    }

    /// Its interpreter, without what a developer's own settings would add.
    pub fn python(&self) -> Tool {
        Tool::new(&self.python)
            .env("PYTHONNOUSERSITE", "1")
            .env("PYTHONPATH", "")
            .env("PYTHONDONTWRITEBYTECODE", "1")
    }

    /// Installs a wheel, whatever of its name was there before.
    pub fn install(&self, wheel: &Path) -> Result<()> {
        self.python()
            .args(["-m", "pip", "install", "--disable-pip-version-check"])
            .args(["--no-index", "--no-deps", "--force-reinstall"])
            .arg(wheel)
            .step("installing the wheel")
            .map(drop)
    }
}

/// Builds the wheel with the maturin of `venv`.
pub fn wheel(venv: &Venv, is_release: bool) -> Result<PathBuf> {
    let profile = if is_release { "release" } else { "debug" };
    let out = home().join("wheels").join(profile);
    // What an earlier version left must not be taken for the one just built.
    if out.is_dir() {
        fs::remove_dir_all(&out).with_context(|| format!("cannot clear {}", out.display()))?;
    }
    let mut build = venv
        .python()
        .args(["-m", "maturin", "build", "--out"])
        .arg(&out)
        .dir(paths::at("bindings/python"));
    if is_release {
        build = build.arg("--release");
    }
    build.step(&format!("Python wheel ({profile})"))?;
    let built = fs::read_dir(&out).with_context(|| format!("no wheel in {}", out.display()))?;
    let mut wheels = built.flatten().map(|entry| entry.path());
    match (wheels.next(), wheels.next()) {
        (Some(wheel), None) => Ok(wheel),
        _ => bail!("expected one wheel in {}", out.display()),
    }
}

/// An interpreter that has the wheel of the source as it stands.
pub fn installed() -> Result<Tool> {
    let (venv, _) = venv_with_wheel()?;
    Ok(venv.python())
}

fn venv_with_wheel() -> Result<(Venv, PathBuf)> {
    let venv = Venv::with("venv", "bindings/python/requirements-dev.txt")?;
    let wheel = wheel(&venv, false)?;
    venv.install(&wheel)?;
    Ok((venv, wheel))
}

/// Types, then every test on the installed wheel. Returns what pytest said.
pub fn test(limit: Duration) -> Result<String> {
    let (venv, wheel) = venv_with_wheel()?;
    let here = || venv.python().dir(paths::at("bindings/python")).limit(limit);
    here().args(["-m", "mypy"]).step("python: types")?;
    here()
        .args(["-m", "mypy.stubtest", "faultwire._native"])
        .env("MYPYPATH", "python")
        .step("python: stubs against the module")?;
    here()
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .env("FAULTWIRE_WHEEL", &wheel)
        .step("python: tests")
}

/// Release wheel and peer in one environment, then the figures.
pub fn bench() -> Result<()> {
    let venv = Venv::with("venv", "bindings/python/requirements-dev.txt")?;
    let wheel = wheel(&venv, true)?;
    let bench = Venv::with("bench", "bindings/python/bench/requirements.txt")?;
    bench.install(&wheel)?;
    say("");
    bench
        .python()
        .arg("bench/capture.py")
        .dir(paths::at("bindings/python"))
        .show()
}

fn home() -> PathBuf {
    paths::target().join("python")
}
