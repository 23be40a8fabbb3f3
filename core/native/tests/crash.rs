//! Processes that die: what was captured must arrive after the next start, each event once.
//!
//! The dying processes are this test binary itself, started again with a scenario in the environment (see [`child`]).
//! `FAULTWIRE_ROUNDS` sets how often each scenario is repeated (default 20; CI's long run uses 200).

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test is a failed test that names its line"
)]

mod support;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use faultwire_native::{Client, Sdk};
use support::{StubServer, dsn, nobody};

const WAIT_MS: u64 = 30_000;

fn client(queue: &Path, address: SocketAddr) -> Client {
    let options = serde_json::json!({"dsn": dsn(address), "queueDir": queue});
    let sdk = Sdk {
        name: "faultwire.test".to_owned(),
        version: "9.9.9".to_owned(),
        platform: "other".to_owned(),
    };
    Client::new(&options.to_string(), sdk)
}

fn event(text: &str) -> String {
    serde_json::json!({"message": text, "extra": {"text": "lorem ipsum ".repeat(200)}}).to_string()
}

fn rounds() -> usize {
    std::env::var("FAULTWIRE_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(20)
}

/// Runs one scenario of [`child`] in a process of its own and gives what it printed: the ids it captured.
fn run_child(scenario: &str, queue: &Path, address: SocketAddr) -> Vec<String> {
    let output = spawn_child(scenario, queue, address)
        .wait_with_output()
        .unwrap();
    ids_in(&output.stdout)
}

fn spawn_child(scenario: &str, queue: &Path, address: SocketAddr) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env("FAULTWIRE_TEST_SCENARIO", scenario)
        .env("FAULTWIRE_TEST_QUEUE", queue)
        .env("FAULTWIRE_TEST_ADDRESS", address.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn ids_in(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    text.lines()
        .filter_map(|line| line.strip_prefix("captured "))
        .map(str::to_owned)
        .collect()
}

/// The role of a dying process. Run as a test without a scenario, it checks that there is none.
#[test]
fn child() {
    let Ok(scenario) = std::env::var("FAULTWIRE_TEST_SCENARIO") else {
        assert!(
            std::env::var("FAULTWIRE_TEST_QUEUE").is_err(),
            "a queue without a scenario"
        );
        return;
    };
    let queue = std::env::var("FAULTWIRE_TEST_QUEUE").unwrap();
    let address: SocketAddr = std::env::var("FAULTWIRE_TEST_ADDRESS")
        .unwrap()
        .parse()
        .unwrap();
    let client = client(Path::new(&queue), address);
    let scope = client.scope();
    match scenario.as_str() {
        // An event right after the start, and the kill 5 ms later.
        "kill" => {
            let id = scope.capture(event("killed"), false);
            std::thread::sleep(Duration::from_millis(5));
            println!("captured {id}");
            kill_self();
        }
        // A fatal event, and the kill as the very next instruction.
        "fatal" => {
            let id = scope.capture(event("fatal"), true);
            println!("captured {id}");
            kill_self();
        }
        "exit" => {
            let id = scope.capture(event("exit"), true);
            println!("captured {id}");
            // As a host does that calls exit() in the middle of things: no destructor runs.
            unsafe_exit();
        }
        // Events until somebody else kills us; each is reported only after it is durable.
        "busy" => loop {
            let id = scope.capture(event("busy"), true);
            println!("captured {id}");
        },
        // A hundred events, flushed as far as possible, in order.
        "orderly" => {
            for n in 0..100 {
                println!(
                    "captured {}",
                    scope.capture(event(&format!("orderly {n}")), false)
                );
            }
            client.close(WAIT_MS);
        }
        // The disk takes 60 KB a file and no more, as a full one or one with a quota would.
        "full disk" => {
            limit_file_size(60_000);
            for n in 0..200 {
                println!(
                    "captured {}",
                    scope.capture(event(&format!("full {n}")), false)
                );
            }
            let last = scope.capture(event("fatal on a full disk"), true);
            println!("captured {last}");
            client.close(WAIT_MS);
            println!("stats {}", client.stats());
        }
        other => panic!("no scenario {other}"),
    }
}

/// Writes beyond `bytes` fail from now on (EFBIG instead of a signal).
fn limit_file_size(bytes: libc::rlim_t) {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: bytes,
    };
    // SAFETY: the structure outlives the call, and ignoring a signal installs no handler.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
}

fn kill_self() -> ! {
    // SAFETY: sends a signal to this very process; nothing survives it to be unsound.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    unreachable!("SIGKILL cannot be survived")
}

fn unsafe_exit() -> ! {
    // SAFETY: ends the process at once, as the scenario wants.
    unsafe { libc::_exit(3) }
}

/// Starts an app with the collector up and gives all event ids that arrive until its queue is empty.
fn deliver_rest(queue: &Path) -> Vec<String> {
    let server = StubServer::start();
    let client = client(queue, server.address());
    assert!(client.close(WAIT_MS), "{}", client.stats());
    server.ids()
}

fn assert_each_once(mut arrived: Vec<String>, captured: &[String]) {
    arrived.sort();
    let mut captured = captured.to_vec();
    captured.sort();
    assert_eq!(arrived, captured);
}

#[test]
fn events_captured_5_ms_before_a_kill_arrive_once_each() {
    let queue = tempfile::tempdir().unwrap();
    let captured: Vec<String> = (0..rounds())
        .flat_map(|_| run_child("kill", queue.path(), nobody()))
        .collect();
    assert_eq!(captured.len(), rounds());
    assert_each_once(deliver_rest(queue.path()), &captured);
}

#[test]
fn fatal_events_survive_the_very_next_instruction() {
    let queue = tempfile::tempdir().unwrap();
    let scenarios = ["fatal", "exit"].into_iter().cycle().take(rounds());
    let captured: Vec<String> = scenarios
        .flat_map(|s| run_child(s, queue.path(), nobody()))
        .collect();
    assert_eq!(captured.len(), rounds());
    assert_each_once(deliver_rest(queue.path()), &captured);
}

#[test]
fn events_killed_with_the_server_up_arrive() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let captured: BTreeSet<String> = (0..rounds())
        .flat_map(|_| run_child("kill", queue.path(), server.address()))
        .collect();
    let client = client(queue.path(), server.address());
    assert!(client.close(WAIT_MS));
    // An answer that died with its process is asked for again; the server tells duplicates by id.
    let arrived: BTreeSet<String> = server.ids().into_iter().collect();
    assert_eq!(arrived, captured);
}

