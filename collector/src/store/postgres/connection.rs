//! One connection with the statements that it has prepared.

use std::collections::HashMap;

use postgres::types::ToSql;
use postgres::{Client, Row, Statement};

use super::Error;

/// A connection. Transactions are begun and ended by hand, because the library's own borrow the client and would keep the
/// statements out.
pub(super) struct Connection {
    client: Client,
    statements: HashMap<String, Statement>,
    /// Between BEGIN and the end of the transaction.
    in_transaction: bool,
    /// It failed in a way after which nothing can be expected of it.
    broken: bool,
}

/// What ends a piece of work.
pub(super) enum Failure {
    /// The data base objects.
    Database(postgres::Error),
    /// We object.
    Ours(Error),
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

type Result<T> = std::result::Result<T, postgres::Error>;
/// Values of a statement's parameters.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Connection {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            statements: HashMap::new(),
            in_transaction: false,
            broken: false,
        }
    }

    /// All rows of a statement.
    pub(super) fn query(&mut self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        let statement = self.statement(sql)?;
        let rows = self.client.query(&statement, params);
        self.noted(rows)
    }

    /// The first row of a statement that gives one at most.
    pub(super) fn query_opt(&mut self, sql: &str, params: Params<'_>) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Whether a statement gives a row.
    pub(super) fn exists(&mut self, sql: &str, params: Params<'_>) -> Result<bool> {
        Ok(!self.query(sql, params)?.is_empty())
    }

    /// Runs a statement; gives the number of rows it touched.
    pub(super) fn execute(&mut self, sql: &str, params: Params<'_>) -> Result<u64> {
        let statement = self.statement(sql)?;
        let touched = self.client.execute(&statement, params);
        self.noted(touched)
    }

    /// Runs statements without parameters.
    pub(super) fn batch(&mut self, sql: &str) -> Result<()> {
        let done = self.client.batch_execute(sql);
        self.noted(done)
    }

    /// Begins a transaction: `BEGIN` with its options.
    pub(super) fn begin(&mut self, sql: &str) -> Result<()> {
        self.in_transaction = true;
        self.batch(sql)
    }

    /// Commits. An error leaves open whether the server did.
    pub(super) fn commit(&mut self) -> Result<()> {
        self.batch("COMMIT")?;
        self.in_transaction = false;
        Ok(())
    }

    /// Takes back what the transaction did; if that fails, the connection goes, and the transaction with it.
    pub(super) fn rollback(&mut self) {
        self.in_transaction = self.batch("ROLLBACK").is_err();
    }

    /// Whether another caller can use it.
    pub(super) fn is_reusable(&self) -> bool {
        !self.in_transaction && !self.broken && !self.client.is_closed()
    }

    fn statement(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        if self.statements.len() >= MAX_STATEMENTS {
            self.statements.clear();
        }
        let prepared = self.client.prepare(sql);
        let statement = self.noted(prepared)?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn noted<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            self.broken |= super::fault::is_lost(error);
        }
        result
    }
}

/// Lists of issues have some hundred forms (orders, filters, numbers of words); few of them are common.
const MAX_STATEMENTS: usize = 200;
