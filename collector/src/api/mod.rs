//! The JSON API under `/api/v1`: what the dashboard and scripts read. Knows the store, never the spool's
//! contents nor HTTP intake. The document of it is `openapi.json`; a test compares real answers with it.

mod answer;
mod auth;
mod events;
mod issues;
mod page;
mod projects;
mod search;
mod shapes;
mod throttle;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::sync::Semaphore;

use crate::server::AppState;
use crate::store::{self, Store};
use answer::{ApiError, Result};
use throttle::Throttle;

/// The OpenAPI document, as served at `/api/v1/openapi.json`.
pub const OPENAPI: &str = include_str!("openapi.json");

/// Bodies of this API are a password or a status.
const MAX_BODY: usize = 64 * 1024;

/// What every handler has at hand.
#[derive(Clone)]
struct Api {
    app: AppState,
    throttle: Arc<Throttle>,
    /// One password is hashed at a time: each takes 19 MB, and tries may come from many addresses at once.
    hashing: Arc<Semaphore>,
}

impl Api {
    /// Runs `call` on the store, off the async threads.
    async fn store<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Store) -> store::Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.app.store.clone();
        Ok(blocking(move || call(&*store)).await??)
    }
}

/// Runs blocking work off the async threads. A panic in it is an error of this request only.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ApiError::internal(&error))
}

/// All routes of the API.
pub fn router(app: AppState) -> Router {
    let api = Api {
        app,
        throttle: Arc::default(),
        hashing: Arc::new(Semaphore::new(1)),
    };
    let guarded = Router::new()
        .route(
            "/api/v1/projects",
            get(projects::list).post(projects::create),
        )
        .route("/api/v1/projects/{id}", get(projects::one))
        .route("/api/v1/projects/{id}/issues", get(issues::list))
        .route("/api/v1/projects/{id}/events", get(events::of_project))
        .route(
            "/api/v1/issues/{id}",
            get(issues::one).patch(issues::change),
        )
        .route("/api/v1/issues/{id}/events", get(events::of_issue))
        .route("/api/v1/issues/{id}/events/latest", get(events::latest))
        .route("/api/v1/events/{id}", get(events::one))
        .route("/api/v1/events/{id}/json", get(events::json))
        .route(
            "/api/v1/events/{id}/attachments/{attachment_id}",
            get(events::attachment),
        )
        .route("/api/v1/stats", get(stats))
        .layer(from_fn_with_state(api.clone(), auth::require));
    let open = Router::new()
        .route("/api/v1/openapi.json", get(openapi))
        .route("/api/v1/setup", post(auth::setup))
        .route(
            "/api/v1/session",
            get(auth::session).post(auth::login).delete(auth::logout),
        );
    guarded
        .merge(open)
        .method_not_allowed_fallback(answer::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(map_response(private))
        .with_state(api)
}

/// Nothing of this API may stay in a shared cache or on a disk.
async fn private(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn openapi() -> Response {
    let head = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (head, OPENAPI).into_response()
}

async fn stats(State(api): State<Api>) -> Result<Json<shapes::Stats>> {
    let totals = api.store(|store| store.outcome_totals()).await?;
    Ok(Json(shapes::Stats::new(
        totals,
        api.app.spool.stats().records,
    )))
}
