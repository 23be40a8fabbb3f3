//! The outbox decides what is sent when, what is kept, and what is given up. It does none of it itself.
//!
//! # The contract with a driver
//!
//! 1. Call [`Outbox::handle`] with one [`Input`].
//! 2. Call [`Outbox::poll`] until it gives `None` and carry every [`Output`] out. Carrying out may be concurrent;
//!    outcomes come back as inputs.
//! 3. Wait for the next input, but no longer than [`Outbox::deadline`]; then handle [`Input::Tick`].
//!
//! That is all. A driver decides nothing: it does not retry, count, order, read headers, or drop.
//!
//! What a driver owes: every [`Input::Enqueue`] is followed by one `Stored` or `StoreFailed`; every job by one `Reply` or
//! `NoReply` (with a time-out of its own); the payload of a key stays readable until `Remove`; inputs come in the
//! order in which things happened. Answers for unknown keys and jobs, and second answers, change nothing.
//!
//! ```
//! use faultwire_core::outbox::{Config, Input, NewEntry, Outbox, Output, Priority, ReplyHeaders};
//! use faultwire_protocol::{id::EventId, time::{Millis, Now}};
//!
//! let now = Now { mono: Millis(0), wall: Millis(1_762_071_330_120) };
//! let mut outbox = Outbox::new(Config::default(), 1);
//! let event_id = EventId::from_random([7; 16]);
//! let entry = NewEntry { key: 1, event_id, category: "error".into(), priority: Priority::Error, bytes: 900 };
//! outbox.handle(now, Input::Enqueue(entry));
//! assert_eq!(outbox.poll(), None); // the driver writes the payload to its disk ...
//! outbox.handle(now, Input::Stored { key: 1 });
//! assert_eq!(outbox.poll(), Some(Output::Send { job: 1, key: 1, report: None })); // ... sends it ...
//! assert_eq!(outbox.poll(), None);
//! outbox.handle(now, Input::Reply { job: 1, status: 200, headers: ReplyHeaders::default() });
//! assert_eq!(outbox.poll(), Some(Output::Remove { key: 1 })); // ... and forgets it
//! assert_eq!(outbox.ledger().delivered, 1);
//! ```
//!
//! # Guarantees
//!
//! - *Nothing is lost silently.* After every call `captured + recovered = delivered + queued + lost`
//!   ([`Outbox::ledger`]), and every loss goes to the server in a client report, until one request has carried it.
//! - *At most one request per event at a time*, and at most [`Config::max_in_flight`] in all.
//! - *Only stored events are sent*, so an answer never races the write of what it answers. When the disk refuses, the
//!   event is sent from memory.
//! - *Order*: fatal before error before the rest, older before newer. Across retries the order is approximate.
//! - *Bounded*: bytes and age. The oldest of the lowest priority is given up first, and counted.
//! - *A broken network costs one request per back-off step*, whatever the length of the queue; one request probes the
//!   server after an outage, and the number in flight grows with the answers (see `retry`).
//! - *One bad event does not block the rest*: an event whose request failed goes behind those that did not fail, and from
//!   its second failure in the midst of successes on it waits alone (see `blame`). If the server answers 500 to it
//!   [`MAX_REFUSALS`] times that way, it is counted as `send_error`. No other temporary failure ever gives an event up before
//!   its age does.
//! - *Flush and close are answered once each, at their deadline at the latest*, and at once when nothing can be gained by
//!   waiting (everything is stored and the next attempt lies after the deadline). They may overlap freely.
//! - After `Closed` there is no output but answers to later flushes and closes.
//! - [`Outbox::deadline`] is always later than the last `now` handled: a driver cannot spin.
//!
//! # Non-guarantees
//!
//! - *Delivery is at least once.* An answer that is lost on the way means a second request; the server drops it by event id.
//! - Events in the driver's memory (disk refused) do not survive the process; at close they are counted as lost.
//! - The wall clock is used for `sent_at`, reports, and the age of recovered events, and for nothing else. Its jumps do
//!   not delay, reorder or expire anything queued in this process.
//! - Rate limits and back-off are forgotten at a restart.
//!
//! Why 429 answers keep the event is written in `gate`.

