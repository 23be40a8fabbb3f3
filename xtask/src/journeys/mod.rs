//! Journeys: the same public calls in every language, against the same server, with the same bytes on the wire.
//!
//! A runner in each language only makes calls (`core/vectors/README.md` has its contract). Everything that decides stands
//! here, once for all of them: the server, the masking and the comparison.

mod hosts;
mod mask;
mod script;
mod stub;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run::{Step, lock, tail};
use crate::{paths, table};
pub use hosts::{Host, hosts};
use mask::{Seen, mask};
use script::{Journey, Places, Script, laid_out};
use stub::Stub;

/// What came of all journeys on all hosts.
pub struct Played {
    /// How many (journey, host) pairs came out as expected.
    pub passed: u64,
    /// Journey by host.
    pub table: String,
    /// What a host does differently, with the reason.
    pub differences: Vec<String>,
    /// What a host does not play, with the reason.
    pub skipped: Vec<String>,
    /// What did not come out as expected, told in full.
    pub failures: Vec<String>,
}

/// What became of one journey on one host.
enum Outcome {
    Passed,
    Differs(String),
    Absent(String),
    Failed(String),
}

/// Plays every journey on every host. With `UPDATE` in the environment the first host that plays a journey, and every host
/// that the journey says to differ, writes what it did as the expectation.
pub fn play(hosts: &[Host]) -> Result<Played> {
    let mut journeys = script::all(&paths::at("core/vectors/journeys"))?;
    let step = Step::begin(&format!(
        "{} journeys on {} hosts",
        journeys.len(),
        hosts.len()
    ));
    let seen = play_all(&journeys, hosts);
    let is_update = std::env::var_os("UPDATE").is_some();
    let mut played = Played {
        passed: 0,
        table: String::new(),
        differences: Vec::new(),
        skipped: Vec::new(),
        failures: Vec::new(),
    };
    let mut rows = Vec::new();
    for (journey, row) in journeys.iter_mut().zip(seen) {
        if is_update {
            update(journey, hosts, &row)?;
        }
        let mut cells = vec![journey.name.clone()];
        for (host, seen) in hosts.iter().zip(row) {
            let pair = format!("{} on {}", journey.name, host.name);
            cells.push(match judge(journey, host, seen) {
                Outcome::Passed => {
                    played.passed += 1;
                    "ok".to_owned()
                }
                Outcome::Differs(why) => {
                    played.passed += 1;
                    played.differences.push(format!("{pair} differs: {why}"));
                    "ok, differs".to_owned()
                }
                Outcome::Absent(why) => {
                    played.skipped.push(format!("{pair}: {why}"));
                    "-".to_owned()
                }
                Outcome::Failed(how) => {
                    played.failures.push(format!("{pair}: {how}"));
                    "FAILED".to_owned()
                }
            });
        }
        rows.push(cells);
    }
    step.end(played.failures.is_empty());
    let mut head = vec!["journey"];
    head.extend(hosts.iter().map(|host| host.name));
    played.table = table::render(&head, &rows);
    Ok(played)
}

/// What each host did in each journey; `None` where it does not play.
type Row = Vec<Option<Result<Value>>>;

/// Several at a time: a journey mostly waits, for a process to start or for a time the server named.
fn play_all(journeys: &[Journey], hosts: &[Host]) -> Vec<Row> {
    let pairs = journeys.iter().enumerate().flat_map(|(row, journey)| {
        let plays = |host: &&Host| !journey.absent.contains_key(host.name);
        let columns = hosts.iter().enumerate();
        columns
            .filter(move |(_, host)| plays(host))
            .map(move |(column, _)| (row, column))
    });
    let queue: Mutex<VecDeque<(usize, usize)>> = Mutex::new(pairs.collect());
    let empty = || hosts.iter().map(|_| None).collect::<Row>();
    let rows: Mutex<Vec<Row>> = Mutex::new(journeys.iter().map(|_| empty()).collect());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let next = lock(&queue).pop_front();
                    let Some((row, column)) = next else { return };
                    let seen = play_one(&journeys[row], &hosts[column]);
                    lock(&rows)[row][column] = Some(seen);
                }
            });
        }
    });
    std::mem::take(&mut *lock(&rows))
}

