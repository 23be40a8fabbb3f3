//! `POST /api/{project}/envelope/`

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use faultwire_protocol::auth::Auth;
use faultwire_protocol::envelope::{self, EnvelopeError};
use faultwire_protocol::rate_limit::Limit;

use super::super::items::{self, Sorted};
use super::super::reply::{self, Refusal};
use super::super::{auth, body};
use super::{Call, Sender};

/// Takes an envelope whose sender may stand in the request or in the envelope's own header.
pub async fn post(call: &Call<'_>, body: Body) -> Result<Response, Refusal> {
    let project = call.project()?;
    let auth = call.credentials()?;
    // With credentials in the request a stranger is turned away before the body is read.
    let early = match &auth {
        Some(auth) => Some(call.admit(auth, project).await?),
        None => None,
    };
    let body = body::read(call.intake, &call.headers, body).await?;
    take(call, project, auth.as_ref(), early, &body.bytes).await
}

/// Takes an envelope that was read already.
pub(super) async fn take<'a>(
    call: &'a Call<'a>,
    project: Option<u64>,
    auth: Option<&Auth>,
    early: Option<Sender<'a>>,
    body: &Bytes,
) -> Result<Response, Refusal> {
    // The parsed envelope borrows from the body and must not live across an await; what it comes to is small.
    let (sorted, dsn) = {
        let envelope = envelope::parse(body).map_err(|error| not_an_envelope(&error))?;
        let sorted = items::sort(&envelope, body, &call.intake.limits);
        (sorted, envelope.dsn())
    };
    if let Some(dsn) = &dsn {
        auth::agree(dsn, auth, project)?;
    }
    let sender = match (early, dsn) {
        (Some(sender), _) => sender,
        (None, Some(dsn)) => {
            let auth = Auth {
                key: dsn.public_key,
                version: 7,
                client: None,
            };
            call.admit(&auth, Some(dsn.project_id)).await?
        }
        (None, None) => return Err(auth::missing()),
    };
    sender.keep(sorted).await
}

impl Sender<'_> {
    /// Writes down what an envelope came to and makes the answer.
    pub(super) async fn keep(&self, sorted: Sorted) -> Result<Response, Refusal> {
        let Sorted {
            event,
            counts,
            reported,
            unsupported,
            understood,
            first_refusal,
        } = sorted;
        let mut id = None;
        if let Some(event) = event {
            let category = event.category;
            let record = self.record(event);
            id = Some(record.event_id);
            self.append(&[record], category).await?;
        }
        for count in counts {
            self.count(count.category, count.outcome, count.reason, count.quantity);
        }
        let (project, time) = (self.access.project_id, self.call.received_ms);
        for (category, reason, quantity) in &reported {
            let outcomes = &self.call.intake.outcomes;
            outcomes.count_reported(project, time, category, reason, *quantity);
        }
        if understood == 0
            && let Some(refusal) = first_refusal
        {
            return Err(refusal.counted());
        }
        let mut response = reply::accepted(id);
        if unsupported {
            reply::limit(response.headers_mut(), &[never_taken()]);
        }
        Ok(response)
    }
}

fn not_an_envelope(error: &EnvelopeError) -> Refusal {
    let reason = match error {
        EnvelopeError::EmptyBody => "empty_body",
        _ => "invalid_envelope",
    };
    Refusal::new(StatusCode::BAD_REQUEST, "the body is not an envelope")
        .cause(error.to_string())
        .reason(reason)
}

/// Tells the SDK not to send for a while what this server never takes (protocol.md section 2.8).
fn never_taken() -> Limit {
    Limit {
        seconds: UNSUPPORTED_SECONDS,
        categories: items::NEVER_TAKEN.map(str::to_owned).to_vec(),
        scope: "organization".to_owned(),
        reason: Some("unsupported".to_owned()),
    }
}

/// An hour: a version that takes more is noticed soon enough.
const UNSUPPORTED_SECONDS: u64 = 3600;