mod blame;
mod gate;
mod index;
mod message;
mod report;
mod retry;
mod rng;
mod waits;

pub use blame::MAX_REFUSALS;
pub use message::{Config, EntryMeta, Failure, Input, NewEntry, Output, Priority, ReplyHeaders};

use crate::loss::{Ledger, Loss};
use blame::{Blame, Fault};
use faultwire_protocol::rate_limit;
use faultwire_protocol::reply::{self, Verdict};
use faultwire_protocol::time::{Millis, Now};
use gate::Gate;
use index::{Index, State, Storage};
use message::Entry;
use report::{Counts, Reports};
use retry::Retry;
use std::collections::{BTreeMap, VecDeque};
use waits::Wait;

/// The queue of one client: see the module for the contract.
#[derive(Debug)]
pub struct Outbox {
    config: Config,
    index: Index,
    retry: Retry,
    blame: Blame,
    gate: Gate,
    reports: Reports,
    ledger: Ledger,
    jobs: BTreeMap<u64, Job>,
    next_job: u64,
    waits: Vec<Wait>,
    outputs: VecDeque<Output>,
    /// The latest time seen; a driver's clock that steps back does not take the outbox with it.
    mono: Millis,
    closed: bool,
}

/// A request in flight.
#[derive(Debug)]
struct Job {
    /// The entry; `None` for a report alone.
    seq: Option<u64>,
    epoch: u64,
    report: Counts,
}

impl Outbox {
    /// An empty outbox. `seed` feeds the jitter; the same seed and inputs give the same outputs.
    pub fn new(config: Config, seed: u64) -> Outbox {
        let retry = Retry::new(
            seed,
            config.backoff_first,
            config.backoff_longest,
            config.max_in_flight,
        );
        Outbox {
            config,
            index: Index::default(),
            retry,
            blame: Blame::default(),
            gate: Gate::default(),
            reports: Reports::default(),
            ledger: Ledger::default(),
            jobs: BTreeMap::new(),
            next_job: 1,
            waits: Vec::new(),
            outputs: VecDeque::new(),
            mono: Millis(0),
            closed: false,
        }
    }

