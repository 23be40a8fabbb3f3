//! One function per endpoint: sender, body, items, spool, answer.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use bytes::Bytes;
use faultwire_protocol::envelope;
use faultwire_protocol::id::EventId;
use faultwire_protocol::json::{self, Value};
use faultwire_protocol::rate_limit::Limit;

use super::auth::{self, Access};
use super::budget::Hold;
use super::decode::{DecodeError, Decoder};
use super::items::{self, Sorted, SortedEvent};
use super::outcomes::Outcome;
use super::reply::{self, Refusal};
use super::spool::{Record, SpoolError};
use super::{Call, Intake, body, plain, security as reports};

/// `POST /api/{project}/envelope/`
pub(super) async fn envelope(
    intake: &Intake,
    call: &Call,
    body: Body,
) -> Result<Response, Refusal> {
    let project = path_project(call)?;
    let auth = auth::credentials(&call.headers, call.query.as_deref())?;
    // With credentials in the request a stranger is turned away before his body is read.
    let early = match &auth {
        Some(auth) => Some(intake.keys.check(auth, project).await?),
        None => None,
    };
    let body = body::read(intake, &call.headers, body).await?;
    take_envelope(intake, call, project, auth.as_ref(), early, &body.bytes).await
}

async fn take_envelope(
    intake: &Intake,
    call: &Call,
    project: Option<u64>,
    auth: Option<&faultwire_protocol::auth::Auth>,
    early: Option<Access>,
    body: &Bytes,
) -> Result<Response, Refusal> {
    let (sorted, dsn, sent_at) = {
        let envelope = envelope::parse(body).map_err(|error| {
            let reason = match error {
                envelope::EnvelopeError::EmptyBody => "empty_body",
                _ => "invalid_envelope",
            };
            Refusal::new(StatusCode::BAD_REQUEST, "the body is not an envelope")
                .cause(error.to_string())
                .reason(reason)
        })?;
        let sorted = items::sort(&envelope, body, &intake.limits);
        let sent_at = envelope.header.get("sent_at").map(text_of);
        (sorted, envelope.dsn(), sent_at)
    };
    if let Some(dsn) = &dsn {
        auth::agree(dsn, auth, project)?;
    }
    let access = match (early, dsn) {
        (Some(access), _) => access,
        (None, Some(dsn)) => {
            let auth = faultwire_protocol::auth::Auth {
                key: dsn.public_key,
                version: 7,
                client: None,
            };
            intake.keys.check(&auth, Some(dsn.project_id)).await?
        }
        (None, None) => return Err(auth::missing()),
    };
    keep(intake, call, &access, sorted, sent_at).await
}

/// Writes down what `sorted` holds and makes the answer.
async fn keep(
    intake: &Intake,
    call: &Call,
    access: &Access,
    sorted: Sorted,
    sent_at: Option<String>,
) -> Result<Response, Refusal> {
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
        let record = record(call, access, event, sent_at);
        id = Some(record.event_id);
        intake
            .spool
            .append(record)
            .await
            .map_err(|error| spool_refusal(intake, call, access, &error, 1))?;
        intake.outcomes.count(
            access.project_id,
            call.received_ms,
            category,
            Outcome::Accepted,
            "",
            1,
        );
    }
    for count in counts {
        intake.outcomes.count(
            access.project_id,
            call.received_ms,
            count.category,
            count.outcome,
            count.reason,
            count.quantity,
        );
    }
    for (category, reason, quantity) in reported {
        intake.outcomes.count_reported(
            access.project_id,
            call.received_ms,
            &category,
            &reason,
            quantity,
        );
    }
    if understood == 0
        && let Some(refusal) = first_refusal
    {
        return Err(refusal);
    }
    let mut response = reply::accepted(id);
    if unsupported {
        reply::limit(
            response.headers_mut(),
            &[Limit {
                seconds: UNSUPPORTED_SECONDS,
                categories: items::NEVER_TAKEN
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect(),
                scope: "organization".to_owned(),
                reason: Some("unsupported".to_owned()),
            }],
        );
    }
    Ok(response)
}

