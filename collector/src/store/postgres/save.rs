//! Stores a batch: loads what it touches, counts in memory, writes each table once. All of it in the caller's transaction.
//!
//! The order of the locks is the same for every batch (projects by id, issues by id, the account last), so two collectors
//! that digest into one data base may wait for each other but never in a ring.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::connection::{Connection, Failure};
use super::issues::state;
use super::{Batch, DigestedEvent, Saved, accounts, events, int, tags, text, uint};
use crate::store::rows::{IssueRow, Tally, haystack};

type Result<T> = std::result::Result<T, postgres::Error>;

/// Stores `batch` and answers in the order of its events.
pub(super) fn save(c: &mut Connection, batch: &Batch) -> std::result::Result<Vec<Saved>, Failure> {
    let mut projects = lock_projects(c, batch)?;
    let mut known = known_events(c, batch)?;
    let mut tally = Tally::default();

    // What is new, before any id is taken for it.
    let fates: Vec<Option<Saved>> = batch
        .events
        .iter()
        .map(|event| match projects.get_mut(&event.project_id) {
            None => Some(Saved::NoProject),
            Some(project) => {
                project.note(event);
                let fresh = known.insert((event.project_id, event.event_id));
                (!fresh).then_some(Saved::Duplicate)
            }
        })
        .collect();
    let fresh: Vec<&DigestedEvent> = batch
        .events
        .iter()
        .zip(&fates)
        .filter(|(_, fate)| fate.is_none())
        .map(|(event, _)| event)
        .collect();

    let mut issues = Issues::load(c, &fresh)?;
    let opened = issues.open(c, &fresh, &mut projects)?;
    let mut stored = Vec::with_capacity(fresh.len());
    let mut saved = Vec::with_capacity(batch.events.len());
    for (event, fate) in batch.events.iter().zip(fates) {
        let result = match fate {
            Some(fate) => fate,
            None => {
                let (result, issue_id) = issues.join(event);
                tally.event(event, issue_id);
                stored.push((event, issue_id));
                result
            }
        };
        tally.saved(event, result);
        saved.push(result);
    }

    insert_issues(c, &opened)?;
    insert_events(c, &stored)?;
    issues.write(c)?;
    for (sql, counts) in [
        (ISSUE_HOURS, &tally.hours),
        (ISSUE_DAYS, &tally.days),
        (PROJECT_HOURS, &tally.project_hours),
    ] {
        add_counts(c, sql, counts)?;
    }
    tags::count(c, &tally)?;
    write_projects(c, &projects)?;
    set_aside(c, batch, &mut tally)?;
    let own = tally.outcomes();
    accounts::add_outcomes(c, own.iter().chain(&batch.outcomes))?;
    Ok(saved)
}

struct Project {
    last_number: u64,
    first_event_ms: Option<u64>,
    /// For the icon and the snippet; the first event tells it where no person did.
    platform: Option<String>,
    changed: bool,
}

impl Project {
    fn note(&mut self, event: &DigestedEvent) {
        if self.first_event_ms.is_none() {
            self.first_event_ms = Some(event.received_ms);
            self.changed = true;
        }
        if self.platform.is_none() && event.platform != "other" {
            self.platform = Some(event.platform.clone());
            self.changed = true;
        }
    }
}

/// Loads the batch's projects and locks them against other batches, not against anything else.
fn lock_projects(c: &mut Connection, batch: &Batch) -> Result<BTreeMap<u64, Project>> {
    let ids: BTreeSet<i64> = batch.events.iter().map(|e| int(e.project_id)).collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    let rows = c.query(
        "SELECT id, last_number, first_event_ms, platform FROM projects WHERE id = ANY($1)
         ORDER BY id FOR NO KEY UPDATE",
        &[&ids],
    )?;
    let projects = rows.iter().map(|row| {
        let project = Project {
            last_number: uint(row.get(1)),
            first_event_ms: row.get::<_, Option<i64>>(2).map(uint),
            platform: row.get(3),
            changed: false,
        };
        (uint(row.get(0)), project)
    });
    Ok(projects.collect())
}

/// The batch's events that are stored already.
fn known_events(c: &mut Connection, batch: &Batch) -> Result<HashSet<(u64, [u8; 16])>> {
    let ids: Vec<&[u8]> = batch.events.iter().map(|e| &e.event_id[..]).collect();
    let rows = c.query(
        "SELECT project_id, event_id FROM events WHERE event_id = ANY($1)",
        &[&ids],
    )?;
    let known = rows
        .iter()
        .map(|row| (uint(row.get(0)), events::id(row.get(1))));
    Ok(known.collect())
}

