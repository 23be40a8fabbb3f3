//! Where things stand in the repository.

use std::env;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The root of the working tree. The program may be called from any folder inside it.
pub fn root() -> PathBuf {
    // Cargo sets the variable for `cargo xtask`; a copied binary falls back to where it was compiled.
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or(manifest.clone(), PathBuf::from)
}

/// A path below the root, with forward slashes.
pub fn at(relative: &str) -> PathBuf {
    root().join(relative)
}

/// Everything the task runner leaves behind: logs, the demo's data. Ignored by git.
pub fn state() -> PathBuf {
    at(".faultwire")
}

/// Cargo's target folder, whatever CARGO_TARGET_DIR or a config file says.
pub fn target() -> PathBuf {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET
        .get_or_init(|| {
            cargo_metadata::MetadataCommand::new()
                .manifest_path(at("Cargo.toml"))
                .no_deps()
                .exec()
                .map_or_else(|_| at("target"), |found| found.target_directory.into())
        })
        .clone()
}

/// The collector's binary of one profile folder (`debug` or `release`).
pub fn collector(profile: &str) -> PathBuf {
    target()
        .join(profile)
        .join(format!("faultwire{}", env::consts::EXE_SUFFIX))
}