#[test]
fn a_kill_in_the_middle_of_work_loses_nothing_that_was_durable() {
    let queue = tempfile::tempdir().unwrap();
    let mut captured = BTreeSet::new();
    for round in 0..rounds().min(50) {
        let mut child = spawn_child("busy", queue.path(), nobody());
        // Not a wait for something to be ready: the kill shall come at any time.
        std::thread::sleep(Duration::from_millis(10 + round as u64 * 7 % 60));
        child.kill().unwrap();
        captured.extend(ids_in(&child.wait_with_output().unwrap().stdout));
    }
    assert!(!captured.is_empty());
    let arrived = deliver_rest(queue.path());
    let distinct: BTreeSet<String> = arrived.iter().cloned().collect();
    assert_eq!(arrived.len(), distinct.len(), "no event came twice");
    // An event that was durable but whose id was not printed any more may come on top.
    assert!(
        captured.is_subset(&distinct),
        "{} of {} arrived",
        distinct.len(),
        captured.len()
    );
}

#[test]
fn processes_share_a_queue_directory_and_the_dead_are_inherited() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    let orphans: Vec<String> = (0..3)
        .flat_map(|_| run_child("fatal", queue.path(), nobody()))
        .collect();
    let children: Vec<_> = (0..4)
        .map(|_| spawn_child("orderly", queue.path(), server.address()))
        .collect();
    let mut captured = orphans;
    for child in children {
        captured.extend(ids_in(&child.wait_with_output().unwrap().stdout));
    }
    assert_eq!(captured.len(), 403);
    // All were delivered by whoever owned them; nothing is left for a late-comer.
    assert_each_once(server.ids(), &captured);
    assert!(deliver_rest(queue.path()).is_empty());
}

