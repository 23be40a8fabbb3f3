//! `cargo xtask shots`: pictures of the dashboard, taken of the demo in a headless Chromium. To be looked at, not compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::demo::{Demo, Plan};
use crate::run::{Tool, say};
use crate::{demo, needs, paths, products, up};

#[derive(clap::Args)]
pub struct Args {
    /// Folder for the pictures.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Also replace the picture that README.md shows.
    #[arg(long)]
    readme: bool,
}

/// The picture in README.md, and what it may weigh: everybody who opens the page loads it.
const README_PICTURE: &str = "collector/dashboard/shots/dashboard.png";
const README_MAX_BYTES: u64 = 300_000;

pub fn run(args: &Args) -> Result<()> {
    let out = args.out.clone().unwrap_or_else(|| paths::at("shots"));
    // Our children run in the root, so a path from the caller's folder must not stay relative.
    let out =
        std::path::absolute(&out).with_context(|| format!("no such folder: {}", out.display()))?;
    products::for_the_demo()?;
    take(&out)?;
    if args.readme {
        let picture = out.join("readme.png");
        let bytes = fs::metadata(&picture)
            .with_context(|| format!("{} was not taken", picture.display()))?
            .len();
        if bytes > README_MAX_BYTES {
            bail!(
                "{} has {bytes} bytes; README.md takes at most {README_MAX_BYTES}",
                picture.display()
            );
        }
        fs::copy(&picture, paths::at(README_PICTURE))
            .with_context(|| format!("cannot write {README_PICTURE}"))?;
        say(&format!("  {README_PICTURE} replaced"));
    }
    Ok(())
}

/// Starts a fresh demo, lets it fail, and photographs its pages. The caller has built everything.
pub fn take(out: &Path) -> Result<Vec<PathBuf>> {
    let chromium = needs::CHROMIUM.ensure()?;
    let data = paths::state().join("shots");
    demo::forget(&data)?;
    let mut demo = Demo::start(&Plan {
        data,
        port: Some(0),
    })?;
    // The page that waits for a first event needs a project that has none.
    demo.project("waiting")?;
    let shop = elsewhere(&products::example("node-express")?)?;
    up::fail_and_watch(&demo, &[shop], Instant::now())?;
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let password = demo
        .password
        .clone()
        .context("a fresh demo has no password")?;
    let done = Tool::new("node")
        .args([
            "shots/shots.mjs",
            "--base",
            &demo.base(),
            "--password",
            &password,
            "--out",
        ])
        .arg(out)
        .arg("--chromium")
        .arg(chromium)
        .dir(paths::at("collector/dashboard"))
        .step("pictures of the dashboard")?;
    demo.stop()?;
    let mut pictures: Vec<PathBuf> = fs::read_dir(out)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    pictures.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
    pictures.sort();
    if pictures.is_empty() {
        bail!("the script took no picture; it said:\n{}", done);
    }
    for picture in &pictures {
        say(&format!(
            "  {}",
            picture
                .strip_prefix(paths::root())
                .unwrap_or(picture)
                .display()
        ));
    }
    Ok(pictures)
}

/// A copy of the example in the temporary folder: stack traces show where an app lives, and a picture that is committed must not show
/// where somebody keeps this repository.
fn elsewhere(example: &Path) -> Result<PathBuf> {
    let copy = std::env::temp_dir().join("faultwire-shots").join("shop");
    if copy.exists() {
        fs::remove_dir_all(&copy).with_context(|| format!("cannot remove {}", copy.display()))?;
    }
    copy_folder(example, &copy)
        .with_context(|| format!("cannot copy the example to {}", copy.display()))?;
    Ok(copy)
}

/// Copies a folder; its installed packages are linked, because they refer to each other by place.
fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "node_modules" {
            link_folder(&path, &target)?;
        } else if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(windows)]
fn link_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_dir(from, to)
}
