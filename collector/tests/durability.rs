//! What was answered with 200 is in the store exactly once, whatever happens to the process or the disk.

// Clippy takes helpers of tests for ordinary code.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use common::{Collector, KEY, PROJECT};

fn id(number: u64) -> String {
    format!("{number:016x}a1b2c3d4e5f60718")
}

fn request(address: &str, number: u64) -> Vec<u8> {
    // Frames and a message that grouping puts into a handful of issues, so that their counts can be added up.
    let event = format!(
        "{{\"event_id\":\"{}\",\"exception\":[{{\"type\":\"Error{}\",\"value\":\"order {number} failed\",\"stacktrace\":{{\"frames\":[{{\"function\":\"handle\",\"filename\":\"app.js\",\"lineno\":{}}}]}}}}],\"extra\":{{\"pad\":\"{}\"}}}}",
        id(number),
        number % 5,
        number % 50,
        "x".repeat((number % 13) as usize * 200)
    );
    let body = format!(
        "{{\"event_id\":\"{}\"}}\n{{\"type\":\"event\"}}\n{event}",
        id(number)
    );
    format!(
        "POST /api/{PROJECT}/envelope/?sentry_key={KEY} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends on one connection until the server is gone; gives the numbers answered with 200.
fn send_until_gone(address: &str, next: &AtomicU64, stop: &AtomicBool) -> Vec<u64> {
    let Ok(stream) = TcpStream::connect(address) else {
        return Vec::new();
    };
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let Ok(mut writer) = stream.try_clone() else {
        return Vec::new();
    };
    let mut reader = BufReader::new(stream);
    let mut answered = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if writer.write_all(&request(address, number)).is_err() {
            break;
        }
        match common::read_reply(&mut reader) {
            Ok(reply) => {
                assert_eq!(reply.status, 200, "event {number}: {}", reply.text());
                answered.push(number);
            }
            Err(_) => break,
        }
    }
    answered
}

/// All event ids of the project with how often each is listed.
fn stored(collector: &Collector) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = collector
            .get(&format!(
                "/api/v1/projects/{PROJECT}/events?limit=100{cursor}"
            ))
            .json();
        for event in page["items"].as_array().unwrap() {
            *found
                .entry(event["id"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

fn counted_in_issues(collector: &Collector) -> u64 {
    let page = collector
        .get(&format!("/api/v1/projects/{PROJECT}/issues?limit=100"))
        .json();
    assert!(page["next"].is_null(), "the test makes few issues");
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| issue["count"].as_u64().unwrap())
        .sum()
}

/// Bar 5. Three rounds here, as many as `FAULTWIRE_ROUNDS` says otherwise.
#[test]
fn kill_9_under_load_loses_nothing_and_doubles_nothing() {
    let rounds: u64 = std::env::var("FAULTWIRE_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3);
    let mut collector = Collector::start();
    let next = AtomicU64::new(1);
    let mut answered = Vec::new();
    for round in 0..rounds {
        let stop = AtomicBool::new(false);
        let before = next.load(Ordering::Relaxed);
        // A different moment of the work in every round.
        let target = before + 300 + round * 137 % 400;
        let address = collector.address.clone();
        let batch: Vec<u64> = std::thread::scope(|scope| {
            let senders: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| send_until_gone(&address, &next, &stop)))
                .collect();
            common::wait_until("the load to be under way", || {
                (next.load(Ordering::Relaxed) > target).then_some(())
            });
            collector.kill();
            senders
                .into_iter()
                .flat_map(|sender| sender.join().unwrap())
                .collect()
        });
        assert!(
            !batch.is_empty(),
            "round {round}: nothing was answered before the kill"
        );
        answered.extend(batch);
        collector.restart();
    }
    collector.wait_until_digested();
    let found = stored(&collector);
    let lost: Vec<_> = answered
        .iter()
        .filter(|number| !found.contains_key(&id(**number)))
        .collect();
    let doubled: Vec<_> = found.iter().filter(|(_, times)| **times > 1).collect();
    println!(
        "{rounds} kills: {} answered with 200, {} stored, {} lost, {} doubled",
        answered.len(),
        found.len(),
        lost.len(),
        doubled.len()
    );
    assert!(lost.is_empty(), "answered and lost: {lost:?}");
    assert!(doubled.is_empty(), "stored twice: {doubled:?}");
    // Some events were stored but their answer lost with the process: they are in the list, and once in the counts.
    assert_eq!(counted_in_issues(&collector), found.len() as u64);
}

#[test]
fn the_same_event_sent_again_is_answered_and_counted_once() {
    let collector = Collector::start();
    for _ in 0..3 {
        let reply =
            common::try_exchange(&collector.address, &request(&collector.address, 7)).unwrap();
        assert_eq!(
            (reply.status, reply.text()),
            (200, format!("{{\"id\":\"{}\"}}", id(7)))
        );
    }
    collector.wait_until_digested();
    assert_eq!(stored(&collector), BTreeMap::from([(id(7), 1)]));
    assert_eq!(counted_in_issues(&collector), 1);
}

#[test]
fn a_stop_finishes_what_is_in_hand_and_loses_nothing() {
    let mut collector = Collector::start();
    let next = AtomicU64::new(1);
    let stop = AtomicBool::new(false);
    let address = collector.address.clone();
    let answered: Vec<u64> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| send_until_gone(&address, &next, &stop)))
            .collect();
        common::wait_until("the load to be under way", || {
            (next.load(Ordering::Relaxed) > 300).then_some(())
        });
        let took = collector.stop();
        assert!(took < Duration::from_secs(5), "the stop took {took:?}");
        senders
            .into_iter()
            .flat_map(|sender| sender.join().unwrap())
            .collect()
    });
    assert!(answered.len() > 200);
    collector.restart();
    collector.wait_until_digested();
    let found = stored(&collector);
    assert!(
        answered
            .iter()
            .all(|number| found.get(&id(*number)) == Some(&1))
    );
}