#[test]
fn a_full_disk_is_one_warning_and_nothing_is_lost() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    // Slow, so that the disk is full before the first events are delivered.
    server.delay(Duration::from_millis(20));
    let output = spawn_child("full disk", queue.path(), server.address())
        .wait_with_output()
        .unwrap();
    let captured = ids_in(&output.stdout);
    assert_eq!(captured.len(), 201);
    assert_each_once(server.ids(), &captured);
    let said = String::from_utf8_lossy(&output.stderr);
    let warnings: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("faultwire: "))
        .collect();
    assert_eq!(warnings.len(), 1, "{said}");
    for part in [
        queue.path().to_str().unwrap(),
        "File too large",
        "kept in memory",
    ] {
        assert!(warnings[0].contains(part), "{part} in {}", warnings[0]);
    }
    assert!(String::from_utf8_lossy(&output.stdout).contains(r#""queued":0,"lost":{}"#));
}

#[test]
fn debug_output_holds_no_secret_and_no_payload() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    server.script([support::Answer::status(500)]);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env("FAULTWIRE_TEST_SCENARIO", "orderly")
        .env("FAULTWIRE_TEST_QUEUE", queue.path())
        .env("FAULTWIRE_TEST_ADDRESS", server.address().to_string())
        .env("FAULTWIRE_DEBUG", "true")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("faultwire: [debug] request"),
        "it says what it does: {said}"
    );
    for secret in [
        "0123456789abcdef0123456789abcdef",
        "lorem ipsum",
        "sentry_key",
    ] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
}

#[test]
fn a_forked_child_has_a_worker_and_a_queue_of_its_own() {
    let queue = tempfile::tempdir().unwrap();
    let server = StubServer::start();
    server.delay(Duration::from_millis(100));
    let client = client(queue.path(), server.address());
    let parents = client.scope().capture(event("parent"), false);
    let mut pipe = [0; 2];
    // SAFETY: `pipe` has room for the two descriptors.
    assert_eq!(unsafe { libc::pipe(pipe.as_mut_ptr()) }, 0);
    // SAFETY: the child uses only the client, which is made for this, and ends without running destructors. The other
    // threads of the test harness do not exist in it.
    match unsafe { libc::fork() } {
        0 => {
            let id = client.scope().capture(event("child"), false);
            let delivered = client.close(WAIT_MS);
            let line = format!("{id} {delivered} {}", client.stats());
            // SAFETY: writes from a live buffer to an open descriptor, then ends the process.
            unsafe {
                libc::write(pipe[1], line.as_ptr().cast(), line.len());
                libc::_exit(0);
            }
        }
        child => {
            let mut said = [0u8; 1000];
            // SAFETY: reads into a live buffer of the given size; the child is waited for once.
            let length = unsafe {
                libc::close(pipe[1]);
                let length = libc::read(pipe[0], said.as_mut_ptr().cast(), said.len());
                libc::waitpid(child, std::ptr::null_mut(), 0);
                length
            };
            let said =
                String::from_utf8_lossy(&said[..usize::try_from(length).unwrap()]).into_owned();
            let parts: Vec<&str> = said.splitn(3, ' ').collect();
            assert_eq!(parts[1], "true", "{said}");
            assert!(
                parts[2].contains(r#""captured":1"#),
                "the child counts only its own: {said}"
            );
            assert!(client.close(WAIT_MS));
            assert_each_once(server.ids(), &[parents, parts[0].to_owned()]);
        }
    }
}
