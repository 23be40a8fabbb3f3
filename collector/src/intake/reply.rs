//! Every answer of intake is made here, so that none can miss a header that SDKs depend on.
//!
//! Source: protocol.md sections 1.6 and 1.7.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use faultwire_protocol::id::EventId;
use faultwire_protocol::json::{Object, Value};
use faultwire_protocol::rate_limit::{self, Limit};

/// A request that is not taken.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The status of the answer.
    pub status: StatusCode,
    /// The reason in one short sentence.
    pub detail: String,
    /// What lies behind it, outermost first.
    pub causes: Vec<String>,
    /// The word it is counted under.
    pub reason: &'static str,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// It stands in the account already, item by item.
    pub counted: bool,
}

impl Refusal {
    /// A refusal with a sentence for the person who reads the client's log.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Refusal {
            status,
            detail: detail.into(),
            causes: Vec::new(),
            reason: "",
            retry_after: None,
            counted: false,
        }
    }

    /// Adds what lies behind it.
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Sets the word it is counted under.
    pub fn reason(mut self, reason: &'static str) -> Self {
        self.reason = reason;
        self
    }

    /// Notes that the account has it already.
    pub fn counted(mut self) -> Self {
        self.counted = true;
        self
    }

    /// Says when to come back.
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time);
        self
    }

    /// The server has more in hand than it can hold.
    pub fn overloaded() -> Self {
        Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "the server has more requests in hand than it can hold",
        )
        .reason("overload")
        .retry_after(Duration::from_secs(2))
    }

    /// Makes the answer.
    pub fn into_response(self) -> Response {
        let mut body = Object::new();
        body.insert("detail", self.detail.as_str());
        body.insert(
            "causes",
            Value::Array(
                self.causes
                    .iter()
                    .map(|cause| Value::String(cause.as_str().into()))
                    .collect(),
            ),
        );
        let mut response = json(self.status, Value::Object(body).to_string());
        let headers = response.headers_mut();
        if let Ok(detail) = HeaderValue::from_str(&self.detail) {
            headers.insert(ERROR, detail);
        }
        if let Some(time) = self.retry_after {
            let seconds = time.as_secs().max(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            // Some SDKs obey only this header (protocol.md section 4.1), at any status.
            limit(
                headers,
                &[Limit {
                    seconds,
                    categories: Vec::new(),
                    scope: "organization".into(),
                    reason: Some(if self.reason.is_empty() {
                        "busy".into()
                    } else {
                        self.reason.into()
                    }),
                }],
            );
        }
        response
    }
}

/// The answer to an accepted envelope or event: `{"id": …}`, or `{}` when it made no event.
pub fn accepted(id: Option<EventId>) -> Response {
    json(
        StatusCode::OK,
        match id {
            Some(id) => format!("{{\"id\":\"{id}\"}}"),
            None => "{}".to_owned(),
        },
    )
}

/// An answer with a JSON body.
pub fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// The one-pixel picture that answers an event sent as an image request.
pub fn pixel() -> Response {
    let mut response = Response::new(Body::from(GIF));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("image/gif"));
    response
}

/// The answer to a preflight.
pub fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("POST, GET, OPTIONS"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(ALLOWED_HEADERS),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("3600"),
    );
    response
}

/// Announces limits; an empty list adds nothing.
pub fn limit(headers: &mut HeaderMap, limits: &[Limit]) {
    if !limits.is_empty()
        && let Ok(value) = HeaderValue::from_str(&rate_limit::header(limits))
    {
        headers.insert(RATE_LIMITS, value);
    }
}

/// Adds what every answer needs before a browser shows it to the SDK. Errors included: a browser that may not read
/// a 429 reports a "CORS error" and goes on sending.
pub fn open_to_browsers(headers: &mut HeaderMap) {
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("x-sentry-error, x-sentry-rate-limits, retry-after"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
}

const ERROR: HeaderName = HeaderName::from_static("x-sentry-error");
/// The header that announces rate limits.
pub const RATE_LIMITS: HeaderName = HeaderName::from_static("x-sentry-rate-limits");
const ALLOWED_HEADERS: &str = "x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept, \
     content-type, authentication, authorization, content-encoding, transfer-encoding, sentry-trace, baggage, \
     traceparent";
const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\
\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";
