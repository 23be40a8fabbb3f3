//! The store on SQLite: one file in write-ahead mode, one writing connection, a few reading ones.
//!
//! Durability: `synchronous = FULL`, so a committed batch survives a power cut. That matters because
//! the digest moves the spool's cursor after [`Store::save_batch`] returned: with `NORMAL` a cut could
//! keep the cursor and lose the batch. At batches of a hundred and more, FULL costs nothing measurable.
//!
//! Checkpoints run on their own thread and connection, off the commit path, except when a sustained
//! load has let the log grow past [`checkpoint::HARD_LIMIT`].

mod accounts;
mod checkpoint;
mod events;
mod issues;
mod migrations;
mod projects;
mod save;
mod tags;

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::*;
use checkpoint::Checkpointer;

/// Reads are short (indexed pages); four connections keep two cores busy at 2 MB of cache each.
const READERS: usize = 4;
/// Payloads of some kilobytes waste less of 8 KB pages than of 4 KB ones. Only takes effect on a new file.
const PAGE_BYTES: u64 = 8192;
/// How long one process waits for another's write, e.g. `project create` beside a digesting server.
const BUSY: Duration = Duration::from_secs(15);
/// Between two tries to open a file that another process is turning to WAL, which takes a few milliseconds.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// See the module's documentation.
pub struct SqliteStore {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Readers,
    checkpointer: Checkpointer,
}

impl SqliteStore {
    /// Opens or creates the data base at `path`.
    ///
    /// Errors: the file cannot be opened or created, is not a data base, or was written by a newer
    /// version.
    pub fn open(path: &Path) -> Result<Self> {
        let mut writer = connect(path, Use::Write)?;
        migrations::migrate(&mut writer)?;
        let checkpointer = Checkpointer::start(connect(path, Use::Checkpoint)?);
        Ok(Self {
            path: path.to_path_buf(),
            writer: Mutex::new(writer),
            readers: Readers::default(),
            checkpointer,
        })
    }

    /// The one writing connection. A panic while it was held rolled its transaction back (the
    /// transaction's drop does that), so a poisoned lock is as good as a whole one.
    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `read` on a reading connection, in one snapshot.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut reader = self.readers.take(&self.path)?;
        let connection = reader
            .connection
            .as_mut()
            .expect("a reader holds its connection until dropped");
        let transaction = connection.transaction().map_err(failed("read"))?;
        read(&transaction).map_err(failed("read"))
    }

    /// Runs `write` in one transaction on the writing connection and commits it.
    fn write<T>(
        &self,
        step: &str,
        write: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let mut connection = self.writer();
        let transaction = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(failed(step))?;
        let value = write(&transaction).map_err(failed(step))?;
        transaction.commit().map_err(failed(step))?;
        self.checkpointer.after_commit(&connection);
        Ok(value)
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Idle reading connections; at most [`READERS`] exist, further readers wait for one.
#[derive(Default)]
struct Readers {
    idle: Mutex<Idle>,
    given_back: Condvar,
}

#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    /// Connections that exist, idle or lent.
    open: usize,
}

/// A lent connection; goes back when dropped, also by a panic.
struct Reader<'a> {
    /// Present until the drop.
    connection: Option<Connection>,
    home: &'a Readers,
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.home.idle().connections.extend(self.connection.take());
        self.home.given_back.notify_one();
    }
}

