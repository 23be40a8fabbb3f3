//! The schema's history. A table says which migrations were applied; each runs in its own transaction together with its
//! entry there, so that an interrupted one starts over at the next open.

use super::connection::{Connection, Failure};
use super::pool::Lent;
use super::{Error, Result, int};
use crate::store::now_ms;

/// In order; a released one is never edited.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_base.sql")];

/// Two servers that start at once: the second waits for this lock and then finds nothing to do. The number is arbitrary; it
/// belongs to Faultwire within the data base.
const LOCK: i64 = 0x6661_756c_7477_6972;

/// Brings the data base to the newest schema.
///
/// Errors: the data base is too old or keeps text in another encoding than UTF-8; the user may not create tables; a newer
/// version of this program wrote the schema.
pub(super) fn migrate(lent: &mut Lent<'_>) -> Result<()> {
    loop {
        let done = lent.transaction("migrate the data base", step)?;
        if done {
            return Ok(());
        }
    }
}

/// Applies the next migration; true when there was none left.
fn step(c: &mut Connection) -> std::result::Result<bool, Failure> {
    c.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])?;
    // Not IF NOT EXISTS: that asks for the right to create tables even when there is nothing to create.
    let found = c.query_opt(
        "SELECT to_regclass('faultwire_migrations') IS NOT NULL",
        &[],
    )?;
    let is_there = found.is_some_and(|row| row.get(0));
    if !is_there {
        c.batch(
            "CREATE TABLE faultwire_migrations (version bigint PRIMARY KEY, applied_ms bigint NOT NULL)",
        )?;
    }
    let newest = c.query_opt(
        "SELECT COALESCE(MAX(version), 0) FROM faultwire_migrations",
        &[],
    )?;
    let version = newest.map_or(0, |row| row.get::<_, i64>(0));
    let known = MIGRATIONS.len() as i64;
    if version > known {
        return Err(Error::invalid(format!(
            "data base has schema version {version}, this program knows {known} at most; start the version that wrote it"
        ))
        .into());
    }
    let Some(sql) = MIGRATIONS.get(version as usize) else {
        return Ok(true);
    };
    c.batch(sql)?;
    c.execute(
        "INSERT INTO faultwire_migrations (version, applied_ms) VALUES ($1, $2)",
        &[&(version + 1), &int(now_ms())],
    )?;
    tracing::info!(version = version + 1, "the data base was migrated");
    Ok(false)
}