/// The issues of a batch, by project and fingerprint.
struct Issues<'a> {
    rows: HashMap<(u64, &'a str), IssueRow<'a>>,
    /// Opened by this batch; the first event of each takes it out.
    unseen: HashSet<u64>,
}

/// An issue that the batch opens, with the event that does.
struct Opened<'a> {
    id: u64,
    number: u64,
    event: &'a DigestedEvent,
}

impl<'a> Issues<'a> {
    fn load(c: &mut Connection, events: &[&'a DigestedEvent]) -> Result<Self> {
        let keys: BTreeSet<(u64, &str)> = events
            .iter()
            .map(|event| (event.project_id, event.fingerprint.as_str()))
            .collect();
        let projects: Vec<i64> = keys.iter().map(|key| int(key.0)).collect();
        let fingerprints: Vec<_> = keys.iter().map(|key| text(key.1)).collect();
        let found = c.query(
            "SELECT i.project_id, i.fingerprint, i.id, i.status, i.status_ms, i.regressed_ms,
                i.first_seen_ms, i.last_seen_ms,
                i.first_release, i.first_release_ms, i.last_release, i.last_release_ms
             FROM unnest($1::bigint[], $2::text[]) AS w (project_id, fingerprint)
             JOIN issues i ON i.project_id = w.project_id AND i.fingerprint = w.fingerprint
             ORDER BY i.id FOR UPDATE OF i",
            &[&projects, &fingerprints],
        )?;
        // The texts of the keys live in the batch, those of the rows do not.
        let by_text: HashMap<(u64, Cow<'_, str>), &'a str> = events
            .iter()
            .map(|event| {
                let key = (event.project_id, text(&event.fingerprint));
                (key, event.fingerprint.as_str())
            })
            .collect();
        let mut rows = HashMap::new();
        for row in &found {
            let project_id = uint(row.get(0));
            let fingerprint: &str = row.get(1);
            let Some(fingerprint) = by_text.get(&(project_id, Cow::Borrowed(fingerprint))) else {
                continue;
            };
            let release = |first: usize| -> Option<(u64, Cow<'a, str>)> {
                let (text, time): (Option<String>, Option<i64>) =
                    (row.get(first), row.get(first + 1));
                time.map(uint).zip(text.map(Cow::Owned))
            };
            let issue = IssueRow {
                id: uint(row.get(2)),
                state: state(row, 3),
                events: 0,
                users: BTreeSet::new(),
                first_seen_ms: uint(row.get(6)),
                last_seen_ms: uint(row.get(7)),
                first_release: release(8),
                last_release: release(10),
                newest: None,
            };
            rows.insert((project_id, *fingerprint), issue);
        }
        Ok(Self {
            rows,
            unseen: HashSet::new(),
        })
    }

    /// Takes ids and numbers for the issues that the batch opens, in the order of its events.
    fn open(
        &mut self,
        c: &mut Connection,
        events: &[&'a DigestedEvent],
        projects: &mut BTreeMap<u64, Project>,
    ) -> Result<Vec<Opened<'a>>> {
        let mut seen = HashSet::new();
        let openers: Vec<&'a DigestedEvent> = events
            .iter()
            .copied()
            .filter(|event| {
                let key = (event.project_id, event.fingerprint.as_str());
                !self.rows.contains_key(&key) && seen.insert(key)
            })
            .collect();
        let ids = take_ids(c, "issues_id_seq", openers.len())?;
        let mut opened = Vec::with_capacity(openers.len());
        for (event, id) in openers.into_iter().zip(ids) {
            let number = projects.get_mut(&event.project_id).map_or(1, |project| {
                project.last_number += 1;
                project.changed = true;
                project.last_number
            });
            let key = (event.project_id, event.fingerprint.as_str());
            self.rows.insert(key, IssueRow::opened_by(event, id));
            self.unseen.insert(id);
            opened.push(Opened { id, number, event });
        }
        Ok(opened)
    }

    /// Counts the event in its issue.
    fn join(&mut self, event: &'a DigestedEvent) -> (Saved, u64) {
        let issue = self
            .rows
            .get_mut(&(event.project_id, event.fingerprint.as_str()))
            .expect("every issue of the batch was loaded or opened");
        let regressed = issue.add(event);
        let id = issue.id;
        let saved = if self.unseen.remove(&id) {
            Saved::NewIssue(id)
        } else if regressed {
            Saved::Regressed(id)
        } else {
            Saved::Existing(id)
        };
        (saved, id)
    }

    /// Writes back what the batch changed.
    fn write(self, c: &mut Connection) -> Result<()> {
        let mut rows: Vec<IssueRow<'a>> = self.rows.into_values().collect();
        if rows.is_empty() {
            return Ok(());
        }
        rows.sort_unstable_by_key(|row| row.id);
        let new_users = remember_users(c, &rows)?;

        let column = |of: fn(&IssueRow<'a>) -> i64| rows.iter().map(of).collect::<Vec<i64>>();
        let time = |release: &Option<(u64, Cow<'a, str>)>| release.as_ref().map(|r| int(r.0));
        let named = |release: &'_ Option<(u64, Cow<'a, str>)>| {
            release.as_ref().map(|r| text(&r.1).into_owned())
        };
        let users: Vec<i64> = rows
            .iter()
            .map(|row| new_users.get(&row.id).copied().unwrap_or(0))
            .collect();
        let regressed: Vec<Option<i64>> =
            rows.iter().map(|r| r.state.regressed_ms.map(int)).collect();
        let first_release: Vec<_> = rows.iter().map(|r| named(&r.first_release)).collect();
        let first_release_ms: Vec<_> = rows.iter().map(|r| time(&r.first_release)).collect();
        let last_release: Vec<_> = rows.iter().map(|r| named(&r.last_release)).collect();
        let last_release_ms: Vec<_> = rows.iter().map(|r| time(&r.last_release)).collect();
        let levels: Vec<Option<i64>> = rows
            .iter()
            .map(|r| r.newest.map(|newest| newest.level as i64))
            .collect();
        let platforms: Vec<_> = rows
            .iter()
            .map(|r| r.newest.map(|newest| text(&newest.platform)))
            .collect();
        let handled: Vec<Option<bool>> = rows
            .iter()
            .map(|r| r.newest.and_then(|newest| newest.handled))
            .collect();
        c.execute(
            "UPDATE issues i SET status = w.status, status_ms = w.status_ms, regressed_ms = w.regressed_ms,
                events = i.events + w.events, users = i.users + w.users,
                first_seen_ms = w.first_seen_ms, last_seen_ms = w.last_seen_ms,
                first_release = w.first_release, first_release_ms = w.first_release_ms,
                last_release = w.last_release, last_release_ms = w.last_release_ms,
                level = COALESCE(w.level, i.level), platform = COALESCE(w.platform, i.platform),
                handled = CASE WHEN w.level IS NULL THEN i.handled ELSE w.handled END
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::bigint[], $8::bigint[], $9::text[], $10::bigint[], $11::text[], $12::bigint[],
                $13::bigint[], $14::text[], $15::boolean[])
                AS w (id, status, status_ms, regressed_ms, events, users, first_seen_ms, last_seen_ms,
                first_release, first_release_ms, last_release, last_release_ms, level, platform, handled)
             WHERE i.id = w.id",
            &[
                &column(|r| int(r.id)),
                &column(|r| r.state.status as i64),
                &column(|r| int(r.state.since_ms)),
                &regressed,
                &column(|r| int(r.events)),
                &users,
                &column(|r| int(r.first_seen_ms)),
                &column(|r| int(r.last_seen_ms)),
                &first_release,
                &first_release_ms,
                &last_release,
                &last_release_ms,
                &levels,
                &platforms,
                &handled,
            ],
        )
        .map(drop)
    }
}

/// The next numbers of a sequence, ascending.
fn take_ids(c: &mut Connection, sequence: &str, count: usize) -> Result<Vec<u64>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT nextval('{sequence}') FROM generate_series(1, $1::bigint)");
    let rows = c.query(&sql, &[&int(count as u64)])?;
    let mut ids: Vec<u64> = rows.iter().map(|row| uint(row.get(0))).collect();
    ids.sort_unstable();
    Ok(ids)
}

fn insert_issues(c: &mut Connection, opened: &[Opened<'_>]) -> Result<()> {
    if opened.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&Opened<'_>) -> i64| opened.iter().map(of).collect::<Vec<i64>>();
    let texts = |of: fn(&DigestedEvent) -> &str| {
        let texts = opened
            .iter()
            .map(|issue| text(of(issue.event)).into_owned());
        texts.collect::<Vec<String>>()
    };
    let parts: Vec<_> = opened
        .iter()
        .map(|issue| text(&issue.event.grouping_parts.join("\n")).into_owned())
        .collect();
    let haystacks: Vec<_> = opened
        .iter()
        .map(|issue| text(&haystack(issue.event)).into_owned())
        .collect();
    let handled: Vec<Option<bool>> = opened.iter().map(|issue| issue.event.handled).collect();
    c.execute(
        "INSERT INTO issues (id, project_id, number, fingerprint, grouping_version, grouping_parts, kind,
            value, title, culprit, haystack, level, platform, handled, status, status_ms, events, users,
            first_seen_ms, last_seen_ms, created_ms)
         SELECT id, project_id, number, fingerprint, grouping_version, grouping_parts, kind,
            value, title, culprit, haystack, level, platform, handled, 0, received_ms, 0, 0,
            timestamp_ms, timestamp_ms, received_ms
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::boolean[],
            $15::bigint[], $16::bigint[])
            AS w (id, project_id, number, fingerprint, grouping_version, grouping_parts, kind,
            value, title, culprit, haystack, level, platform, handled, received_ms, timestamp_ms)",
        &[
            &column(|i| int(i.id)),
            &column(|i| int(i.event.project_id)),
            &column(|i| int(i.number)),
            &texts(|e| &e.fingerprint),
            &texts(|e| &e.grouping_version),
            &parts,
            &texts(|e| &e.kind),
            &texts(|e| &e.value),
            &texts(|e| &e.title),
            &texts(|e| &e.culprit),
            &haystacks,
            &column(|i| i.event.level as i64),
            &texts(|e| &e.platform),
            &handled,
            &column(|i| int(i.event.received_ms)),
            &column(|i| int(i.event.timestamp_ms)),
        ],
    )
    .map(drop)
}

