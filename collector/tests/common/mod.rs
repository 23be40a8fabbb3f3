//! Starts the real program in a folder of its own and talks to it over TCP, as an SDK would.

// Every test file is a program of its own and uses its share of this.
#![allow(dead_code)]
// Clippy takes helpers of tests for ordinary code; a failed unwrap here is a failed test that names its line.
#![allow(clippy::unwrap_used)]

#[path = "../postgres_support/mod.rs"]
pub mod postgres;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub const PROJECT: u64 = 42;
pub const KEY: &str = "9c1d5f0a7b3e4c2d8f6a1b0c3d2e4f5a";

/// A running collector with one project and one API token. Killed and removed when dropped.
pub struct Collector {
    /// `127.0.0.1:PORT`
    pub address: String,
    /// API token.
    pub token: String,
    dir: tempfile::TempDir,
    child: Child,
    /// Where the store is, unless in the folder.
    database_url: Option<String>,
    /// Dropped after the server was killed.
    _database: Option<postgres::Database>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }
}

/// The program under test, not started.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faultwire"));
    for name in [
        "FAULTWIRE_DATA",
        "FAULTWIRE_LISTEN",
        "FAULTWIRE_PUBLIC_URL",
        "FAULTWIRE_DATABASE_URL",
    ] {
        command.env_remove(name);
    }
    command
}

/// Runs a command line to its end.
pub fn run(args: &[&str]) -> Output {
    run_on(None, args)
}

/// Runs a command line to its end, with the data base in the environment.
pub fn run_on(database_url: Option<&str>, args: &[&str]) -> Output {
    let mut command = program();
    command
        .args(args)
        .envs(database_url.map(|url| ("FAULTWIRE_DATABASE_URL", url)));
    command.output().expect("the program starts")
}

/// Runs a command line that must succeed; gives the last line it printed.
pub fn last_line(args: &[&str]) -> String {
    last_line_on(None, args)
}

/// The same with the data base in the environment.
pub fn last_line_on(database_url: Option<&str>, args: &[&str]) -> String {
    let output = run_on(database_url, args);
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .last()
        .unwrap_or_default()
        .to_owned()
}

impl Collector {
    /// Starts with project [`PROJECT`], whose key is [`KEY`].
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts with further arguments for `serve`.
    pub fn start_with(args: &[&str]) -> Self {
        let database = postgres::Database::if_wanted();
        let url = database.as_ref().map(|database| database.url.clone());
        Self::start_on(url, database, args)
    }

    /// Starts with its store in this data base.
    pub fn start_on(
        database_url: Option<String>,
        database: Option<postgres::Database>,
        args: &[&str],
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().to_str().unwrap();
        let url = database_url.as_deref();
        let id = PROJECT.to_string();
        let project = ["project", "create", "shop", "--data", data];
        last_line_on(
            url,
            &[&project[..], &["--id", &id, "--public-key", KEY]].concat(),
        );
        let token = last_line_on(url, &["token", "create", "--data", data, "--name", "test"]);
        let (child, address) = spawn(dir.path(), args, url);
        Collector {
            address,
            token,
            dir,
            child,
            database_url,
            _database: database,
        }
    }

    /// Runs a command line on the same store.
    pub fn run(&self, args: &[&str]) -> Output {
        run_on(self.database_url.as_deref(), args)
    }

    pub fn data(&self) -> &Path {
        self.dir.path()
    }

    pub fn dsn(&self) -> String {
        format!("http://{KEY}@{}/{PROJECT}", self.address)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it without warning.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop and gives how long it took; panics when it fails to stop well.
    pub fn stop(&mut self) -> Duration {
        let began = Instant::now();
        signal(self.child.id(), libc::SIGTERM);
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the server ended with {status}");
        began.elapsed()
    }

    /// Starts it again on the same data, on a port of its own.
    pub fn restart(&mut self) {
        self.restart_with(&[]);
    }

    pub fn restart_with(&mut self, args: &[&str]) {
        let url = self.database_url.as_deref();
        (self.child, self.address) = spawn(self.dir.path(), args, url);
    }

    /// Sends a request with these headers; `Host`, `Connection` and `Content-Length` are added.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        send(&self.address, method, path, headers, body)
    }

