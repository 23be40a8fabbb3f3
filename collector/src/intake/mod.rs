//! From an SDK's request to a durable record.
//!
//! A request is recognised by its path (`route`), its sender checked (`auth`), its body decoded within bounds
//! (`body`, `decode`, `budget`), its items sorted (`items`), the event appended to the `spool` and only then answered
//! (`reply`). What was not taken is counted (`outcomes`). Intake knows no issue and never looks into the store except
//! for keys.

pub mod auth;
pub mod body;
pub mod budget;
pub mod client_addr;
pub mod decode;
mod handlers;
pub mod items;
pub mod outcomes;
pub mod plain;
pub mod reply;
pub mod route;
pub mod security;
pub mod spool;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::config::{Config, Limits, Network};
use crate::store::Store;
use crate::telemetry::Metrics;
use auth::Keys;
use budget::Budget;
use handlers::Call;
use outcomes::{Outcome, Outcomes};
use reply::Refusal;
use route::Endpoint;
use spool::Spool;

/// Everything intake needs, shared by all requests.
pub struct Intake {
    /// Bounds.
    pub limits: Limits,
    /// Memory for bodies.
    pub budget: Arc<Budget>,
    /// Where records go.
    pub spool: Arc<Spool>,
    /// Keys that may send.
    pub keys: Keys,
    /// The account.
    pub outcomes: Arc<Outcomes>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    trusted_proxies: Vec<Network>,
}

impl Intake {
    /// Puts the parts together.
    pub fn new(
        config: &Config,
        store: Arc<dyn Store>,
        spool: Arc<Spool>,
        outcomes: Arc<Outcomes>,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        Arc::new(Intake {
            limits: config.limits.clone(),
            budget: Budget::observed(config.limits.max_in_flight_bytes, metrics.in_flight_bytes()),
            spool,
            keys: Keys::new(store),
            outcomes,
            metrics,
            trusted_proxies: config.trusted_proxies.clone(),
        })
    }
}

/// Answers requests whose path is intake's and passes all others on.
///
/// This stands before the router instead of in it, because DSNs may have a path in front of `/api/`, and a router
/// cannot match a prefix of unknown length.
pub async fn layer(State(intake): State<Arc<Intake>>, request: Request, next: Next) -> Response {
    let Some((endpoint, project)) = route::parse(request.uri().path()) else {
        return next.run(request).await;
    };
    let began = Instant::now();
    let project = project.map(str::to_owned);
    let mut response = dispatch(&intake, endpoint, project, request).await;
    reply::open_to_browsers(response.headers_mut());
    intake
        .metrics
        .request(endpoint.name(), response.status().as_u16(), began.elapsed());
    response
}

async fn dispatch(
    intake: &Intake,
    endpoint: Endpoint,
    project: Option<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| {
            peer.ip()
        });
    let call = Call {
        intake,
        client_ip: client_addr::client_address(&parts.headers, peer, &intake.trusted_proxies),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        project,
        received_ms: now_ms(),
        admitted: OnceLock::new(),
    };
    let result = match (parts.method, endpoint) {
        (Method::OPTIONS, _) => Ok(reply::preflight()),
        (_, Endpoint::Unknown) => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "this server has no such ingest endpoint",
        )
        .cause("it takes envelope, store and security requests")),
        (Method::POST, Endpoint::Envelope) => handlers::envelope::post(&call, body).await,
        (Method::POST, Endpoint::Store) => handlers::store::post(&call, body).await,
        (Method::GET, Endpoint::Store) => handlers::store::get(&call).await,
        (Method::POST, Endpoint::Security) => handlers::security::post(&call, body).await,
        (Method::POST, Endpoint::NetworkErrors) => {
            handlers::security::drop_network_errors(&call, body).await
        }
        (Method::POST, Endpoint::Events) => handlers::events::post(&call, body).await,
        (method, _) => {
            let allowed = if endpoint == Endpoint::Store {
                "POST, GET, OPTIONS"
            } else {
                "POST, OPTIONS"
            };
            let mut response = Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("{} is not possible here: send a POST", method.as_str()),
            )
            .into_response();
            response
                .headers_mut()
                .insert(header::ALLOW, header::HeaderValue::from_static(allowed));
            Ok(response)
        }
    };
    result.unwrap_or_else(|refusal| {
        if let (Some(project_id), false) = (call.admitted.get(), refusal.counted) {
            let outcome = match refusal.status {
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                    Outcome::RateLimited
                }
                _ => Outcome::Invalid,
            };
            // What was in the body is not known; most of what comes are errors.
            intake.outcomes.count(
                *project_id,
                call.received_ms,
                "error",
                outcome,
                refusal.reason,
                1,
            );
        }
        tracing::debug!(
            endpoint = endpoint.name(),
            status = refusal.status.as_u16(),
            detail = refusal.detail,
            causes = ?refusal.causes,
            "refused"
        );
        refusal.into_response()
    })
}

fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
