//! What goes into a store and comes out of it. Times are Unix milliseconds (`_ms`), ids of events are
//! 32 lowercase hexadecimal digits, ids of projects and issues are positive and below 2^53.

pub use faultwire_protocol::event::Level;

/// A project as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Number in the DSN's path.
    pub id: u64,
    /// Name as typed by a person.
    pub name: String,
    /// Unique short form of the name: lowercase letters, digits and hyphens.
    pub slug: String,
    /// Platform the person chose, for the snippet on the waiting page.
    pub platform: Option<String>,
    /// The key in the DSN: 32 lowercase hexadecimal digits.
    pub public_key: String,
    /// When it was created.
    pub created_ms: u64,
    /// Receive time of its first event; none while the dashboard waits for it.
    pub first_event_ms: Option<u64>,
}

/// A project with the figures that the list of projects shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectOverview {
    /// The project.
    pub project: Project,
    /// Issues whose status is unresolved.
    pub unresolved_issues: u64,
    /// Events in each of the last 24 hours, oldest first; always 24 numbers.
    pub events_24h: Vec<u64>,
}

/// What is needed to create a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewProject {
    /// Name; must hold something besides blanks, at most 100 characters.
    pub name: String,
    /// Keeps the project id of a DSN in use elsewhere; none takes the next free one.
    pub id: Option<u64>,
    /// Keeps the key of a DSN in use elsewhere (32 hexadecimal digits); none makes a random one.
    pub public_key: Option<String>,
    /// Platform for the snippet on the waiting page.
    pub platform: Option<String>,
}

/// What intake needs to know about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectKey {
    /// The project it belongs to.
    pub project_id: u64,
    /// The key itself.
    pub public_key: String,
    /// False once a person switched it off.
    pub active: bool,
}

/// What a person decided about an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssueStatus {
    /// Nobody decided anything, or it came back.
    Unresolved,
    /// Said to be fixed.
    Resolved,
    /// Not wanted in the list.
    Ignored,
}

impl IssueStatus {
    /// All statuses with their names in the API.
    pub const ALL: [(IssueStatus, &'static str); 3] = [
        (IssueStatus::Unresolved, "unresolved"),
        (IssueStatus::Resolved, "resolved"),
        (IssueStatus::Ignored, "ignored"),
    ];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The status of a name; none for any other text.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, n)| *n == name)
            .map(|(status, _)| *status)
    }
}

/// An issue as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Number, unique in the instance.
    pub id: u64,
    /// Its project.
    pub project_id: u64,
    /// Slug of its project, for the short id.
    pub project_slug: String,
    /// Running number within the project, from 1.
    pub number: u64,
    /// Exception type, or the message of events without an exception.
    pub kind: String,
    /// First line of the exception value.
    pub value: String,
    /// Title of the event that opened it.
    pub title: String,
    /// Where it happened.
    pub culprit: String,
    /// Level of the newest event.
    pub level: Level,
    /// Platform of the newest event.
    pub platform: String,
    /// What a person decided.
    pub status: IssueStatus,
    /// When it was seen again after it had been resolved; none since a person decided again.
    pub regressed_ms: Option<u64>,
    /// Whether the newest event was caught by the app; none when the SDK did not say.
    pub handled: Option<bool>,
    /// Events, exactly.
    pub events: u64,
    /// Distinct users, exactly.
    pub users: u64,
    /// Time of its earliest event.
    pub first_seen_ms: u64,
    /// Time of its latest event.
    pub last_seen_ms: u64,
    /// Receive time of the event that opened it.
    pub created_ms: u64,
    /// Release of the earliest event that names one.
    pub first_release: Option<String>,
    /// Release of the latest event that names one.
    pub last_release: Option<String>,
    /// Events in each of the last 24 hours, oldest first; always 24 numbers.
    pub trend_24h: Vec<u64>,
}

/// What the issue page shows beside the [`Issue`] itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueExtras {
    /// Events in each of the last 30 days, oldest first; always 30 numbers.
    pub trend_30d: Vec<u64>,
    /// Tag values by frequency.
    pub tags: Vec<TagCounts>,
    /// Version of the grouping that made it.
    pub grouping_version: String,
    /// Why its events are together, one line each.
    pub grouping_parts: Vec<String>,
    /// Its newest event.
    pub latest_event_id: Option<String>,
}

/// How often one tag took which value in an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagCounts {
    /// The tag.
    pub key: String,
    /// Events that carry it.
    pub total: u64,
    /// Its most frequent values, most frequent first.
    pub values: Vec<(String, u64)>,
}

/// By what a list of issues is ordered; always descending, then by id descending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IssueSort {
    /// Newest activity first.
    #[default]
    LastSeen,
    /// Newest issue first.
    FirstSeen,
    /// Most events first.
    Events,
    /// Most users first.
    Users,
}

/// Which issues of a project, in which order, from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueFilter {
    /// The project.
    pub project_id: u64,
    /// Only these.
    pub status: IssueStatus,
    /// Only issues of this level.
    pub level: Option<Level>,
    /// Only issues seen in this release.
    pub release: Option<String>,
    /// Only issues seen in this environment.
    pub environment: Option<String>,
    /// Every one of these must occur in title or culprit, whatever the case.
    pub words: Vec<String>,
    /// The order.
    pub sort: IssueSort,
    /// Continue below this (sort value, issue id).
    pub after: Option<(u64, u64)>,
    /// At most this many.
    pub limit: usize,
}

