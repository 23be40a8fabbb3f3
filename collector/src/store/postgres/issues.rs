//! Issues: pages, one by one, their trends and tag counts.

use postgres::types::ToSql;
use postgres::{Error, Row};

use super::connection::Connection;
use super::{Issue, IssueExtras, IssueFilter, IssueSort, IssueStatus, TagCounts, int, text, uint};
use crate::digest::issue_state::{self, State};
use crate::store::rows::{
    DAY_MS, HOUR_MS, TOP_VALUES, TREND_DAYS, TREND_HOURS, level, oldest_bucket, status,
};
use crate::store::secret;

type Result<T> = std::result::Result<T, Error>;

const COLUMNS: &str = "i.id, i.project_id, p.slug, i.number, i.kind, i.value, i.title, i.culprit,
    i.level, i.platform, i.status, i.regressed_ms, i.handled, i.events, i.users,
    i.first_seen_ms, i.last_seen_ms, i.created_ms, i.first_release, i.last_release";

pub(super) fn issues(c: &mut Connection, filter: &IssueFilter, now_ms: u64) -> Result<Vec<Issue>> {
    let column = match filter.sort {
        IssueSort::LastSeen => "last_seen_ms",
        IssueSort::FirstSeen => "first_seen_ms",
        IssueSort::Events => "events",
        IssueSort::Users => "users",
    };
    let mut values: Vec<Box<dyn ToSql + Sync>> = Vec::new();
    let mut bind = |value: Box<dyn ToSql + Sync>| {
        values.push(value);
        format!("${}", values.len())
    };
    let mut sql = format!(
        "SELECT {COLUMNS} FROM issues i JOIN projects p ON p.id = i.project_id
         WHERE i.project_id = {} AND i.status = {}",
        bind(Box::new(int(filter.project_id))),
        bind(Box::new(filter.status as i64))
    );
    if let Some((value, id)) = filter.after {
        sql.push_str(&format!(
            " AND (i.{column}, i.id) < ({}, {})",
            bind(Box::new(int(value))),
            bind(Box::new(int(id)))
        ));
    }
    if let Some(level) = filter.level {
        sql.push_str(&format!(" AND i.level = {}", bind(Box::new(level as i64))));
    }
    for (key, wanted) in [
        ("release", &filter.release),
        ("environment", &filter.environment),
    ] {
        if let Some(wanted) = wanted {
            sql.push_str(&format!(
                " AND EXISTS (SELECT 1 FROM issue_tags t
                   WHERE t.issue_id = i.id AND t.key = '{key}' AND t.value = {})",
                bind(Box::new(text(wanted).into_owned()))
            ));
        }
    }
    for word in &filter.words {
        let word = text(word).to_lowercase();
        sql.push_str(&format!(
            " AND strpos(i.haystack, {}) > 0",
            bind(Box::new(word))
        ));
    }
    sql.push_str(&format!(
        " ORDER BY i.{column} DESC, i.id DESC LIMIT {}",
        bind(Box::new(int(filter.limit as u64)))
    ));
    let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value).collect();
    let rows = c.query(&sql, &params)?;
    with_trends(c, &rows, now_ms)
}

pub(super) fn issue(c: &mut Connection, id: u64, now_ms: u64) -> Result<Option<Issue>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM issues i JOIN projects p ON p.id = i.project_id WHERE i.id = $1"
    );
    let rows = c.query(&sql, &[&int(id)])?;
    Ok(with_trends(c, &rows, now_ms)?.pop())
}

fn read(row: &Row) -> Issue {
    Issue {
        id: uint(row.get(0)),
        project_id: uint(row.get(1)),
        project_slug: row.get(2),
        number: uint(row.get(3)),
        kind: row.get(4),
        value: row.get(5),
        title: row.get(6),
        culprit: row.get(7),
        level: level(row.get(8)),
        platform: row.get(9),
        status: status(row.get(10)),
        regressed_ms: row.get::<_, Option<i64>>(11).map(uint),
        handled: row.get(12),
        events: uint(row.get(13)),
        users: uint(row.get(14)),
        first_seen_ms: uint(row.get(15)),
        last_seen_ms: uint(row.get(16)),
        created_ms: uint(row.get(17)),
        first_release: row.get(18),
        last_release: row.get(19),
        trend_24h: vec![0; TREND_HOURS as usize],
    }
}

