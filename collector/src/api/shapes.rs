//! The JSON shapes of answers, field by field those of `dashboard/src/api/types.ts` and `openapi.json`.

use faultwire_protocol::time::{Millis, rfc3339};
use serde::Serialize;

use crate::digest::issue_state::{self, State};
use crate::store;

fn time(ms: u64) -> String {
    rfc3339(Millis(ms))
}

#[derive(Serialize)]
pub(super) struct Session {
    pub(super) setup: bool,
    pub(super) user: Option<User>,
    pub(super) version: &'static str,
}

#[derive(Serialize)]
pub(super) struct User {
    pub(super) name: &'static str,
}

#[derive(Serialize)]
pub(super) struct Project {
    id: u64,
    name: String,
    slug: String,
    platform: Option<String>,
    dsn: String,
    created_at: String,
    first_event_at: Option<String>,
    unresolved_issues: u64,
    events_24h: Vec<u64>,
}

impl Project {
    /// `base` is the address under which SDKs reach this server, e.g. `https://errors.example.com`.
    pub(super) fn new(overview: store::ProjectOverview, base: &str) -> Self {
        let project = overview.project;
        Self {
            id: project.id,
            dsn: dsn(base, &project.public_key, project.id),
            name: project.name,
            slug: project.slug,
            platform: project.platform,
            created_at: time(project.created_ms),
            first_event_at: project.first_event_ms.map(time),
            unresolved_issues: overview.unresolved_issues,
            events_24h: overview.events_24h,
        }
    }
}

fn dsn(base: &str, public_key: &str, project_id: u64) -> String {
    let (scheme, rest) = base.split_once("://").unwrap_or(("http", base));
    format!(
        "{scheme}://{public_key}@{}/{project_id}",
        rest.trim_end_matches('/')
    )
}

#[derive(Serialize)]
pub(super) struct Issue {
    id: u64,
    project_id: u64,
    short_id: String,
    #[serde(rename = "type")]
    kind: String,
    value: String,
    title: String,
    culprit: String,
    level: &'static str,
    platform: String,
    status: &'static str,
    substatus: Option<&'static str>,
    handled: Option<bool>,
    count: u64,
    users: u64,
    first_seen: String,
    last_seen: String,
    first_release: Option<String>,
    last_release: Option<String>,
    trend_24h: Vec<u64>,
}

impl Issue {
    pub(super) fn new(issue: store::Issue, now_ms: u64) -> Self {
        let state = State {
            status: issue.status,
            since_ms: issue.created_ms,
            regressed_ms: issue.regressed_ms,
        };
        let substatus = issue_state::substatus(state, issue.created_ms, now_ms);
        Self {
            id: issue.id,
            project_id: issue.project_id,
            short_id: format!("{}-{}", issue.project_slug.to_uppercase(), issue.number),
            kind: issue.kind,
            value: issue.value,
            title: issue.title,
            culprit: issue.culprit,
            level: issue.level.as_str(),
            platform: issue.platform,
            status: issue.status.as_str(),
            substatus: substatus.map(issue_state::Substatus::as_str),
            handled: issue.handled,
            count: issue.events,
            users: issue.users,
            first_seen: time(issue.first_seen_ms),
            last_seen: time(issue.last_seen_ms),
            first_release: issue.first_release,
            last_release: issue.last_release,
            trend_24h: issue.trend_24h,
        }
    }
}

#[derive(Serialize)]
pub(super) struct IssueDetail {
    #[serde(flatten)]
    issue: Issue,
    trend_30d: Vec<u64>,
    tags: Vec<Tag>,
    grouping: Grouping,
    latest_event_id: Option<String>,
}

#[derive(Serialize)]
struct Tag {
    key: String,
    total: u64,
    values: Vec<TagValue>,
}

#[derive(Serialize)]
struct TagValue {
    value: String,
    count: u64,
}

