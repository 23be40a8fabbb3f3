//! Carries out what the outbox says: disk, senders, waiting threads. Decides nothing (see `faultwire_core::outbox` for
//! the contract). Lives on the worker thread.
//!
//! Guarantees: an event is in the page cache before it may be sent; a fatal one is synced before its capture returns;
//! others are synced within [`SYNC_AFTER_MS`] or [`SYNC_AFTER_BYTES`], whichever comes first. When the disk refuses,
//! one warning names the directory and the reason, and events live in memory within the outbox's bound until the disk
//! takes them again.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use faultwire_core::engine::Ready;
use faultwire_core::loss::{Ledger, Loss};
use faultwire_core::outbox::{
    Config, EntryMeta, Failure, Input, NewEntry, Outbox, Output, ReplyHeaders,
};
use faultwire_protocol::time::Millis;

use crate::clock;
use crate::disk::{DiskError, Store};
use crate::log::Log;
use crate::payloads::Payloads;
use crate::signal::Signal;
use crate::transport::{Job, Outcome, Senders};

/// What a driver is made of.
pub(crate) struct Parts {
    /// Root of the queue directories.
    pub(crate) queue_dir: PathBuf,
    /// The host was already told that the queue directory cannot be used.
    pub(crate) warned: bool,
    /// Limits of the outbox.
    pub(crate) limits: Config,
    /// Seed of the outbox's jitter.
    pub(crate) seed: u64,
    /// Who sends.
    pub(crate) senders: Senders,
    /// Told of the descriptor of the lock of the own queue directory.
    pub(crate) on_lock: Box<dyn Fn(i32) + Send>,
    /// Where to speak.
    pub(crate) log: Log,
}

/// The outbox and the world it speaks to.
pub(crate) struct Driver {
    outbox: Outbox,
    inputs: VecDeque<Input>,
    store: Option<Store>,
    queue_dir: PathBuf,
    warned: bool,
    /// After a refusal of the disk: when to try again.
    disk_retry: Option<Millis>,
    payloads: Payloads,
    senders: Senders,
    waits: HashMap<u64, Arc<Signal>>,
    /// Answers of the outbox that were not given yet.
    answers: Vec<(Arc<Signal>, bool)>,
    /// Fatal events that could not be made durable: their capture waits for delivery instead.
    last_words: HashMap<u64, Arc<Signal>>,
    next_token: u64,
    next_key: u64,
    sync_due: Option<Millis>,
    adopt_due: Millis,
    recovering: bool,
    closed: bool,
    on_lock: Box<dyn Fn(i32) + Send>,
    log: Log,
}

impl Driver {
    /// Claims a queue directory and lists what is there. A directory that cannot be used is a warning, not an error.
    pub(crate) fn new(parts: Parts) -> Driver {
        let mut driver = Driver {
            outbox: Outbox::new(parts.limits, parts.seed),
            inputs: VecDeque::new(),
            store: None,
            queue_dir: parts.queue_dir,
            warned: parts.warned,
            disk_retry: None,
            payloads: Payloads::default(),
            senders: parts.senders,
            waits: HashMap::new(),
            answers: Vec::new(),
            last_words: HashMap::new(),
            next_token: 0,
            next_key: 0,
            sync_due: None,
            // The first look for orphans comes as soon as the first events are safe.
            adopt_due: clock::mono(),
            recovering: true,
            closed: false,
            on_lock: parts.on_lock,
            log: parts.log,
        };
        driver.open_store();
        driver
    }

    /// Takes an event into the queue. A fatal one is synced at once; `stored` is told when it is as safe as it gets.
    pub(crate) fn enqueue(&mut self, ready: Ready, fatal: bool, stored: Option<Arc<Signal>>) {
        self.next_key += 1;
        let key = self.next_key;
        self.handle(Input::Enqueue(ready.entry(key, ready.payload.len() as u64)));
        let meta = ready.meta();
        let payload = ready.payload;
        let on_disk = self.write(key, &meta, &payload);
        if on_disk {
            self.payloads.cache(key, payload);
            if fatal
                || self
                    .store
                    .as_ref()
                    .is_some_and(|s| s.unsynced() >= SYNC_AFTER_BYTES)
            {
                self.sync();
            } else if self.sync_due.is_none() {
                self.sync_due = Some(clock::after(SYNC_AFTER_MS));
            }
        } else {
            self.payloads.keep(key, payload);
        }
        match stored {
            // Only its delivery can save it now.
            Some(stored) if fatal && !on_disk => drop(self.last_words.insert(key, stored)),
            Some(stored) => stored.give(on_disk),
            None => {}
        }
        self.handle(if on_disk {
            Input::Stored { key }
        } else {
            Input::StoreFailed { key }
        });
    }