/// The issues of `rows` with their last hours, read for all of them at once.
fn with_trends(c: &mut Connection, rows: &[Row], now_ms: u64) -> Result<Vec<Issue>> {
    let mut issues: Vec<Issue> = rows.iter().map(read).collect();
    let newest = now_ms / HOUR_MS;
    let oldest = oldest_bucket(newest, TREND_HOURS);
    let ids: Vec<i64> = issues.iter().map(|issue| int(issue.id)).collect();
    let hours = c.query(
        "SELECT issue_id, hour, events FROM issue_hours
         WHERE issue_id = ANY($1) AND hour BETWEEN $2 AND $3",
        &[&ids, &int(oldest), &int(newest)],
    )?;
    for row in &hours {
        let id = uint(row.get(0));
        if let Some(issue) = issues.iter_mut().find(|issue| issue.id == id) {
            issue.trend_24h[(uint(row.get(1)) - oldest) as usize] = uint(row.get(2));
        }
    }
    Ok(issues)
}

pub(super) fn extras(c: &mut Connection, id: u64, now_ms: u64) -> Result<Option<IssueExtras>> {
    let grouping = c.query_opt(
        "SELECT grouping_version, grouping_parts FROM issues WHERE id = $1",
        &[&int(id)],
    )?;
    let Some(grouping) = grouping else {
        return Ok(None);
    };
    let newest = now_ms / DAY_MS;
    let oldest = oldest_bucket(newest, TREND_DAYS);
    let days = c.query(
        "SELECT day, events FROM issue_days WHERE issue_id = $1 AND day BETWEEN $2 AND $3",
        &[&int(id), &int(oldest), &int(newest)],
    )?;
    let mut trend_30d = vec![0; TREND_DAYS as usize];
    for row in &days {
        trend_30d[(uint(row.get(0)) - oldest) as usize] = uint(row.get(1));
    }
    let parts: String = grouping.get(1);
    Ok(Some(IssueExtras {
        trend_30d,
        tags: tags(c, id)?,
        grouping_version: grouping.get(0),
        grouping_parts: parts.lines().map(str::to_owned).collect(),
        latest_event_id: super::events::latest(c, id)?.map(|(_, id)| secret::hex(&id)),
    }))
}

fn tags(c: &mut Connection, id: u64) -> Result<Vec<TagCounts>> {
    let rows = c.query(
        "SELECT k.key, k.events, v.value, v.events FROM issue_tag_keys k
         LEFT JOIN LATERAL (
            SELECT t.value, t.events FROM issue_tags t WHERE t.issue_id = k.issue_id AND t.key = k.key
            ORDER BY t.events DESC, t.value LIMIT $2) v ON true
         WHERE k.issue_id = $1 ORDER BY k.key, v.events DESC, v.value",
        &[&int(id), &int(TOP_VALUES)],
    )?;
    let mut tags: Vec<TagCounts> = Vec::new();
    for row in &rows {
        let key: &str = row.get(0);
        if tags.last().is_none_or(|tag| tag.key != key) {
            tags.push(TagCounts {
                key: key.to_owned(),
                total: uint(row.get(1)),
                values: Vec::new(),
            });
        }
        let value: Option<String> = row.get(2);
        if let (Some(tag), Some(value)) = (tags.last_mut(), value) {
            tag.values.push((value, uint(row.get(3))));
        }
    }
    Ok(tags)
}

pub(super) fn set_status(
    c: &mut Connection,
    id: u64,
    to: IssueStatus,
    now_ms: u64,
) -> Result<bool> {
    // Locked: a batch that reopens it now must not be overwritten.
    let row = c.query_opt(
        "SELECT status, status_ms, regressed_ms FROM issues WHERE id = $1 FOR UPDATE",
        &[&int(id)],
    )?;
    let Some(row) = row else {
        return Ok(false);
    };
    let before = state(&row, 0);
    let after = issue_state::on_decision(before, to, now_ms);
    c.execute(
        "UPDATE issues SET status = $2, status_ms = $3, regressed_ms = $4 WHERE id = $1",
        &[
            &int(id),
            &(after.status as i64),
            &int(after.since_ms),
            &after.regressed_ms.map(int),
        ],
    )?;
    Ok(true)
}

/// The state in three columns from `first` on.
pub(super) fn state(row: &Row, first: usize) -> State {
    State {
        status: status(row.get(first)),
        since_ms: uint(row.get(first + 1)),
        regressed_ms: row.get::<_, Option<i64>>(first + 2).map(uint),
    }
}