    /// Posts an envelope with the key in the query.
    pub fn post_envelope(&self, body: &[u8]) -> Reply {
        self.send(
            "POST",
            &format!("/api/{PROJECT}/envelope/?sentry_key={KEY}"),
            &[],
            body,
        )
    }

    /// Reads from the API with the token.
    pub fn get(&self, path: &str) -> Reply {
        let authorization = format!("Bearer {}", self.token);
        self.send("GET", path, &[("authorization", &authorization)], b"")
    }

    /// Waits until the event can be read through the API and gives its answer.
    pub fn event(&self, id: &str) -> serde_json::Value {
        let path = format!("/api/v1/events/{id}?project={PROJECT}");
        wait_until(&format!("event {id} to be readable"), || {
            let reply = self.get(&path);
            (reply.status == 200).then(|| reply.json())
        })
    }

    /// Waits until nothing is left in the spool.
    pub fn wait_until_digested(&self) {
        wait_until("the spool to be empty", || {
            let metrics = self.send("GET", "/metrics", &[], b"").text();
            metrics
                .lines()
                .any(|line| line == "faultwire_spool_records 0")
                .then_some(())
        });
    }

    /// The value of a line of `/metrics` by its name with labels.
    pub fn metric(&self, name: &str) -> f64 {
        let metrics = self.send("GET", "/metrics", &[], b"").text();
        metrics
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
            .unwrap_or(0.0)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again, for what no event announces. Panics after 20 seconds.
pub fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn signal(pid: u32, signal: i32) {
    // SAFETY: no memory is involved; the process is our own child.
    assert_eq!(unsafe { libc::kill(pid as i32, signal) }, 0);
}

fn spawn(dir: &Path, args: &[&str], database_url: Option<&str>) -> (Child, String) {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.join("test.log"))
        .unwrap();
    let mut child = program()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(dir)
        .args(args)
        .envs(database_url.map(|url| ("FAULTWIRE_DATABASE_URL", url)))
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("the server starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line
        .trim()
        .strip_prefix("faultwire is listening on http://")
        .unwrap_or_else(|| {
            let log = std::fs::read_to_string(dir.join("test.log")).unwrap_or_default();
            panic!("the server did not start: {line}{log}")
        });
    (child, address.to_owned())
}

/// One request on a connection of its own.
pub fn send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let chunked = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding"));
    if !chunked {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    let mut bytes = request.into_bytes();
    if chunked {
        for piece in body.chunks(700) {
            bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
    } else {
        bytes.extend_from_slice(body);
    }
    try_exchange(address, &bytes).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

/// Writes the bytes of a request and reads the answer; an error when the server hangs up or is not there.
pub fn try_exchange(address: &str, request: &[u8]) -> std::io::Result<Reply> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    // A server that refuses early may stop reading; its answer is there all the same.
    let written = stream.write_all(request);
    let mut reader = BufReader::new(stream);
    match read_reply(&mut reader) {
        Ok(reply) => Ok(reply),
        Err(error) => written.and(Err(error)),
    }
}

/// Reads one answer off a connection that may stay open.
pub fn read_reply(reader: &mut impl BufRead) -> std::io::Result<Reply> {
    let bad = |what: &str| std::io::Error::new(std::io::ErrorKind::UnexpectedEof, what.to_owned());
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(bad("no answer"));
    }
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| bad(&line))?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(bad("the answer ends in its headers"));
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
            None => break,
        }
    }
    let mut reply = Reply {
        status,
        headers,
        body: Vec::new(),
    };
    if let Some(length) = reply
        .header("content-length")
        .and_then(|text| text.parse().ok())
    {
        reply.body.resize(length, 0);
        reader.read_exact(&mut reply.body)?;
    } else if reply.header("transfer-encoding").is_some() {
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16)
                .map_err(|_| bad("a chunk without a size"))?;
            let start = reply.body.len();
            reply.body.resize(start + size, 0);
            reader.read_exact(&mut reply.body[start..])?;
            reader.read_line(&mut line)?;
            if size == 0 {
                break;
            }
        }
    }
    Ok(reply)
}

/// The recorded requests of other vendors' SDKs, beside the repository; None when they are not there.
pub fn recorded_envelopes() -> Option<PathBuf> {
    let shared = std::env::var_os("FAULTWIRE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let folder = shared.join("fixtures/envelopes");
    folder.is_dir().then_some(folder)
}
