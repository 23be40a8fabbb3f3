//! Errors of the API, made in one place: `{"detail": ..., "causes": [...]}` with the fitting status.

use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Bytes};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store;

pub(super) type Result<T> = std::result::Result<T, ApiError>;

/// An answer that is not a success.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    detail: String,
    causes: Vec<String>,
    retry_after_seconds: Option<u64>,
}

#[derive(Serialize)]
struct Body<'a> {
    detail: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    causes: &'a [String],
}

impl ApiError {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            causes: Vec::new(),
            retry_after_seconds: None,
        }
    }

    /// The request makes no sense; `detail` says what was wanted.
    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// There is no such thing; `what` names it, e.g. `issue 5`.
    pub(super) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} does not exist"))
    }

    /// Too many tries; the same request may be made again after `seconds`.
    pub(super) fn too_many(detail: impl Into<String>, seconds: u64) -> Self {
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, detail);
        error.retry_after_seconds = Some(seconds);
        error
    }

    /// A bug of ours. The caller learns no more than that; the log has the rest.
    pub(super) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "api request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal error; the server's log says more",
        )
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        let status = match error.kind() {
            store::ErrorKind::Conflict => StatusCode::CONFLICT,
            store::ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            store::ErrorKind::Refused => return Self::internal(&error),
            _ => {
                tracing::error!(%error, "store failed an api request");
                let mut answer = Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the store cannot answer now; the server's log says why",
                );
                answer.retry_after_seconds = Some(5);
                return answer;
            }
        };
        let mut answer = Self::new(status, error.to_string());
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            answer.causes.push(error.to_string());
            cause = error.source();
        }
        answer
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Json(Body {
            detail: &self.detail,
            causes: &self.causes,
        });
        let mut response = (self.status, body).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A JSON body. Only `application/json` is taken: a form of a foreign page cannot send that without the
/// browser asking us first.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let content_type = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let media_type = content_type
            .and_then(|value| value.split(';').next())
            .map(str::trim);
        if !media_type.is_some_and(|value| value.eq_ignore_ascii_case("application/json")) {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "body must have the content type application/json",
            ));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| ApiError::new(error.status(), error.body_text()))?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| ApiError::bad_request(format!("body does not fit: {error}")))
    }
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{} does not take {method}", uri.path()),
    )
}
