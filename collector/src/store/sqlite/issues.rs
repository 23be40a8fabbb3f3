//! Issues: pages, one by one, their trends and tag counts.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, Row, params, params_from_iter};

use super::{Issue, IssueExtras, IssueFilter, IssueSort, IssueStatus, TagCounts};
use crate::digest::issue_state::{self, State};
use crate::store::rows::{
    DAY_MS, HOUR_MS, TOP_VALUES, TREND_DAYS, TREND_HOURS, int, level, oldest_bucket, status, uint,
};
use crate::store::secret;

const COLUMNS: &str = "i.id, i.project_id, p.slug, i.number, i.kind, i.value, i.title, i.culprit,
    i.level, i.platform, i.status, i.regressed_ms, i.handled, i.events, i.users,
    i.first_seen_ms, i.last_seen_ms, i.created_ms, i.first_release, i.last_release";

pub(super) fn issues(c: &Connection, filter: &IssueFilter, now_ms: u64) -> Result<Vec<Issue>> {
    let (index, column) = match filter.sort {
        IssueSort::LastSeen => ("issues_by_last_seen", "last_seen_ms"),
        IssueSort::FirstSeen => ("issues_by_first_seen", "first_seen_ms"),
        IssueSort::Events => ("issues_by_events", "events"),
        IssueSort::Users => ("issues_by_users", "users"),
    };
    // INDEXED BY turns a plan that would sort or scan into an error that a test sees.
    let mut sql = format!(
        "SELECT {COLUMNS} FROM issues i INDEXED BY {index} JOIN projects p ON p.id = i.project_id
         WHERE i.project_id = ? AND i.status = ?"
    );
    let mut values = vec![
        Value::from(int(filter.project_id)),
        Value::from(filter.status as i64),
    ];
    if let Some((value, id)) = filter.after {
        sql.push_str(&format!(" AND (i.{column}, i.id) < (?, ?)"));
        values.extend([Value::from(int(value)), Value::from(int(id))]);
    }
    if let Some(level) = filter.level {
        sql.push_str(" AND i.level = ?");
        values.push(Value::from(level as i64));
    }
    for (key, wanted) in [
        ("release", &filter.release),
        ("environment", &filter.environment),
    ] {
        if let Some(wanted) = wanted {
            sql.push_str(
                " AND EXISTS (SELECT 1 FROM issue_tags t
                   WHERE t.issue_id = i.id AND t.key = ? AND t.value = ?)",
            );
            values.extend([Value::from(key.to_owned()), Value::from(wanted.clone())]);
        }
    }
    for word in &filter.words {
        sql.push_str(" AND instr(i.haystack, ?) > 0");
        values.push(Value::from(word.to_lowercase()));
    }
    sql.push_str(&format!(" ORDER BY i.{column} DESC, i.id DESC LIMIT ?"));
    values.push(Value::from(int(filter.limit as u64)));

    let mut issues: Vec<Issue> = c
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), read)?
        .collect::<Result<_>>()?;
    for issue in &mut issues {
        issue.trend_24h = hours(c, issue.id, now_ms)?;
    }
    Ok(issues)
}

pub(super) fn issue(c: &Connection, id: u64, now_ms: u64) -> Result<Option<Issue>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM issues i JOIN projects p ON p.id = i.project_id WHERE i.id = ?1"
    );
    let Some(mut issue) = c
        .prepare_cached(&sql)?
        .query_row([int(id)], read)
        .optional()?
    else {
        return Ok(None);
    };
    issue.trend_24h = hours(c, id, now_ms)?;
    Ok(Some(issue))
}

fn read(row: &Row<'_>) -> Result<Issue> {
    Ok(Issue {
        id: uint(row.get(0)?),
        project_id: uint(row.get(1)?),
        project_slug: row.get(2)?,
        number: uint(row.get(3)?),
        kind: row.get(4)?,
        value: row.get(5)?,
        title: row.get(6)?,
        culprit: row.get(7)?,
        level: level(row.get(8)?),
        platform: row.get(9)?,
        status: status(row.get(10)?),
        regressed_ms: row.get::<_, Option<i64>>(11)?.map(uint),
        handled: row.get(12)?,
        events: uint(row.get(13)?),
        users: uint(row.get(14)?),
        first_seen_ms: uint(row.get(15)?),
        last_seen_ms: uint(row.get(16)?),
        created_ms: uint(row.get(17)?),
        first_release: row.get(18)?,
        last_release: row.get(19)?,
        trend_24h: Vec::new(),
    })
}

