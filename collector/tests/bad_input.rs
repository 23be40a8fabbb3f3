//! Hostile and unlucky input against the real program: bounded memory, the right status, a clear reason, and a server
//! that goes on as if nothing had happened.

// Clippy takes helpers of tests for ordinary code.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::{Collector, KEY};

fn path() -> String {
    format!("/api/42/envelope/?sentry_key={KEY}")
}

fn event(text: &str) -> Vec<u8> {
    format!("{{}}\n{{\"type\":\"event\"}}\n{{\"message\":\"{text}\"}}").into_bytes()
}

/// Resident memory in KiB.
fn resident(collector: &Collector) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", collector.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_ascii_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

/// Zeros as `encoding` writes them: a gibibyte where streams can be joined, 128 MiB where they cannot (in a debug build
/// the compressor is what takes the time).
fn bomb(encoding: &str) -> Vec<u8> {
    let zeros = vec![0; 1 << 20];
    match encoding {
        "gzip" => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&zeros).unwrap();
            encoder.finish().unwrap().repeat(1024)
        }
        "zstd" => zstd::encode_all(&zeros[..], 1).unwrap().repeat(1024),
        "deflate" => {
            let mut encoder =
                flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            (0..128).for_each(|_| encoder.write_all(&zeros).unwrap());
            encoder.finish().unwrap()
        }
        "br" => {
            let parameters = brotli::enc::BrotliEncoderParams {
                quality: 1,
                ..Default::default()
            };
            let mut encoder =
                brotli::CompressorWriter::with_params(Vec::new(), 1 << 16, &parameters);
            (0..128).for_each(|_| encoder.write_all(&zeros).unwrap());
            encoder.into_inner()
        }
        other => unreachable!("{other}"),
    }
}

#[test]
fn bombs_are_refused_in_bounded_memory() {
    let collector = Collector::start();
    assert_eq!(collector.post_envelope(&event("before")).status, 200);
    let before = resident(&collector);
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let body = bomb(encoding);
        let replies: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        collector.send("POST", &path(), &[("content-encoding", encoding)], &body)
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        for reply in replies {
            // 429 when the other one holds what memory there is; never more than the budget.
            assert!(
                matches!(reply.status, 413 | 429),
                "{encoding}: {}",
                reply.text()
            );
            assert_eq!(
                reply.header("access-control-allow-origin"),
                Some("*"),
                "{encoding}"
            );
        }
    }
    let grown = resident(&collector) - before;
    assert!(grown < 110 * 1024, "memory grew by {grown} KiB");
    assert_eq!(collector.post_envelope(&event("after")).status, 200);
}

#[test]
fn bodies_beyond_a_limit_are_named_with_it() {
    let collector = Collector::start_with(&[
        "--max-envelope-bytes",
        "200000",
        "--max-event-bytes",
        "50000",
        "--max-attachment-bytes",
        "1000",
    ]);
    let large = event(&"x".repeat(60_000));
    let reply = collector.post_envelope(&large);
    assert_eq!(reply.status, 413);
    assert!(reply.text().contains("50000"), "{}", reply.text());

    // A client report in the same envelope is not lost with the event.
    let mut with_report = b"{}\n{\"type\":\"client_report\"}\n{}\n".to_vec();
    with_report.extend_from_slice(&large[3..]);
    assert_eq!(collector.post_envelope(&with_report).status, 200);

    let huge = event(&"x".repeat(300_000));
    for headers in [&[][..], &[("transfer-encoding", "chunked")]] {
        let reply = collector.send("POST", &path(), headers, &huge);
        assert_eq!(reply.status, 413, "{headers:?}");
        assert!(reply.text().contains("200000"), "{}", reply.text());
    }
    let store = collector.send(
        "POST",
        &format!("/api/42/store/?sentry_key={KEY}"),
        &[],
        format!("{{\"message\":\"{}\"}}", "x".repeat(60_000)).as_bytes(),
    );
    assert_eq!(store.status, 413);
    let exact = format!("{{\"message\":\"{}\"}}", "x".repeat(50_000 - 14));
    assert_eq!(exact.len(), 50_000);
    let fits = collector.send(
        "POST",
        &format!("/api/42/store/?sentry_key={KEY}"),
        &[],
        exact.as_bytes(),
    );
    assert_eq!(fits.status, 200, "{}", fits.text());
}