/// One line of a list of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSummary {
    /// Key within the store: the order of digestion. Second half of list cursors.
    pub key: u64,
    /// 32 lowercase hexadecimal digits.
    pub id: String,
    /// Its project.
    pub project_id: u64,
    /// Its issue.
    pub issue_id: u64,
    /// Its own title (an issue's events can differ in theirs).
    pub title: String,
    /// Its own culprit.
    pub culprit: String,
    /// Its level.
    pub level: Level,
    /// Its platform.
    pub platform: String,
    /// When it happened, corrected for the sender's clock.
    pub timestamp_ms: u64,
    /// When intake took it.
    pub received_ms: u64,
    /// Its release.
    pub release: Option<String>,
    /// Its environment.
    pub environment: Option<String>,
    /// The user it happened to, for people.
    pub user: Option<String>,
}

/// Which events, from where; newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventFilter {
    /// Of which issue or project.
    pub of: EventsOf,
    /// Continue below this (timestamp, key).
    pub after: Option<(u64, u64)>,
    /// At most this many.
    pub limit: usize,
}

/// Whose events a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventsOf {
    /// The events of one issue.
    Issue(u64),
    /// The events of one project.
    Project(u64),
}

/// One event with everything that its page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// The line it has in lists.
    pub summary: EventSummary,
    /// Its older neighbour in the issue.
    pub previous_event_id: Option<String>,
    /// Its newer neighbour in the issue.
    pub next_event_id: Option<String>,
    /// The normalized, scrubbed event as JSON text.
    pub payload: String,
    /// Files that came with it.
    pub attachments: Vec<Attachment>,
}

/// A file that came with an event; its bytes are read on their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Number within the store.
    pub id: u64,
    /// Name given by the SDK.
    pub filename: String,
    /// Media type given by the SDK, `application/octet-stream` if none was.
    pub content_type: String,
    /// Bytes before compression.
    pub size: u64,
}

/// A file to be stored with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttachment {
    /// Name given by the SDK.
    pub filename: String,
    /// Media type given by the SDK.
    pub content_type: String,
    /// Bytes of the file.
    pub size: u64,
    /// The file, packed by [`super::payload::Packer`].
    pub packed: Vec<u8>,
}

/// One event ready to be stored: parsed, normalized, scrubbed, grouped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestedEvent {
    /// Its project.
    pub project_id: u64,
    /// Its id; with the project the key that makes digestion idempotent.
    pub event_id: [u8; 16],
    /// When intake took it.
    pub received_ms: u64,
    /// When it happened, corrected for the sender's clock.
    pub timestamp_ms: u64,
    /// Decides the issue within the project.
    pub fingerprint: String,
    /// Version of the grouping that made the fingerprint.
    pub grouping_version: String,
    /// Why, one line each.
    pub grouping_parts: Vec<String>,
    /// Exception type, or the message of events without an exception.
    pub kind: String,
    /// First line of the exception value.
    pub value: String,
    /// One line for lists.
    pub title: String,
    /// Where it happened.
    pub culprit: String,
    /// Its level.
    pub level: Level,
    /// Its platform.
    pub platform: String,
    /// Whether the app caught it.
    pub handled: Option<bool>,
    /// Its release.
    pub release: Option<String>,
    /// Its environment.
    pub environment: Option<String>,
    /// The user it happened to, for people.
    pub user: Option<String>,
    /// Hash of the user's identity, for counting users.
    pub user_hash: Option<[u8; 16]>,
    /// Tags for the issue's counters, derived ones included.
    pub tags: Vec<(String, String)>,
    /// The event's JSON, packed by [`super::payload::Packer`].
    pub payload: Vec<u8>,
    /// Files that came with it.
    pub attachments: Vec<NewAttachment>,
}

/// An event that could not be digested, kept for a person to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoisonEvent {
    /// Its project.
    pub project_id: u64,
    /// Its id.
    pub event_id: [u8; 16],
    /// When intake took it.
    pub received_ms: u64,
    /// The reason in the account of outcomes, e.g. `invalid_json`.
    pub code: &'static str,
    /// Why it could not be digested, for people.
    pub reason: String,
    /// What was received, packed by [`super::payload::Packer`]. Not scrubbed: never shown by the API.
    pub payload: Vec<u8>,
}

/// One row of the account of what became of what was sent. Source: protocol section 4.6.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutcomeCount {
    /// The project.
    pub project_id: u64,
    /// Start of the hour.
    pub hour_ms: u64,
    /// Data category by its wire name, e.g. `error`.
    pub category: String,
    /// `accepted` (answered with 200), `digested` (stored), `invalid`, `filtered`, `rate_limited`,
    /// `client_discard`, `dropped`.
    pub outcome: String,
    /// Reason by its wire name; empty for accepted and digested.
    pub reason: String,
    /// How many.
    pub quantity: u64,
}

/// What one transaction of the digest writes.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Events to store.
    pub events: Vec<DigestedEvent>,
    /// Events set aside.
    pub poison: Vec<PoisonEvent>,
    /// Further rows for the account, e.g. from client reports. What became of `events` and `poison` is
    /// counted by the store itself, since only its transaction knows which of them were duplicates.
    pub outcomes: Vec<OutcomeCount>,
}

/// What became of one event of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It opened this issue.
    NewIssue(u64),
    /// It joined this issue.
    Existing(u64),
    /// It joined this issue and reopened it.
    Regressed(u64),
    /// The project holds an event of this id already; nothing was changed.
    Duplicate,
    /// The project does not exist any more.
    NoProject,
}

/// Sums over all outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutcomeTotals {
    /// Events answered with 200.
    pub accepted: u64,
    /// Events stored.
    pub digested: u64,
    /// Everything that was not taken or not stored: category, reason, quantity.
    pub discarded: Vec<(String, String, u64)>,
}
