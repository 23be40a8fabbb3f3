//! The SDK as an app uses it, against a scripted server. One process has one current client, so the tests take turns.

#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test is a failed test that names its line"
)]

#[path = "../../../core/native/tests/support/mod.rs"]
mod support;

use std::error::Error;
use std::fmt;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use faultwire::{Breadcrumb, Guard, Level, Options, User, Value};
use support::{StubServer, dsn, nobody};

const WAIT: Duration = Duration::from_secs(30);

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start(server: &StubServer, queue: &tempfile::TempDir) -> Guard {
    faultwire::init(
        Options::new(&server.dsn())
            .queue_dir(queue.path())
            .release("shop@1.0.0"),
    )
}

#[derive(Debug)]
struct PaymentFailed {
    cause: std::num::ParseIntError,
}

impl fmt::Display for PaymentFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the payment failed")
    }
}

impl Error for PaymentFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

#[inline(never)]
fn pay() -> PaymentFailed {
    let failure = PaymentFailed {
        cause: "x".parse::<u32>().unwrap_err(),
    };
    faultwire::capture_error(&failure);
    failure
}

#[test]
fn an_error_arrives_with_chain_stack_and_source_lines() {
    let _turn = turn();
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let guard = start(&server, &queue);
    faultwire::set_tag("region", "eu");
    faultwire::set_user(Some(User {
        id: Some("7".into()),
        ..User::default()
    }));
    faultwire::set_context("order", faultwire::object([("items", 3)]));
    faultwire::set_extra("attempt", 2);
    faultwire::add_breadcrumb(
        Breadcrumb::new("cart loaded")
            .category("shop")
            .data("items", 3),
    );
    pay();
    assert!(guard.flush(WAIT), "{}", guard.stats());

    let event = server.events().remove(0);
    assert_eq!(event["platform"], "rust");
    assert_eq!(event["release"], "shop@1.0.0");
    assert_eq!(event["level"], "error");
    let exceptions = event["exception"]["values"].as_array().unwrap();
    let types: Vec<&str> = exceptions
        .iter()
        .map(|e| e["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["ParseIntError", "PaymentFailed"], "the cause first");
    assert_eq!(exceptions[1]["value"], "the payment failed");
    let frames = exceptions[1]["stacktrace"]["frames"].as_array().unwrap();
    let newest = frames.last().unwrap();
    assert!(
        newest["function"].as_str().unwrap().ends_with("pay"),
        "{newest}"
    );
    assert!(
        newest["context_line"]
            .as_str()
            .unwrap()
            .contains("faultwire::capture_error(&failure)"),
        "{newest}"
    );
    assert_eq!(newest["in_app"], true);
    assert!(
        frames.iter().any(|f| f["in_app"] == false),
        "library frames are there and marked"
    );
    assert_eq!(event["tags"]["region"], "eu");
    assert_eq!(event["user"]["id"], "7");
    assert_eq!(event["contexts"]["order"]["items"], 3);
    assert_eq!(event["extra"]["attempt"], 2);
    assert_eq!(event["breadcrumbs"]["values"][0]["message"], "cart loaded");
}

#[test]
fn scopes_end_with_their_block_and_threads_do_not_share_them() {
    let _turn = turn();
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let guard = start(&server, &queue);
    faultwire::set_tag("everywhere", "yes");
    faultwire::with_scope(
        |scope| scope.set_tag("request", "1"),
        || {
            faultwire::capture_message("inside", Level::Info);
            let unwound = std::panic::catch_unwind(|| {
                faultwire::with_scope(
                    |scope| scope.set_tag("deeper", "1"),
                    || std::panic::resume_unwind(Box::new(())),
                )
            });
            assert!(unwound.is_err());
            faultwire::capture_message("after a panic", Level::Info);
            let thread = std::thread::spawn(|| {
                faultwire::set_tag("thread", "1");
                faultwire::capture_message("on a thread", Level::Info);
            });
            thread.join().unwrap();
        },
    );
    faultwire::capture_message("outside", Level::Info);
    assert!(guard.flush(WAIT));
    let tags = |text: &str| {
        let events = server.events();
        let event = events
            .iter()
            .find(|e| e.to_string().contains(text))
            .unwrap_or_else(|| panic!("no {text}"));
        let tags = event["tags"].as_object().unwrap();
        tags.keys().cloned().collect::<Vec<_>>().join(",")
    };
    assert_eq!(tags("inside"), "everywhere,request");
    assert_eq!(tags("after a panic"), "everywhere,request");
    assert_eq!(tags("on a thread"), "everywhere,thread");
    assert_eq!(tags("outside"), "everywhere");
}

#[test]
fn a_hook_changes_and_drops_events_and_its_panic_drops_too() {
    let _turn = turn();
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let options = Options::new(&server.dsn())
        .queue_dir(queue.path())
        .capture_panics(false)
        .before_send(|mut event| {
            let text = event.to_string();
            if text.contains("drop me") {
                return None;
            }
            assert!(!text.contains("panic in the hook"), "on purpose");
            event
                .as_object_mut()?
                .insert("transaction", Value::from("set by the hook"));
            Some(event)
        });
    let guard = faultwire::init(options);
    let kept = faultwire::capture_message("keep me", Level::Warning);
    assert!(faultwire::capture_message("drop me", Level::Warning).is_none());
    assert!(faultwire::capture_message("panic in the hook", Level::Warning).is_none());
    assert!(guard.flush(WAIT));
    assert_eq!(server.ids(), [kept.to_string()]);
    assert_eq!(server.events()[0]["transaction"], "set by the hook");
    assert!(
        guard.stats().contains(r#""before_send":2"#),
        "{}",
        guard.stats()
    );
}

#[test]
fn without_a_dsn_nothing_happens() {
    let _turn = turn();
    let guard = faultwire::init(Options::new(""));
    assert!(!guard.enabled());
    assert!(faultwire::capture_message("nobody listens", Level::Info).is_none());
    assert!(guard.flush(Duration::ZERO));
}

/// The role of a process that dies of a panic; see the test below.
#[test]
fn panicking_child() {
    let Ok(queue) = std::env::var("FAULTWIRE_TEST_QUEUE") else {
        assert!(
            std::env::var("FAULTWIRE_TEST_DSN").is_err(),
            "a DSN without a queue"
        );
        return;
    };
    let _guard = faultwire::init(
        Options::new(&std::env::var("FAULTWIRE_TEST_DSN").unwrap()).queue_dir(queue),
    );
    std::panic::set_hook({
        // The last hook to run aborts, as `panic = "abort"` does: whatever was not durable by then is lost.
        let faultwire_hook = std::panic::take_hook();
        Box::new(move |info| {
            faultwire_hook(info);
            std::process::abort();
        })
    });
    checkout(None);
}

#[inline(never)]
fn checkout(cart: Option<u32>) -> u32 {
    cart.expect("the cart exists")
}

#[test]
fn a_panic_is_on_disk_before_the_process_dies() {
    let _turn = turn();
    let queue = tempfile::tempdir().unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "panicking_child"])
        .env("FAULTWIRE_TEST_QUEUE", queue.path())
        .env("FAULTWIRE_TEST_DSN", dsn(nobody()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success());
    let server = StubServer::start();
    let guard = start(&server, &queue);
    assert!(guard.flush(WAIT));
    let event = server.events().remove(0);
    assert_eq!(event["level"], "fatal");
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["value"], "the cart exists");
    assert_eq!(exception["mechanism"]["handled"], false);
    let newest = exception["stacktrace"]["frames"]
        .as_array()
        .unwrap()
        .last()
        .unwrap();
    assert!(
        newest["function"].as_str().unwrap().ends_with("checkout"),
        "{newest}"
    );
}