fn insert_events(c: &mut Connection, stored: &[(&DigestedEvent, u64)]) -> Result<()> {
    if stored.is_empty() {
        return Ok(());
    }
    let keys = take_ids(c, "events_key_seq", stored.len())?;
    let keys: Vec<i64> = keys.into_iter().map(int).collect();
    let column =
        |of: fn(&DigestedEvent) -> i64| stored.iter().map(|(e, _)| of(e)).collect::<Vec<i64>>();
    let issues: Vec<i64> = stored.iter().map(|(_, issue)| int(*issue)).collect();
    let ids: Vec<&[u8]> = stored.iter().map(|(e, _)| &e.event_id[..]).collect();
    let titles: Vec<_> = stored.iter().map(|(e, _)| text(&e.title)).collect();
    let culprits: Vec<_> = stored.iter().map(|(e, _)| text(&e.culprit)).collect();
    let platforms: Vec<_> = stored.iter().map(|(e, _)| text(&e.platform)).collect();
    let optional = |of: fn(&DigestedEvent) -> Option<&str>| {
        let texts = stored
            .iter()
            .map(|(e, _)| of(e).map(|t| text(t).into_owned()));
        texts.collect::<Vec<Option<String>>>()
    };
    c.execute(
        "INSERT INTO events (key, project_id, event_id, issue_id, timestamp_ms, received_ms, level,
            title, culprit, platform, release, environment, user_label)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[],
            $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])",
        &[
            &keys,
            &column(|e| int(e.project_id)),
            &ids,
            &issues,
            &column(|e| int(e.timestamp_ms)),
            &column(|e| int(e.received_ms)),
            &column(|e| e.level as i64),
            &titles,
            &culprits,
            &platforms,
            &optional(|e| e.release.as_deref()),
            &optional(|e| e.environment.as_deref()),
            &optional(|e| e.user.as_deref()),
        ],
    )?;
    let payloads: Vec<&[u8]> = stored.iter().map(|(e, _)| &e.payload[..]).collect();
    c.execute(
        "INSERT INTO event_payloads (key, payload) SELECT * FROM unnest($1::bigint[], $2::bytea[])",
        &[&keys, &payloads],
    )?;
    insert_attachments(c, stored, &keys)
}