/// `POST /api/{project}/store/` and `POST /api/store/`
pub(super) async fn store(intake: &Intake, call: &Call, body: Body) -> Result<Response, Refusal> {
    let project = path_project(call)?;
    let auth = auth::credentials(&call.headers, call.query.as_deref())?;
    let is_envelope = content_type(&call.headers) == "application/x-sentry-envelope";
    let early = match &auth {
        Some(auth) => Some(intake.keys.check(auth, project).await?),
        None if is_envelope => None,
        None => return Err(auth::missing()),
    };
    let body = body::read(intake, &call.headers, body).await?;
    if is_envelope {
        return take_envelope(intake, call, project, auth.as_ref(), early, &body.bytes).await;
    }
    let access = early.ok_or_else(auth::missing)?;
    take_stored(intake, call, &access, &body.bytes).await
}

/// `GET /api/{project}/store/?sentry_data=…`: an event in an image request.
pub(super) async fn store_by_get(intake: &Intake, call: &Call) -> Result<Response, Refusal> {
    let project = path_project(call)?;
    let auth =
        auth::credentials(&call.headers, call.query.as_deref())?.ok_or_else(auth::missing)?;
    let access = intake.keys.check(&auth, project).await?;
    let data = query_value(call.query.as_deref(), "sentry_data").ok_or_else(|| {
        Refusal::new(StatusCode::BAD_REQUEST, "the query has no sentry_data").reason("no_data")
    })?;
    take_stored(intake, call, &access, &Bytes::from(data)).await?;
    Ok(reply::pixel())
}

async fn take_stored(
    intake: &Intake,
    call: &Call,
    access: &Access,
    body: &Bytes,
) -> Result<Response, Refusal> {
    let (payload, _hold) = store_payload(intake, body)?;
    let sorted = {
        let tree = items::check_event(&payload, &intake.limits)?;
        if tree.get("type").and_then(Value::as_str) == Some("transaction") {
            let mut sorted = Sorted {
                understood: 1,
                unsupported: true,
                ..Sorted::default()
            };
            let spans = tree
                .get("spans")
                .and_then(Value::as_array)
                .map_or(0, |list| list.len() as u64);
            for (category, quantity) in [("transaction", 1), ("span", spans + 1)] {
                sorted.counts.push(items::Count {
                    category,
                    outcome: Outcome::Filtered,
                    reason: "unsupported",
                    quantity,
                });
            }
            sorted
        } else {
            let id = items::payload_id(&tree);
            drop(tree);
            let event = SortedEvent {
                id,
                payload,
                attachments: Vec::new(),
                category: "error",
            };
            Sorted {
                event: Some(event),
                understood: 1,
                ..Sorted::default()
            }
        }
    };
    keep(intake, call, access, sorted, None).await
}

/// Undoes what old clients wrap around a store body: nothing, base64, or base64 of zlib (protocol.md section 1.9).
fn store_payload(intake: &Intake, body: &Bytes) -> Result<(Bytes, Hold), Refusal> {
    let mut hold = Hold::new(&intake.budget);
    let text = body.trim_ascii();
    if text.is_empty() {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "the body is empty").reason("empty_body"));
    }
    if matches!(text.first(), Some(b'{' | b'[' | b'"')) {
        return Ok((body.slice_ref(text), hold));
    }
    let not_an_event = |cause: String| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            "the body is neither json nor base64 of json",
        )
        .cause(cause)
        .reason("invalid_json")
    };
    if !hold.grow_to(text.len()) {
        return Err(Refusal::overloaded());
    }
    // Some clients break base64 into lines, and query strings turn `+` into blanks.
    let compact: Vec<u8> = text
        .iter()
        .filter(|byte| !matches!(byte, b'\r' | b'\n' | b'='))
        .map(|byte| match byte {
            b' ' | b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    let decoded = base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(&compact)
        .map_err(|error| not_an_event(format!("base64: {error}")))?;
    if decoded.trim_ascii().first() == Some(&b'{') {
        return Ok((Bytes::from(decoded), hold));
    }
    let max = intake.limits.max_event_bytes;
    let inflated = Decoder::new("deflate", max, hold)
        .ok_or(DecodeError::Busy)
        .and_then(|mut decoder| decoder.push(&decoded).and_then(|()| decoder.finish()));
    match inflated {
        Ok((bytes, hold)) => Ok((Bytes::from(bytes), hold)),
        Err(DecodeError::TooLarge) => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the event is larger than {max} bytes after decompression"),
        )
        .reason("too_large")),
        Err(DecodeError::Busy) => Err(Refusal::overloaded()),
        Err(DecodeError::Malformed(reason)) => Err(not_an_event(format!("zlib: {reason}"))),
    }
}

