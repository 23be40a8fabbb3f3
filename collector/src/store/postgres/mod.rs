//! The store on PostgreSQL (13 or newer): the same data and the same answers as on SQLite, for teams that run a data base server already
//! or want several collectors on one.
//!
//! - The client is the blocking `postgres` crate: it fits the blocking trait without a second runtime of ours. Its calls must not be
//!   made from async code, which the trait forbids anyway.
//! - A batch is one transaction of some fifteen statements, whatever its size: rows travel as arrays (`unnest`).
//! - The rows of a batch's projects are locked first. So several collectors may digest at once, each event is counted once, and numbers of
//!   issues have no gaps.
//! - A commit whose answer was lost (the server restarted) is looked up by its transaction number before anything is done again: neither
//!   an event nor a row of the account is doubled.
//! - PostgreSQL's text has no NUL: one in a title, a tag or a name is stored as U+FFFD. Payloads keep theirs.
//!
//! Not for a pooler that shares connections between transactions (PgBouncer in `transaction` mode): statements are prepared.

mod accounts;
mod address;
mod connection;
mod events;
mod fault;
mod issues;
mod migrations;
mod pool;
mod projects;
mod save;
mod tags;
mod tls;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use super::rows::{int, uint};
use super::*;
use address::Address;
use fault::Reason;
use pool::{Committed, Fate, Pool, Unanswered};

/// Connections for readers and for small writes: enough for two cores of dashboards, few enough for a server that is shared.
const CONNECTIONS: usize = 8;
/// Why so many settings: a statement that runs away, a lock that a vanished client holds, and a commit that is not durable would each break a
/// promise of the trait, whatever the server's own defaults are.
const SETUP: &str = "SET client_min_messages = warning;
    SET default_transaction_isolation = 'read committed';
    SET idle_in_transaction_session_timeout = '60s';
    SET statement_timeout = '30s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
/// A batch may wait for another collector's, and must not be cut off on a slow disk.
const DIGEST_SETUP: &str = "SET client_min_messages = warning;
    SET default_transaction_isolation = 'read committed';
    SET idle_in_transaction_session_timeout = '60s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
/// The oldest server that can tell what became of a transaction by `pg_xact_status`.
const MIN_VERSION: i32 = 130_000;

/// See the module's documentation.
pub struct PostgresStore {
    pool: Pool,
    /// The digest's own connection: a batch never waits for readers.
    digest: Pool,
    /// A batch whose commit was not answered, until the server can be asked. Held while a batch is saved.
    unanswered: Mutex<Option<(Identity, Unanswered<Vec<Saved>>)>>,
}

/// Tells batches apart.
type Identity = Vec<(u64, [u8; 16])>;

impl PostgresStore {
    /// Connects and brings the schema up to date.
    ///
    /// Errors: Invalid for a URL that cannot be read; Unavailable when the server cannot be reached, does not let us in, is older than
    /// version 13, or keeps text in another encoding than UTF-8. Each names host, port and data base, and none the password.
    pub fn open(url: &str) -> Result<Self> {
        let address = Arc::new(Address::parse(url)?);
        let store = Self {
            pool: Pool::new(address.clone(), CONNECTIONS, SETUP),
            digest: Pool::new(address.clone(), 1, DIGEST_SETUP),
            unanswered: Mutex::new(None),
        };
        store.check(&address)?;
        migrations::migrate(&mut store.digest.take()?)?;
        Ok(store)
    }