    /// Takes one thing that happened. Poll until `None` afterwards.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.mono = self.mono.max(now.mono);
        let now = Now {
            mono: self.mono,
            ..now
        };
        if self.closed {
            self.handle_closed(input);
            return;
        }
        match input {
            Input::Enqueue(entry) => self.enqueue(entry, now),
            Input::Recovered { entry, captured } => self.recover(entry, captured, now),
            Input::Lost {
                loss,
                category,
                quantity,
            } => {
                self.ledger.captured += quantity;
                self.lose(loss, &message::category_name(category), quantity, now);
            }
            Input::RecoveredReport { text } => {
                for (loss, category, quantity) in report::parse_saved(&text) {
                    self.report(
                        loss,
                        &message::category_name(category.into()),
                        quantity,
                        now,
                    );
                }
            }
            Input::Stored { key } => self.stored(key, Storage::Durable),
            Input::StoreFailed { key } => self.stored(key, Storage::Volatile),
            Input::Reply {
                job,
                status,
                headers,
            } => self.replied(job, status, &headers, now),
            Input::NoReply { job, reason } => self.unanswered(job, reason, now),
            Input::Online => self.retry.nudge(now.mono),
            Input::Flush { token, deadline } => self.wait(token, deadline, false, now),
            Input::Close { token, deadline } => self.wait(token, deadline, true, now),
            Input::Tick => {}
        }
        self.pump(now);
    }

    /// Gives the next thing to do, oldest first; `None` until the next input or the deadline.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The monotonic time at which [`Input::Tick`] is due; `None` if nothing but an input can change anything.
    pub fn deadline(&self) -> Option<Millis> {
        if self.closed {
            return None;
        }
        let now = Now {
            mono: self.mono,
            wall: Millis(0),
        };
        let report = self
            .reports
            .due()
            .map(|due| due.max(self.retry.waiting_until(self.mono).unwrap_or_default()));
        let times = [
            self.next_attempt(now),
            self.index.next_wake(),
            self.index.next_expiry(),
            report,
        ];
        let waits = self.waits.iter().map(|wait| wait.deadline);
        times
            .into_iter()
            .flatten()
            .chain(waits)
            .filter(|time| *time > self.mono)
            .min()
    }

    /// The books of this process.
    pub fn ledger(&self) -> Ledger {
        Ledger {
            queued: self.index.len() as u64,
            ..self.ledger.clone()
        }
    }

    /// Bytes of everything queued, as the driver counted them.
    pub fn queued_bytes(&self) -> u64 {
        self.index.bytes()
    }

    /// Requests that are out.
    pub fn in_flight(&self) -> usize {
        self.jobs.len()
    }

    /// Losses that no request has carried, as text for [`Input::RecoveredReport`] of the next process; `None` if there
    /// are none. Meant for a driver that keeps them on disk after `Closed`.
    pub fn unreported(&self) -> Option<String> {
        self.reports.save()
    }

    // --- entries come in ---

    fn enqueue(&mut self, new: NewEntry, now: Now) {
        self.ledger.captured += 1;
        let expires = now.mono.plus(self.config.max_age);
        self.admit(
            Entry::new(new, expires, Storage::Storing, State::Storing),
            now,
        );
    }

    fn recover(&mut self, new: NewEntry, captured: Millis, now: Now) {
        if self.index.contains_id(new.event_id) && !self.index.contains_key(new.key) {
            // The same event in two records (adopted twice, or brought back by a damaged remove record): one is enough.
            self.outputs.push_back(Output::Remove { key: new.key });
            return;
        }
        self.ledger.recovered += 1;
        // A clock that was wrong when the event was captured, or is wrong now, must not cost the event.
        let age = match now.wall.since(captured) {
            age if age > IMPLAUSIBLE_AGE => 0,
            age => age,
        };
        let expires = now.mono.plus(self.config.max_age.saturating_sub(age));
        self.admit(
            Entry::new(new, expires, Storage::Durable, State::Ready),
            now,
        );
    }

    fn admit(&mut self, entry: Entry, now: Now) {
        if self.index.contains_key(entry.key) {
            // The payload of the key belongs to the entry that was first; there is nothing to remove.
            self.lose(Loss::InternalSdkError, &entry.category, 1, now);
            return;
        }
        self.index.insert(entry);
    }

    fn stored(&mut self, key: u64, storage: Storage) {
        match self.index.seq_of(key) {
            Some(seq) => self.index.change(seq, |entry| {
                if entry.state == State::Storing {
                    entry.storage = storage;
                    entry.state = State::Ready;
                }
            }),
            // Given up while it was being stored: the first Remove may have overtaken the write.
            None => self.outputs.push_back(Output::Remove { key }),
        }
    }

    // --- answers come in ---

    fn replied(&mut self, job: u64, status: u16, headers: &ReplyHeaders, now: Now) {
        let Some(job) = self.jobs.remove(&job) else {
            return;
        };
        self.gate.update(headers, status, now);
        match reply::verdict(Some(status)) {
            Verdict::Delivered => {
                self.passed(job.epoch);
                if let Some(entry) = job.seq.and_then(|seq| self.index.remove(seq)) {
                    self.ledger.delivered += 1;
                    self.outputs.push_back(Output::Remove { key: entry.key });
                }
            }
            Verdict::Discard(_) => {
                self.passed(job.epoch);
                if let Some(seq) = job.seq {
                    self.give_up(seq, Loss::SendError, now);
                    // The request was refused for its event, as a whole. A report that is refused alone is dropped.
                    self.reports.give_back(job.report, now);
                }
            }
            Verdict::RateLimited => {
                let closed = |entry: &Entry| self.gate.closed_until(&entry.category, now).is_some();
                let explained = job
                    .seq
                    .and_then(|seq| self.index.get(seq))
                    .is_none_or(closed);
                if explained {
                    self.retry.limited(job.epoch);
                } else {
                    // Limited without a limit that we can read for this category: back off, or we would ask in a loop.
                    self.retry
                        .failed(job.epoch, wait_of(headers, now), now.mono);
                }
                if let Some(seq) = job.seq {
                    // To the end of the line: if it is this event alone that is limited, the others pass first.
                    self.index
                        .change(seq, |entry| entry.state = State::Parked(1));
                }
            }
            Verdict::Retry => self.failed(job, status == 500, wait_of(headers, now), now),
        }
    }

    fn unanswered(&mut self, job: u64, reason: Failure, now: Now) {
        let Some(job) = self.jobs.remove(&job) else {
            return;
        };
        match reason {
            Failure::Network => self.failed(job, false, None, now),
            Failure::PayloadGone => {
                self.reports.give_back(job.report, now);
                if let Some(seq) = job.seq {
                    self.give_up(seq, Loss::InternalSdkError, now);
                }
            }
        }
    }

    fn failed(&mut self, job: Job, choked: bool, wait: Option<u64>, now: Now) {
        self.reports.give_back(job.report, now);
        let mut fault = Fault::Everyone;
        if let Some(seq) = job.seq {
            let (blame, retry) = (&mut self.blame, &mut self.retry);
            self.index.change(seq, |entry| {
                fault = blame.judge(seq, entry, choked);
                entry.state = match fault {
                    Fault::Own => {
                        State::Sleeping(now.mono.plus(retry.delay(entry.failures).max(1)))
                    }
                    Fault::Everyone | Fault::Hopeless => State::Parked(entry.failures),
                };
            });
            if fault == Fault::Hopeless {
                self.give_up(seq, Loss::SendError, now);
            }
        }
        // A server that names a time means everyone.
        if fault == Fault::Everyone || wait.is_some() {
            self.retry.failed(job.epoch, wait, now.mono);
        }
    }

    /// The server judged a request, so what failed before has another chance.
    fn passed(&mut self, epoch: u64) {
        self.retry.answered(epoch);
        self.blame.passed();
        for seq in self.index.parked() {
            self.index.change(seq, |entry| {
                entry.failures = 0;
                entry.state = State::Ready;
            });
        }
    }

    // --- giving up ---

    fn give_up(&mut self, seq: u64, loss: Loss, now: Now) {
        if let Some(entry) = self.index.remove(seq) {
            self.outputs.push_back(Output::Remove { key: entry.key });
            self.lose(loss, &entry.category, 1, now);
        }
    }

    /// Gives an entry up to a cap, naming the cause that filled the queue.
    fn give_up_to_cap(&mut self, seq: u64, now: Now) {
        let Some(entry) = self.index.get(seq) else {
            return;
        };
        let limited = self.gate.closed_until(&entry.category, now).is_some();
        let loss = match entry.storage {
            _ if limited => Loss::RatelimitBackoff,
            Storage::Volatile => Loss::QueueOverflow,
            Storage::Storing | Storage::Durable => Loss::CacheOverflow,
        };
        self.give_up(seq, loss, now);
    }

    fn lose(&mut self, loss: Loss, category: &str, quantity: u64, now: Now) {
        self.ledger.lose(loss, quantity);
        self.report(loss, category, quantity, now);
    }

    fn report(&mut self, loss: Loss, category: &str, quantity: u64, now: Now) {
        if self.config.client_reports {
            self.reports.add(loss, category, quantity, now);
        }
    }

    // --- what is due goes out ---

    fn pump(&mut self, now: Now) {
        self.apply_caps(now);
        while let Some(seq) = self.index.awake(now.mono) {
            self.index.change(seq, |entry| entry.state = State::Ready);
        }
        while self.may_send(now) {
            let gate = &self.gate;
            let Some(seq) = self
                .index
                .first_to_send(|category| gate.closed_until(category, now).is_none())
            else {
                break;
            };
            self.send(seq, now);
        }
        let due = self
            .reports
            .due()
            .is_some_and(|due| due <= now.mono || !self.waits.is_empty());
        if due && self.may_send(now) {
            self.send_report(now);
        }
        self.answer_waits(now);
    }

    fn apply_caps(&mut self, now: Now) {
        while let Some(seq) = self.index.expired(now.mono) {
            self.give_up_to_cap(seq, now);
        }
        while self.index.bytes() > self.config.max_bytes {
            let Some(seq) = self.index.first_to_give_up() else {
                break;
            };
            self.give_up_to_cap(seq, now);
        }
        while self.index.volatile_bytes() > self.config.max_volatile_bytes {
            let Some(seq) = self.index.first_volatile_to_give_up() else {
                break;
            };
            self.give_up_to_cap(seq, now);
        }
        // A limit that ends after an event does is a loss already. Limits last a day at most and events live for weeks,
        // so there is normally nothing to look at here.
        let closed = |category: &str| self.gate.closed_until(category, now);
        if let Some(latest) = self.index.waiting_categories().filter_map(closed).max() {
            for seq in self.index.expiring_until(latest) {
                if self
                    .index
                    .get(seq)
                    .is_some_and(|entry| self.gate.outlasts(entry, now))
                {
                    self.give_up(seq, Loss::RatelimitBackoff, now);
                }
            }
        }
    }

    fn may_send(&self, now: Now) -> bool {
        let epoch = self.retry.epoch();
        // Requests from before an outage do not hold the probe back: they may hang until their time-out.
        let current = self.jobs.values().filter(|job| job.epoch == epoch).count();
        current < self.retry.window(now.mono) && self.jobs.len() < self.config.max_in_flight.max(1)
    }

    fn send(&mut self, seq: u64, now: Now) {
        let Some(key) = self.index.get(seq).map(|entry| entry.key) else {
            return;
        };
        self.index
            .change(seq, |entry| entry.state = State::InFlight);
        let (report, counts) = self.reports.take(now).unzip();
        let job = self.start_job(Some(seq), counts.unwrap_or_default());
        self.outputs.push_back(Output::Send { job, key, report });
    }

    fn send_report(&mut self, now: Now) {
        if let Some((report, counts)) = self.reports.take(now) {
            let job = self.start_job(None, counts);
            self.outputs.push_back(Output::SendReport { job, report });
        }
    }

    fn start_job(&mut self, seq: Option<u64>, report: Counts) -> u64 {
        let job = self.next_job;
        self.next_job += 1;
        self.jobs.insert(
            job,
            Job {
                seq,
                epoch: self.retry.epoch(),
                report,
            },
        );
        job
    }

    /// When something that is ready may be tried; `None` if nothing is ready or only an answer can make room for it.
    fn next_attempt(&self, now: Now) -> Option<Millis> {
        let backoff = self.retry.waiting_until(now.mono).unwrap_or_default();
        let categories = self.index.waiting_categories();
        let times = categories.map(|category| {
            self.gate
                .closed_until(category, now)
                .unwrap_or_default()
                .max(backoff)
        });
        times.min().filter(|time| *time > now.mono)
    }
}

/// What `Retry-After` of an answer other than a rate limit demands, in milliseconds.
fn wait_of(headers: &ReplyHeaders, now: Now) -> Option<u64> {
    rate_limit::retry_after(headers.retry_after.as_deref()?, now)
}

/// An age beyond this (5 years) says that a clock is wrong, not that an event is old.
const IMPLAUSIBLE_AGE: u64 = 5 * 365 * 24 * 3_600_000;
