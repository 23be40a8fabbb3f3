//! Random lives of an outbox: whatever happens in whatever order, the promises of `outbox/mod.rs` hold.

use faultwire_core::loss::Loss;
use faultwire_core::outbox::{
    Config, Failure, Input, NewEntry, Outbox, Output, Priority, ReplyHeaders,
};
use faultwire_protocol::id::EventId;
use faultwire_protocol::time::{Millis, Now};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// One thing that happens. `pick` numbers choose among what is there, so that most of them hit something.
#[derive(Debug, Clone)]
enum Event {
    Enqueue {
        priority: u8,
        bytes: u64,
        session: bool,
    },
    Recovered {
        age: u64,
        twin: bool,
    },
    Stored {
        pick: usize,
        fails: bool,
    },
    Reply {
        pick: usize,
        status: u16,
        headers: u8,
    },
    NoReply {
        pick: usize,
        gone: bool,
    },
    Lost {
        quantity: u64,
    },
    Flush {
        wait: u64,
    },
    Close {
        wait: u64,
    },
    Online,
    Nonsense {
        number: u64,
    },
    Pass {
        millis: u64,
    },
    PassToDeadline,
    WallJump {
        millis: i64,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let status = prop::sample::select(vec![
        200u16, 200, 200, 200, 201, 302, 400, 403, 413, 429, 429, 500, 500, 502, 503, 503, 504,
    ]);
    prop_oneof![
        12 => (0..3u8, 1..2_000u64, any::<bool>())
            .prop_map(|(priority, bytes, session)| Event::Enqueue { priority, bytes, session }),
        2 => (0..10_000_000u64, any::<bool>()).prop_map(|(age, twin)| Event::Recovered { age, twin }),
        12 => (any::<usize>(), prop::bool::weighted(0.2)).prop_map(|(pick, fails)| Event::Stored { pick, fails }),
        12 => (any::<usize>(), status, 0..9u8)
            .prop_map(|(pick, status, headers)| Event::Reply { pick, status, headers }),
        4 => (any::<usize>(), prop::bool::weighted(0.1)).prop_map(|(pick, gone)| Event::NoReply { pick, gone }),
        1 => (0..5u64).prop_map(|quantity| Event::Lost { quantity }),
        1 => (0..5_000u64).prop_map(|wait| Event::Flush { wait }),
        1 => prop::option::weighted(0.1, 0..5_000u64)
            .prop_map(|wait| wait.map_or(Event::Online, |wait| Event::Close { wait })),
        1 => any::<u64>().prop_map(|number| Event::Nonsense { number }),
        4 => prop_oneof![0..100u64, 0..10_000u64, 0..2_000_000u64].prop_map(|millis| Event::Pass { millis }),
        6 => Just(Event::PassToDeadline),
        1 => any::<i32>().prop_map(|millis| Event::WallJump { millis: i64::from(millis) * 1000 }),
    ]
}

/// A driver that carries out everything and checks what it is told to do.
struct Driver {
    outbox: Outbox,
    now: Now,
    next_key: u64,
    next_token: u64,
    unstored: Vec<u64>,
    jobs: BTreeMap<u64, Option<u64>>,
    removed: BTreeSet<u64>,
    known: BTreeMap<u64, EventId>,
    /// Open flushes and closes, and when they have to be answered.
    waits: BTreeMap<u64, (Millis, bool)>,
    closed: bool,
    max_in_flight: usize,
}

impl Driver {
    fn new(config: Config, seed: u64) -> Driver {
        Driver {
            max_in_flight: config.max_in_flight,
            outbox: Outbox::new(config, seed),
            now: Now {
                mono: Millis(1_000),
                wall: Millis(1_762_000_000_000),
            },
            next_key: 1,
            next_token: 1,
            unstored: Vec::new(),
            jobs: BTreeMap::new(),
            removed: BTreeSet::new(),
            known: BTreeMap::new(),
            waits: BTreeMap::new(),
            closed: false,
        }
    }

    fn entry(&mut self, priority: u8, bytes: u64, session: bool, id: Option<EventId>) -> NewEntry {
        let key = self.next_key;
        self.next_key += 1;
        let event_id = id.unwrap_or(EventId::from_random(u128::from(key).to_be_bytes()));
        self.known.insert(key, event_id);
        let category = if session { "session" } else { "error" };
        NewEntry {
            key,
            event_id,
            category: category.into(),
            priority: Priority::from_u8(priority),
            bytes,
        }
    }

