//! How often an issue's tags took which value, within bounds.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::store::rows::{MAX_TAG_KEYS, MAX_TAG_VALUES, int, uint};

/// Adds one tag's values of a batch to an issue's counters, within the bounds.
pub(super) fn count(
    c: &Connection,
    issue_id: u64,
    key: &str,
    total: u64,
    values: &BTreeMap<&str, u64>,
) -> Result<()> {
    let distinct: Option<i64> = c
        .prepare_cached(
            "UPDATE issue_tag_keys SET events = events + ?3 WHERE issue_id = ?1 AND key = ?2
             RETURNING distinct_values",
        )?
        .query_row(params![int(issue_id), key, int(total)], |row| row.get(0))
        .optional()?;
    let mut distinct = match distinct {
        Some(distinct) => uint(distinct),
        None => {
            let inserted = c
                .prepare_cached(
                    "INSERT INTO issue_tag_keys (issue_id, key, events, distinct_values)
                     SELECT ?1, ?2, ?3, 0
                     WHERE (SELECT COUNT(*) FROM issue_tag_keys WHERE issue_id = ?1) < ?4",
                )?
                .execute(params![int(issue_id), key, int(total), int(MAX_TAG_KEYS)])?;
            if inserted == 0 {
                return Ok(());
            }
            0
        }
    };
    let before = distinct;
    for (value, events) in values {
        let known = c
            .prepare_cached(
                "UPDATE issue_tags SET events = events + ?4
                 WHERE issue_id = ?1 AND key = ?2 AND value = ?3",
            )?
            .execute(params![int(issue_id), key, value, int(*events)])?;
        if known == 0 && distinct < MAX_TAG_VALUES {
            c.prepare_cached(
                "INSERT INTO issue_tags (issue_id, key, value, events) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![int(issue_id), key, value, int(*events)])?;
            distinct += 1;
        }
    }
    if distinct != before {
        c.prepare_cached(
            "UPDATE issue_tag_keys SET distinct_values = ?3 WHERE issue_id = ?1 AND key = ?2",
        )?
        .execute(params![int(issue_id), key, int(distinct)])?;
    }
    Ok(())
}
