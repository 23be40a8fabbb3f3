use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

fn config(url: String) -> HttpConfig {
    HttpConfig {
        url,
        auth: "Sentry sentry_key=abc".to_owned(),
        user_agent: "faultwire.test/1".to_owned(),
        proxy: None,
        ca_certs: None,
        connections: 4,
        seal: |payload, report, _| {
            let mut out = payload.unwrap_or_default().to_vec();
            out.extend_from_slice(report.unwrap_or_default().as_bytes());
            out
        },
    }
}

fn senders(config: HttpConfig, max_threads: usize) -> (Senders, mpsc::Receiver<(u64, Outcome)>) {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let report = move |id, outcome| tell.lock().unwrap().send((id, outcome)).unwrap();
    (Senders::new(Http::new(config), max_threads, report), told)
}

fn job(id: u64, payload: &[u8]) -> Job {
    Job {
        id,
        payload: Some(payload.into()),
        report: Some("+report".to_owned()),
    }
}

/// Answers every connection once with `answer` and gives back the request heads and bodies.
fn server(answer: &'static str) -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/1/envelope/", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = Vec::new();
            let mut chunk = [0; 4096];
            let (head, length) = loop {
                let n = stream.read(&mut chunk).unwrap();
                bytes.extend_from_slice(&chunk[..n]);
                if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                    let head = String::from_utf8(bytes[..end].to_vec())
                        .unwrap()
                        .to_lowercase();
                    let length = head
                        .lines()
                        .find_map(|l| l.strip_prefix("content-length: ")?.parse::<usize>().ok());
                    bytes.drain(..end + 4);
                    break (head, length.unwrap());
                }
            };
            while bytes.len() < length {
                let n = stream.read(&mut chunk).unwrap();
                bytes.extend_from_slice(&chunk[..n]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            let _ = tell.send((head, bytes));
        }
    });
    (url, told)
}

#[test]
fn a_request_carries_the_protocol_headers_and_a_gzip_body() {
    let (url, requests) =
        server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
    let (senders, outcomes) = senders(config(url), 2);
    let payload = "x".repeat(2000);
    senders.send(job(7, payload.as_bytes()));
    let (head, body) = requests.recv().unwrap();
    for line in [
        "post /api/1/envelope/ http/1.1",
        "content-encoding: gzip",
        "content-type: application/x-sentry-envelope",
        "x-sentry-auth: sentry sentry_key=abc",
        "user-agent: faultwire.test/1",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    let mut text = String::new();
    flate2::read::GzDecoder::new(&body[..])
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, format!("{payload}+report"));
    let (id, outcome) = outcomes.recv().unwrap();
    assert_eq!(id, 7);
    assert!(
        matches!(outcome, Outcome::Reply { status: 200, .. }),
        "{outcome:?}"
    );
}

#[test]
fn any_status_is_a_reply_and_equal_headers_are_joined() {
    let (url, _requests) = server(
        "HTTP/1.1 429 Too Many Requests\r\nX-Sentry-Rate-Limits: 60:error:key\r\nX-Sentry-Rate-Limits: 5::project\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    let (senders, outcomes) = senders(config(url), 1);
    senders.send(job(1, b"small"));
    let Outcome::Reply { status, headers } = outcomes.recv().unwrap().1 else {
        panic!("no reply")
    };
    assert_eq!(status, 429);
    let limits = headers
        .iter()
        .find(|(name, _)| name == "x-sentry-rate-limits")
        .unwrap();
    assert_eq!(limits.1, "60:error:key, 5::project");
}

#[test]
fn redirects_are_reported_and_not_followed() {
    let (url, _requests) = server(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    let (senders, outcomes) = senders(config(url), 1);
    senders.send(job(1, b"small"));
    assert!(matches!(
        outcomes.recv().unwrap().1,
        Outcome::Reply { status: 302, .. }
    ));
}

#[test]
fn a_refused_connection_is_no_reply_with_a_reason() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (senders, outcomes) = senders(config(format!("http://{free}/api/1/envelope/")), 1);
    senders.send(job(1, b"small"));
    let Outcome::NoReply(reason) = outcomes.recv().unwrap().1 else {
        panic!("nobody listens there")
    };
    assert!(reason.to_lowercase().contains("refused"), "{reason}");
}

#[test]
fn a_server_without_tls_is_no_reply_for_https() {
    let (url, _requests) = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/api/1/envelope/", listener.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        });
        (url, serving)
    };
    let (senders, outcomes) = senders(config(url), 1);
    senders.send(job(1, b"small"));
    let outcome = outcomes.recv().unwrap().1;
    assert!(matches!(outcome, Outcome::NoReply(_)), "{outcome:?}");
}

#[test]
fn a_proxy_is_asked_instead_of_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config("http://collector.invalid:9000/api/1/envelope/".to_owned());
    config.proxy = Some(format!("http://{}", listener.local_addr().unwrap()));
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut first_line = String::new();
        BufReader::new(&stream).read_line(&mut first_line).unwrap();
        let _ = stream.write_all(
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
        tell.send(first_line).unwrap();
    });
    let (senders, _outcomes) = senders(config, 1);
    senders.send(job(1, b"small"));
    let first_line = told.recv().unwrap();
    assert!(
        first_line.contains("collector.invalid:9000"),
        "{first_line}"
    );
}

#[test]
fn a_missing_certificate_file_is_named() {
    let mut config = config("https://127.0.0.1:1/".to_owned());
    config.ca_certs = Some("/no/such/ca.pem".to_owned());
    let (senders, outcomes) = senders(config, 1);
    senders.send(job(1, b"small"));
    let Outcome::NoReply(reason) = outcomes.recv().unwrap().1 else {
        panic!("cannot be answered")
    };
    assert!(
        reason.contains("caCerts") && reason.contains("/no/such/ca.pem"),
        "{reason}"
    );
}

/// A sink in which `parallel` requests must be open at once before any is answered.
#[test]
fn a_slow_sink_is_served_by_more_threads() {
    const PARALLEL: usize = 4;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let arrived = Arc::new((Mutex::new(0usize), Condvar::new()));
    let sink = arrived.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let sink = sink.clone();
            std::thread::spawn(move || {
                let mut chunk = [0; 4096];
                let _ = stream.read(&mut chunk).unwrap();
                let (count, changed) = &*sink;
                let mut count = count.lock().unwrap();
                *count += 1;
                changed.notify_all();
                // The first two wait a moment for company: long enough for the pool to notice that jobs wait.
                let late = Duration::from_millis(50);
                let _unused = changed
                    .wait_timeout_while(count, late, |count| *count < PARALLEL)
                    .unwrap();
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    .unwrap();
            });
        }
    });
    let (senders, outcomes) = senders(config(url), 32);
    for id in 0..60 {
        senders.send(job(id, b"small"));
    }
    let mut done: Vec<u64> = (0..60).map(|_| outcomes.recv().unwrap().0).collect();
    done.sort_unstable();
    assert_eq!(
        done,
        (0..60).collect::<Vec<_>>(),
        "every job is reported exactly once"
    );
    assert!(
        senders.shared.lock().threads > EAGER_THREADS,
        "the pool has grown"
    );
}
