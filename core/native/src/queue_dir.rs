//! Where the queue lies.
//!
//! `<root>/<project>-<hash>/<n>/`: the root is option `queueDir` or the user's cache folder, the middle part keeps the
//! events of different projects apart (an adopted event must never go to another project), `<n>` is one owner each.

use std::path::{Path, PathBuf};

use faultwire_protocol::dsn::Dsn;

/// The directory for `dsn` below `chosen` (option `queueDir`) or, without it, below the best place of this machine.
pub(crate) fn locate(
    chosen: Option<&str>,
    dsn: &Dsn,
    env: &dyn Fn(&str) -> Option<String>,
) -> PathBuf {
    let root = match chosen {
        Some(dir) => PathBuf::from(dir),
        None => default_root(env),
    };
    // The host is left out on purpose: a collector that moves to another name keeps its queue.
    root.join(format!(
        "{}-{:016x}",
        dsn.project_id,
        fnv1a(dsn.public_key.as_bytes())
    ))
}

/// Why nothing can be written below `dir`, if that can be seen without writing. The directory need not exist yet.
pub(crate) fn obstacle(dir: &Path) -> Option<String> {
    let existing = dir
        .ancestors()
        .find(|a| !a.as_os_str().is_empty() && a.symlink_metadata().is_ok())?;
    let reason = match existing.metadata() {
        Err(error) => error.to_string(),
        Ok(metadata) if !metadata.is_dir() => format!("{} is not a directory", existing.display()),
        Ok(_) => writable(existing).err()?.to_string(),
    };
    Some(reason)
}

/// The cache folder of the user, or the folder for temporary files where there is none (containers, services).
fn default_root(env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let given = |name: &str| {
        env(name)
            .filter(|value| Path::new(value).is_absolute())
            .map(PathBuf::from)
    };
    let cache = if cfg!(windows) {
        given("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        given("HOME").map(|home| home.join("Library/Caches"))
    } else {
        given("XDG_CACHE_HOME").or_else(|| given("HOME").map(|home| home.join(".cache")))
    };
    let cache = cache
        .map(|dir| dir.join("faultwire"))
        .filter(|dir| obstacle(dir).is_none());
    cache.unwrap_or_else(|| std::env::temp_dir().join(format!("faultwire-{}", user_id())))
}

#[cfg(unix)]
fn writable(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(dir.as_os_str().as_bytes())?;
    // SAFETY: `path` is a C string that outlives the call.
    match unsafe { libc::access(path.as_ptr(), libc::W_OK | libc::X_OK) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

#[cfg(not(unix))]
fn writable(_dir: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Several users share the folder for temporary files.
#[cfg(unix)]
fn user_id() -> u32 {
    // SAFETY: cannot fail and touches no memory.
    unsafe { libc::geteuid() }
}

#[cfg(not(unix))]
fn user_id() -> u32 {
    0
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dsn(text: &str) -> Dsn {
        Dsn::parse(text).unwrap()
    }

    #[test]
    fn projects_are_kept_apart_and_a_new_host_keeps_the_queue() {
        let env = |_: &str| None;
        let here = |text| locate(Some("/q"), &dsn(text), &env);
        let first = here("http://0123456789abcdef0123456789abcdef@a:9000/7");
        assert!(
            first.starts_with("/q") && first.to_str().unwrap().starts_with("/q/7-"),
            "{first:?}"
        );
        assert_eq!(
            first,
            here("https://0123456789abcdef0123456789abcdef@b.example/7")
        );
        assert_ne!(
            first,
            here("http://0123456789abcdef0123456789abcdef@a:9000/8")
        );
        assert_ne!(
            first,
            here("http://ffffffffffffffffffffffffffffffff@a:9000/7")
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_default_follows_the_cache_folder() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().to_str().unwrap().to_owned();
        let env = |name: &str| (name == "XDG_CACHE_HOME").then(|| cache.clone());
        assert_eq!(default_root(&env), dir.path().join("faultwire"));
        let nothing = default_root(&|_| None);
        assert!(nothing.starts_with(std::env::temp_dir()), "{nothing:?}");
    }

    #[test]
    fn an_obstacle_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(obstacle(&dir.path().join("a/b/c")), None);
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(
            obstacle(&file.join("a"))
                .unwrap()
                .ends_with("file is not a directory")
        );
    }
}
