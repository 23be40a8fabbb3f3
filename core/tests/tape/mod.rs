//! The words of a tape: JSON on one side, the outbox's inputs and outputs on the other. Format: `vectors/README.md`.

use faultwire_core::loss::Loss;
use faultwire_core::outbox::{
    Config, Failure, Input, NewEntry, Outbox, Output, Priority, ReplyHeaders,
};
use faultwire_protocol::id::EventId;
use faultwire_protocol::time::{Millis, Now};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// Wall time at mono 0, plus what `wall_jump` adds.
const WALL: u64 = 1_762_000_000_000;

/// An outbox, the disk that a driver would keep for it, and a server that can be scripted.
pub struct World {
    pub outbox: Outbox,
    pub mono: u64,
    pub disk: BTreeMap<u64, (NewEntry, Millis)>,
    pub delivered: BTreeSet<EventId>,
    /// Requests that are out: the key of the event, `None` for a report.
    pub jobs: BTreeMap<u64, Option<u64>>,
    config: Config,
    seed: u64,
    wall: u64,
    unstored: BTreeMap<u64, (NewEntry, Millis)>,
}

impl World {
    pub fn new(tape: &Value) -> World {
        let mut config = Config::default();
        let set = |field: &mut u64, name: &str| {
            if let Some(value) = tape["config"][name].as_u64() {
                *field = value;
            }
        };
        set(&mut config.max_bytes, "max_bytes");
        set(&mut config.max_volatile_bytes, "max_volatile_bytes");
        set(&mut config.max_age, "max_age");
        config.max_in_flight = tape["config"]["max_in_flight"]
            .as_u64()
            .map_or(config.max_in_flight, |n| n as usize);
        config.client_reports = tape["config"]["client_reports"].as_bool().unwrap_or(true);
        let seed = tape["seed"].as_u64().unwrap_or(1);
        let outbox = Outbox::new(config.clone(), seed);
        World {
            outbox,
            mono: 0,
            disk: BTreeMap::new(),
            delivered: BTreeSet::new(),
            jobs: BTreeMap::new(),
            config,
            seed,
            wall: WALL,
            unstored: BTreeMap::new(),
        }
    }

    pub fn now(&self) -> Now {
        Now {
            mono: Millis(self.mono),
            wall: Millis(self.wall.saturating_add(self.mono)),
        }
    }

    /// Carries out one instruction of a tape and gives what came out of it.
    pub fn step(&mut self, word: &str, arg: &Value) -> Vec<Value> {
        match word {
            "wall_jump" => {
                self.wall = self
                    .wall
                    .saturating_add_signed(arg.as_i64().expect("milliseconds"));
                Vec::new()
            }
            "restart" => self.restart(),
            "run" => self.run(arg),
            "put" => {
                let first = arg["key"].as_u64().expect("key");
                let keys = first..first + arg["count"].as_u64().unwrap_or(1);
                let mut out = Vec::new();
                for key in keys {
                    out.extend(self.handle(Input::Enqueue(entry(key, arg))));
                    out.extend(self.handle(Input::Stored { key }));
                }
                out
            }
            word => self.handle(input(word, arg)),
        }
        .into_iter()
        .collect()
    }

    /// Handles one input, as a driver does: then drains.
    pub fn handle(&mut self, input: Input) -> Vec<Value> {
        let wall = self.now().wall;
        match &input {
            Input::Enqueue(entry) => {
                self.unstored.insert(entry.key, (entry.clone(), wall));
            }
            Input::Stored { key } => {
                self.disk.extend(self.unstored.remove_entry(key));
            }
            Input::Reply {
                job,
                status: 200..=299,
                ..
            } => {
                let key = self.jobs.get(job).copied().flatten();
                self.delivered.extend(key.map(event_id));
            }
            _ => {}
        }
        if let Input::Reply { job, .. } | Input::NoReply { job, .. } = &input {
            self.jobs.remove(job);
        }
        self.outbox.handle(self.now(), input);
        let outputs: Vec<Output> = std::iter::from_fn(|| self.outbox.poll()).collect();
        for output in &outputs {
            match output {
                Output::Send { job, key, .. } => {
                    assert!(self.jobs.insert(*job, Some(*key)).is_none())
                }
                Output::SendReport { job, .. } => assert!(self.jobs.insert(*job, None).is_none()),
                Output::Remove { key } => {
                    self.disk.remove(key);
                }
                Output::Flushed { .. } | Output::Closed { .. } => {}
            }
        }
        outputs.iter().map(output).collect()
    }

    /// The process dies and another one starts on the same disk.
    pub fn restart(&mut self) -> Vec<Value> {
        let saved = self.outbox.unreported();
        self.outbox = Outbox::new(self.config.clone(), self.seed);
        self.jobs.clear();
        self.unstored.clear();
        let mut out = Vec::new();
        for (entry, captured) in self.disk.clone().into_values() {
            out.extend(self.handle(Input::Recovered { entry, captured }));
        }
        out.extend(
            saved
                .map(|text| self.handle(Input::RecoveredReport { text }))
                .unwrap_or_default(),
        );
        out
    }

