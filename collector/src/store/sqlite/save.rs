//! Stores a batch: one pass over the events, then one update per touched row.
//!
//! Counters are gathered in memory and written once per batch, so that a hundred events of one issue cost
//! one update of the issue and not a hundred. All of it happens in the caller's transaction.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::accounts;
use super::tags;
use super::{Batch, DigestedEvent, Saved};
use crate::digest::issue_state::State;
use crate::store::rows::{IssueRow, Tally, haystack, int, status, uint};

/// Stores `batch` and answers in the order of its events.
pub(super) fn save(c: &Connection, batch: &Batch) -> Result<Vec<Saved>> {
    let mut saver = Saver::new(c);
    let mut saved = Vec::with_capacity(batch.events.len());
    for event in &batch.events {
        let result = saver.event(event)?;
        saver.tally.saved(event, result);
        saved.push(result);
    }
    let mut set_aside = c.prepare_cached(
        "INSERT INTO poison_events (project_id, event_id, received_ms, reason, payload)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )?;
    for event in &batch.poison {
        let fresh = set_aside.execute(params![
            int(event.project_id),
            event.event_id,
            int(event.received_ms),
            event.reason,
            event.payload
        ])?;
        if fresh == 1 {
            saver
                .tally
                .outcome(event.received_ms, event.project_id, "invalid", event.code);
        }
    }
    saver.finish()?;
    accounts::add_outcomes(c, &batch.outcomes)?;
    Ok(saved)
}

struct Saver<'a> {
    c: &'a Connection,
    projects: HashMap<u64, Option<ProjectRow>>,
    /// By project, then fingerprint.
    issues: HashMap<u64, HashMap<&'a str, IssueRow<'a>>>,
    tally: Tally<'a>,
}

struct ProjectRow {
    last_number: u64,
    first_event_ms: Option<u64>,
    /// For the icon and the snippet; the first event tells it where no person did.
    platform: Option<String>,
    changed: bool,
}

impl<'a> Saver<'a> {
    fn new(c: &'a Connection) -> Self {
        Self {
            c,
            projects: HashMap::new(),
            issues: HashMap::new(),
            tally: Tally::default(),
        }
    }

    fn event(&mut self, event: &'a DigestedEvent) -> Result<Saved> {
        if !self.project(event)? {
            return Ok(Saved::NoProject);
        }
        let known = self
            .c
            .prepare_cached("SELECT 1 FROM events WHERE event_id = ?1 AND project_id = ?2")?
            .exists(params![event.event_id, int(event.project_id)])?;
        if known {
            return Ok(Saved::Duplicate);
        }
        let (saved, issue_id) = self.join_issue(event)?;
        self.insert(event, issue_id)?;
        self.tally.event(event, issue_id);
        Ok(saved)
    }

    /// Loads the event's project and notes its first event; false when there is no such project.
    fn project(&mut self, event: &DigestedEvent) -> Result<bool> {
        let id = event.project_id;
        if !self.projects.contains_key(&id) {
            let row = self
                .c
                .prepare_cached(
                    "SELECT last_number, first_event_ms, platform FROM projects WHERE id = ?1",
                )?
                .query_row([int(id)], |row| {
                    Ok(ProjectRow {
                        last_number: uint(row.get(0)?),
                        first_event_ms: row.get::<_, Option<i64>>(1)?.map(uint),
                        platform: row.get(2)?,
                        changed: false,
                    })
                })
                .optional()?;
            self.projects.insert(id, row);
        }
        let Some(project) = self.projects.get_mut(&id).and_then(Option::as_mut) else {
            return Ok(false);
        };
        if project.first_event_ms.is_none() {
            project.first_event_ms = Some(event.received_ms);
            project.changed = true;
        }
        if project.platform.is_none() && event.platform != "other" {
            project.platform = Some(event.platform.clone());
            project.changed = true;
        }
        Ok(true)
    }

