//! Building what cargo alone does not: the dashboard, the npm package around the addon, an example with its packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::SystemTime;

use anyhow::{Result, anyhow};

use crate::run::Tool;
use crate::{needs, paths};

/// Builds what the demo needs: the dashboard, then the collector that carries it, the Node addon, and the Node package around it.
pub fn for_the_demo() -> Result<()> {
    needs::NODE.ensure()?;
    // The dashboard waits for the network and one core, cargo for the other: together they take as long as the longer one.
    thread::scope(|scope| {
        let dashboard = scope.spawn(dashboard);
        let programs = Tool::cargo()
            .args([
                "build",
                "--package",
                "faultwire-collector",
                "--package",
                "faultwire-node",
            ])
            .step("collector and Node addon");
        dashboard
            .join()
            .map_err(|_| anyhow!("building the dashboard panicked"))??;
        programs.map(drop)
    })?;
    node_package("debug")
}

/// The dashboard's files, unless they are newer than everything they are made from. The collector finds them at run time (debug) or
/// carries them (release).
pub fn dashboard() -> Result<()> {
    let folder = paths::at("collector/dashboard");
    needs::npm_packages(&folder, "the dashboard")?;
    let sources = [
        "src",
        "public",
        "index.html",
        "vite.config.ts",
        "tsconfig.json",
        "package.json",
        "package-lock.json",
    ];
    let newest = sources
        .iter()
        .filter_map(|source| newest(&folder.join(source)))
        .max();
    if modified(&folder.join("dist/index.html"))
        .is_some_and(|built| newest.is_none_or(|newest| newest < built))
    {
        return Ok(());
    }
    needs::npm()
        .args(["run", "build"])
        .dir(&folder)
        .step("dashboard")?;
    Ok(())
}

/// The npm package `@faultwire/node` around the addon that cargo has built in `profile`'s folder.
pub fn node_package(profile: &str) -> Result<()> {
    let folder = paths::at("bindings/node");
    needs::npm_packages(&folder, "the Node SDK")?;
    let name = format!(
        "{}faultwire_node{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let addon = paths::target().join(profile).join(name);
    needs::npm()
        .args(["run", "build", "--", "--addon"])
        .arg(addon)
        .dir(&folder)
        .step("Node package")?;
    Ok(())
}

/// Installs an example's packages; returns its folder.
pub fn example(name: &str) -> Result<PathBuf> {
    let folder = paths::at("examples").join(name);
    needs::npm_packages(&folder, &format!("the example {name}"))?;
    Ok(folder)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// The latest change below a path. Folders count, because removing a file changes nothing else.
fn newest(path: &Path) -> Option<SystemTime> {
    let inside = fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| newest(&entry.path()))
        .max();
    modified(path).max(inside)
}
