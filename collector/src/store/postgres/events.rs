//! Events: pages, one with its payload and neighbours, attachments.

use postgres::{Error, Row};

use super::connection::Connection;
use super::{Attachment, EventFilter, EventSummary, EventsOf, StoredEvent, int, uint};
use crate::store::rows::level;
use crate::store::{self, payload, secret};

type Result<T> = std::result::Result<T, Error>;

const COLUMNS: &str = "key, event_id, project_id, issue_id, title, culprit, level, platform,
    timestamp_ms, received_ms, release, environment, user_label";

pub(super) fn events(c: &mut Connection, filter: &EventFilter) -> Result<Vec<EventSummary>> {
    let (column, id) = match filter.of {
        EventsOf::Issue(id) => ("issue_id", id),
        EventsOf::Project(id) => ("project_id", id),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM events
         WHERE {column} = $1 AND (timestamp_ms, key) < ($2, $3)
         ORDER BY timestamp_ms DESC, key DESC LIMIT $4"
    );
    let (timestamp_ms, key) = filter
        .after
        .map_or((i64::MAX, i64::MAX), |(t, k)| (int(t), int(k)));
    let rows = c.query(
        &sql,
        &[&int(id), &timestamp_ms, &key, &int(filter.limit as u64)],
    )?;
    Ok(rows.iter().map(read).collect())
}

fn read(row: &Row) -> EventSummary {
    EventSummary {
        key: uint(row.get(0)),
        id: secret::hex(row.get(1)),
        project_id: uint(row.get(2)),
        issue_id: uint(row.get(3)),
        title: row.get(4),
        culprit: row.get(5),
        level: level(row.get(6)),
        platform: row.get(7),
        timestamp_ms: uint(row.get(8)),
        received_ms: uint(row.get(9)),
        release: row.get(10),
        environment: row.get(11),
        user: row.get(12),
    }
}

pub(super) fn projects(c: &mut Connection, event_id: [u8; 16]) -> Result<Vec<u64>> {
    let rows = c.query(
        "SELECT project_id FROM events WHERE event_id = $1 ORDER BY project_id",
        &[&event_id.as_slice()],
    )?;
    Ok(rows.iter().map(|row| uint(row.get(0))).collect())
}

pub(super) fn latest(c: &mut Connection, issue_id: u64) -> Result<Option<(u64, [u8; 16])>> {
    let row = c.query_opt(
        "SELECT project_id, event_id FROM events WHERE issue_id = $1
         ORDER BY timestamp_ms DESC, key DESC LIMIT 1",
        &[&int(issue_id)],
    )?;
    Ok(row.map(|row| (uint(row.get(0)), id(row.get(1)))))
}

/// The column only ever holds sixteen bytes.
pub(super) fn id(column: &[u8]) -> [u8; 16] {
    column.try_into().unwrap_or_default()
}

/// An event as read in one snapshot; unpacked after the connection was given back.
pub(super) struct Raw {
    event: StoredEvent,
    packed: Vec<u8>,
}

impl Raw {
    pub(super) fn unpack(mut self) -> store::Result<StoredEvent> {
        let bytes = payload::unpack(&self.packed)?;
        self.event.payload = String::from_utf8(bytes)
            .map_err(|error| store::Error::unavailable("read a stored payload as text", error))?;
        Ok(self.event)
    }
}

pub(super) fn event(
    c: &mut Connection,
    project_id: u64,
    event_id: [u8; 16],
) -> Result<Option<Raw>> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE event_id = $1 AND project_id = $2");
    let row = c.query_opt(&sql, &[&event_id.as_slice(), &int(project_id)])?;
    let Some(summary) = row.as_ref().map(read) else {
        return Ok(None);
    };
    let previous_event_id = neighbour(c, &summary, "<", "DESC")?;
    let next_event_id = neighbour(c, &summary, ">", "ASC")?;
    let packed = c.query_opt(
        "SELECT payload FROM event_payloads WHERE key = $1",
        &[&int(summary.key)],
    )?;
    let attachments = c.query(
        "SELECT id, filename, content_type, size FROM attachments WHERE event_key = $1 ORDER BY id",
        &[&int(summary.key)],
    )?;
    Ok(Some(Raw {
        event: StoredEvent {
            summary,
            previous_event_id,
            next_event_id,
            payload: String::new(),
            attachments: attachments.iter().map(read_attachment).collect(),
        },
        // A missing payload shows as a damaged one, with the error of an empty text.
        packed: packed.map_or_else(Vec::new, |row| row.get(0)),
    }))
}

fn neighbour(
    c: &mut Connection,
    of: &EventSummary,
    comparison: &str,
    order: &str,
) -> Result<Option<String>> {
    let sql = format!(
        "SELECT event_id FROM events WHERE issue_id = $1 AND (timestamp_ms, key) {comparison} ($2, $3)
         ORDER BY timestamp_ms {order}, key {order} LIMIT 1"
    );
    let row = c.query_opt(
        &sql,
        &[&int(of.issue_id), &int(of.timestamp_ms), &int(of.key)],
    )?;
    Ok(row.map(|row| secret::hex(row.get(0))))
}

fn read_attachment(row: &Row) -> Attachment {
    Attachment {
        id: uint(row.get(0)),
        filename: row.get(1),
        content_type: row.get(2),
        size: uint(row.get(3)),
    }
}

pub(super) fn attachment(
    c: &mut Connection,
    project_id: u64,
    event_id: [u8; 16],
    attachment_id: u64,
) -> Result<Option<(Attachment, Vec<u8>)>> {
    let row = c.query_opt(
        "SELECT a.id, a.filename, a.content_type, a.size, a.body
         FROM attachments a JOIN events e ON e.key = a.event_key
         WHERE a.id = $1 AND e.event_id = $2 AND e.project_id = $3",
        &[&int(attachment_id), &event_id.as_slice(), &int(project_id)],
    )?;
    Ok(row.map(|row| (read_attachment(&row), row.get(4))))
}