fn hours(c: &Connection, id: u64, now_ms: u64) -> Result<Vec<u64>> {
    let sql = "SELECT hour, events FROM issue_hours WHERE issue_id = ?1 AND hour BETWEEN ?2 AND ?3";
    trend(c, sql, id, now_ms / HOUR_MS, TREND_HOURS)
}

/// The last `length` buckets up to `newest`, oldest first; buckets without a row are 0.
fn trend(c: &Connection, sql: &str, id: u64, newest: u64, length: u64) -> Result<Vec<u64>> {
    let oldest = oldest_bucket(newest, length);
    let mut buckets = vec![0; length as usize];
    let mut statement = c.prepare_cached(sql)?;
    let mut rows = statement.query(params![int(id), int(oldest), int(newest)])?;
    while let Some(row) = rows.next()? {
        buckets[(uint(row.get(0)?) - oldest) as usize] = uint(row.get(1)?);
    }
    Ok(buckets)
}

pub(super) fn extras(c: &Connection, id: u64, now_ms: u64) -> Result<Option<IssueExtras>> {
    let grouping: Option<(String, String)> = c
        .prepare_cached("SELECT grouping_version, grouping_parts FROM issues WHERE id = ?1")?
        .query_row([int(id)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((grouping_version, parts)) = grouping else {
        return Ok(None);
    };
    let days = "SELECT day, events FROM issue_days WHERE issue_id = ?1 AND day BETWEEN ?2 AND ?3";
    Ok(Some(IssueExtras {
        trend_30d: trend(c, days, id, now_ms / DAY_MS, TREND_DAYS)?,
        tags: tags(c, id)?,
        grouping_version,
        grouping_parts: parts.lines().map(str::to_owned).collect(),
        latest_event_id: super::events::latest(c, id)?.map(|(_, id)| secret::hex(&id)),
    }))
}

fn tags(c: &Connection, id: u64) -> Result<Vec<TagCounts>> {
    let mut tags: Vec<TagCounts> = c
        .prepare_cached("SELECT key, events FROM issue_tag_keys WHERE issue_id = ?1 ORDER BY key")?
        .query_map([int(id)], |row| {
            Ok(TagCounts {
                key: row.get(0)?,
                total: uint(row.get(1)?),
                values: Vec::new(),
            })
        })?
        .collect::<Result<_>>()?;
    let mut top = c.prepare_cached(
        "SELECT value, events FROM issue_tags WHERE issue_id = ?1 AND key = ?2
         ORDER BY events DESC, value LIMIT ?3",
    )?;
    for tag in &mut tags {
        tag.values = top
            .query_map(params![int(id), tag.key, int(TOP_VALUES)], |row| {
                Ok((row.get(0)?, uint(row.get(1)?)))
            })?
            .collect::<Result<_>>()?;
    }
    Ok(tags)
}

pub(super) fn set_status(c: &Connection, id: u64, to: IssueStatus, now_ms: u64) -> Result<bool> {
    let before = c
        .query_row(
            "SELECT status, status_ms, regressed_ms FROM issues WHERE id = ?1",
            [int(id)],
            |row| {
                Ok(State {
                    status: status(row.get(0)?),
                    since_ms: uint(row.get(1)?),
                    regressed_ms: row.get::<_, Option<i64>>(2)?.map(uint),
                })
            },
        )
        .optional()?;
    let Some(before) = before else {
        return Ok(false);
    };
    let after = issue_state::on_decision(before, to, now_ms);
    c.execute(
        "UPDATE issues SET status = ?2, status_ms = ?3, regressed_ms = ?4 WHERE id = ?1",
        params![
            int(id),
            after.status as i64,
            int(after.since_ms),
            after.regressed_ms.map(int)
        ],
    )?;
    Ok(true)
}