    /// Enters events that were lost before they came here.
    pub(crate) fn lost(&mut self, loss: Loss, quantity: u64) {
        self.handle(Input::Lost {
            loss,
            category: "error".into(),
            quantity,
        });
    }

    /// Reports what came of a request.
    pub(crate) fn outcome(&mut self, job: u64, outcome: Outcome) {
        match outcome {
            Outcome::Reply { status, headers } => {
                self.log
                    .debug(format_args!("request {job}: status {status}"));
                let header = |name| {
                    headers
                        .iter()
                        .find(|(n, _)| n == name)
                        .map(|(_, value)| value.clone())
                };
                let headers = ReplyHeaders {
                    rate_limits: header("x-sentry-rate-limits"),
                    retry_after: header("retry-after"),
                };
                self.handle(Input::Reply {
                    job,
                    status,
                    headers,
                });
            }
            Outcome::NoReply(reason) => {
                self.log
                    .debug(format_args!("request {job}: no answer: {reason}"));
                self.handle(Input::NoReply {
                    job,
                    reason: Failure::Network,
                });
            }
        }
    }

    /// Answers `signal` when everything queued so far, on disk included, has left, or at `deadline`.
    pub(crate) fn flush(&mut self, signal: Arc<Signal>, deadline: Millis) {
        self.recover_until(deadline);
        let token = self.wait_with(signal);
        self.handle(Input::Flush { token, deadline });
    }

    /// The same, and ends the outbox. What has not left by then stays on disk.
    pub(crate) fn close(&mut self, signal: Arc<Signal>, deadline: Millis) {
        self.recover_until(deadline);
        let token = self.wait_with(signal);
        self.handle(Input::Close { token, deadline });
    }

    /// Whether a close has been answered: the worker can end.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Wakes those whose flush or close was answered. Apart from the answering, so that the books are published first:
    /// who waited for delivery expects to see it in them.
    pub(crate) fn give_answers(&mut self) {
        for (signal, drained) in self.answers.drain(..) {
            signal.give(drained);
        }
    }

    /// When [`Driver::work`] has something to do at the latest.
    pub(crate) fn deadline(&self) -> Millis {
        let times = [self.outbox.deadline(), self.sync_due, Some(self.adopt_due)];
        let due = times.into_iter().flatten().min().unwrap_or(self.adopt_due);
        if self.recovering { Millis(0) } else { due }
    }

    /// Does what is due: time-outs, syncs, one step of recovery, a look for orphans.
    pub(crate) fn work(&mut self) {
        let now = clock::mono();
        if self.outbox.deadline().is_some_and(|due| due <= now) {
            self.handle(Input::Tick);
        }
        if self.sync_due.is_some_and(|due| due <= now) {
            self.sync();
        }
        if self.adopt_due <= now {
            self.adopt_due = clock::after(ADOPT_EVERY_MS);
            if self.store.is_none() {
                self.open_store();
            }
            if let Some(store) = &mut self.store {
                self.recovering |= store.adopt_orphans();
            }
        }
        if self.recovering {
            self.recovering = self.recover_segment();
        }
    }

