//! Directory claims: one owner per queue directory, by a lock the kernel releases when the owner dies.
//!
//! Under the queue directory lie numbered sub-directories, each with a file `lock`. Who holds the lock owns the
//! segments beside it. A sub-directory whose lock is free and that holds segments is an orphan: its process died.
//! Sub-directories and lock files are never deleted: a lock on a deleted file protects nothing, and an empty
//! directory costs nothing.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::DiskError;

/// An owned sub-directory. The lock is held until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Claim {
    dir: PathBuf,
    lock: File,
}

impl Claim {
    /// Owns the first free sub-directory of `root`, creating both where needed.
    pub(crate) fn take(root: &Path) -> Result<Claim, DiskError> {
        create_private_dir(root).map_err(|e| DiskError::new("create", root, e))?;
        for number in 0..MAX_OWNERS {
            let dir = root.join(number.to_string());
            create_private_dir(&dir).map_err(|e| DiskError::new("create", &dir, e))?;
            if let Some(claim) = Claim::try_dir(dir)? {
                return Ok(claim);
            }
        }
        let full = io::Error::other(format!(
            "all {MAX_OWNERS} sub-directories belong to running processes"
        ));
        Err(DiskError::new("claim a place in", root, full))
    }

    /// Owns orphans of `root` that hold at least one file for which `wanted` is true.
    pub(crate) fn orphans(root: &Path, own: &Path, wanted: fn(&Path) -> bool) -> Vec<Claim> {
        let Ok(entries) = fs::read_dir(root) else {
            return Vec::new();
        };
        let mut dirs: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|dir| dir != own && is_numbered(dir) && holds(dir, wanted))
            .collect();
        dirs.sort();
        dirs.into_iter()
            .filter_map(|dir| Claim::try_dir(dir).ok().flatten())
            .collect()
    }

    /// The owned directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The lock's file descriptor. A forked child inherits the lock and must close it (see `fork`).
    #[cfg(unix)]
    pub(crate) fn lock_fd(&self) -> i32 {
        std::os::fd::AsRawFd::as_raw_fd(&self.lock)
    }

    fn try_dir(dir: PathBuf) -> Result<Option<Claim>, DiskError> {
        let path = dir.join("lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        private_file(&mut options);
        let lock = options
            .open(&path)
            .map_err(|e| DiskError::new("open", &path, e))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Claim { dir, lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(DiskError::new("lock", &path, e)),
        }
    }
}

/// Creates `dir` and what is missing above it, readable by its owner only: events are personal data.
fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// New files are readable by their owner only.
pub(super) fn private_file(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

fn is_numbered(dir: &Path) -> bool {
    dir.file_name()
        .and_then(|n| n.to_str())
        .is_some_and(|name| name.parse::<u32>().is_ok())
}

fn holds(dir: &Path, wanted: fn(&Path) -> bool) -> bool {
    fs::read_dir(dir).is_ok_and(|files| {
        files
            .filter_map(Result::ok)
            .any(|file| wanted(&file.path()))
    })
}

/// More processes than this on one queue directory, at the same moment, keep their events in memory.
const MAX_OWNERS: u32 = 256;
