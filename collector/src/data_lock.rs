//! One server a data folder: who holds it, and where that one listens.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};

/// The claim of one server on one data folder. Given back by the system when the process ends, however it ends.
pub struct DataLock {
    file: File,
}

impl DataLock {
    /// Creates the folder if needed and claims it.
    pub fn take(dir: &Path) -> anyhow::Result<DataLock> {
        std::fs::create_dir_all(dir).map_err(|error| {
            anyhow::anyhow!(
                "the data folder {} cannot be created ({error}); create it for this user or choose another one with --data",
                dir.display()
            )
        })?;
        let path = dir.join("lock");
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(|error| {
                anyhow::anyhow!(
                    "the data folder {} cannot be written ({error}); give this user the right to, or choose another one with --data",
                    dir.display()
                )
            })?;
        let mut tries = LOCK_TRIES;
        let mut taken = file.try_lock();
        while matches!(taken, Err(TryLockError::WouldBlock)) && tries > 0 {
            // `project create` holds the lock for a moment when it asks whether a server runs.
            std::thread::sleep(LOCK_PAUSE);
            tries -= 1;
            taken = file.try_lock();
        }
        match taken {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                let owner = text
                    .lines()
                    .next()
                    .filter(|line| !line.is_empty())
                    .unwrap_or("unknown");
                bail!(
                    "another faultwire server (process {owner}) uses the data folder {}; stop it, or choose another folder with --data",
                    dir.display()
                );
            }
            Err(TryLockError::Error(error)) => {
                bail!(
                    "the data folder {} cannot be locked: {error}",
                    dir.display()
                );
            }
        }
        let mut lock = DataLock { file };
        lock.write(&format!("{}\n", std::process::id()))?;
        Ok(lock)
    }

    /// Writes down where the server listens, so that `project create` can print a DSN that works.
    pub fn announce(&mut self, url: &str) -> anyhow::Result<()> {
        self.write(&format!("{}\n{url}\n", std::process::id()))
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(text.as_bytes()))
            .context("the lock file of the data folder cannot be written")
    }
}

/// The address of the server that runs on `dir` now; None when none does.
pub fn running_at(dir: &Path) -> Option<String> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(dir.join("lock"))
        .ok()?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {}
        _ => return None,
    }
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.lines()
        .nth(1)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
}

const LOCK_TRIES: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(20);