    /// Lets time pass until `until`, answering every request after `takes` milliseconds with `status`, or with silence if
    /// there is none. Gives the counts of what came out.
    pub fn run(&mut self, arg: &Value) -> Vec<Value> {
        let until = arg["until"].as_u64().expect("until");
        let takes = arg["takes"].as_u64().unwrap_or(0);
        let mut due: BTreeSet<(u64, u64)> = self
            .jobs
            .keys()
            .map(|job| (self.mono + takes, *job))
            .collect();
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        loop {
            let answer = due.first().copied();
            let tick = self.outbox.deadline().map(|at| at.0);
            let next = answer.map(|(at, _)| at).into_iter().chain(tick).min();
            let Some(next) = next.filter(|next| *next <= until) else {
                break;
            };
            self.mono = self.mono.max(next);
            let outputs = match answer {
                Some((at, job)) if at <= self.mono => {
                    due.remove(&(at, job));
                    let key = self.jobs.get(&job).copied().flatten();
                    let exception = key.map(|key| &arg["status_of"][key.to_string()]);
                    let status = exception.and_then(Value::as_u64).or(arg["status"].as_u64());
                    let failed = Input::NoReply {
                        job,
                        reason: Failure::Network,
                    };
                    self.handle(status.map_or(failed, |status| {
                        let mut reply = arg.clone();
                        reply["job"] = json!(job);
                        reply["status"] = json!(status);
                        input("reply", &reply)
                    }))
                }
                _ => self.handle(Input::Tick),
            };
            let new = |job: &&u64| !due.iter().any(|(_, known)| known == *job);
            let new: Vec<_> = self
                .jobs
                .keys()
                .filter(new)
                .map(|job| (self.mono + takes, *job))
                .collect();
            due.extend(new);
            for word in outputs
                .iter()
                .filter_map(|output| output.as_object()?.keys().next())
            {
                *counts.entry(word.clone()).or_default() += 1;
            }
        }
        self.mono = self.mono.max(until);
        vec![json!({ "counts": counts })]
    }
}

pub fn event_id(key: u64) -> EventId {
    EventId::from_random((u128::from(key) << 64 | 1).to_be_bytes())
}

fn entry(key: u64, arg: &Value) -> NewEntry {
    NewEntry {
        key,
        event_id: event_id(arg["id"].as_u64().unwrap_or(key)),
        category: arg["category"]
            .as_str()
            .unwrap_or("error")
            .to_owned()
            .into(),
        priority: match arg["priority"].as_str().unwrap_or("error") {
            "low" => Priority::Low,
            "error" => Priority::Error,
            "fatal" => Priority::Fatal,
            other => panic!("unknown priority {other}"),
        },
        bytes: arg["bytes"].as_u64().unwrap_or(1000),
    }
}

fn input(word: &str, arg: &Value) -> Input {
    let number = |name: &str| {
        arg[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{word} needs {name}"))
    };
    let plain = || {
        arg.as_u64()
            .unwrap_or_else(|| panic!("{word} needs a number"))
    };
    let text = |name: &str| arg[name].as_str().map(str::to_owned);
    match word {
        "enqueue" => Input::Enqueue(entry(number("key"), arg)),
        "recovered" => Input::Recovered {
            entry: entry(number("key"), arg),
            captured: Millis(WALL.saturating_sub(number("age"))),
        },
        "stored" => Input::Stored { key: plain() },
        "store_failed" => Input::StoreFailed { key: plain() },
        "reply" => Input::Reply {
            job: number("job"),
            status: number("status") as u16,
            headers: ReplyHeaders {
                rate_limits: text("rate_limits"),
                retry_after: text("retry_after"),
            },
        },
        "no_reply" => Input::NoReply {
            job: plain(),
            reason: Failure::Network,
        },
        "payload_gone" => Input::NoReply {
            job: plain(),
            reason: Failure::PayloadGone,
        },
        "lost" => Input::Lost {
            loss: Loss::parse(arg["reason"].as_str().expect("reason")).expect("a known reason"),
            category: "error".into(),
            quantity: number("quantity"),
        },
        "online" => Input::Online,
        "flush" => Input::Flush {
            token: number("token"),
            deadline: Millis(number("deadline")),
        },
        "close" => Input::Close {
            token: number("token"),
            deadline: Millis(number("deadline")),
        },
        "tick" => Input::Tick,
        other => panic!("unknown word {other}"),
    }
}

fn output(output: &Output) -> Value {
    match output {
        Output::Send {
            job,
            key,
            report: None,
        } => json!({"send": {"job": job, "key": key}}),
        Output::Send {
            job,
            key,
            report: Some(report),
        } => {
            json!({"send": {"job": job, "key": key, "report": parse(report)}})
        }
        Output::SendReport { job, report } => {
            json!({"send_report": {"job": job, "report": parse(report)}})
        }
        Output::Remove { key } => json!({ "remove": key }),
        Output::Flushed { token, drained } => {
            json!({"flushed": {"token": token, "drained": drained}})
        }
        Output::Closed { token, drained } => {
            json!({"closed": {"token": token, "drained": drained}})
        }
    }
}

fn parse(report: &str) -> Value {
    serde_json::from_str(report).expect("a report is JSON")
}

/// Every tape with the path of its file.
pub fn tapes() -> Vec<(PathBuf, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/tapes");
    let files = fs::read_dir(folder)
        .expect("the folder of tapes")
        .map(|entry| entry.expect("readable").path());
    let mut files: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("readable");
        let tape = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, tape)
    };
    files.into_iter().map(read).collect()
}

/// One step per line, so that a changed expectation is a changed line.
pub fn text_of(tape: &Value, steps: &[Value]) -> String {
    let config = tape.get("config").cloned().unwrap_or(json!({}));
    let mut out = format!(
        "{{\n\"story\": {},\n\"seed\": {},\n\"config\": {config},\n\"steps\": [\n",
        tape["story"], tape["seed"]
    );
    for (index, step) in steps.iter().enumerate() {
        let [at, input, output, deadline, books] =
            ["at", "in", "out", "deadline", "books"].map(|part| &step[part]);
        let comma = if index + 1 < steps.len() { "," } else { "" };
        let _ = writeln!(
            out,
            "{{\"at\":{at},\"in\":{input},\n \"out\":{output},\n \"deadline\":{deadline},\"books\":{books}}}{comma}"
        );
    }
    out + "]\n}\n"
}