impl Readers {
    fn take(&self, path: &Path) -> Result<Reader<'_>> {
        let mut idle = self.idle();
        loop {
            if let Some(connection) = idle.connections.pop() {
                return Ok(Reader {
                    connection: Some(connection),
                    home: self,
                });
            }
            if idle.open < READERS {
                // Opened under the lock: it happens four times in the life of the process.
                let connection = connect(path, Use::Read)?;
                idle.open += 1;
                return Ok(Reader {
                    connection: Some(connection),
                    home: self,
                });
            }
            idle = self
                .given_back
                .wait(idle)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Write,
    Checkpoint,
    Read,
}

fn connect(path: &Path, purpose: Use) -> Result<Connection> {
    let create = match purpose {
        Use::Write => OpenFlags::SQLITE_OPEN_CREATE,
        Use::Checkpoint | Use::Read => OpenFlags::empty(),
    };
    let flags = create | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Sizes in KiB. The writer touches the leaves of four indexes for each event.
    let cache = match purpose {
        Use::Write => 16_000,
        Use::Read => 2_000,
        Use::Checkpoint => 100,
    };
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.execute_batch(&format!(
            "PRAGMA page_size = {PAGE_BYTES};
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -{cache};"
        ))?;
        if purpose == Use::Read {
            connection.execute_batch("PRAGMA query_only = ON;")?;
        }
        Ok(connection)
    };
    // Turning a new file to WAL upgrades a lock, and SQLite answers a second process that does the same with "busy" at
    // once, without the busy timeout, since waiting could be a deadlock. Starting over is what it asks for.
    let started = Instant::now();
    loop {
        match open() {
            Err(error) if is_busy(&error) && started.elapsed() < BUSY => {
                std::thread::sleep(BUSY_PAUSE);
            }
            done => {
                return done.map_err(failed(&format!("open the data base {}", path.display())));
            }
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

/// Turns SQLite's error into ours, naming the step. What lies in the data is told from what lies in the machine
/// (a full disk, a lock, damage): only the latter passes.
fn failed(step: &str) -> impl FnOnce(rusqlite::Error) -> Error {
    use rusqlite::ErrorCode::{ConstraintViolation, ParameterOutOfRange, TooBig, TypeMismatch};
    move |error| match &error {
        rusqlite::Error::ToSqlConversionFailure(_) => Error::refused(step, error),
        rusqlite::Error::SqliteFailure(code, _)
            if matches!(
                code.code,
                ConstraintViolation | ParameterOutOfRange | TooBig | TypeMismatch
            ) =>
        {
            Error::refused(step, error)
        }
        _ => Error::unavailable(step, error),
    }
}

impl Store for SqliteStore {
    fn key(&self, public_key: &str) -> Result<Option<ProjectKey>> {
        self.read(|c| projects::key(c, public_key))
    }

    fn create_project(&self, new: NewProject) -> Result<Project> {
        self.create_project_row(new)
    }

    fn project(&self, id: u64, now_ms: u64) -> Result<Option<ProjectOverview>> {
        self.read(|c| projects::project(c, id, now_ms))
    }

    fn projects(
        &self,
        after: Option<u64>,
        limit: usize,
        now_ms: u64,
    ) -> Result<Vec<ProjectOverview>> {
        self.read(|c| projects::projects(c, after, limit, now_ms))
    }

    fn save_batch(&self, batch: &Batch) -> Result<Vec<Saved>> {
        self.write("store a batch of events", |c| save::save(c, batch))
    }

    fn issues(&self, filter: &IssueFilter, now_ms: u64) -> Result<Vec<Issue>> {
        self.read(|c| issues::issues(c, filter, now_ms))
    }

    fn issue(&self, id: u64, now_ms: u64) -> Result<Option<Issue>> {
        self.read(|c| issues::issue(c, id, now_ms))
    }

    fn issue_extras(&self, id: u64, now_ms: u64) -> Result<Option<IssueExtras>> {
        self.read(|c| issues::extras(c, id, now_ms))
    }

    fn set_issue_status(&self, id: u64, status: IssueStatus, now_ms: u64) -> Result<bool> {
        self.write("set the status of an issue", |c| {
            issues::set_status(c, id, status, now_ms)
        })
    }

    fn events(&self, filter: &EventFilter) -> Result<Vec<EventSummary>> {
        self.read(|c| events::events(c, filter))
    }

    fn event_projects(&self, event_id: [u8; 16]) -> Result<Vec<u64>> {
        self.read(|c| events::projects(c, event_id))
    }

    fn event(&self, project_id: u64, event_id: [u8; 16]) -> Result<Option<StoredEvent>> {
        let found = self.read(|c| events::event(c, project_id, event_id))?;
        found.map(events::Raw::unpack).transpose()
    }

    fn latest_event(&self, issue_id: u64) -> Result<Option<(u64, [u8; 16])>> {
        self.read(|c| events::latest(c, issue_id))
    }

    fn attachment(
        &self,
        project_id: u64,
        event_id: [u8; 16],
        attachment_id: u64,
    ) -> Result<Option<(Attachment, Vec<u8>)>> {
        let found = self.read(|c| events::attachment(c, project_id, event_id, attachment_id))?;
        found
            .map(|(attachment, body)| Ok((attachment, payload::unpack(&body)?)))
            .transpose()
    }

    fn add_outcomes(&self, outcomes: &[OutcomeCount]) -> Result<()> {
        self.write("store outcomes", |c| accounts::add_outcomes(c, outcomes))
    }

    fn outcome_totals(&self) -> Result<OutcomeTotals> {
        self.read(accounts::outcome_totals)
    }

    fn admin_password(&self) -> Result<Option<String>> {
        self.read(|c| accounts::setting(c, rows::ADMIN_PASSWORD))
    }

    fn put_admin_password(&self, hash: &str, only_first: bool) -> Result<bool> {
        self.write("set the admin password", |c| {
            accounts::put_admin_password(c, hash, only_first)
        })
    }

    fn add_session(&self, secret_hash: [u8; 32], now_ms: u64, expires_ms: u64) -> Result<()> {
        self.write("remember a login", |c| {
            accounts::add_session(c, secret_hash, now_ms, expires_ms)
        })
    }

    fn session_is_valid(&self, secret_hash: [u8; 32], now_ms: u64) -> Result<bool> {
        self.read(|c| accounts::session_is_valid(c, secret_hash, now_ms))
    }

    fn remove_session(&self, secret_hash: [u8; 32]) -> Result<()> {
        self.write("forget a login", |c| {
            accounts::remove_session(c, secret_hash)
        })
    }

    fn add_token(&self, name: &str, secret_hash: [u8; 32]) -> Result<()> {
        self.write("remember a token", |c| {
            accounts::add_token(c, name, secret_hash)
        })
    }

    fn token_is_valid(&self, secret_hash: [u8; 32]) -> Result<bool> {
        self.read(|c| accounts::token_is_valid(c, secret_hash))
    }
}
