//! One file per endpoint: sender, body, items, spool, answer. Here is what they share.

pub(super) mod envelope;
pub(super) mod events;
pub(super) mod security;
pub(super) mod store;

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use faultwire_protocol::auth::Auth;
use faultwire_protocol::id::EventId;

use super::Intake;
use super::auth::{self, Access};
use super::items::SortedEvent;
use super::outcomes::Outcome;
use super::reply::Refusal;
use super::spool::{Record, SpoolError};

/// What a handler knows about a request besides its body.
pub(super) struct Call<'a> {
    pub intake: &'a Intake,
    pub headers: HeaderMap,
    pub query: Option<String>,
    /// The project in the path, as written.
    pub project: Option<String>,
    pub client_ip: IpAddr,
    /// Unix milliseconds.
    pub received_ms: u64,
    /// The project whose key was accepted, once it was: what is refused after that is counted for it.
    pub admitted: OnceLock<u64>,
}

impl Call<'_> {
    /// The project in the path; None when the path has none.
    fn project(&self) -> Result<Option<u64>, Refusal> {
        self.project.as_deref().map(auth::project_id).transpose()
    }

    /// The credentials in headers and query; None when there are none.
    fn credentials(&self) -> Result<Option<Auth>, Refusal> {
        auth::credentials(&self.headers, self.query.as_deref())
    }

    /// Checks credentials against the store.
    async fn admit(&self, auth: &Auth, project: Option<u64>) -> Result<Sender<'_>, Refusal> {
        let access = self.intake.keys.check(auth, project).await?;
        // One request is admitted once.
        let _ = self.admitted.set(access.project_id);
        Ok(Sender { call: self, access })
    }

    /// Checks the credentials of a request that must have them outside of its body.
    async fn admit_early(&self) -> Result<Sender<'_>, Refusal> {
        let project = self.project()?;
        let auth = self.credentials()?.ok_or_else(auth::missing)?;
        self.admit(&auth, project).await
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The content type without its parameters, in lower case; empty when there is none.
    fn content_type(&self) -> String {
        let value = self.header(&header::CONTENT_TYPE).unwrap_or_default();
        let kind = value.split(';').next().unwrap_or_default();
        kind.trim().to_ascii_lowercase()
    }

    /// The first value of `name` in the query that is not empty.
    fn query_value(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_deref()?.as_bytes())
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    }
}

/// A sender whose key was accepted, with the request that is being handled.
pub(super) struct Sender<'a> {
    call: &'a Call<'a>,
    access: Access,
}

impl Sender<'_> {
    /// Puts something into the account.
    fn count(&self, category: &'static str, outcome: Outcome, reason: &'static str, quantity: u64) {
        let (project, time) = (self.access.project_id, self.call.received_ms);
        let outcomes = &self.call.intake.outcomes;
        outcomes.count(project, time, category, outcome, reason, quantity);
    }

    /// Makes the record of an event; gives it an id if it has none.
    fn record(&self, event: SortedEvent) -> Record {
        let call = self.call;
        let user_agent = call.header(&header::USER_AGENT);
        let id = event.id.unwrap_or_else(new_id);
        let mut record = Record::event(self.access.project_id, call.received_ms, id, event.payload);
        record.sdk = self
            .access
            .client
            .as_deref()
            .or(event.sdk.as_deref())
            .or(user_agent)
            .map(|text| bounded(text, 128));
        record.user_agent = user_agent.map(|text| bounded(text, 512));
        record.client_ip = Some(call.client_ip.to_string());
        record.sent_at = event.sent_at.map(|text| bounded(&text, 64));
        record.attachments = event.attachments;
        record
    }

    /// Makes records durable and counts them as accepted.
    async fn append(&self, records: &[Record], category: &'static str) -> Result<(), Refusal> {
        if records.is_empty() {
            return Ok(());
        }
        let quantity = records.len() as u64;
        match self.call.intake.spool.append_all(records).await {
            Ok(()) => {
                self.count(category, Outcome::Accepted, "", quantity);
                Ok(())
            }
            Err(error) => {
                let refusal = spool_refusal(&error);
                self.count(category, Outcome::RateLimited, refusal.reason, quantity);
                Err(refusal.counted())
            }
        }
    }
}

fn spool_refusal(error: &SpoolError) -> Refusal {
    // The system's words may name paths of the server: they are in its log, not in the answer.
    let (cause, reason, time) = match error {
        SpoolError::Full(time) => ("the spool is full", "spool_full", *time),
        SpoolError::Io(_) => (
            "the spool cannot be written",
            "spool_failed",
            Duration::from_secs(10),
        ),
        SpoolError::Closed => ("the server is stopping", "stopping", Duration::from_secs(5)),
    };
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the event cannot be made durable right now; send it again later",
    )
    .cause(cause)
    .reason(reason)
    .retry_after(time)
}

fn bounded(text: &str, max: usize) -> String {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

fn new_id() -> EventId {
    let mut bytes = [0; 16];
    // Without randomness the system is unusable anyway; a repeated id would silently merge two events.
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    EventId::from_random(bytes)
}
