//! Where issues and events live. One trait, one implementation per data base, one test suite for all
//! (`collector/tests/store.rs`). A store knows no HTTP and no envelope; it takes what the digest made
//! and answers what the API asks.
//!
//! Guarantees every implementation gives:
//! - [`Store::save_batch`] is one transaction that is durable when it returns, and idempotent by
//!   (project, event id): counters change exactly once per event, whatever crashed in between.
//! - Every list is drawn from an index that holds its order; no call scans events.
//! - Reads never wait for a write that is under way.
//!
//! All calls block; async callers go through `tokio::task::spawn_blocking`.

mod error;
pub mod payload;
pub mod postgres;
mod project_input;
mod rows;
pub mod secret;
pub mod sqlite;
mod types;

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Secret;

pub use error::{Error, ErrorKind, Result};
pub use types::*;

/// Where to open the store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The collector's data directory; SQLite lives in `faultwire.db` there.
    pub data_dir: PathBuf,
    /// A PostgreSQL server instead of SQLite: `postgres://USER:PASSWORD@HOST:PORT/NAME`.
    pub database_url: Option<Secret>,
}

/// Opens the store that the configuration names, creating or migrating it as needed.
///
/// Errors: [`ErrorKind::Invalid`] for a data base URL that cannot be read, [`ErrorKind::Unavailable`]
/// when the files cannot be opened or the server cannot be reached, either when a newer version wrote the data.
pub fn open(config: &StoreConfig) -> Result<Arc<dyn Store>> {
    if let Some(url) = &config.database_url {
        return Ok(Arc::new(postgres::PostgresStore::open(url.reveal())?));
    }
    Ok(Arc::new(sqlite::SqliteStore::open(
        &config.data_dir.join("faultwire.db"),
    )?))
}

/// Everything the collector remembers.
pub trait Store: Send + Sync {
    // Projects and keys.

    /// Looks up a DSN's public key. None: no project has it.
    fn key(&self, public_key: &str) -> Result<Option<ProjectKey>>;

    /// Creates a project with one active key. Conflict: the id or the key is taken.
    fn create_project(&self, new: NewProject) -> Result<Project>;

    /// One project with its figures as of `now_ms`.
    fn project(&self, id: u64, now_ms: u64) -> Result<Option<ProjectOverview>>;

    /// Projects in order of their id, above `after`, at most `limit`.
    fn projects(
        &self,
        after: Option<u64>,
        limit: usize,
        now_ms: u64,
    ) -> Result<Vec<ProjectOverview>>;

    // What the digest writes.

    /// Stores a batch in one durable transaction; answers in the order of `batch.events`.
    fn save_batch(&self, batch: &Batch) -> Result<Vec<Saved>>;

    // Issues.

    /// A page of issues.
    fn issues(&self, filter: &IssueFilter, now_ms: u64) -> Result<Vec<Issue>>;

    /// One issue.
    fn issue(&self, id: u64, now_ms: u64) -> Result<Option<Issue>>;

    /// What the issue page shows beside the issue.
    fn issue_extras(&self, id: u64, now_ms: u64) -> Result<Option<IssueExtras>>;

    /// Records a person's decision. False: there is no such issue.
    fn set_issue_status(&self, id: u64, status: IssueStatus, now_ms: u64) -> Result<bool>;

    // Events.

    /// A page of events, newest first.
    fn events(&self, filter: &EventFilter) -> Result<Vec<EventSummary>>;

    /// The projects that hold an event of this id; empty when none does.
    fn event_projects(&self, event_id: [u8; 16]) -> Result<Vec<u64>>;

    /// One event with its payload and neighbours.
    fn event(&self, project_id: u64, event_id: [u8; 16]) -> Result<Option<StoredEvent>>;

    /// Project and id of an issue's newest event.
    fn latest_event(&self, issue_id: u64) -> Result<Option<(u64, [u8; 16])>>;

    /// A file of an event, with its bytes.
    fn attachment(
        &self,
        project_id: u64,
        event_id: [u8; 16],
        attachment_id: u64,
    ) -> Result<Option<(Attachment, Vec<u8>)>>;

    // The account.

    /// Adds rows to the account of outcomes, outside of any batch (intake's own refusals).
    fn add_outcomes(&self, outcomes: &[OutcomeCount]) -> Result<()>;

    /// Sums of the account since the beginning.
    fn outcome_totals(&self) -> Result<OutcomeTotals>;

    // People and programs that may read.

    /// The admin password's hash (PHC text); none until the first start was completed.
    fn admin_password(&self) -> Result<Option<String>>;

    /// Sets the admin password's hash. With `only_first`, an existing one stays and the answer is false;
    /// without, it is replaced and every login ends.
    fn put_admin_password(&self, hash: &str, only_first: bool) -> Result<bool>;

    /// Remembers a login until `expires_ms`. `secret_hash` is [`secret::hash`] of the cookie.
    fn add_session(&self, secret_hash: [u8; 32], now_ms: u64, expires_ms: u64) -> Result<()>;

    /// Whether a login is known and not yet expired.
    fn session_is_valid(&self, secret_hash: [u8; 32], now_ms: u64) -> Result<bool>;

    /// Forgets a login; unknown ones are fine.
    fn remove_session(&self, secret_hash: [u8; 32]) -> Result<()>;

    /// Remembers an API token by its hash.
    fn add_token(&self, name: &str, secret_hash: [u8; 32]) -> Result<()>;

    /// Whether an API token is known.
    fn token_is_valid(&self, secret_hash: [u8; 32]) -> Result<bool>;

    /// Replaces the admin password and ends every login (`faultwire user password`).
    /// Invalid: shorter than [`secret::MIN_PASSWORD`] characters.
    fn set_password(&self, password: &str) -> Result<()> {
        self.put_admin_password(&secret::hash_password(password)?, false)
            .map(drop)
    }

    /// Sets the admin password at the first start. False: there is one already, which stays.
    fn set_first_password(&self, password: &str) -> Result<bool> {
        // Spares the costly hash at every start after the first.
        if self.admin_password()?.is_some() {
            return Ok(false);
        }
        self.put_admin_password(&secret::hash_password(password)?, true)
    }

    /// Makes an API token and remembers its hash. The text is shown once and never again.
    fn create_token(&self, name: &str) -> Result<String> {
        let token = secret::token()?;
        self.add_token(name, secret::hash(&token))?;
        Ok(token)
    }
}

/// The clock of rows that carry no time of their own (creation of a project, of a token).
pub(crate) fn now_ms() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}