    /// Finds or opens the event's issue and counts the event in it.
    fn join_issue(&mut self, event: &'a DigestedEvent) -> Result<(Saved, u64)> {
        let of_project = self.issues.entry(event.project_id).or_default();
        let mut opened = false;
        if !of_project.contains_key(event.fingerprint.as_str()) {
            let row = match load(self.c, event)? {
                Some(row) => row,
                None => {
                    opened = true;
                    let project = self.projects.get_mut(&event.project_id);
                    let number = project.and_then(Option::as_mut).map_or(1, |project| {
                        project.last_number += 1;
                        project.changed = true;
                        project.last_number
                    });
                    open(self.c, event, number)?
                }
            };
            of_project.insert(&event.fingerprint, row);
        }
        let issue = of_project
            .get_mut(event.fingerprint.as_str())
            .expect("the issue was inserted just above");
        let regressed = issue.add(event);
        let saved = match (opened, regressed) {
            (true, _) => Saved::NewIssue(issue.id),
            (false, true) => Saved::Regressed(issue.id),
            (false, false) => Saved::Existing(issue.id),
        };
        Ok((saved, issue.id))
    }

    fn insert(&self, event: &DigestedEvent, issue_id: u64) -> Result<()> {
        self.c
            .prepare_cached(
                "INSERT INTO events (project_id, event_id, issue_id, timestamp_ms, received_ms, level,
                    title, culprit, platform, release, environment, user)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                int(event.project_id),
                event.event_id,
                int(issue_id),
                int(event.timestamp_ms),
                int(event.received_ms),
                event.level as i64,
                event.title,
                event.culprit,
                event.platform,
                event.release,
                event.environment,
                event.user
            ])?;
        let key = self.c.last_insert_rowid();
        self.c
            .prepare_cached("INSERT INTO event_payloads (key, payload) VALUES (?1, ?2)")?
            .execute(params![key, event.payload])?;
        for file in &event.attachments {
            self.c
                .prepare_cached(
                    "INSERT INTO attachments (event_key, filename, content_type, size, body)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    key,
                    file.filename,
                    file.content_type,
                    int(file.size),
                    file.packed
                ])?;
        }
        Ok(())
    }

    /// Writes what was gathered.
    fn finish(self) -> Result<()> {
        let c = self.c;
        for (id, project) in &self.projects {
            if let Some(project) = project.as_ref().filter(|project| project.changed) {
                c.execute(
                    "UPDATE projects SET last_number = ?2, first_event_ms = ?3, platform = ?4
                     WHERE id = ?1",
                    params![
                        int(*id),
                        int(project.last_number),
                        project.first_event_ms.map(int),
                        project.platform
                    ],
                )?;
            }
        }
        // In order of their ids: neighbouring rows share pages.
        let mut issues: Vec<_> = self
            .issues
            .into_values()
            .flat_map(HashMap::into_values)
            .collect();
        issues.sort_unstable_by_key(|issue| issue.id);
        for issue in issues.iter().filter(|issue| issue.events > 0) {
            write(c, issue)?;
        }
        for (table, bucket, counts) in [
            ("issue_hours", "issue_id, hour", &self.tally.hours),
            ("issue_days", "issue_id, day", &self.tally.days),
            (
                "project_hours",
                "project_id, hour",
                &self.tally.project_hours,
            ),
        ] {
            let mut statement = c.prepare_cached(&format!(
                "INSERT INTO {table} ({bucket}, events) VALUES (?1, ?2, ?3)
                 ON CONFLICT ({bucket}) DO UPDATE SET events = events + excluded.events"
            ))?;
            for ((id, bucket), events) in counts {
                statement.execute(params![int(*id), int(*bucket), int(*events)])?;
            }
        }
        for tag in self.tally.tags() {
            tags::count(c, tag.issue_id, tag.key, tag.total, tag.values)?;
        }
        accounts::add_outcomes(c, &self.tally.outcomes())
    }
}