fn update(journey: &mut Journey, hosts: &[Host], row: &Row) -> Result<()> {
    let seen = || {
        let pairs = hosts.iter().zip(row);
        pairs.filter_map(|(host, seen)| Some((host.name, seen.as_ref()?.as_ref().ok()?)))
    };
    // The common expectation first: what a host has of its own is told by what it does otherwise.
    let common = seen().find(|(host, _)| journey.differs(host).is_none());
    let own: Vec<_> = seen()
        .filter(|(host, _)| journey.differs(host).is_some())
        .collect();
    for (host, seen) in common.into_iter().chain(own) {
        journey.expect(host, seen.clone());
    }
    journey.save()
}

fn judge(journey: &Journey, host: &Host, seen: Option<Result<Value>>) -> Outcome {
    let expected = journey.expected(host.name);
    match seen {
        None => Outcome::Absent(journey.absent[host.name].clone()),
        Some(Err(error)) => Outcome::Failed(format!("{error:#}")),
        Some(Ok(seen)) if seen == expected => match journey.differs(host.name) {
            None => Outcome::Passed,
            Some(why) => Outcome::Differs(why.to_owned()),
        },
        Some(Ok(seen)) => Outcome::Failed(difference(&expected, &seen)),
    }
}

/// The lines that only one of the two has.
fn difference(expected: &Value, seen: &Value) -> String {
    let mut lines = Vec::new();
    compare("", expected, seen, &mut lines);
    format!(
        "not as expected (- expected, + seen):\n  {}",
        lines.join("\n  ")
    )
}

fn compare(path: &str, expected: &Value, seen: &Value, lines: &mut Vec<String>) {
    match (expected, seen) {
        (Value::Object(one), Value::Object(other)) => {
            let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let (one, other) = (one.get(name), other.get(name));
                let path = format!("{path}.{name}");
                match (one, other) {
                    (Some(one), Some(other)) => compare(&path, one, other, lines),
                    (one, other) => tell(&path, one, other, lines),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for at in 0..one.len().max(other.len()) {
                let path = format!("{path}[{at}]");
                match (one.get(at), other.get(at)) {
                    (Some(one), Some(other)) => compare(&path, one, other, lines),
                    (one, other) => tell(&path, one, other, lines),
                }
            }
        }
        (one, other) if one == other => {}
        (one, other) => tell(path, Some(one), Some(other), lines),
    }
}

fn tell(path: &str, expected: Option<&Value>, seen: Option<&Value>, lines: &mut Vec<String>) {
    for (sign, value) in [('-', expected), ('+', seen)] {
        if let Some(value) = value {
            lines.push(format!("{sign} {path}: {}", laid_out(value, 4)));
        }
    }
}

/// Plays one journey on one host, with a server and a queue of its own.
fn play_one(journey: &Journey, host: &Host) -> Result<Value> {
    let stub = Stub::start(&journey.server)?;
    let folder = paths::state()
        .join("journeys")
        .join(format!("{}-{}", journey.name, host.name));
    if folder.exists() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let places = Places {
        server: stub.address(),
        queue: &folder.join("queue"),
        lone_surrogates: host.lone_surrogates,
    };
    let since = mask::now();
    let (mut said, mut warnings) = (Vec::new(), Vec::new());
    for (number, script) in journey.scripts(&places)?.iter().enumerate() {
        let path = folder.join(format!("script-{number}.json"));
        std::fs::write(&path, &script.text)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let (out, err) = run(host, script, &path)?;
        for line in out.lines().filter(|line| line.starts_with('{')) {
            let line = serde_json::from_str(line)
                .with_context(|| format!("the runner printed {line:?}"))?;
            said.push(line);
        }
        warnings.extend(
            err.lines()
                .filter_map(|line| Some(line.split_once("faultwire: ")?.1.to_owned())),
        );
    }
    let seen = Seen {
        said,
        warnings: warnings
            .iter()
            .map(|text| text.replace(&*places.queue.to_string_lossy(), "$QUEUE"))
            .collect(),
        requests: stub.finish()?,
        since,
    };
    let masked = mask(&seen)?;
    std::fs::remove_dir_all(&folder)
        .with_context(|| format!("cannot remove {}", folder.display()))?;
    Ok(masked)
}

/// Runs one process to its end; gives its two streams.
fn run(host: &Host, script: &Script, path: &PathBuf) -> Result<(String, String)> {
    let mut command = host.tool.command();
    // What is set on this machine must not reach the SDK's options.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("FAULTWIRE_") || text.starts_with("SENTRY_") {
            command.env_remove(&name);
        }
    }
    let mut child = command
        .env("FAULTWIRE_JOURNEY", path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("the runner does not start ({})", host.tool.line()))?;
    let out = child.stdout.take().map(read_all);
    let err = child.stderr.take().map(read_all);
    let status = wait(&mut child)?;
    let texts = [out, err].map(|reader| reader.and_then(|reader| reader.join().ok()));
    let [out, err] = texts.map(Option::unwrap_or_default);
    if status.success() == script.dies {
        bail!(
            "the runner ended with {status}; it said:\n{}",
            tail(&err, 20)
        );
    }
    Ok((out, err))
}

