//! A few connections that callers take turns with, and how work is done on them: again where that is safe.
//!
//! After the server restarted, the first caller finds its connection dead, all idle ones are dropped with it, and the work
//! is done once more on a new one. While the server is away, only one attempt to reach it is made in [`PAUSE`]; everybody
//! else gets its answer at once, so that no thread waits for a dead host in line.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::address::Address;
use super::connection::{Connection, Failure};
use super::fault::{self, Reason};
use super::{Error, ErrorKind, Result};

/// Connections to one data base.
pub(super) struct Pool {
    address: Arc<Address>,
    max: usize,
    /// Statements that every new connection begins with.
    setup: &'static str,
    state: Mutex<State>,
    given_back: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    /// Connections that exist, idle or lent.
    open: usize,
    /// Counts losses: connections of an earlier number are not taken back.
    generation: u64,
    /// When a connection could last not be opened, and why.
    failure: Option<(Instant, String, String)>,
}

/// A lent connection; goes back when dropped. One that broke, or that a panic left in a transaction, is closed.
pub(super) struct Lent<'a> {
    /// Present until the drop.
    connection: Option<Connection>,
    generation: u64,
    home: &'a Pool,
}

/// A transaction whose commit was not answered.
pub(super) struct Unanswered<T> {
    /// The server's number of the transaction.
    pub(super) xid: String,
    /// What the transaction came to, if it was committed.
    pub(super) value: T,
}

/// What became of a transaction that should have committed.
pub(super) enum Committed<T> {
    Yes(T),
    Unknown(Unanswered<T>, Error),
}

/// A try that did not work.
struct Miss {
    error: Error,
    /// A second try may: the connection was dead, or two transactions met.
    may_pass: bool,
}

impl From<Error> for Miss {
    fn from(error: Error) -> Self {
        Self {
            error,
            may_pass: false,
        }
    }
}

/// What the server remembers of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Committed,
    RolledBack,
    /// Its server process has not noticed yet that we are gone.
    Undecided,
}

impl Pool {
    pub(super) fn new(address: Arc<Address>, max: usize, setup: &'static str) -> Self {
        Self {
            address,
            max,
            setup,
            state: Mutex::new(State::default()),
            given_back: Condvar::new(),
        }
    }

    /// Does one reading statement, or several that need not agree.
    pub(super) fn read<T>(
        &self,
        work: impl Fn(&mut Connection) -> std::result::Result<T, postgres::Error>,
    ) -> Result<T> {
        again(|| {
            let mut lent = self.take()?;
            let result = work(lent.connection());
            result.map_err(|error| lent.explained("read", error.into()))
        })
    }

    /// Reads in one snapshot, so that what is put together fits together.
    pub(super) fn snapshot<T>(
        &self,
        work: impl Fn(&mut Connection) -> std::result::Result<T, postgres::Error>,
    ) -> Result<T> {
        again(|| {
            let mut lent = self.take()?;
            let c = lent.connection();
            let result = c.begin(SNAPSHOT).and_then(|()| work(c));
            c.rollback();
            result.map_err(|error| lent.explained("read", error.into()))
        })
    }

    /// Writes in one transaction. If the connection is lost while it commits, the server is asked what became of it, so that nothing is
    /// done twice; only when it cannot be asked does an error leave that open.
    pub(super) fn write<T>(
        &self,
        step: &str,
        work: impl Fn(&mut Connection) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        match self.try_write(step, work)? {
            Committed::Yes(value) => Ok(value),
            Committed::Unknown(_, error) => Err(error),
        }
    }

    /// Like [`Self::write`], but hands an unanswered commit to the caller when the server cannot be asked.
    pub(super) fn try_write<T>(
        &self,
        step: &str,
        work: impl Fn(&mut Connection) -> std::result::Result<T, Failure>,
    ) -> Result<Committed<T>> {
        again(|| {
            let mut lent = self.take()?;
            let c = lent.connection();
            let begun = c.begin("BEGIN").map_err(Failure::from);
            let done = begun.and_then(|()| {
                let value = work(c)?;
                let xid = c.query_opt("SELECT pg_current_xact_id()::text", &[])?;
                Ok((value, xid.map_or_else(String::new, |row| row.get(0))))
            });
            let (value, xid) = match done {
                Ok(done) => done,
                Err(failure) => {
                    c.rollback();
                    return Err(lent.explained(step, failure));
                }
            };
            let Err(error) = c.commit() else {
                return Ok(Committed::Yes(value));
            };
            let lost = fault::is_lost(&error);
            c.rollback();
            let miss = lent.explained(step, error.into());
            if !lost {
                return Err(miss);
            }
            drop(lent);
            match self.fate(&xid) {
                Ok(Fate::Committed) => Ok(Committed::Yes(value)),
                Ok(Fate::RolledBack) => Err(miss),
                Ok(Fate::Undecided) | Err(_) => {
                    Ok(Committed::Unknown(Unanswered { xid, value }, miss.error))
                }
            }
        })
    }

