//! The server under measurement: started in an empty folder, watched through `/proc` and `/metrics`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::events::{KEY, PROJECT};

pub struct Server {
    pub address: String,
    token: String,
    dir: tempfile::TempDir,
    child: Child,
}

impl Server {
    pub fn start(binary: &Path) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let data = dir.path();
        let line = |args: &[&str]| {
            let output = Command::new(binary)
                .args(args)
                .arg("--data")
                .arg(data)
                .output();
            let output = output.unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            String::from_utf8_lossy(&output.stdout)
                .lines()
                .last()
                .unwrap_or_default()
                .to_owned()
        };
        line(&[
            "project",
            "create",
            "bench",
            "--id",
            &PROJECT.to_string(),
            "--public-key",
            KEY,
        ]);
        let token = line(&["token", "create"]);
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut ready = String::new();
        BufReader::new(child.stdout.take().expect("its output is piped"))
            .read_line(&mut ready)
            .expect("the server says that it listens");
        let address = ready
            .trim()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        Server {
            address,
            token,
            dir,
            child,
        }
    }

    /// Events that are in the store.
    pub fn digested(&self) -> f64 {
        let text = self.get("/metrics", "");
        text.lines()
            .filter_map(|line| line.strip_prefix("faultwire_digest_events_total{result="))
            .filter(|line| !line.starts_with("\"set_aside\""))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Waits until the spool is empty; gives how long that took.
    pub fn wait_until_digested(&self) -> Duration {
        let began = Instant::now();
        while !self
            .get("/metrics", "")
            .lines()
            .any(|line| line == "faultwire_spool_records 0")
        {
            std::thread::sleep(Duration::from_millis(20));
        }
        began.elapsed()
    }

    /// Asks for the event until it is there; gives the time since it was answered.
    pub fn time_until_readable(&self, id: &str, answered: Instant) -> Duration {
        let path = format!("/api/v1/events/{id}");
        while self.get(&path, &self.token).is_empty() {
            std::thread::sleep(Duration::from_millis(2));
        }
        answered.elapsed()
    }

    /// Processor time used so far, in all threads.
    pub fn cpu_seconds(&self) -> f64 {
        ticks(&self.proc("stat"))
    }

    /// Processor time by thread name, in seconds, largest first.
    pub fn cpu_by_thread(&self) -> Vec<(String, f64)> {
        let mut sums = std::collections::BTreeMap::new();
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        for task in tasks.into_iter().flatten().flatten() {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            let name = stat.split(['(', ')']).nth(1).unwrap_or("?").to_owned();
            *sums.entry(name).or_insert(0.0) += ticks(&stat);
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by(|a, b| b.1.total_cmp(&a.1));
        sums
    }

    pub fn resident_mib(&self) -> f64 {
        self.status_mib("VmRSS:")
    }

    pub fn peak_mib(&self) -> f64 {
        self.status_mib("VmHWM:")
    }

    fn status_mib(&self, name: &str) -> f64 {
        let status = self.proc("status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default();
        line.split_whitespace()
            .next()
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(0.0)
            / 1024.0
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap_or_default()
    }

    /// Everything in the data folder.
    pub fn disk_bytes(&self) -> f64 {
        fn sum(dir: &Path) -> u64 {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            entries
                .map(|entry| match entry.metadata() {
                    Ok(meta) if meta.is_dir() => sum(&entry.path()),
                    Ok(meta) => meta.len(),
                    Err(_) => 0,
                })
                .sum()
        }
        sum(self.dir.path()) as f64
    }

    /// The body of a 200, else nothing.
    fn get(&self, path: &str, token: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the server accepts connections");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        )
        .expect("the server reads requests");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("answers are text");
        match text.split_once("\r\n\r\n") {
            Some((head, body)) if head.contains(" 200 ") => body.to_owned(),
            _ => String::new(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time of a `stat` file, in seconds.
fn ticks(stat: &str) -> f64 {
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    // The state is field 3; utime and stime are 14 and 15, in ticks of 10 ms.
    let field = |number: usize| {
        fields
            .get(number - 3)
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (field(14) + field(15)) / 100.0
}

/// Reads one answer and gives its status.
pub fn read_status(reader: &mut impl BufRead) -> u16 {
    let (mut line, mut status, mut length) = (String::new(), 0, 0);
    loop {
        line.clear();
        reader.read_line(&mut line).expect("the server answers");
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        if status == 0 {
            status = text
                .split(' ')
                .nth(1)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0);
        } else if let Some(value) = text.strip_prefix("content-length: ") {
            length = value.parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the answer is whole");
    status
}