    fn apply(&mut self, event: Event) {
        let input = match event {
            Event::Enqueue {
                priority,
                bytes,
                session,
            } => {
                let entry = self.entry(priority, bytes, session, None);
                self.unstored.push(entry.key);
                Input::Enqueue(entry)
            }
            Event::Recovered { age, twin } => {
                let id = self.known.values().next_back().copied().filter(|_| twin);
                let entry = self.entry(1, 500, false, id);
                Input::Recovered {
                    entry,
                    captured: Millis(self.now.wall.0.saturating_sub(age)),
                }
            }
            Event::Stored { pick, fails } => {
                let Some(index) = pick.checked_rem(self.unstored.len()) else {
                    return;
                };
                let key = self.unstored.swap_remove(index);
                if fails {
                    Input::StoreFailed { key }
                } else {
                    Input::Stored { key }
                }
            }
            Event::Reply {
                pick,
                status,
                headers,
            } => {
                let Some(job) = self.take_job(pick) else {
                    return;
                };
                Input::Reply {
                    job,
                    status,
                    headers: some_headers(headers),
                }
            }
            Event::NoReply { pick, gone } => {
                let Some(job) = self.take_job(pick) else {
                    return;
                };
                Input::NoReply {
                    job,
                    reason: if gone {
                        Failure::PayloadGone
                    } else {
                        Failure::Network
                    },
                }
            }
            Event::Lost { quantity } => Input::Lost {
                loss: Loss::SampleRate,
                category: "error".into(),
                quantity,
            },
            Event::Flush { wait } => Input::Flush {
                token: self.wait(wait, false),
                deadline: self.now.mono.plus(wait),
            },
            Event::Close { wait } => Input::Close {
                token: self.wait(wait, true),
                deadline: self.now.mono.plus(wait),
            },
            Event::Online => Input::Online,
            Event::Nonsense { number } => {
                self.handle(Input::Stored {
                    key: number | 1 << 40,
                });
                self.handle(Input::NoReply {
                    job: number | 1 << 40,
                    reason: Failure::Network,
                });
                self.handle(Input::RecoveredReport {
                    text: format!("[{number}]"),
                });
                Input::Reply {
                    job: number | 1 << 40,
                    status: 200,
                    headers: ReplyHeaders::default(),
                }
            }
            Event::Pass { millis } => {
                self.now.mono = self.now.mono.plus(millis);
                self.now.wall = self.now.wall.plus(millis);
                Input::Tick
            }
            Event::PassToDeadline => {
                let Some(deadline) = self.outbox.deadline() else {
                    return;
                };
                self.now.wall = self.now.wall.plus(deadline.since(self.now.mono));
                self.now.mono = deadline;
                Input::Tick
            }
            Event::WallJump { millis } => {
                self.now.wall = Millis(self.now.wall.0.saturating_add_signed(millis));
                Input::Tick
            }
        };
        self.handle(input);
    }

    fn take_job(&mut self, pick: usize) -> Option<u64> {
        let index = pick.checked_rem(self.jobs.len())?;
        let job = *self.jobs.keys().nth(index)?;
        self.jobs.remove(&job);
        Some(job)
    }

    fn wait(&mut self, wait: u64, close: bool) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        self.waits.insert(token, (self.now.mono.plus(wait), close));
        token
    }

    fn handle(&mut self, input: Input) {
        self.outbox.handle(self.now, input);
        let was_closed = self.closed;
        while let Some(output) = self.outbox.poll() {
            match output {
                Output::Send { job, key, .. } => {
                    assert!(!was_closed && !self.closed, "a request after Closed");
                    assert!(
                        !self.removed.contains(&key),
                        "a request for the removed key {key}"
                    );
                    assert!(
                        !self.unstored.contains(&key),
                        "a request before key {key} was stored"
                    );
                    let busy = self.jobs.values().flatten().any(|other| *other == key);
                    assert!(!busy, "two requests at a time for key {key}");
                    assert_eq!(
                        self.jobs.insert(job, Some(key)),
                        None,
                        "job {job} used twice"
                    );
                }
                Output::SendReport { job, report } => {
                    assert!(!was_closed && !self.closed, "a report after Closed");
                    assert!(report.contains("discarded_events"));
                    assert_eq!(self.jobs.insert(job, None), None, "job {job} used twice");
                }
                Output::Remove { key } => {
                    assert!(!was_closed && !self.closed, "a removal after Closed");
                    self.removed.insert(key);
                }
                Output::Flushed { token, .. } => {
                    let (_, close) = self.waits.remove(&token).expect("an open flush");
                    assert!(!close, "a close answered as a flush");
                }
                Output::Closed { token, .. } => {
                    let (_, close) = self.waits.remove(&token).expect("an open close");
                    assert!(close, "a flush answered as a close");
                    self.closed = true;
                }
            }
        }
        self.check();
    }