/// Points 11 to 14 of the checklist: shapes that broke other servers are stored, not refused.
#[test]
fn odd_events_are_kept() {
    let collector = Collector::start();
    let frames = vec!["{\"function\":\"f\",\"lineno\":\"12\",\"in_app\":1}"; 5000].join(",");
    let chain = vec!["{\"type\":\"E\",\"value\":\"v\"}"; 300].join(",");
    let cases = [
        ("object exception", r#"{"exception":{"type":"E","value":{"a":1}}}"#.to_owned()),
        ("wrong types", r#"{"release":17,"fingerprint":"x","contexts":[],"tags":{"a":1,"b":null},"level":40}"#.into()),
        ("message false", r#"{"message":false}"#.into()),
        ("aliases", r#"{"sentry.interfaces.Exception":{"values":[{"type":"E"}]},"culprit":"c","checksum":"d"}"#.into()),
        ("lone surrogate and nul", r#"{"message":"a\u0000b\ud800c"}"#.into()),
        ("not utf-8", "{\"message\":\"caf\u{fffd}\"}".into()),
        ("empty object", "{}".into()),
        ("5000 frames", format!("{{\"exception\":[{{\"type\":\"E\",\"stacktrace\":{{\"frames\":[{frames}]}}}}]}}")),
        ("300 exceptions", format!("{{\"exception\":{{\"values\":[{chain}]}}}}")),
        ("auto ip", r#"{"user":{"ip_address":"{{auto}}"},"message":"m"}"#.into()),
        ("a cycle of parents", r#"{"exception":[{"type":"A","mechanism":{"type":"x","exception_id":0,"parent_id":1}},{"type":"B","mechanism":{"type":"x","exception_id":1,"parent_id":0}}]}"#.into()),
    ];
    for (case, event) in cases {
        let mut body = b"{}\n{\"type\":\"event\"}\n".to_vec();
        body.extend_from_slice(event.as_bytes());
        if case == "not utf-8" {
            let at = body
                .windows(3)
                .position(|bytes| bytes == "\u{fffd}".as_bytes())
                .unwrap();
            body.splice(at..at + 3, [0xe9]);
        }
        let reply = collector.post_envelope(&body);
        assert_eq!(reply.status, 200, "{case}: {}", reply.text());
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(collector.event(&id)["id"], id.as_str(), "{case}");
    }
}

#[test]
fn random_bytes_never_bring_the_server_down() {
    let collector = Collector::start();
    let seeds = [
        event("seed"),
        b"{}\n{\"type\":\"attachment\",\"length\":3}\nabc\n".to_vec(),
    ];
    // A plain congruential generator: the same bytes in every run.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for round in 0..300 {
        let mut body = seeds[round % seeds.len()].clone();
        for _ in 0..1 + next() % 6 {
            let at = next() % body.len();
            match next() % 3 {
                0 => body[at] = next() as u8,
                1 => body.truncate(at.max(1)),
                _ => body.insert(at, b"\n{}[]\"\\\xff\0"[next() % 9]),
            }
        }
        let encoding = ["", "gzip", "br", "zstd", "deflate"][next() % 5];
        let target = [
            path(),
            format!("/api/42/store/?sentry_key={KEY}"),
            format!("/api/v1/events?sentry_key={KEY}"),
        ][next() % 3]
            .clone();
        let reply = collector.send("POST", &target, &[("content-encoding", encoding)], &body);
        assert!(
            matches!(reply.status, 200 | 400),
            "round {round}: {} {}",
            reply.status,
            reply.text()
        );
    }
    assert_eq!(collector.post_envelope(&event("after")).status, 200);
}

#[test]
fn a_slow_client_is_let_go_and_holds_nobody_up() {
    let collector = Collector::start_with(&["--body-timeout", "1"]);
    let mut slow = TcpStream::connect(&collector.address).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    write!(
        slow,
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{{}}\n",
        path()
    )
    .unwrap();
    assert_eq!(collector.post_envelope(&event("quick")).status, 200);
    let reply = common::read_reply(&mut BufReader::new(slow)).unwrap();
    assert_eq!(reply.status, 408, "{}", reply.text());
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn a_client_that_hangs_up_leaves_nothing_behind() {
    let collector = Collector::start();
    let lost: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = TcpStream::connect(&collector.address).unwrap();
            write!(
                stream,
                "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n{{}}\n",
                path()
            )
            .unwrap();
            stream
        })
        .collect();
    common::wait_until("all bodies to be held", || {
        (collector.metric("faultwire_ingest_in_flight_bytes") >= 40_000_000.0).then_some(())
    });
    drop(lost);
    common::wait_until("the memory of lost requests to be given back", || {
        (collector.metric("faultwire_ingest_in_flight_bytes") == 0.0).then_some(())
    });
    assert_eq!(collector.post_envelope(&event("after")).status, 200);
}

/// More bodies than the server may hold at one time: refused at once with a time, not queued.
#[test]
fn overload_is_answered_at_once_with_a_time() {
    let collector = Collector::start_with(&[
        "--max-envelope-bytes",
        "1000000",
        "--max-in-flight-bytes",
        "1000000",
    ]);
    let mut holder = TcpStream::connect(&collector.address).unwrap();
    write!(
        holder,
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n{{}}\n",
        path()
    )
    .unwrap();
    common::wait_until("the first body to be held", || {
        (collector.metric("faultwire_ingest_in_flight_bytes") >= 900_000.0).then_some(())
    });
    let began = Instant::now();
    let reply = collector.post_envelope(&event(&"x".repeat(200_000)));
    assert_eq!(reply.status, 429, "{}", reply.text());
    assert!(began.elapsed() < Duration::from_secs(5));
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds > 0);
    assert_eq!(
        reply.header("x-sentry-rate-limits"),
        Some(format!("{seconds}::organization:overload").as_str())
    );
    assert_eq!(
        collector
            .post_envelope(&event("small ones still fit"))
            .status,
        200
    );
    drop(holder);
    common::wait_until("the first body to be given back", || {
        (collector.post_envelope(&event(&"x".repeat(200_000))).status == 200).then_some(())
    });
}

#[test]
fn nothing_secret_is_logged() {
    let collector = Collector::start();
    let marker = "planted-5f2a";
    collector.post_envelope(&event(marker));
    collector.post_envelope(format!("{{}}\n{{\"type\":\"event\"}}\n{{\"{marker}").as_bytes());
    let query = format!("/api/42/envelope/?sentry_key={KEY}&x={marker}");
    collector.send(
        "POST",
        &query,
        &[("x-sentry-auth", &format!("Sentry sentry_key={KEY}"))],
        b"{}",
    );
    collector.wait_until_digested();
    let mut log = String::new();
    std::fs::File::open(collector.data().join("test.log"))
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    for secret in [KEY, marker, &collector.token] {
        assert!(!log.contains(secret), "{secret} in the log:\n{log}");
    }
    let metrics = collector.send("GET", "/metrics", &[], b"").text();
    assert!(!metrics.contains(KEY) && !metrics.contains(marker));
}
