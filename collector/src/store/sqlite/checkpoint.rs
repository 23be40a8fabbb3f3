//! Moves committed pages from the write-ahead log into the data base, away from the commit path.
//!
//! A thread with its own connection runs a passive checkpoint once the log holds [`SOFT_LIMIT`] bytes
//! more than at the last one. Passive checkpoints never block a writer, but neither do they shrink the
//! log while writes go on: past [`HARD_LIMIT`] the writer itself stops to reset it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

/// Log size at which the thread copies pages back.
const SOFT_LIMIT: u64 = 8 * 1024 * 1024;
/// Log size at which a commit resets the log, whatever it costs that commit.
pub(super) const HARD_LIMIT: u64 = 128 * 1024 * 1024;

/// The thread; dropping it stops the thread after a last checkpoint.
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    log: PathBuf,
}

impl Checkpointer {
    /// Starts the thread. Without a thread (the system refuses one) commits check the log themselves.
    pub(super) fn start(connection: Connection, path: &Path) -> Self {
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || {
                while woken.recv().is_ok() {
                    checkpoint(&connection, "PASSIVE");
                }
                checkpoint(&connection, "TRUNCATE");
            })
            .ok();
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Self {
            wake: Some(wake),
            thread,
            log: log.into(),
        }
    }

    /// Called with the writer's connection after each commit.
    pub(super) fn after_commit(&self, writer: &Connection) {
        let bytes = std::fs::metadata(&self.log).map_or(0, |log| log.len());
        if bytes >= HARD_LIMIT {
            checkpoint(writer, "TRUNCATE");
        } else if bytes >= SOFT_LIMIT
            && let Some(wake) = &self.wake
            && let Err(TrySendError::Disconnected(())) = wake.try_send(())
        {
            checkpoint(writer, "PASSIVE");
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A checkpoint that fails (a reader holds the log, the disk is full) costs nothing but log size: the
/// next one tries again.
fn checkpoint(connection: &Connection, mode: &str) {
    let result = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        row.get::<_, i64>(0)
    });
    if let Err(error) = result {
        tracing::debug!(%error, mode, "write-ahead log was not checkpointed");
    }
}