    fn check(&self, address: &Address) -> Result<()> {
        let (version, encoding): (i32, String) = self.pool.read(|c| {
            let row = c.query_opt(
                "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')",
                &[],
            )?;
            Ok(row.map_or_else(Default::default, |row| (row.get(0), row.get(1))))
        })?;
        if version < MIN_VERSION {
            return Err(Error::invalid(format!(
                "{address} is on PostgreSQL {}; version 13 or newer is needed",
                version / 10_000
            )));
        }
        if encoding != "UTF8" {
            return Err(Error::invalid(format!(
                "{address} keeps text as {encoding}; create one with ENCODING 'UTF8' TEMPLATE template0"
            )));
        }
        Ok(())
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

/// A text as PostgreSQL can keep it.
fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

fn identity(batch: &Batch) -> Identity {
    let events = batch.events.iter().map(|e| (e.project_id, e.event_id));
    let poison = batch.poison.iter().map(|e| (e.project_id, e.event_id));
    events.chain(poison).collect()
}

impl Store for PostgresStore {
    fn key(&self, public_key: &str) -> Result<Option<ProjectKey>> {
        self.pool.read(|c| projects::key(c, public_key))
    }

    fn create_project(&self, new: NewProject) -> Result<Project> {
        let new = project_input::check(new)?;
        self.pool
            .write("create a project", |c| projects::create(c, &new))
    }

    fn project(&self, id: u64, now_ms: u64) -> Result<Option<ProjectOverview>> {
        self.pool.snapshot(|c| projects::project(c, id, now_ms))
    }

    fn projects(
        &self,
        after: Option<u64>,
        limit: usize,
        now_ms: u64,
    ) -> Result<Vec<ProjectOverview>> {
        self.pool
            .snapshot(|c| projects::projects(c, after, limit, now_ms))
    }

    fn save_batch(&self, batch: &Batch) -> Result<Vec<Saved>> {
        // A panic while it was held left no answer behind that could be wrong.
        let mut unanswered = self
            .unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((earlier, commit)) = unanswered.take() {
            match self.digest.fate(&commit.xid) {
                Ok(Fate::Committed) if earlier == identity(batch) => return Ok(commit.value),
                Ok(Fate::Committed | Fate::RolledBack) => {}
                Ok(Fate::Undecided) => {
                    *unanswered = Some((earlier, commit));
                    let why =
                        "the server has not ended the transaction that was cut off".to_owned();
                    return Err(Error::unavailable("store a batch", Reason(why)));
                }
                Err(error) => {
                    *unanswered = Some((earlier, commit));
                    return Err(error);
                }
            }
        }
        match self
            .digest
            .try_write("store a batch", |c| save::save(c, batch))?
        {
            Committed::Yes(saved) => Ok(saved),
            Committed::Unknown(commit, error) => {
                *unanswered = Some((identity(batch), commit));
                Err(error)
            }
        }
    }

    fn issues(&self, filter: &IssueFilter, now_ms: u64) -> Result<Vec<Issue>> {
        self.pool.snapshot(|c| issues::issues(c, filter, now_ms))
    }

    fn issue(&self, id: u64, now_ms: u64) -> Result<Option<Issue>> {
        self.pool.snapshot(|c| issues::issue(c, id, now_ms))
    }

    fn issue_extras(&self, id: u64, now_ms: u64) -> Result<Option<IssueExtras>> {
        self.pool.snapshot(|c| issues::extras(c, id, now_ms))
    }

    fn set_issue_status(&self, id: u64, status: IssueStatus, now_ms: u64) -> Result<bool> {
        self.pool.write("set the status of an issue", |c| {
            Ok(issues::set_status(c, id, status, now_ms)?)
        })
    }

    fn events(&self, filter: &EventFilter) -> Result<Vec<EventSummary>> {
        self.pool.read(|c| events::events(c, filter))
    }

    fn event_projects(&self, event_id: [u8; 16]) -> Result<Vec<u64>> {
        self.pool.read(|c| events::projects(c, event_id))
    }

    fn event(&self, project_id: u64, event_id: [u8; 16]) -> Result<Option<StoredEvent>> {
        let found = self
            .pool
            .snapshot(|c| events::event(c, project_id, event_id))?;
        found.map(events::Raw::unpack).transpose()
    }

    fn latest_event(&self, issue_id: u64) -> Result<Option<(u64, [u8; 16])>> {
        self.pool.read(|c| events::latest(c, issue_id))
    }

    fn attachment(
        &self,
        project_id: u64,
        event_id: [u8; 16],
        attachment_id: u64,
    ) -> Result<Option<(Attachment, Vec<u8>)>> {
        let found = self
            .pool
            .read(|c| events::attachment(c, project_id, event_id, attachment_id))?;
        found
            .map(|(attachment, body)| Ok((attachment, payload::unpack(&body)?)))
            .transpose()
    }

    fn add_outcomes(&self, outcomes: &[OutcomeCount]) -> Result<()> {
        self.pool.write("store outcomes", |c| {
            Ok(accounts::add_outcomes(c, outcomes)?)
        })
    }

    fn outcome_totals(&self) -> Result<OutcomeTotals> {
        self.pool.read(accounts::outcome_totals)
    }

    fn admin_password(&self) -> Result<Option<String>> {
        self.pool.read(accounts::admin_password)
    }

    fn put_admin_password(&self, hash: &str, only_first: bool) -> Result<bool> {
        self.pool.write("set the admin password", |c| {
            Ok(accounts::put_admin_password(c, hash, only_first)?)
        })
    }

    fn add_session(&self, secret_hash: [u8; 32], now_ms: u64, expires_ms: u64) -> Result<()> {
        self.pool.write("remember a login", |c| {
            Ok(accounts::add_session(c, secret_hash, now_ms, expires_ms)?)
        })
    }

    fn session_is_valid(&self, secret_hash: [u8; 32], now_ms: u64) -> Result<bool> {
        self.pool
            .read(|c| accounts::session_is_valid(c, secret_hash, now_ms))
    }

    fn remove_session(&self, secret_hash: [u8; 32]) -> Result<()> {
        self.pool.write("forget a login", |c| {
            Ok(accounts::remove_session(c, secret_hash)?)
        })
    }

    fn add_token(&self, name: &str, secret_hash: [u8; 32]) -> Result<()> {
        self.pool.write("remember a token", |c| {
            Ok(accounts::add_token(c, name, secret_hash)?)
        })
    }

    fn token_is_valid(&self, secret_hash: [u8; 32]) -> Result<bool> {
        self.pool.read(|c| accounts::token_is_valid(c, secret_hash))
    }
}
