//! The middleware around an axum app, against a scripted server. One process has one current client, so the tests take
//! turns.

#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test is a failed test that names its line"
)]

#[path = "../../../../core/native/tests/support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Path, Request};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use faultwire::{BindScope, EventId, Guard, Level, Options};
use faultwire_tower::FaultwireLayer;
use serde_json::Value;
use support::StubServer;
use tokio::sync::Barrier;
use tower::ServiceExt as _;

const WAIT: Duration = Duration::from_secs(60);
const REQUESTS: usize = 1000;
/// Requests that wait for each other, so that they really are under way together.
const TOGETHER: usize = 50;

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start(server: &StubServer, queue: &tempfile::TempDir) -> Guard {
    faultwire::init(Options::new(&server.dsn()).queue_dir(queue.path()))
}

fn layer() -> FaultwireLayer {
    FaultwireLayer::new()
        .route(|request| Some(request.extensions.get::<MatchedPath>()?.as_str().to_owned()))
}

fn ask(uri: &str) -> Request {
    Request::get(uri).body(Body::empty()).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap()
}

/// Sets a tag, waits for the others, moves between threads, lets a sub-task capture, captures itself.
async fn serve(id: String, together: Arc<Barrier>) {
    faultwire::set_tag("id", &id);
    together.wait().await;
    tokio::task::yield_now().await;
    let sub_task = async move {
        faultwire::set_tag("sub", "yes");
        tokio::task::yield_now().await;
        faultwire::capture_message("from the sub-task", Level::Error);
    };
    tokio::spawn(sub_task.bind_scope()).await.unwrap();
    faultwire::capture_message("from the handler", Level::Error);
}

#[test]
fn a_thousand_interleaved_requests_keep_their_scopes() {
    let _turn = turn();
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let guard = start(&server, &queue);
    faultwire::set_tag("everywhere", "yes");
    let together = Arc::new(Barrier::new(TOGETHER));
    let handler = move |Path(id): Path<String>| serve(id, together.clone());
    let app = Router::new()
        .route("/jobs/{id}", get(handler))
        .layer(layer());
    runtime().block_on(async {
        // What a task outside any request leaves behind on its thread must not turn up in a request.
        for _ in 0..TOGETHER {
            tokio::spawn(async { faultwire::set_tag("stray", "yes") });
        }
        let asked: Vec<_> = (0..REQUESTS)
            .map(|id| tokio::spawn(app.clone().oneshot(ask(&format!("/jobs/{id}?of={id}")))))
            .collect();
        for answer in asked {
            assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::OK);
        }
    });
    assert!(guard.flush(WAIT), "{}", guard.stats());

    let mut missing: BTreeSet<(usize, bool)> = (0..REQUESTS)
        .flat_map(|id| [(id, false), (id, true)])
        .collect();
    for event in server.events() {
        let id = event["tags"]["id"].as_str().unwrap();
        let is_sub = event.to_string().contains("from the sub-task");
        assert_eq!(
            event["request"]["url"],
            format!("/jobs/{id}"),
            "mixed: {event}"
        );
        assert_eq!(event["request"]["query_string"], format!("of={id}"));
        assert_eq!(event["transaction"], "GET /jobs/{id}");
        assert_eq!(event["tags"]["everywhere"], "yes");
        assert!(event["tags"]["stray"].is_null(), "{event}");
        assert_eq!(event["tags"]["sub"].is_string(), is_sub, "{event}");
        assert!(
            missing.remove(&(id.parse().unwrap(), is_sub)),
            "twice: {event}"
        );
    }
    assert!(missing.is_empty(), "missing: {missing:?}");
}

async fn answer_with(status: StatusCode, captures: bool) -> (StatusCode, &'static str) {
    if captures {
        faultwire::capture_message("what really happened", Level::Error);
    }
    (status, "sorry")
}

/// One request to an app with one of each kind of handler; its answer and what was captured.
fn asked(uri: &str) -> (Response, Vec<Value>) {
    let _turn = turn();
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let guard = start(&server, &queue);
    let explode = || async {
        tokio::task::yield_now().await;
        let cart: Option<u32> = "none".parse().ok();
        cart.expect("the cart exists").to_string()
    };
    let app = Router::new()
        .route("/explode", get(explode))
        .route(
            "/bad/{id}",
            get(|| answer_with(StatusCode::BAD_GATEWAY, false)),
        )
        .route(
            "/told",
            get(|| answer_with(StatusCode::INTERNAL_SERVER_ERROR, true)),
        )
        .route("/fine", get(|| answer_with(StatusCode::NOT_FOUND, false)))
        .layer(layer());
    let request = Request::get(uri)
        .header("host", "shop.example")
        .header("authorization", "Bearer 0123456789abcdefghij")
        .header("cookie", "session=0123456789abcdefghij")
        .header("accept-language", "de")
        .body(Body::empty())
        .unwrap();
    let answer = runtime().block_on(app.oneshot(request)).unwrap();
    assert!(guard.flush(WAIT), "{}", guard.stats());
    (answer, server.events())
}

fn id_in(answer: &Response) -> String {
    answer.extensions().get::<EventId>().unwrap().to_string()
}

#[test]
fn a_panic_is_an_event_and_the_client_gets_500() {
    let (answer, events) = asked("/explode");
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["event_id"], id_in(&answer));
    assert_eq!(events[0]["level"], "error", "nobody died of it");
    assert_eq!(events[0]["transaction"], "GET /explode");
    assert_eq!(events[0]["request"]["url"], "http://shop.example/explode");
    let exception = &events[0]["exception"]["values"][0];
    assert_eq!(exception["value"], "the cart exists");
    assert_eq!(exception["mechanism"]["handled"], false);
}

#[test]
fn a_server_error_is_an_event_once() {
    let (answer, events) = asked("/bad/7");
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event_id"], id_in(&answer));
    assert!(
        events[0].to_string().contains("GET /bad/{id} answered 502"),
        "{}",
        events[0]
    );
    assert_eq!(events[0]["contexts"]["response"]["status_code"], 502);

    let (answer, events) = asked("/told");
    assert_eq!(events.len(), 1, "the handler has said it: {events:?}");
    assert!(events[0].to_string().contains("what really happened"));
    assert_eq!(events[0]["event_id"], id_in(&answer));

    let (answer, events) = asked("/fine");
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(events.is_empty(), "{events:?}");
}

#[test]
fn headers_travel_without_their_secrets() {
    let (_, events) = asked("/bad/7?token=0123456789abcdefghij&page=2");
    let request = &events[0]["request"];
    assert_eq!(request["method"], "GET");
    assert_eq!(request["headers"]["accept-language"], "de");
    assert!(
        !request.to_string().contains("0123456789abcdefghij"),
        "{request}"
    );
}
