//! A request under way.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use faultwire::{EventId, InScope, Level, Report, Scope, catch_panics};
use http::{Response, StatusCode};

pin_project_lite::pin_project! {
    /// The answer of [`FaultwireService`](crate::FaultwireService).
    ///
    /// ```
    /// use faultwire_tower::{FaultwireLayer, ResponseFuture};
    /// use tower::{Layer as _, Service};
    ///
    /// let mut service = FaultwireLayer::new().layer(axum::Router::new());
    /// let request: axum::extract::Request = Default::default();
    /// let answer: ResponseFuture<_> = service.call(request);
    /// ```
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project_lite::pin_project! {
    #[project = StateProjection]
    enum State<F> {
        /// There is a client.
        Watched { #[pin] future: InScope<F>, scope: Scope, transaction: String },
        /// There is none.
        Unwatched { #[pin] future: F },
        /// It is over; the event of the panic.
        Panicked { event: EventId },
    }
}

impl<F: Future> ResponseFuture<F> {
    pub(crate) fn watched(future: InScope<F>, scope: Scope, transaction: String) -> Self {
        let state = State::Watched {
            future,
            scope,
            transaction,
        };
        ResponseFuture { state }
    }

    pub(crate) fn unwatched(future: F) -> Self {
        let state = State::Unwatched { future };
        ResponseFuture { state }
    }

    pub(crate) fn panicked(event: EventId) -> Self {
        let state = State::Panicked { event };
        ResponseFuture { state }
    }
}

impl<F, ResBody, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    ResBody: Default,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().state.project() {
            StateProjection::Unwatched { future } => future.poll(context),
            StateProjection::Panicked { event } => Poll::Ready(Ok(broken(std::mem::take(event)))),
            StateProjection::Watched {
                future,
                scope,
                transaction,
            } => match catch_panics(|| future.poll(context)) {
                Ok(polled) => {
                    let mut answer = ready!(polled);
                    if let Ok(response) = &mut answer {
                        look_at(response, scope, transaction);
                    }
                    Poll::Ready(answer)
                }
                Err(panic) => Poll::Ready(Ok(broken(panic.event().clone()))),
            },
        }
    }
}

/// Captures a 5xx that nobody has explained yet, and leaves the event's id in the response.
fn look_at<ResBody>(response: &mut Response<ResBody>, scope: &Scope, transaction: &str) {
    if !response.status().is_server_error() {
        return;
    }
    let mut event = scope.last_event();
    if event.is_none() {
        let status = response.status().as_u16();
        event = scope.run(|| {
            Report::new(format!("{transaction} answered {status}"), Level::Error)
                .context("response", faultwire::object([("status_code", status)]))
                .logger("faultwire_tower")
                .capture()
        });
    }
    if !event.is_none() {
        response.extensions_mut().insert(event);
    }
}

/// What the client of a handler that panicked gets.
fn broken<ResBody: Default>(event: EventId) -> Response<ResBody> {
    let mut response = Response::new(ResBody::default());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    if !event.is_none() {
        response.extensions_mut().insert(event);
    }
    response
}