    /// Asks what became of a transaction; waits a moment for the server to decide.
    pub(super) fn fate(&self, xid: &str) -> Result<Fate> {
        let deadline = Instant::now() + DECIDES_WITHIN;
        loop {
            let asked = self.read(|c| {
                let row = c.query_opt("SELECT pg_xact_status($1::text::xid8)", &[&xid])?;
                Ok(row.and_then(|row| row.get::<_, Option<String>>(0)))
            });
            let status = match asked {
                // It never heard of the number: a stand-by took over without the transaction.
                Err(error) if error.kind() == ErrorKind::Refused => return Ok(Fate::RolledBack),
                asked => asked?,
            };
            match status.as_deref() {
                Some("committed") => return Ok(Fate::Committed),
                Some("in progress") if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Some("in progress") => return Ok(Fate::Undecided),
                // None: so old that the server forgot; then it is not ours to hope for.
                _ => return Ok(Fate::RolledBack),
            }
        }
    }

    /// Takes an idle connection, opens one, or waits for one.
    pub(super) fn take(&self) -> Result<Lent<'_>> {
        let deadline = Instant::now() + WAIT;
        let mut state = self.state();
        loop {
            if let Some(connection) = state.idle.pop() {
                return Ok(self.lend(connection, state.generation));
            }
            if let Some((at, step, why)) = &state.failure
                && at.elapsed() < PAUSE
            {
                return Err(Error::unavailable(step.clone(), Reason(why.clone())));
            }
            if state.open < self.max {
                break;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::unavailable(
                    format!("{} cannot be asked", self.address),
                    Reason(format!("all {} connections are busy", self.max)),
                ));
            }
            state = self
                .given_back
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.open += 1;
        let generation = state.generation;
        drop(state);
        // Not under the lock: it may take as long as the network likes.
        let opened = self.open();
        let mut state = self.state();
        match opened {
            Ok(connection) => {
                state.failure = None;
                Ok(self.lend(connection, generation))
            }
            Err(error) => {
                state.open -= 1;
                let why = std::error::Error::source(&error);
                let why = why.map_or_else(String::new, ToString::to_string);
                let whole = error.to_string();
                let step = whole.strip_suffix(&format!(": {why}")).unwrap_or(&whole);
                state.failure = Some((Instant::now(), step.to_owned(), why));
                drop(state);
                self.given_back.notify_all();
                Err(error)
            }
        }
    }

    fn open(&self) -> Result<Connection> {
        let mut connection = Connection::new(self.address.connect()?);
        connection.batch(self.setup).map_err(|error| {
            fault::failed("set up a connection", &self.address.to_string(), &error)
        })?;
        Ok(connection)
    }

    fn lend(&self, connection: Connection, generation: u64) -> Lent<'_> {
        Lent {
            connection: Some(connection),
            generation,
            home: self,
        }
    }

    /// A panic never happens while it is held in a way that leaves it half changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent<'_> {
    /// The connection itself.
    pub(super) fn connection(&mut self) -> &mut Connection {
        self.connection
            .as_mut()
            .expect("a lent connection is there until it is dropped")
    }

    /// Runs a transaction whose answer matters less than that it is whole, such as a migration.
    pub(super) fn transaction<T>(
        &mut self,
        step: &str,
        work: impl FnOnce(&mut Connection) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        let c = self.connection();
        let begun = c.begin("BEGIN").map_err(Failure::from);
        let done = begun.and_then(|()| work(c)).and_then(|value| {
            c.commit()?;
            Ok(value)
        });
        done.map_err(|failure| {
            self.connection().rollback();
            self.explained(step, failure).error
        })
    }

    /// The failure as a store's error. A lost connection also ends the idle ones, which most likely died with it.
    fn explained(&mut self, step: &str, failure: Failure) -> Miss {
        let error = match failure {
            Failure::Ours(error) => return error.into(),
            Failure::Database(error) => error,
        };
        let lost = fault::is_lost(&error);
        if lost {
            let mut state = self.home.state();
            if state.generation == self.generation {
                state.generation += 1;
                let dead = std::mem::take(&mut state.idle);
                state.open -= dead.len();
            }
        }
        Miss {
            error: fault::failed(step, &self.home.address.to_string(), &error),
            may_pass: lost || fault::is_conflict(&error),
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.home.state();
        let connection = self
            .connection
            .take()
            .filter(|connection| connection.is_reusable() && state.generation == self.generation);
        match connection {
            Some(connection) => state.idle.push(connection),
            None => state.open -= 1,
        }
        drop(state);
        self.home.given_back.notify_one();
    }
}

/// Does work a second time when the first try met a connection that had died in the meantime, or another transaction.
fn again<T>(mut work: impl FnMut() -> std::result::Result<T, Miss>) -> Result<T> {
    match work() {
        Err(miss) if miss.may_pass => {
            tracing::debug!(error = %miss.error, "trying once more");
            work()
        }
        first => first,
    }
    .map_err(|miss| miss.error)
}

/// One snapshot for several statements.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
/// After a failed attempt to connect, further callers get its answer for this long.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a caller waits while all connections are lent.
const WAIT: Duration = Duration::from_secs(10);
/// A server process notices a closed connection at once, and one behind a dead network after its own timeout.
const DECIDES_WITHIN: Duration = Duration::from_secs(5);
