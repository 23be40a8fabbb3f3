//! What the tables of every back end have in common: how figures, levels and states stand in columns, and what a batch of
//! events changes in an issue and in the counters. The rules are here once; a back end only loads and writes rows.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{DigestedEvent, IssueStatus, Level, OutcomeCount, OutcomeTotals, Saved};
use crate::digest::issue_state::{self, State};

pub(super) const HOUR_MS: u64 = 3_600_000;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;
/// Bars of the small trends: of an issue and of a project.
pub(super) const TREND_HOURS: u64 = 24;
/// Bars of an issue's large trend.
pub(super) const TREND_DAYS: u64 = 30;
/// Tags counted per issue; an app that makes up tag names must not grow the table without bound.
pub(super) const MAX_TAG_KEYS: u64 = 100;
/// Values counted per tag of an issue; further ones only count towards the tag's total.
pub(super) const MAX_TAG_VALUES: u64 = 500;
/// Values shown per tag.
pub(super) const TOP_VALUES: u64 = 10;
/// The setting that holds the admin password's hash.
pub(super) const ADMIN_PASSWORD: &str = "admin_password";

/// An unsigned figure as a column keeps it. Ours are times, counts and ids, all below 2^63.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A figure read back; columns never hold negative ones.
pub(super) fn uint(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// The level of its column; the column only ever holds what [`Level`] has.
pub(super) fn level(column: i64) -> Level {
    [
        Level::Debug,
        Level::Info,
        Level::Warning,
        Level::Error,
        Level::Fatal,
    ]
    .into_iter()
    .find(|level| *level as i64 == column)
    .unwrap_or(Level::Error)
}

/// The status of its column.
pub(super) fn status(column: i64) -> IssueStatus {
    usize::try_from(column)
        .ok()
        .and_then(|n| IssueStatus::ALL.get(n))
        .map_or(IssueStatus::Unresolved, |s| s.0)
}

/// What text search of issues looks through: title and culprit in lower case.
pub(super) fn haystack(event: &DigestedEvent) -> String {
    format!("{}\n{}", event.title, event.culprit).to_lowercase()
}

/// An issue as it stands in a batch's transaction.
pub(super) struct IssueRow<'a> {
    pub(super) id: u64,
    pub(super) state: State,
    /// Events of this batch.
    pub(super) events: u64,
    /// Hashes of the users of this batch.
    pub(super) users: BTreeSet<[u8; 16]>,
    pub(super) first_seen_ms: u64,
    pub(super) last_seen_ms: u64,
    pub(super) first_release: Option<(u64, Cow<'a, str>)>,
    pub(super) last_release: Option<(u64, Cow<'a, str>)>,
    /// The newest event of the batch, unless an older batch brought a newer one.
    pub(super) newest: Option<&'a DigestedEvent>,
}

impl<'a> IssueRow<'a> {
    /// The issue that `event` opens; the event itself is not counted yet.
    pub(super) fn opened_by(event: &DigestedEvent, id: u64) -> Self {
        Self {
            id,
            state: issue_state::opened(event.received_ms),
            events: 0,
            users: BTreeSet::new(),
            first_seen_ms: event.timestamp_ms,
            last_seen_ms: event.timestamp_ms,
            first_release: None,
            last_release: None,
            newest: None,
        }
    }

    /// Counts an event; true when it reopened the issue.
    pub(super) fn add(&mut self, event: &'a DigestedEvent) -> bool {
        let time = event.timestamp_ms;
        self.events += 1;
        self.users.extend(event.user_hash);
        self.first_seen_ms = self.first_seen_ms.min(time);
        if time >= self.last_seen_ms {
            self.last_seen_ms = time;
            self.newest = Some(event);
        }
        if let Some(release) = &event.release {
            if self
                .first_release
                .as_ref()
                .is_none_or(|(first, _)| time < *first)
            {
                self.first_release = Some((time, Cow::Borrowed(release)));
            }
            if self
                .last_release
                .as_ref()
                .is_none_or(|(last, _)| time >= *last)
            {
                self.last_release = Some((time, Cow::Borrowed(release)));
            }
        }
        let before = self.state.status;
        self.state = issue_state::on_event(self.state, time, event.received_ms);
        before != self.state.status
    }
}

/// The counters that a batch moves. Gathered in memory and written once, so that a hundred events of one issue cost one
/// update of each of its rows and not a hundred.
#[derive(Default)]
pub(super) struct Tally<'a> {
    /// Events by issue and hour.
    pub(super) hours: BTreeMap<(u64, u64), u64>,
    /// Events by issue and day.
    pub(super) days: BTreeMap<(u64, u64), u64>,
    /// Events by project and hour.
    pub(super) project_hours: BTreeMap<(u64, u64), u64>,
    /// Events by issue and tag, then value.
    tags: BTreeMap<(u64, &'a str), BTreeMap<&'a str, u64>>,
    /// By hour, project, outcome, reason.
    outcomes: BTreeMap<(u64, u64, &'static str, &'static str), u64>,
}

/// A tag of an issue as a batch counted it.
pub(super) struct TagTally<'t, 'a> {
    pub(super) issue_id: u64,
    pub(super) key: &'a str,
    /// Events that carry it.
    pub(super) total: u64,
    /// Events by value.
    pub(super) values: &'t BTreeMap<&'a str, u64>,
}

impl<'a> Tally<'a> {
    /// Counts an event that was stored in an issue.
    pub(super) fn event(&mut self, event: &'a DigestedEvent, issue_id: u64) {
        let (hour, day) = (event.timestamp_ms / HOUR_MS, event.timestamp_ms / DAY_MS);
        *self.hours.entry((issue_id, hour)).or_default() += 1;
        *self.days.entry((issue_id, day)).or_default() += 1;
        *self
            .project_hours
            .entry((event.project_id, hour))
            .or_default() += 1;
        for (key, value) in &event.tags {
            let values = self.tags.entry((issue_id, key)).or_default();
            *values.entry(value).or_default() += 1;
        }
    }

    /// Notes in the account what became of an event.
    pub(super) fn saved(&mut self, event: &DigestedEvent, saved: Saved) {
        let (outcome, reason) = match saved {
            Saved::Duplicate => ("invalid", "duplicate"),
            Saved::NoProject => ("invalid", "project_id"),
            Saved::NewIssue(_) | Saved::Existing(_) | Saved::Regressed(_) => ("digested", ""),
        };
        self.outcome(event.received_ms, event.project_id, outcome, reason);
    }

    /// Adds one to the account.
    pub(super) fn outcome(
        &mut self,
        at_ms: u64,
        project: u64,
        outcome: &'static str,
        reason: &'static str,
    ) {
        *self
            .outcomes
            .entry((at_ms / HOUR_MS, project, outcome, reason))
            .or_default() += 1;
    }

    /// The tags in the order in which they are to be counted. The most frequent first: where an app makes up names, those
    /// must not take the places of real tags.
    pub(super) fn tags(&self) -> Vec<TagTally<'_, 'a>> {
        let tags = self.tags.iter().map(|((issue_id, key), values)| TagTally {
            issue_id: *issue_id,
            key,
            total: values.values().sum(),
            values,
        });
        let mut tags: Vec<_> = tags.collect();
        tags.sort_unstable_by_key(|tag| (tag.issue_id, Reverse(tag.total), tag.key));
        tags
    }

    /// The rows for the account.
    pub(super) fn outcomes(&self) -> Vec<OutcomeCount> {
        let rows = self.outcomes.iter();
        rows.map(
            |((hour, project_id, outcome, reason), quantity)| OutcomeCount {
                project_id: *project_id,
                hour_ms: hour * HOUR_MS,
                category: "error".to_owned(),
                outcome: (*outcome).to_owned(),
                reason: (*reason).to_owned(),
                quantity: *quantity,
            },
        )
        .collect()
    }
}

/// The oldest of `length` buckets of which `newest` is the last.
pub(super) fn oldest_bucket(newest: u64, length: u64) -> u64 {
    (newest + 1).saturating_sub(length)
}

/// The account summed over hours and projects: one row of it.
pub(super) struct OutcomeSum {
    pub(super) category: String,
    pub(super) outcome: String,
    pub(super) reason: String,
    pub(super) quantity: u64,
}

/// The sums as the API shows them. `sums` come ordered by category, reason, outcome.
pub(super) fn totals(sums: Vec<OutcomeSum>) -> OutcomeTotals {
    let mut totals = OutcomeTotals::default();
    for sum in sums {
        match sum.outcome.as_str() {
            // Attachments and the like are accepted too; the figure counts events.
            "accepted" | "digested" if sum.category != "error" => {}
            "accepted" => totals.accepted += sum.quantity,
            "digested" => totals.digested += sum.quantity,
            _ => totals
                .discarded
                .push((sum.category, sum.reason, sum.quantity)),
        }
    }
    // Two outcomes may share a reason; the API shows (category, reason) once.
    totals.discarded.dedup_by(|next, kept| {
        let same = next.0 == kept.0 && next.1 == kept.1;
        if same {
            kept.2 += next.2;
        }
        same
    });
    totals
}