    /// Whether nothing is queued and nothing is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        self.outbox.in_flight() == 0 && self.outbox.queued_bytes() == 0
    }

    /// The ledger as it stands.
    pub(crate) fn ledger(&self) -> Ledger {
        self.outbox.ledger()
    }

    /// Takes one input and everything that follows from it, until the outbox is drained.
    fn handle(&mut self, input: Input) {
        self.inputs.push_back(input);
        while let Some(input) = self.inputs.pop_front() {
            self.outbox.handle(clock::now(), input);
            while let Some(output) = self.outbox.poll() {
                self.carry_out(output);
            }
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Send { job, key, report } => {
                let payload = self.payloads.get(key);
                let stored = || {
                    self.store
                        .as_mut()
                        .and_then(|store| store.read(key))
                        .map(Arc::from)
                };
                match payload.or_else(stored) {
                    Some(payload) => self.senders.send(Job {
                        id: job,
                        payload: Some(payload),
                        report,
                    }),
                    None => self.inputs.push_back(Input::NoReply {
                        job,
                        reason: Failure::PayloadGone,
                    }),
                }
            }
            Output::SendReport { job, report } => {
                self.senders.send(Job {
                    id: job,
                    payload: None,
                    report: Some(report),
                });
            }
            Output::Remove { key } => {
                self.payloads.remove(key);
                if let Some(store) = &mut self.store {
                    store.remove(key);
                }
                if let Some(signal) = self.last_words.remove(&key) {
                    signal.give(true);
                }
            }
            Output::Flushed { token, drained } => self.answer(token, drained),
            Output::Closed { token, drained } => {
                self.shut_down();
                self.answer(token, drained);
            }
        }
    }

    fn wait_with(&mut self, signal: Arc<Signal>) -> u64 {
        self.next_token += 1;
        self.waits.insert(self.next_token, signal);
        self.next_token
    }

    fn answer(&mut self, token: u64, drained: bool) {
        if let Some(signal) = self.waits.remove(&token) {
            self.answers.push((signal, drained));
        }
    }

    /// Appends to the disk queue; false if the event has to live in memory.
    fn write(&mut self, key: u64, meta: &EntryMeta, payload: &[u8]) -> bool {
        if self.disk_retry.is_some_and(|retry| clock::mono() < retry) {
            return false;
        }
        self.disk_retry = None;
        // Folders for caches and temporary files are tidied up while processes run: a queue that is gone is made anew.
        if self.store.as_ref().is_none_or(|store| !store.is_there()) {
            self.open_store();
        }
        let Some(store) = &mut self.store else {
            return false;
        };
        match store.append(key, &meta.encode(), payload) {
            Ok(()) => true,
            Err(error) => {
                self.disk_failed(&error);
                false
            }
        }
    }

    fn open_store(&mut self) {
        match Store::open(&self.queue_dir) {
            Ok(store) => {
                #[cfg(unix)]
                (self.on_lock)(store.lock_fd());
                self.log
                    .debug(format_args!("queue directory {}", store.dir().display()));
                self.store = Some(store);
                self.recovering = true;
            }
            Err(error) => {
                self.store = None;
                self.recovering = false;
                self.disk_failed(&error);
            }
        }
    }

    fn disk_failed(&mut self, error: &DiskError) {
        self.disk_retry = Some(clock::after(DISK_RETRY_MS));
        let text = format!(
            "queue directory {} cannot be used: {error}; events are kept in memory and still sent, but do not survive a restart",
            self.queue_dir.display()
        );
        if std::mem::replace(&mut self.warned, true) {
            self.log.debug(text);
        } else {
            self.log.warn(text);
        }
    }

    fn sync(&mut self) {
        self.sync_due = None;
        if let Some(Err(error)) = self.store.as_mut().map(Store::sync) {
            self.disk_failed(&error);
        }
    }

    /// Reads one segment of an earlier process. Returns whether there may be more.
    fn recover_segment(&mut self) -> bool {
        let Some(store) = &mut self.store else {
            return false;
        };
        let next_key = &mut self.next_key;
        let batch = store.recover_next(|| {
            *next_key += 1;
            *next_key
        });
        let Some(batch) = batch else { return false };
        if let Some(damage) = batch.damage {
            self.log.debug(damage);
        }
        if let Some(text) = batch.report.and_then(|bytes| String::from_utf8(bytes).ok()) {
            self.handle(Input::RecoveredReport { text });
        }
        for found in batch.events {
            match EntryMeta::decode(&found.meta) {
                Some(meta) => {
                    let entry = NewEntry {
                        key: found.key,
                        event_id: meta.event_id,
                        category: meta.category,
                        priority: meta.priority,
                        bytes: found.payload_len as u64,
                    };
                    self.handle(Input::Recovered {
                        entry,
                        captured: meta.captured,
                    });
                }
                // Whole by its checksum and still unreadable: written by another version. Leave it to that version.
                None => self
                    .log
                    .debug("a stored event has meta of another version; it is left on disk"),
            }
        }
        true
    }

    fn recover_until(&mut self, deadline: Millis) {
        if self.adopt_due <= clock::mono() {
            self.work();
        }
        while self.recovering && clock::mono() < deadline {
            self.recovering = self.recover_segment();
        }
    }

    /// Puts away what outlives the process.
    fn shut_down(&mut self) {
        self.closed = true;
        let report = self.outbox.unreported();
        let Some(mut store) = self.store.take() else {
            return;
        };
        if let Some(Err(error)) = report.map(|text| store.keep_report(text.as_bytes())) {
            self.log.debug(format_args!("losses not reported: {error}"));
        }
        if let Err(error) = store.close() {
            self.log.debug(error);
        }
        (self.on_lock)(NO_LOCK);
    }
}

/// No queue directory is owned.
pub(crate) const NO_LOCK: i32 = -1;
/// A power cut costs at most the non-fatal events of this long.
const SYNC_AFTER_MS: u64 = 200;
/// A sync costs about 300 µs whatever its size; at a burst's 12 KB an event this is one in 85 events.
const SYNC_AFTER_BYTES: u64 = 1024 * 1024;
/// How often a running process looks for queues of dead ones. The next start of anything does it too.
const ADOPT_EVERY_MS: u64 = 60_000;
/// A full disk is not asked again for every event.
const DISK_RETRY_MS: u64 = 30_000;
