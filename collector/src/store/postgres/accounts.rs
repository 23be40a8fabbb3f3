//! Settings, logins, tokens, and the account of outcomes.

use std::collections::BTreeMap;

use postgres::Error;

use super::connection::Connection;
use super::{OutcomeCount, OutcomeTotals, int, text, uint};
use crate::store::now_ms;
use crate::store::rows::{ADMIN_PASSWORD, HOUR_MS, OutcomeSum, totals};

type Result<T> = std::result::Result<T, Error>;

pub(super) fn admin_password(c: &mut Connection) -> Result<Option<String>> {
    let row = c.query_opt(
        "SELECT value FROM settings WHERE key = $1",
        &[&ADMIN_PASSWORD],
    )?;
    Ok(row.map(|row| row.get(0)))
}

pub(super) fn put_admin_password(c: &mut Connection, hash: &str, only_first: bool) -> Result<bool> {
    // Of two first visits at once, one finds the other's row.
    let sql = if only_first {
        "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING"
    } else {
        "INSERT INTO settings (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    };
    if c.execute(sql, &[&ADMIN_PASSWORD, &hash])? == 0 {
        return Ok(false);
    }
    c.execute("DELETE FROM sessions", &[])?;
    Ok(true)
}

pub(super) fn add_session(
    c: &mut Connection,
    hash: [u8; 32],
    now_ms: u64,
    expires_ms: u64,
) -> Result<()> {
    // Expired logins leave with the next login, so the table never outgrows one login period.
    c.execute(
        "DELETE FROM sessions WHERE expires_ms <= $1",
        &[&int(now_ms)],
    )?;
    c.execute(
        "INSERT INTO sessions (secret_hash, created_ms, expires_ms) VALUES ($1, $2, $3)",
        &[&hash.as_slice(), &int(now_ms), &int(expires_ms)],
    )
    .map(drop)
}

pub(super) fn session_is_valid(c: &mut Connection, hash: [u8; 32], now_ms: u64) -> Result<bool> {
    c.exists(
        "SELECT 1 FROM sessions WHERE secret_hash = $1 AND expires_ms > $2",
        &[&hash.as_slice(), &int(now_ms)],
    )
}

pub(super) fn remove_session(c: &mut Connection, hash: [u8; 32]) -> Result<()> {
    c.execute(
        "DELETE FROM sessions WHERE secret_hash = $1",
        &[&hash.as_slice()],
    )
    .map(drop)
}

pub(super) fn add_token(c: &mut Connection, name: &str, hash: [u8; 32]) -> Result<()> {
    c.execute(
        "INSERT INTO tokens (secret_hash, name, created_ms) VALUES ($1, $2, $3)",
        &[&hash.as_slice(), &text(name), &int(now_ms())],
    )
    .map(drop)
}

pub(super) fn token_is_valid(c: &mut Connection, hash: [u8; 32]) -> Result<bool> {
    c.exists(
        "SELECT 1 FROM tokens WHERE secret_hash = $1",
        &[&hash.as_slice()],
    )
}

/// Adds rows to the account; several for the same counter are added up.
pub(super) fn add_outcomes<'a>(
    c: &mut Connection,
    outcomes: impl IntoIterator<Item = &'a OutcomeCount>,
) -> Result<()> {
    // One statement may touch a row once only. In the order of the key, so that two writers never wait for each other in a ring.
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    for row in outcomes {
        let key = (
            row.hour_ms / HOUR_MS,
            row.project_id,
            text(&row.category),
            text(&row.outcome),
            text(&row.reason),
        );
        let count = counts.entry(key).or_default();
        *count = count.saturating_add(row.quantity);
    }
    counts.retain(|_, quantity| *quantity > 0);
    if counts.is_empty() {
        return Ok(());
    }
    let hours: Vec<i64> = counts.keys().map(|key| int(key.0)).collect();
    let projects: Vec<i64> = counts.keys().map(|key| int(key.1)).collect();
    let categories: Vec<_> = counts.keys().map(|key| &*key.2).collect();
    let kinds: Vec<_> = counts.keys().map(|key| &*key.3).collect();
    let reasons: Vec<_> = counts.keys().map(|key| &*key.4).collect();
    let quantities: Vec<i64> = counts.values().map(|quantity| int(*quantity)).collect();
    c.execute(
        "INSERT INTO outcomes (hour, project_id, category, outcome, reason, quantity)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[])
         ON CONFLICT (hour, project_id, category, outcome, reason)
         DO UPDATE SET quantity = outcomes.quantity + excluded.quantity",
        &[&hours, &projects, &categories, &kinds, &reasons, &quantities],
    )
    .map(drop)
}

pub(super) fn outcome_totals(c: &mut Connection) -> Result<OutcomeTotals> {
    let rows = c.query(
        "SELECT category, outcome, reason, SUM(quantity)::bigint FROM outcomes
         GROUP BY category, outcome, reason ORDER BY category, reason, outcome",
        &[],
    )?;
    let sums = rows.iter().map(|row| OutcomeSum {
        category: row.get(0),
        outcome: row.get(1),
        reason: row.get(2),
        quantity: uint(row.get(3)),
    });
    Ok(totals(sums.collect()))
}
