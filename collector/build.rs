//! Tells cargo when the embedded dashboard is stale.
//!
//! A derive macro embeds the dashboard's files, which cargo cannot see through: without this, a release build
//! made before `npm run build` would keep serving the page that says how to add the dashboard. Debug builds read
//! the folder at run time and watch nothing.

use std::path::Path;

fn main() {
    let release = std::env::var_os("PROFILE").is_some_and(|profile| profile == "release");
    // Cargo takes a missing path for a changed one and would rebuild every time. While there is no `dist`, its
    // parent is watched instead; that one exists, and making `dist` changes it.
    let mut watched = ["dashboard/dist", "dashboard"]
        .into_iter()
        .filter(|_| release);
    let present = watched.find(|path| Path::new(path).is_dir());
    println!("cargo:rerun-if-changed={}", present.unwrap_or("build.rs"));
}
