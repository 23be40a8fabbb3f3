//! The schema's history. `user_version` counts the migrations that were applied; each runs in its own
//! transaction, so that an interrupted one starts over at the next open.

use rusqlite::{Connection, TransactionBehavior};

use super::{Error, Result, failed};

/// In order; a released one is never edited.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_base.sql")];

/// Brings `connection` to the newest schema. Two processes may do so at once (`project create` beside
/// a starting server): the second waits for the first and then finds nothing to do.
///
/// Errors: a file that a newer version wrote is refused instead of misread.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    loop {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("lock the data base for migration"))?;
        let version = transaction
            .query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0))
            .map(|version| version as usize)
            .map_err(failed("read the schema version"))?;
        if version > MIGRATIONS.len() {
            return Err(Error::invalid(format!(
                "data base has schema version {version}, this program knows {} at most; start the version that wrote it",
                MIGRATIONS.len()
            )));
        }
        let Some(sql) = MIGRATIONS.get(version) else {
            return Ok(());
        };
        transaction
            .execute_batch(sql)
            .and_then(|()| {
                transaction.execute_batch(&format!("PRAGMA user_version = {}", version + 1))
            })
            .and_then(|()| transaction.commit())
            .map_err(failed(&format!("apply migration {}", version + 1)))?;
    }
}
