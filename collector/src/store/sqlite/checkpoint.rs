//! Moves committed pages from the write-ahead log into the data base, away from the commit path.
//!
//! A thread with its own connection runs a passive checkpoint once the log holds [`SOFT_LIMIT`] bytes that are not
//! in the data base yet. Passive checkpoints never block a writer, but neither do they shrink the log while writes
//! go on: past [`HARD_LIMIT`] the writer itself stops to empty it.

use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::PAGE_BYTES;

/// Bytes waiting in the log at which the thread copies them back.
const SOFT_LIMIT: u64 = 8 * 1024 * 1024;
/// Log size at which a commit empties the log, whatever it costs that commit.
pub(super) const HARD_LIMIT: u64 = 128 * 1024 * 1024;

/// The thread; dropping it stops the thread after a last checkpoint.
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the log holds.
struct Log {
    /// All of it, in bytes.
    bytes: u64,
    /// The part that is not in the data base yet.
    waiting: u64,
}

impl Checkpointer {
    /// Starts the thread. When the system refuses one, commits do its work.
    pub(super) fn start(connection: Connection) -> Self {
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
        Self {
            wake: Some(wake),
            thread,
        }
    }

    /// Called with the writer's connection after each commit.
    pub(super) fn after_commit(&self, writer: &Connection) {
        // The size of the file says nothing: it never shrinks by itself, its beginning is written over.
        let Some(log) = checkpoint(writer, "NOOP") else {
            return;
        };
        if log.bytes >= HARD_LIMIT {
            checkpoint(writer, "TRUNCATE");
        } else if log.waiting >= SOFT_LIMIT
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

/// Runs a checkpoint and tells what the log held. One that fails (a reader holds the log, the disk is full) costs
/// nothing but log size: the next one tries again.
fn checkpoint(connection: &Connection, mode: &str) -> Option<Log> {
    let bytes = |pages: i64| u64::try_from(pages).unwrap_or(0) * PAGE_BYTES;
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let result = connection.prepare_cached(&sql).and_then(|mut statement| {
        statement.query_row([], |row| {
            let (pages, copied) = (row.get(1)?, row.get::<_, i64>(2)?);
            Ok(Log {
                bytes: bytes(pages),
                waiting: bytes(pages).saturating_sub(bytes(copied)),
            })
        })
    });
    result
        .inspect_err(|error| tracing::debug!(%error, mode, "write-ahead log was not checkpointed"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Use, connect};
    use super::*;

    #[test]
    fn the_log_is_copied_back_and_used_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let writer = connect(&path, Use::Write).unwrap();
        writer.execute_batch("CREATE TABLE t (b BLOB)").unwrap();
        let checkpointer = Checkpointer::start(connect(&path, Use::Checkpoint).unwrap());
        let mut largest = 0;
        for _ in 0..40 {
            writer
                .execute("INSERT INTO t VALUES (zeroblob(1000000))", [])
                .unwrap();
            checkpointer.after_commit(&writer);
            largest = largest.max(checkpoint(&writer, "NOOP").unwrap().bytes);
        }
        assert!(largest > SOFT_LIMIT / 2, "{largest}");
        drop(checkpointer);
        let log = checkpoint(&writer, "NOOP").unwrap();
        assert_eq!((log.bytes, log.waiting), (0, 0), "emptied at the end");
    }
}