fn insert_attachments(
    c: &mut Connection,
    stored: &[(&DigestedEvent, u64)],
    keys: &[i64],
) -> Result<()> {
    let files: Vec<_> = stored
        .iter()
        .zip(keys)
        .flat_map(|((event, _), key)| event.attachments.iter().map(move |file| (*key, file)))
        .collect();
    if files.is_empty() {
        return Ok(());
    }
    let owners: Vec<i64> = files.iter().map(|(key, _)| *key).collect();
    let names: Vec<_> = files.iter().map(|(_, f)| text(&f.filename)).collect();
    let types: Vec<_> = files.iter().map(|(_, f)| text(&f.content_type)).collect();
    let sizes: Vec<i64> = files.iter().map(|(_, f)| int(f.size)).collect();
    let bodies: Vec<&[u8]> = files.iter().map(|(_, f)| &f.packed[..]).collect();
    c.execute(
        "INSERT INTO attachments (event_key, filename, content_type, size, body)
         SELECT event_key, filename, content_type, size, body
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])
            WITH ORDINALITY AS w (event_key, filename, content_type, size, body, n) ORDER BY n",
        &[&owners, &names, &types, &sizes, &bodies],
    )
    .map(drop)
}

/// Remembers the users of a batch; gives how many of them are new, by issue.
fn remember_users(c: &mut Connection, rows: &[IssueRow<'_>]) -> Result<HashMap<u64, i64>> {
    let pairs = || {
        rows.iter()
            .flat_map(|row| row.users.iter().map(move |user| (int(row.id), &user[..])))
    };
    let issues: Vec<i64> = pairs().map(|pair| pair.0).collect();
    let users: Vec<&[u8]> = pairs().map(|pair| pair.1).collect();
    let mut fresh = HashMap::new();
    if issues.is_empty() {
        return Ok(fresh);
    }
    let inserted = c.query(
        "INSERT INTO issue_users (issue_id, identity) SELECT * FROM unnest($1::bigint[], $2::bytea[])
         ON CONFLICT DO NOTHING RETURNING issue_id",
        &[&issues, &users],
    )?;
    for row in &inserted {
        *fresh.entry(uint(row.get(0))).or_default() += 1;
    }
    Ok(fresh)
}

const ISSUE_HOURS: &str = "INSERT INTO issue_hours (issue_id, hour, events)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
    ON CONFLICT (issue_id, hour) DO UPDATE SET events = issue_hours.events + excluded.events";
const ISSUE_DAYS: &str = "INSERT INTO issue_days (issue_id, day, events)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
    ON CONFLICT (issue_id, day) DO UPDATE SET events = issue_days.events + excluded.events";
const PROJECT_HOURS: &str = "INSERT INTO project_hours (project_id, hour, events)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
    ON CONFLICT (project_id, hour) DO UPDATE SET events = project_hours.events + excluded.events";

fn add_counts(c: &mut Connection, sql: &str, counts: &BTreeMap<(u64, u64), u64>) -> Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    let owners: Vec<i64> = counts.keys().map(|key| int(key.0)).collect();
    let buckets: Vec<i64> = counts.keys().map(|key| int(key.1)).collect();
    let events: Vec<i64> = counts.values().map(|count| int(*count)).collect();
    c.execute(sql, &[&owners, &buckets, &events]).map(drop)
}

fn write_projects(c: &mut Connection, projects: &BTreeMap<u64, Project>) -> Result<()> {
    for (id, project) in projects.iter().filter(|(_, project)| project.changed) {
        c.execute(
            "UPDATE projects SET last_number = $2, first_event_ms = $3, platform = $4 WHERE id = $1",
            &[
                &int(*id),
                &int(project.last_number),
                &project.first_event_ms.map(int),
                &project.platform.as_deref().map(text),
            ],
        )?;
    }
    Ok(())
}

/// Keeps the events that could not be digested, each once.
fn set_aside(c: &mut Connection, batch: &Batch, tally: &mut Tally<'_>) -> Result<()> {
    for event in &batch.poison {
        let fresh = c.execute(
            "INSERT INTO poison_events (project_id, event_id, received_ms, reason, payload)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            &[
                &int(event.project_id),
                &&event.event_id[..],
                &int(event.received_ms),
                &text(&event.reason),
                &&event.payload[..],
            ],
        )?;
        if fresh == 1 {
            tally.outcome(event.received_ms, event.project_id, "invalid", event.code);
        }
    }
    Ok(())
}