#[derive(Serialize)]
struct Grouping {
    version: String,
    parts: Vec<String>,
}

impl IssueDetail {
    pub(super) fn new(issue: store::Issue, extras: store::IssueExtras, now_ms: u64) -> Self {
        let values = |values: Vec<(String, u64)>| {
            values
                .into_iter()
                .map(|(value, count)| TagValue { value, count })
                .collect()
        };
        Self {
            issue: Issue::new(issue, now_ms),
            trend_30d: extras.trend_30d,
            tags: extras
                .tags
                .into_iter()
                .map(|tag| Tag {
                    key: tag.key,
                    total: tag.total,
                    values: values(tag.values),
                })
                .collect(),
            grouping: Grouping {
                version: extras.grouping_version,
                parts: extras.grouping_parts,
            },
            latest_event_id: extras.latest_event_id,
        }
    }
}

#[derive(Serialize)]
pub(super) struct EventSummary {
    id: String,
    issue_id: u64,
    title: String,
    timestamp: String,
    received_at: String,
    release: Option<String>,
    environment: Option<String>,
    user: Option<String>,
}

impl EventSummary {
    pub(super) fn new(event: store::EventSummary) -> Self {
        Self {
            id: event.id,
            issue_id: event.issue_id,
            title: event.title,
            timestamp: time(event.timestamp_ms),
            received_at: time(event.received_ms),
            release: event.release,
            environment: event.environment,
            user: event.user,
        }
    }
}

/// An event's page, all but the event itself.
#[derive(Serialize)]
struct EventDetail {
    #[serde(flatten)]
    summary: EventSummary,
    project_id: u64,
    level: &'static str,
    platform: String,
    culprit: String,
    previous_event_id: Option<String>,
    next_event_id: Option<String>,
    attachments: Vec<Attachment>,
}

#[derive(Serialize)]
struct Attachment {
    id: u64,
    filename: String,
    content_type: String,
    size: u64,
}

/// The JSON text of an event's page. The stored event goes in as it is: to parse and write it again would
/// cost more than all the rest of the answer.
pub(super) fn event_detail(event: store::StoredEvent) -> serde_json::Result<String> {
    let summary = event.summary;
    let detail = EventDetail {
        project_id: summary.project_id,
        level: summary.level.as_str(),
        platform: summary.platform.clone(),
        culprit: summary.culprit.clone(),
        summary: EventSummary::new(summary),
        previous_event_id: event.previous_event_id,
        next_event_id: event.next_event_id,
        attachments: event
            .attachments
            .into_iter()
            .map(|file| Attachment {
                id: file.id,
                filename: file.filename,
                content_type: file.content_type,
                size: file.size,
            })
            .collect(),
    };
    let mut text = serde_json::to_string(&detail)?;
    text.truncate(text.len() - 1);
    text.push_str(",\"event\":");
    text.push_str(&event.payload);
    text.push('}');
    Ok(text)
}

#[derive(Serialize)]
pub(super) struct Stats {
    accepted: u64,
    digested: u64,
    spooled: u64,
    discarded: Vec<Discarded>,
}

#[derive(Serialize)]
struct Discarded {
    category: String,
    reason: String,
    quantity: u64,
}

impl Stats {
    pub(super) fn new(totals: store::OutcomeTotals, spooled: u64) -> Self {
        let discarded = totals.discarded.into_iter();
        Self {
            accepted: totals.accepted,
            digested: totals.digested,
            spooled,
            discarded: discarded
                .map(|(category, reason, quantity)| Discarded {
                    category,
                    reason,
                    quantity,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::dsn;

    #[test]
    fn dsns_keep_scheme_port_and_path() {
        assert_eq!(
            dsn("http://127.0.0.1:9000", "k", 1),
            "http://k@127.0.0.1:9000/1"
        );
        assert_eq!(
            dsn("https://example.com/errors/", "k", 7),
            "https://k@example.com/errors/7"
        );
    }
}
