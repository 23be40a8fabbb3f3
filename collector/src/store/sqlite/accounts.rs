//! Settings, logins, tokens, and the account of outcomes.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::{OutcomeCount, OutcomeTotals};
use crate::store::now_ms;
use crate::store::rows::{ADMIN_PASSWORD, HOUR_MS, OutcomeSum, int, totals, uint};

pub(super) fn setting(c: &Connection, key: &str) -> Result<Option<String>> {
    c.prepare_cached("SELECT value FROM settings WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()
}

fn set_setting(c: &Connection, key: &str, value: &str) -> Result<()> {
    c.prepare_cached(
        "INSERT INTO settings (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )?
    .execute([key, value])
    .map(drop)
}

pub(super) fn put_admin_password(c: &Connection, hash: &str, only_first: bool) -> Result<bool> {
    if only_first && setting(c, ADMIN_PASSWORD)?.is_some() {
        return Ok(false);
    }
    set_setting(c, ADMIN_PASSWORD, hash)?;
    c.execute("DELETE FROM sessions", [])?;
    Ok(true)
}

pub(super) fn add_session(
    c: &Connection,
    hash: [u8; 32],
    now_ms: u64,
    expires_ms: u64,
) -> Result<()> {
    // Expired logins leave with the next login, so the table never outgrows one login period.
    c.execute("DELETE FROM sessions WHERE expires_ms <= ?1", [int(now_ms)])?;
    c.execute(
        "INSERT INTO sessions (secret_hash, created_ms, expires_ms) VALUES (?1, ?2, ?3)",
        params![hash, int(now_ms), int(expires_ms)],
    )
    .map(drop)
}

pub(super) fn session_is_valid(c: &Connection, hash: [u8; 32], now_ms: u64) -> Result<bool> {
    c.prepare_cached("SELECT 1 FROM sessions WHERE secret_hash = ?1 AND expires_ms > ?2")?
        .exists(params![hash, int(now_ms)])
}

pub(super) fn remove_session(c: &Connection, hash: [u8; 32]) -> Result<()> {
    c.execute("DELETE FROM sessions WHERE secret_hash = ?1", [hash])
        .map(drop)
}

pub(super) fn add_token(c: &Connection, name: &str, hash: [u8; 32]) -> Result<()> {
    c.execute(
        "INSERT INTO tokens (secret_hash, name, created_ms) VALUES (?1, ?2, ?3)",
        params![hash, name, int(now_ms())],
    )
    .map(drop)
}

pub(super) fn token_is_valid(c: &Connection, hash: [u8; 32]) -> Result<bool> {
    c.prepare_cached("SELECT 1 FROM tokens WHERE secret_hash = ?1")?
        .exists([hash])
}

pub(super) fn add_outcomes(c: &Connection, outcomes: &[OutcomeCount]) -> Result<()> {
    let mut statement = c.prepare_cached(
        "INSERT INTO outcomes (hour, project_id, category, outcome, reason, quantity)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (hour, project_id, category, outcome, reason)
         DO UPDATE SET quantity = quantity + excluded.quantity",
    )?;
    for row in outcomes.iter().filter(|row| row.quantity > 0) {
        statement.execute(params![
            int(row.hour_ms / HOUR_MS),
            int(row.project_id),
            row.category,
            row.outcome,
            row.reason,
            int(row.quantity)
        ])?;
    }
    Ok(())
}

pub(super) fn outcome_totals(c: &Connection) -> Result<OutcomeTotals> {
    let mut statement = c.prepare_cached(
        "SELECT category, outcome, reason, SUM(quantity) FROM outcomes
         GROUP BY category, outcome, reason ORDER BY category, reason, outcome",
    )?;
    let sums: Vec<OutcomeSum> = statement
        .query_map([], |row| {
            Ok(OutcomeSum {
                category: row.get(0)?,
                outcome: row.get(1)?,
                reason: row.get(2)?,
                quantity: uint(row.get(3)?),
            })
        })?
        .collect::<Result<_>>()?;
    Ok(totals(sums))
}