/// `POST /api/{project}/security/`
pub(super) async fn security(
    intake: &Intake,
    call: &Call,
    body: Body,
) -> Result<Response, Refusal> {
    let project = path_project(call)?;
    let auth =
        auth::credentials(&call.headers, call.query.as_deref())?.ok_or_else(auth::missing)?;
    let access = intake.keys.check(&auth, project).await?;
    let kind = content_type(&call.headers);
    if !matches!(
        kind.as_str(),
        "" | "application/csp-report" | "application/json" | "application/reports+json"
    ) {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "a security report comes as json",
        )
        .cause("send application/csp-report, application/reports+json or application/json")
        .reason("content_type"));
    }
    let body = body::read(intake, &call.headers, body).await?;
    let query = |name| query_value(call.query.as_deref(), name);
    let (release, environment) = (query("sentry_release"), query("sentry_environment"));
    let events = json::parse_bytes(&body.bytes)
        .map_err(|error| {
            Refusal::new(StatusCode::BAD_REQUEST, "the report is not valid json")
                .cause(error.to_string())
                .reason("security_report")
        })
        .and_then(|report| reports::events(&report, release.as_deref(), environment.as_deref()))?;
    let records: Vec<Record> = events
        .into_iter()
        .take(intake.limits.max_batch_events)
        .filter(|event| event.len() <= intake.limits.max_event_bytes)
        .map(|event| {
            let event = SortedEvent {
                id: None,
                payload: Bytes::from(event),
                attachments: Vec::new(),
                category: "security",
            };
            record(call, &access, event, None)
        })
        .collect();
    let count = records.len() as u64;
    intake
        .spool
        .append_all(&records)
        .await
        .map_err(|error| spool_refusal(intake, call, &access, &error, count))?;
    intake.outcomes.count(
        access.project_id,
        call.received_ms,
        "security",
        Outcome::Accepted,
        "",
        count,
    );
    Ok(Response::new(Body::empty()))
}

/// `POST /api/{project}/nel/`: read, counted, dropped.
pub(super) async fn network_errors(
    intake: &Intake,
    call: &Call,
    body: Body,
) -> Result<Response, Refusal> {
    let project = path_project(call)?;
    let auth =
        auth::credentials(&call.headers, call.query.as_deref())?.ok_or_else(auth::missing)?;
    let access = intake.keys.check(&auth, project).await?;
    body::read(intake, &call.headers, body).await?;
    intake.outcomes.count(
        access.project_id,
        call.received_ms,
        "default",
        Outcome::Filtered,
        "unsupported",
        1,
    );
    Ok(Response::new(Body::empty()))
}

/// `POST /api/v1/events`
pub(super) async fn events(intake: &Intake, call: &Call, body: Body) -> Result<Response, Refusal> {
    let auth = match auth::bearer(&call.headers) {
        Some(auth) => auth,
        None => auth::credentials(&call.headers, call.query.as_deref())?
            .ok_or_else(|| auth::missing().cause("or as `Authorization: Bearer <public key>`"))?,
    };
    let access = intake.keys.check(&auth, None).await?;
    let body = body::read(intake, &call.headers, body).await?;
    let parts = plain::split(&body.bytes)?;
    let (mut records, mut rejected) = (Vec::new(), Vec::new());
    for (index, part) in parts.into_iter().enumerate() {
        if index >= intake.limits.max_batch_events {
            rejected.push((
                index,
                format!(
                    "only {} events are taken in one request",
                    intake.limits.max_batch_events
                ),
                "too_many",
            ));
            continue;
        }
        match items::check_event(part, &intake.limits) {
            Ok(tree) => {
                let id = items::payload_id(&tree);
                let event = SortedEvent {
                    id,
                    payload: body.bytes.slice_ref(part),
                    attachments: Vec::new(),
                    category: "error",
                };
                records.push(record(call, &access, event, None));
            }
            Err(refusal) => {
                let why = refusal.causes.first().unwrap_or(&refusal.detail).clone();
                rejected.push((index, why, refusal.reason));
            }
        }
    }
    let accepted = records.len() as u64;
    if accepted > 0 {
        intake
            .spool
            .append_all(&records)
            .await
            .map_err(|error| spool_refusal(intake, call, &access, &error, accepted))?;
        intake.outcomes.count(
            access.project_id,
            call.received_ms,
            "error",
            Outcome::Accepted,
            "",
            accepted,
        );
    }
    for (_, _, reason) in &rejected {
        intake.outcomes.count(
            access.project_id,
            call.received_ms,
            "error",
            Outcome::Invalid,
            reason,
            1,
        );
    }
    Ok(events_reply(&records, &rejected))
}