#[test]
fn an_open_idle_connection_does_not_delay_the_stop() {
    let mut collector = Collector::start();
    let mut idle = TcpStream::connect(&collector.address).unwrap();
    idle.write_all(&request(&collector.address, 1)).unwrap();
    let mut reader = BufReader::new(idle.try_clone().unwrap());
    assert_eq!(common::read_reply(&mut reader).unwrap().status, 200);
    assert!(collector.stop() < Duration::from_secs(2));
}

#[test]
fn a_full_spool_refuses_with_a_time_and_takes_again() {
    // Without digest nothing leaves the spool; a restart with it makes room.
    let mut collector =
        Collector::start_with(&["--max-spool-bytes", "50000", "--roles", "intake,web"]);
    let mut taken = 0;
    let refused = loop {
        let reply =
            common::try_exchange(&collector.address, &request(&collector.address, taken)).unwrap();
        if reply.status != 200 {
            break reply;
        }
        taken += 1;
        assert!(taken < 5000, "the limit never held");
    };
    assert_eq!(refused.status, 503, "{}", refused.text());
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(
        refused.header("x-sentry-rate-limits"),
        Some(format!("{seconds}::organization:spool_full").as_str())
    );
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    assert!(refused.text().contains("the spool is full"));
    collector.stop();
    collector.restart_with(&["--max-spool-bytes", "50000"]);
    collector.wait_until_digested();
    assert_eq!(
        stored(&collector).len() as u64,
        taken,
        "what was acknowledged is stored"
    );
    let again =
        common::try_exchange(&collector.address, &request(&collector.address, taken)).unwrap();
    assert_eq!(again.status, 200, "{}", again.text());
}

/// A disk that fills up under the server, on a small file system of its own.
#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let mut collector = Collector::start_with(&["--roles", "intake,web"]);
    collector.stop();
    let spool = collector.data().join("spool");
    let Some(_mounted) = Tmpfs::mount(&spool, "1m") else {
        eprintln!(
            "skipped: a_full_disk_loses_nothing_that_was_acknowledged: a tmpfs cannot be mounted here"
        );
        return;
    };
    let filler = spool.join("filler");
    std::fs::write(&filler, vec![0; 900 * 1024]).unwrap();
    collector.restart_with(&["--roles", "intake,web"]);
    let (mut answered, mut refused) = (Vec::new(), 0);
    for number in 0..1000 {
        let reply =
            common::try_exchange(&collector.address, &request(&collector.address, number)).unwrap();
        match reply.status {
            200 => answered.push(number),
            503 => {
                assert!(reply.header("retry-after").is_some());
                refused += 1;
                if refused == 5 {
                    std::fs::remove_file(&filler).unwrap();
                }
            }
            other => panic!("{other}: {}", reply.text()),
        }
        if refused >= 5 && answered.len() > 20 && answered.last() == Some(&number) {
            break;
        }
    }
    assert_eq!(refused, 5, "it takes events again as soon as there is room");
    collector.kill();
    collector.restart();
    collector.wait_until_digested();
    let found = stored(&collector);
    assert!(
        answered
            .iter()
            .all(|number| found.get(&id(*number)) == Some(&1))
    );
    collector.stop();
}

struct Tmpfs<'a>(&'a Path);

impl<'a> Tmpfs<'a> {
    fn mount(path: &'a Path, size: &str) -> Option<Self> {
        let path_made = std::fs::create_dir_all(path).is_ok();
        let mounted = path_made
            && std::process::Command::new("mount")
                .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
                .arg(path)
                .output()
                .is_ok_and(|output| output.status.success());
        mounted.then_some(Tmpfs(path))
    }
}

impl Drop for Tmpfs<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0)
            .status();
    }
}

#[test]
fn two_servers_never_share_a_folder_and_problems_are_one_sentence() {
    let collector = Collector::start();
    let data = collector.data().to_str().unwrap();
    let fails = |args: &[&str], words: &[&str]| {
        let output = collector.run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        let sentence = text.lines().last().unwrap_or_default();
        assert!(sentence.starts_with("faultwire: "), "{text}");
        for word in words {
            assert!(sentence.contains(word), "`{word}` is missing in: {text}");
        }
    };
    let pid = collector.pid().to_string();
    fails(
        &["serve", "--data", data, "--listen", "127.0.0.1:0"],
        &["another faultwire server", &pid, data, "--data"],
    );
    let other = tempfile::tempdir().unwrap();
    let fresh = other.path().join("new");
    let port = collector.address.rsplit(':').next().unwrap();
    fails(
        &[
            "serve",
            "--data",
            fresh.to_str().unwrap(),
            "--listen",
            &collector.address,
        ],
        &[port, "taken", "--listen"],
    );
    let file = other.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let inside = file.join("data");
    fails(
        &[
            "serve",
            "--data",
            inside.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
        ],
        &[inside.to_str().unwrap(), "cannot be created", "--data"],
    );
    fails(
        &[
            "project",
            "create",
            "x",
            "--data",
            data,
            "--id",
            &PROJECT.to_string(),
        ],
        &[&PROJECT.to_string()],
    );
    fails(
        &[
            "project",
            "create",
            "x",
            "--data",
            data,
            "--url",
            "example.com",
        ],
        &["example.com", "https://"],
    );
}
