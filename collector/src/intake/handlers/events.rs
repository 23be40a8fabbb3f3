//! `POST /api/v1/events`: plain JSON, in batches.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use faultwire_protocol::json::{self, Object, Value};

use super::super::items::{self, SortedEvent};
use super::super::outcomes::Outcome;
use super::super::reply::{self, Refusal};
use super::super::spool::Record;
use super::super::{auth, body, plain};
use super::Call;

/// Takes every valid event of the request and names the others.
pub async fn post(call: &Call<'_>, body: Body) -> Result<Response, Refusal> {
    let auth = match auth::bearer(&call.headers) {
        Some(auth) => auth,
        None => call
            .credentials()?
            .ok_or_else(|| auth::missing().cause("or as `Authorization: Bearer <public key>`"))?,
    };
    let sender = call.admit(&auth, None).await?;
    let body = body::read(call.intake, &call.headers, body).await?;
    let limits = &call.intake.limits;
    let (mut records, mut rejected) = (Vec::new(), Vec::new());
    for (index, part) in plain::split(&body.bytes)?.into_iter().enumerate() {
        if index >= limits.max_batch_events {
            let why = format!(
                "only {} events are taken in one request",
                limits.max_batch_events
            );
            rejected.push(Rejected {
                index,
                why,
                reason: "too_many",
            });
            continue;
        }
        match items::check_event(part, limits) {
            Ok(tree) => {
                let id = items::payload_id(&tree);
                let payload = body.bytes.slice_ref(part);
                records.push(sender.record(SortedEvent::new(id, payload, "error")));
            }
            Err(refusal) => rejected.push(Rejected {
                index,
                why: refusal.causes.first().unwrap_or(&refusal.detail).clone(),
                reason: refusal.reason,
            }),
        }
    }
    sender.append(&records, "error").await?;
    for line in &rejected {
        sender.count("error", Outcome::Invalid, line.reason, 1);
    }
    Ok(answer(&records, &rejected))
}

/// An event that was not taken.
struct Rejected {
    index: usize,
    why: String,
    /// The word it is counted under.
    reason: &'static str,
}

/// 200 as long as something was taken or nothing was sent; 400 when every event was refused.
fn answer(records: &[Record], rejected: &[Rejected]) -> Response {
    let mut body = Object::new();
    let none_taken = records.is_empty() && !rejected.is_empty();
    if none_taken {
        body.insert("detail", "no event of the request is valid");
        let causes = rejected.iter().take(10);
        body.insert(
            "causes",
            json::array(causes.map(|line| format!("event {}: {}", line.index, line.why))),
        );
    }
    body.insert("accepted", records.len());
    body.insert(
        "ids",
        json::array(records.iter().map(|record| record.event_id.to_string())),
    );
    let lines = rejected.iter().map(|line| {
        let mut entry = Object::new();
        entry.insert("index", line.index);
        entry.insert("reason", line.why.as_str());
        Value::Object(entry)
    });
    body.insert("rejected", Value::Array(lines.collect()));
    let status = if none_taken {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    reply::json(status, Value::Object(body).to_string())
}
