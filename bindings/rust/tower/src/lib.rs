//! Faultwire for [axum](https://docs.rs/axum) and everything else that is made of [tower](https://docs.rs/tower)
//! services: a scope of its own for every request, the request on what is captured while it is served, an event for every
//! handler that panics or answers with 5xx.
//!
//! ```
//! use axum::{Router, extract::MatchedPath, routing::get};
//! use faultwire_tower::FaultwireLayer;
//!
//! let app: Router = Router::new()
//!     .route("/orders/{id}", get(|| async { "an order" }))
//!     // After the routes; with the route in it, a thousand orders are one transaction.
//!     .layer(FaultwireLayer::new().route(|request| {
//!         Some(request.extensions.get::<MatchedPath>()?.as_str().to_owned())
//!     }));
//! ```
//!
//! The scope follows the request's future across its awaits and from thread to thread. A task that a handler spawns is a
//! future of its own; `tokio::spawn(work().bind_scope())` takes the scope along ([`faultwire::BindScope`]). A response
//! body that is still streaming after the handler has returned is outside the scope.
//!
//! A panic becomes an event of level error, and the client gets an empty 500 instead of a closed connection. With
//! `panic = "abort"` nothing can be answered; the event is on disk before the process dies.
//!
//! A response of 5xx becomes an event of its own only if nothing was captured for the request before: the error that
//! caused it says more. Its id is in the extensions of the response, as a [`faultwire::EventId`], for the page that
//! apologises. An error that the service itself gives up with passes through untouched.

mod future;
mod request;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use faultwire::{BindScope, Scope, catch_panics};
use http::request::Parts;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

pub use future::ResponseFuture;

use request::Seen;

/// Says by which route a request is served.
type Route = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

/// The middleware, to be put around a service.
///
/// ```
/// use axum::{Router, routing::get};
/// let app: Router = Router::new()
///     .route("/", get(|| async { "hello" }))
///     .layer(faultwire_tower::FaultwireLayer::new());
/// ```
#[derive(Clone, Default)]
pub struct FaultwireLayer {
    route: Option<Route>,
}

impl FaultwireLayer {
    /// The middleware, as it should be.
    ///
    /// ```
    /// let layer = faultwire_tower::FaultwireLayer::new();
    /// ```
    pub fn new() -> FaultwireLayer {
        FaultwireLayer::default()
    }

    /// Tells by which route a request is served, such as `/orders/{id}`: what events are grouped and searched by. Called
    /// once for every request. Without a route its path is taken.
    ///
    /// ```
    /// use axum::extract::MatchedPath;
    /// let layer = faultwire_tower::FaultwireLayer::new().route(|request| {
    ///     Some(request.extensions.get::<MatchedPath>()?.as_str().to_owned())
    /// });
    /// ```
    pub fn route(
        mut self,
        route: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> FaultwireLayer {
        self.route = Some(Arc::new(route));
        self
    }
}

impl fmt::Debug for FaultwireLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultwireLayer").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for FaultwireLayer {
    type Service = FaultwireService<S>;

    fn layer(&self, inner: S) -> FaultwireService<S> {
        FaultwireService {
            inner,
            route: self.route.clone(),
        }
    }
}

/// A service with the middleware around it, made by [`FaultwireLayer`].
///
/// ```
/// use faultwire_tower::{FaultwireLayer, FaultwireService};
/// use tower::Layer as _;
///
/// let service: FaultwireService<axum::Router> = FaultwireLayer::new().layer(axum::Router::new());
/// ```
#[derive(Clone)]
pub struct FaultwireService<S> {
    inner: S,
    route: Option<Route>,
}

impl<S> fmt::Debug for FaultwireService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultwireService").finish_non_exhaustive()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for FaultwireService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let Some(scope) = Scope::isolated() else {
            return ResponseFuture::unwatched(self.inner.call(request));
        };
        let (parts, body) = request.into_parts();
        let route = self.route.as_ref().and_then(|route| route(&parts));
        let seen = Seen::new(&parts);
        let transaction = seen.transaction(route.as_deref());
        scope.set_transaction(&transaction);
        scope.set_request(move || seen.describe());
        // A service may do its work, and panic, before it gives a future.
        let called =
            scope.run(|| catch_panics(|| self.inner.call(Request::from_parts(parts, body))));
        match called {
            Ok(future) => {
                ResponseFuture::watched(future.in_scope(scope.clone()), scope, transaction)
            }
            Err(panic) => ResponseFuture::panicked(panic.event().clone()),
        }
    }
}