/// 200 as long as something was taken or nothing was sent; 400 when every event was refused.
fn events_reply(records: &[Record], rejected: &[(usize, String, &'static str)]) -> Response {
    let mut body = json::Object::new();
    let none_taken = records.is_empty() && !rejected.is_empty();
    if none_taken {
        body.insert("detail", "no event of the request is valid");
        body.insert(
            "causes",
            json::array(
                rejected
                    .iter()
                    .take(10)
                    .map(|(index, why, _)| format!("event {index}: {why}")),
            ),
        );
    }
    body.insert("accepted", records.len());
    body.insert(
        "ids",
        json::array(records.iter().map(|record| record.event_id.to_string())),
    );
    body.insert(
        "rejected",
        Value::Array(
            rejected
                .iter()
                .map(|(index, why, _)| {
                    let mut line = json::Object::new();
                    line.insert("index", *index);
                    line.insert("reason", why.as_str());
                    Value::Object(line)
                })
                .collect(),
        ),
    );
    let status = if none_taken {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    reply::json(status, Value::Object(body).to_string())
}

fn record(call: &Call, access: &Access, event: SortedEvent, sent_at: Option<String>) -> Record {
    let user_agent = call
        .headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    let mut record = Record::event(
        access.project_id,
        call.received_ms,
        event.id.unwrap_or_else(new_id),
        event.payload,
    );
    record.sdk = access
        .client
        .as_deref()
        .or(user_agent)
        .map(|text| bounded(text, 128));
    record.user_agent = user_agent.map(|text| bounded(text, 512));
    record.client_ip = Some(call.client_ip.to_string());
    record.sent_at = sent_at.map(|text| bounded(&text, 64));
    record.attachments = event.attachments;
    record
}

fn spool_refusal(
    intake: &Intake,
    call: &Call,
    access: &Access,
    error: &SpoolError,
    events: u64,
) -> Refusal {
    let (reason, time) = match error {
        SpoolError::Full(time) => ("spool_full", *time),
        SpoolError::Io(_) => ("spool_failed", Duration::from_secs(10)),
        SpoolError::Closed => ("stopping", Duration::from_secs(5)),
    };
    intake.outcomes.count(
        access.project_id,
        call.received_ms,
        "error",
        Outcome::RateLimited,
        reason,
        events,
    );
    // The system's words may name paths of the server: they are in its log, not in the answer.
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the event cannot be made durable right now; send it again later",
    )
    .cause(match error {
        SpoolError::Full(_) => "the spool is full",
        SpoolError::Io(_) => "the spool cannot be written",
        SpoolError::Closed => "the server is stopping",
    })
    .reason(reason)
    .retry_after(time)
}

fn path_project(call: &Call) -> Result<Option<u64>, Refusal> {
    call.project.as_deref().map(auth::project_id).transpose()
}

fn content_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

fn query_value(query: Option<&str>, name: &str) -> Option<String> {
    form_urlencoded::parse(query?.as_bytes())
        .into_owned()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
        .filter(|v| !v.is_empty())
}

fn text_of(value: &Value<'_>) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
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

/// How long SDKs shall not send what this server never takes.
const UNSUPPORTED_SECONDS: u64 = 3600;