    fn check(&self) {
        let ledger = self.outbox.ledger();
        assert!(ledger.balances(), "{ledger:?}");
        assert!(self.outbox.in_flight() <= self.max_in_flight);
        if !self.closed {
            assert_eq!(
                self.outbox.in_flight(),
                self.jobs.len(),
                "the driver's view of what is out"
            );
        }
        let deadline = self.outbox.deadline();
        assert!(
            deadline.is_none_or(|at| at > self.now.mono),
            "a driver would spin at {deadline:?}"
        );
        for (token, (until, _)) in &self.waits {
            assert!(
                *until > self.now.mono,
                "token {token} was not answered in time"
            );
            assert!(
                deadline.is_some_and(|at| at <= *until),
                "token {token} would be forgotten"
            );
        }
    }

    /// The network heals: everything that is stored leaves, within a day even after the longest limits and back-offs.
    fn drain(&mut self) {
        for key in std::mem::take(&mut self.unstored) {
            self.handle(Input::Stored { key });
        }
        for _ in 0..200_000 {
            if let Some(job) = self.take_job(0) {
                self.handle(Input::Reply {
                    job,
                    status: 200,
                    headers: ReplyHeaders::default(),
                });
            } else if self.outbox.ledger().queued > 0 && !self.closed {
                assert!(
                    self.outbox.deadline().is_some(),
                    "events wait for nothing: {:?}",
                    self.outbox
                );
                self.apply(Event::PassToDeadline);
            } else {
                return;
            }
        }
        panic!("the queue does not drain: {:?}", self.outbox.ledger());
    }
}

fn some_headers(choice: u8) -> ReplyHeaders {
    let (rate_limits, retry_after) = match choice {
        0 => (Some("5:error:key"), None),
        1 => (Some("60::organization"), None),
        2 => (
            Some("1.5:session;error:project:quota, 7200:transaction:key"),
            Some("3"),
        ),
        3 => (Some(",,:::,x"), None),
        4 => (None, Some("30")),
        5 => (None, Some("Sat, 01 Nov 2025 12:30:00 GMT")),
        _ => (None, None),
    };
    ReplyHeaders {
        rate_limits: rate_limits.map(str::to_owned),
        retry_after: retry_after.map(str::to_owned),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold_in_any_order_of_events(
        seed in any::<u64>(),
        max_in_flight in 1..6usize,
        tight in any::<bool>(),
        events in prop::collection::vec(event(), 1..250),
    ) {
        let config = Config {
            max_in_flight,
            max_bytes: if tight { 8_000 } else { 1 << 30 },
            max_volatile_bytes: if tight { 3_000 } else { 1 << 30 },
            max_age: if tight { 7_200_000 } else { 2_592_000_000 },
            ..Config::default()
        };
        let mut driver = Driver::new(config, seed);
        for event in events {
            driver.apply(event);
        }
        driver.drain();
        let ledger = driver.outbox.ledger();
        if !driver.closed {
            prop_assert_eq!(ledger.queued, 0);
        }
        // Every key that came in has left exactly one way; nothing is in two places.
        prop_assert!(ledger.balances());
    }

    #[test]
    fn the_same_seed_and_inputs_give_the_same_outputs(
        seed in any::<u64>(),
        events in prop::collection::vec(event(), 1..80),
    ) {
        let run = || {
            let mut driver = Driver::new(Config::default(), seed);
            let mut trace = Vec::new();
            for event in events.clone() {
                driver.apply(event);
                trace.push((driver.outbox.deadline(), driver.jobs.clone(), driver.outbox.ledger()));
            }
            trace
        };
        prop_assert_eq!(run(), run());
    }
}