fn load<'a>(c: &Connection, event: &DigestedEvent) -> Result<Option<IssueRow<'a>>> {
    c.prepare_cached(
        "SELECT id, status, status_ms, regressed_ms, first_seen_ms, last_seen_ms,
            first_release, first_release_ms, last_release, last_release_ms
         FROM issues WHERE project_id = ?1 AND fingerprint = ?2",
    )?
    .query_row(params![int(event.project_id), event.fingerprint], |row| {
        let release = |text: usize, time: usize| -> Result<Option<(u64, Cow<'a, str>)>> {
            let (text, time): (Option<String>, Option<i64>) = (row.get(text)?, row.get(time)?);
            Ok(time.map(uint).zip(text.map(Cow::Owned)))
        };
        Ok(IssueRow {
            id: uint(row.get(0)?),
            state: State {
                status: status(row.get(1)?),
                since_ms: uint(row.get(2)?),
                regressed_ms: row.get::<_, Option<i64>>(3)?.map(uint),
            },
            events: 0,
            users: BTreeSet::new(),
            first_seen_ms: uint(row.get(4)?),
            last_seen_ms: uint(row.get(5)?),
            first_release: release(6, 7)?,
            last_release: release(8, 9)?,
            newest: None,
        })
    })
    .optional()
}

fn open<'a>(c: &Connection, event: &DigestedEvent, number: u64) -> Result<IssueRow<'a>> {
    let row = IssueRow::opened_by(event, 0);
    c.prepare_cached(
        "INSERT INTO issues (project_id, number, fingerprint, grouping_version, grouping_parts, kind,
            value, title, culprit, haystack, level, platform, handled, status, status_ms, events, users,
            first_seen_ms, last_seen_ms, created_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 0, 0, ?16, ?16, ?17)",
    )?
    .execute(params![
        int(event.project_id),
        int(number),
        event.fingerprint,
        event.grouping_version,
        event.grouping_parts.join("\n"),
        event.kind,
        event.value,
        event.title,
        event.culprit,
        haystack(event),
        event.level as i64,
        event.platform,
        event.handled,
        row.state.status as i64,
        int(row.state.since_ms),
        int(event.timestamp_ms),
        int(event.received_ms)
    ])?;
    Ok(IssueRow {
        id: uint(c.last_insert_rowid()),
        ..row
    })
}

/// Writes an issue back, with what the batch changed.
fn write(c: &Connection, row: &IssueRow<'_>) -> Result<()> {
    let mut remember =
        c.prepare_cached("INSERT OR IGNORE INTO issue_users (issue_id, identity) VALUES (?1, ?2)")?;
    let mut new_users = 0;
    for identity in &row.users {
        new_users += remember.execute(params![int(row.id), identity])?;
    }
    let time = |release: &Option<(u64, Cow<'_, str>)>| release.as_ref().map(|(time, _)| int(*time));
    c.prepare_cached(
        "UPDATE issues SET status = ?2, status_ms = ?3, regressed_ms = ?4, events = events + ?5,
                users = users + ?6, first_seen_ms = ?7, last_seen_ms = ?8, first_release = ?9,
                first_release_ms = ?10, last_release = ?11, last_release_ms = ?12
             WHERE id = ?1",
    )?
    .execute(params![
        int(row.id),
        row.state.status as i64,
        int(row.state.since_ms),
        row.state.regressed_ms.map(int),
        int(row.events),
        int(new_users as u64),
        int(row.first_seen_ms),
        int(row.last_seen_ms),
        row.first_release.as_ref().map(|(_, text)| text),
        time(&row.first_release),
        row.last_release.as_ref().map(|(_, text)| text),
        time(&row.last_release)
    ])?;
    if let Some(newest) = row.newest {
        c.prepare_cached(
            "UPDATE issues SET level = ?2, platform = ?3, handled = ?4 WHERE id = ?1",
        )?
        .execute(params![
            int(row.id),
            newest.level as i64,
            newest.platform,
            newest.handled
        ])?;
    }
    Ok(())
}
