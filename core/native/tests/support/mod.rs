//! A server that plays a script: what the integration tests of the native driver and of the Rust SDK talk to.
//!
//! It is HTTP/1.1 with keep-alive on the standard library, keeps every request, and answers `200 {}` unless told
//! otherwise. Nothing here sleeps to wait for the client: tests wait for requests to arrive.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test helper is a failed test that names its line"
)]

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// One request as received, body decompressed.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// Bytes of the body on the wire.
    pub wire_bytes: usize,
}

/// One answer of the script.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
}

impl Answer {
    pub fn status(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
        }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Answer {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A running server; dropping it closes the port and every connection.
pub struct StubServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    script: VecDeque<Answer>,
    delay: Duration,
    stopped: bool,
    connections: Vec<TcpStream>,
}

/// How long a test waits for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

impl StubServer {
    pub fn start() -> StubServer {
        StubServer::start_at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Listens on a given address, for a server that "comes back".
    pub fn start_at(address: SocketAddr) -> StubServer {
        let listener = TcpListener::bind(address).expect("the port of the test server is free");
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                let mut state = accepting.lock();
                if state.stopped {
                    return;
                }
                state.connections.push(stream.try_clone().unwrap());
                drop(state);
                let serving = accepting.clone();
                std::thread::spawn(move || serving.serve(stream));
            }
        });
        StubServer { address, shared }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn dsn(&self) -> String {
        dsn(self.address)
    }

    /// Answers the next requests with these, then with 200 again.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.lock().script.extend(answers);
    }

    /// Every answer from now on comes this much later.
    pub fn delay(&self, delay: Duration) {
        self.shared.lock().delay = delay;
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    /// All event items received so far, in order of arrival.
    pub fn events(&self) -> Vec<serde_json::Value> {
        self.shared
            .lock()
            .requests
            .iter()
            .flat_map(|request| items(&request.body, "event"))
            .collect()
    }

    /// All client reports received so far.
    pub fn reports(&self) -> Vec<serde_json::Value> {
        self.shared
            .lock()
            .requests
            .iter()
            .flat_map(|request| items(&request.body, "client_report"))
            .collect()
    }

    /// Ids of all events received so far, each as often as it came.
    pub fn ids(&self) -> Vec<String> {
        self.events()
            .iter()
            .map(|event| event["event_id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Waits for at least `count` events; panics with what did arrive otherwise.
    pub fn wait_for_events(&self, count: usize) -> Vec<serde_json::Value> {
        self.wait_until(&format!("{count} events"), |requests| {
            requests
                .iter()
                .map(|r| items(&r.body, "event").len())
                .sum::<usize>()
                >= count
        });
        self.events()
    }

    pub fn wait_for_requests(&self, count: usize) {
        self.wait_until(&format!("{count} requests"), |requests| {
            requests.len() >= count
        });
    }

    fn wait_until(&self, what: &str, met: impl Fn(&[Request]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.lock();
        while !met(&state.requests) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "waited for {what}, got {} requests",
                state.requests.len()
            );
            state = self.shared.changed.wait_timeout(state, left).unwrap().0;
        }
    }
}

impl Drop for StubServer {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.stopped = true;
        for connection in state.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(state);
        // Wakes the accepting thread, which then sees that it should end.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        while let Some(request) = read_request(&mut reader) {
            let mut state = self.lock();
            if state.stopped {
                return;
            }
            state.requests.push(request);
            let answer = state
                .script
                .pop_front()
                .unwrap_or_else(|| Answer::status(200));
            let delay = state.delay;
            drop(state);
            self.changed.notify_all();
            std::thread::sleep(delay);
            let mut head = format!(
                "HTTP/1.1 {} Scripted\r\nContent-Length: 2\r\n",
                answer.status
            );
            for (name, value) in &answer.headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            if stream
                .write_all(format!("{head}\r\n{{}}").as_bytes())
                .is_err()
            {
                return;
            }
        }
    }
}

/// A DSN that points to `address`.
pub fn dsn(address: SocketAddr) -> String {
    format!("http://0123456789abcdef0123456789abcdef@{address}/42")
}

/// An address at which nobody listens.
pub fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length: usize = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if headers.get("content-encoding").is_some_and(|e| e == "gzip") {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&body[..])
            .read_to_end(&mut plain)
            .expect("a whole gzip body");
        body = plain;
    }
    Some(Request {
        path,
        headers,
        body,
        wire_bytes: length,
    })
}

/// The payloads of all items of one type in an envelope, parsed.
pub fn items(envelope: &[u8], kind: &str) -> Vec<serde_json::Value> {
    let mut rest = &envelope[line_end(envelope)..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let end = line_end(rest);
        let header: serde_json::Value =
            serde_json::from_slice(&rest[..end]).expect("an item header");
        let length = header["length"]
            .as_u64()
            .expect("every item says its length") as usize;
        let payload = &rest[end..end + length];
        if header["type"] == kind {
            found.push(serde_json::from_slice(payload).expect("an item payload"));
        }
        rest = rest.get(end + length + 1..).unwrap_or_default();
    }
    found
}

/// The envelope header of a request.
pub fn envelope_header(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(&body[..line_end(body)]).expect("an envelope header")
}

fn line_end(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|&b| b == b'\n')
        .map_or(bytes.len(), |end| end + 1)
}
