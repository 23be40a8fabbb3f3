//! `POST /api/{project}/security/` and `/nel/`: what browsers report by themselves.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use faultwire_protocol::json;

use super::super::items::SortedEvent;
use super::super::outcomes::Outcome;
use super::super::reply::Refusal;
use super::super::spool::Record;
use super::super::{body, security};
use super::Call;

/// Takes reports of a content security policy; every violation becomes an event.
pub async fn post(call: &Call<'_>, body: Body) -> Result<Response, Refusal> {
    let sender = call.admit_early().await?;
    if !TYPES.contains(&call.content_type().as_str()) {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "a security report comes as json",
        )
        .cause("send application/csp-report, application/reports+json or application/json")
        .reason("content_type"));
    }
    let body = body::read(call.intake, &call.headers, body).await?;
    let release = call.query_value("sentry_release");
    let environment = call.query_value("sentry_environment");
    let events = json::parse_bytes(&body.bytes)
        .map_err(|error| {
            Refusal::new(StatusCode::BAD_REQUEST, "the report is not valid json")
                .cause(error.to_string())
                .reason("security_report")
        })
        .and_then(|report| security::events(&report, release.as_deref(), environment.as_deref()))?;
    let limits = &call.intake.limits;
    let records: Vec<Record> = events
        .into_iter()
        .filter(|event| event.len() <= limits.max_event_bytes)
        .take(limits.max_batch_events)
        .map(|event| sender.record(SortedEvent::new(None, Bytes::from(event), "security")))
        .collect();
    sender.append(&records, "security").await?;
    Ok(Response::new(Body::empty()))
}

/// Reads network error logs, counts and drops them.
pub async fn drop_network_errors(call: &Call<'_>, body: Body) -> Result<Response, Refusal> {
    let sender = call.admit_early().await?;
    body::read(call.intake, &call.headers, body).await?;
    sender.count("default", Outcome::Filtered, "unsupported", 1);
    Ok(Response::new(Body::empty()))
}

/// Source: protocol.md section 1.10; a missing type is let pass.
const TYPES: [&str; 4] = [
    "",
    "application/csp-report",
    "application/json",
    "application/reports+json",
];
