//! Events: pages, one with its payload and neighbours, attachments.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::{Attachment, EventFilter, EventSummary, EventsOf, StoredEvent};
use crate::store::rows::{int, level, uint};
use crate::store::{self, payload, secret};

const COLUMNS: &str = "key, event_id, project_id, issue_id, title, culprit, level, platform,
    timestamp_ms, received_ms, release, environment, user";

pub(super) fn events(c: &Connection, filter: &EventFilter) -> Result<Vec<EventSummary>> {
    let (index, column, id) = match filter.of {
        EventsOf::Issue(id) => ("events_by_issue", "issue_id", id),
        EventsOf::Project(id) => ("events_by_project", "project_id", id),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM events INDEXED BY {index}
         WHERE {column} = ?1 AND (timestamp_ms, key) < (?2, ?3)
         ORDER BY timestamp_ms DESC, key DESC LIMIT ?4"
    );
    let (timestamp_ms, key) = filter
        .after
        .map_or((i64::MAX, i64::MAX), |(t, k)| (int(t), int(k)));
    c.prepare_cached(&sql)?
        .query_map(
            params![int(id), timestamp_ms, key, int(filter.limit as u64)],
            read,
        )?
        .collect()
}

fn read(row: &Row<'_>) -> Result<EventSummary> {
    Ok(EventSummary {
        key: uint(row.get(0)?),
        id: secret::hex(&row.get::<_, [u8; 16]>(1)?),
        project_id: uint(row.get(2)?),
        issue_id: uint(row.get(3)?),
        title: row.get(4)?,
        culprit: row.get(5)?,
        level: level(row.get(6)?),
        platform: row.get(7)?,
        timestamp_ms: uint(row.get(8)?),
        received_ms: uint(row.get(9)?),
        release: row.get(10)?,
        environment: row.get(11)?,
        user: row.get(12)?,
    })
}

pub(super) fn projects(c: &Connection, event_id: [u8; 16]) -> Result<Vec<u64>> {
    c.prepare_cached("SELECT project_id FROM events WHERE event_id = ?1 ORDER BY project_id")?
        .query_map([event_id], |row| row.get(0).map(uint))?
        .collect()
}

pub(super) fn latest(c: &Connection, issue_id: u64) -> Result<Option<(u64, [u8; 16])>> {
    c.prepare_cached(
        "SELECT project_id, event_id FROM events INDEXED BY events_by_issue WHERE issue_id = ?1
         ORDER BY timestamp_ms DESC, key DESC LIMIT 1",
    )?
    .query_row([int(issue_id)], |row| Ok((uint(row.get(0)?), row.get(1)?)))
    .optional()
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

pub(super) fn event(c: &Connection, project_id: u64, event_id: [u8; 16]) -> Result<Option<Raw>> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE event_id = ?1 AND project_id = ?2");
    let summary = c
        .prepare_cached(&sql)?
        .query_row(params![event_id, int(project_id)], read)
        .optional()?;
    let Some(summary) = summary else {
        return Ok(None);
    };
    let neighbour = |comparison: &str, order: &str| -> Result<Option<String>> {
        c.prepare_cached(&format!(
            "SELECT event_id FROM events INDEXED BY events_by_issue
             WHERE issue_id = ?1 AND (timestamp_ms, key) {comparison} (?2, ?3)
             ORDER BY timestamp_ms {order}, key {order} LIMIT 1"
        ))?
        .query_row(
            params![
                int(summary.issue_id),
                int(summary.timestamp_ms),
                int(summary.key)
            ],
            |row| row.get::<_, [u8; 16]>(0),
        )
        .optional()
        .map(|id| id.map(|id| secret::hex(&id)))
    };
    let (previous_event_id, next_event_id) = (neighbour("<", "DESC")?, neighbour(">", "ASC")?);
    let packed = c
        .prepare_cached("SELECT payload FROM event_payloads WHERE key = ?1")?
        .query_row([int(summary.key)], |row| row.get(0))?;
    let attachments = c
        .prepare_cached(
            "SELECT id, filename, content_type, size FROM attachments
             WHERE event_key = ?1 ORDER BY id",
        )?
        .query_map([int(summary.key)], read_attachment)?
        .collect::<Result<_>>()?;
    Ok(Some(Raw {
        event: StoredEvent {
            summary,
            previous_event_id,
            next_event_id,
            payload: String::new(),
            attachments,
        },
        packed,
    }))
}

fn read_attachment(row: &Row<'_>) -> Result<Attachment> {
    Ok(Attachment {
        id: uint(row.get(0)?),
        filename: row.get(1)?,
        content_type: row.get(2)?,
        size: uint(row.get(3)?),
    })
}

pub(super) fn attachment(
    c: &Connection,
    project_id: u64,
    event_id: [u8; 16],
    attachment_id: u64,
) -> Result<Option<(Attachment, Vec<u8>)>> {
    c.prepare_cached(
        "SELECT a.id, a.filename, a.content_type, a.size, a.body
         FROM attachments a JOIN events e ON e.key = a.event_key
         WHERE a.id = ?1 AND e.event_id = ?2 AND e.project_id = ?3",
    )?
    .query_row(
        params![int(attachment_id), event_id, int(project_id)],
        |row| Ok((read_attachment(row)?, row.get(4)?)),
    )
    .optional()
}