fn wait(child: &mut Child) -> Result<std::process::ExitStatus> {
    let deadline = Instant::now() + LIMIT;
    loop {
        match child.try_wait().context("cannot wait for the runner")? {
            Some(status) => return Ok(status),
            None if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                bail!("the runner did not end within {} s", LIMIT.as_secs());
            }
        }
    }
}

fn read_all(mut stream: impl std::io::Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read until an error is still worth showing.
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Processes at a time.
const AT_A_TIME: usize = 8;
/// A process of a journey that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Tool;
    use serde_json::json;

    fn host(script: &str) -> Host {
        Host {
            name: "sh",
            tool: Tool::new("sh").args(["-c", script]),
            lone_surrogates: true,
        }
    }

    fn path() -> PathBuf {
        PathBuf::from("unread")
    }

    #[test]
    fn a_difference_is_told_by_its_place() {
        let expected = json!({"said": [{"id": 1}, {"flush": true}], "wire": [1]});
        let seen = json!({"said": [{"id": 1}, {"flush": false}, {"more": 1}], "reports": [2]});
        let told = difference(&expected, &seen);
        let lines: Vec<&str> = told.lines().skip(1).map(str::trim).collect();
        let wanted = [
            "+ .reports: [2]",
            "- .said[1].flush: true",
            "+ .said[1].flush: false",
            r#"+ .said[2]: {"more":1}"#,
            "- .wire: [1]",
        ];
        assert_eq!(lines, wanted);
    }

    #[test]
    fn a_process_must_end_as_its_script_says() {
        let script = |dies| Script {
            text: "[]".to_owned(),
            dies,
        };
        let good = run(
            &host("echo \"$FAULTWIRE_JOURNEY\"; echo words >&2"),
            &script(false),
            &path(),
        );
        assert_eq!(good.unwrap(), ("unread\n".to_owned(), "words\n".to_owned()));
        let failed = run(&host("echo why >&2; exit 3"), &script(false), &path());
        assert!(failed.unwrap_err().to_string().contains("why"));
        assert!(run(&host("kill -9 $$"), &script(true), &path()).is_ok());
        assert!(run(&host("exit 0"), &script(true), &path()).is_err());
    }
}
