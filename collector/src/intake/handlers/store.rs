//! `POST /api/{project}/store/`, `POST /api/store/` and the same by GET: how SDKs of old sent one event.
//!
//! Source: protocol.md section 1.9.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use bytes::Bytes;
use faultwire_protocol::json::Value;

use super::super::body;
use super::super::budget::Hold;
use super::super::decode::{DecodeError, Decoder};
use super::super::items::{self, Sorted, SortedEvent};
use super::super::reply::{self, Refusal};
use super::{Call, Sender, envelope};

/// Takes an event, or an envelope if the content type says so.
pub async fn post(call: &Call<'_>, body: Body) -> Result<Response, Refusal> {
    if call.content_type() == "application/x-sentry-envelope" {
        return envelope::post(call, body).await;
    }
    let sender = call.admit_early().await?;
    let body = body::read(call.intake, &call.headers, body).await?;
    take(&sender, &body.bytes).await
}

/// Takes an event from the query of an image request.
pub async fn get(call: &Call<'_>) -> Result<Response, Refusal> {
    let sender = call.admit_early().await?;
    let data = call.query_value("sentry_data").ok_or_else(|| {
        Refusal::new(StatusCode::BAD_REQUEST, "the query has no sentry_data").reason("no_data")
    })?;
    take(&sender, &Bytes::from(data)).await?;
    Ok(reply::pixel())
}

async fn take(sender: &Sender<'_>, body: &Bytes) -> Result<Response, Refusal> {
    let (payload, _hold) = unwrap(sender, body)?;
    let sorted = {
        let tree = items::check_event(&payload, &sender.call.intake.limits)?;
        if tree.get("type").and_then(Value::as_str) == Some("transaction") {
            Sorted::transaction(&tree)
        } else {
            let id = items::payload_id(&tree);
            drop(tree);
            Sorted {
                event: Some(SortedEvent::new(id, payload, "error")),
                understood: 1,
                ..Sorted::default()
            }
        }
    };
    sender.keep(sorted).await
}

/// Undoes what old clients wrap around the event: nothing, base64, or base64 of zlib.
fn unwrap(sender: &Sender<'_>, body: &Bytes) -> Result<(Bytes, Hold), Refusal> {
    let mut hold = Hold::new(&sender.call.intake.budget);
    let text = body.trim_ascii();
    match text.first() {
        None => {
            return Err(
                Refusal::new(StatusCode::BAD_REQUEST, "the body is empty").reason("empty_body")
            );
        }
        Some(b'{' | b'[' | b'"') => return Ok((body.slice_ref(text), hold)),
        Some(_) => {}
    }
    if !hold.grow_to(text.len()) {
        return Err(Refusal::overloaded());
    }
    let decoded = base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(standard_base64(text))
        .map_err(|error| neither(format!("base64: {error}")))?;
    if decoded.trim_ascii().first() == Some(&b'{') {
        return Ok((Bytes::from(decoded), hold));
    }
    let max = sender.call.intake.limits.max_event_bytes;
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
        Err(DecodeError::Malformed(reason)) => Err(neither(format!("zlib: {reason}"))),
    }
}

/// Brings base64 into its standard form: some clients break it into lines or use the alphabet of URLs, and in a query
/// `+` arrives as a blank.
fn standard_base64(text: &[u8]) -> Vec<u8> {
    text.iter()
        .filter(|byte| !matches!(byte, b'\r' | b'\n' | b'='))
        .map(|byte| match byte {
            b' ' | b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect()
}

fn neither(cause: String) -> Refusal {
    Refusal::new(
        StatusCode::BAD_REQUEST,
        "the body is neither json nor base64 of json",
    )
    .cause(cause)
    .reason("invalid_json")
}
