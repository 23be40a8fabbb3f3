//! The one worker thread of a client: takes what host threads hand over, prepares it, and runs the driver.
//!
//! A panic in here is a defect of ours, never the host's: it is caught, the event in hand is counted as
//! `internal_sdk_error`, and the thread goes on. Only a worker that panics over and over without finishing anything ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use faultwire_core::engine::{Capture, Outcome, SourceLines, Sources};
use faultwire_core::loss::Loss;
use faultwire_core::scope::Scope;
use faultwire_protocol::id::EventId;
use faultwire_protocol::time::{Millis, Now};

use crate::driver::{Driver, Parts};
use crate::inbox::{Lane, Wait};
use crate::runtime::{Message, Runtime};
use crate::signal::Signal;
use crate::source::{Lines, SourceReader};
use crate::transport::{Http, Senders};
use crate::{clock, own_thread};

/// An event on its way from a host thread to the worker.
pub(crate) struct Captured {
    pub(crate) event: Event,
    id: EventId,
    now: Now,
    pub(crate) fatal: bool,
    /// Who waits for it: told when it is stored, and if it is fatal, synced.
    pub(crate) stored: Option<Arc<Signal>>,
}

/// In which form the host gave it.
pub(crate) enum Event {
    /// As written, to be merged with the scope.
    Text(String, Scope),
    /// The text is made on the worker, then the same.
    Deferred(Box<dyn FnOnce() -> String + Send>, Scope),
    /// Merged already, and through the host's hook.
    Prepared(String),
}

impl Captured {
    pub(crate) fn new(event: Event, id: EventId, now: Now, fatal: bool) -> Captured {
        Captured {
            event,
            id,
            now,
            fatal,
            stored: None,
        }
    }

    /// About how many bytes it keeps from the host's memory.
    pub(crate) fn weight(&self) -> usize {
        let text = match &self.event {
            Event::Text(text, _) | Event::Prepared(text) => text.len(),
            Event::Deferred(..) => DEFERRED_BYTES,
        };
        size_of::<Captured>() + text
    }
}

/// The thread's main function.
pub(crate) fn run(runtime: Arc<Runtime>) {
    own_thread::mark();
    if let Ok(mut worker) = catch_unwind(AssertUnwindSafe(|| Worker::new(runtime.clone()))) {
        worker.run();
    }
    runtime.ended();
}

struct Worker {
    runtime: Arc<Runtime>,
    driver: Driver,
    sources: SourceReader,
    /// Events taken since the books were published last.
    entered: u64,
    /// An event is being prepared: if that panics, it is the one that is lost.
    in_hand: Option<Option<Arc<Signal>>>,
    /// Errors come in streams: until then the worker looks by itself instead of being woken (see `inbox`).
    nap_until: Millis,
    /// Events since memory was given back to the system.
    taken_since_trim: u64,
}

impl Worker {
    fn new(runtime: Arc<Runtime>) -> Worker {
        let setup = &runtime.setup;
        let reporting = runtime.clone();
        let senders = Senders::new(
            Http::new(setup.http.clone()),
            setup.limits.max_in_flight,
            move |job, outcome| {
                let _ = reporting
                    .inbox
                    .push(Message::Outcome { job, outcome }, 0, Lane::Urgent);
            },
        );
        let locked = runtime.clone();
        let driver = Driver::new(Parts {
            queue_dir: setup.queue_dir.clone(),
            warned: setup.warned,
            limits: setup.limits.clone(),
            seed: random_seed(),
            senders,
            on_lock: Box::new(move |fd| locked.set_lock_fd(fd)),
            log: setup.log,
        });
        Worker {
            runtime,
            driver,
            sources: SourceReader::default(),
            entered: 0,
            in_hand: None,
            nap_until: Millis(0),
            taken_since_trim: 0,
        }
    }

    fn run(&mut self) {
        let mut panics = 0;
        while !self.driver.is_closed() && panics < MAX_PANICS {
            match catch_unwind(AssertUnwindSafe(|| self.turn())) {
                Ok(()) => panics = 0,
                Err(_) => {
                    panics += 1;
                    self.give_up_in_hand();
                }
            }
        }
        self.publish();
        self.driver.give_answers();
    }

    /// One round: wait, take what is there, do what is due, publish.
    fn turn(&mut self) {
        let until_due = clock::until(self.driver.deadline());
        if clock::mono() < self.nap_until {
            self.runtime.inbox.wait(until_due.min(NAP), Wait::Nap);
        } else {
            self.runtime.inbox.wait(until_due, Wait::Sleep);
        }
        let mut taken = 0;
        while taken < MAX_BATCH
            && !self.driver.is_closed()
            && let Some(message) = self.runtime.inbox.pop()
        {
            self.take(message);
            taken += 1;
        }
        if !self.driver.is_closed() {
            self.driver.work();
        }
        self.publish();
        self.driver.give_answers();
        self.shrink();
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Event(captured) => {
                self.take_event(*captured);
                self.nap_until = clock::after(NAP_FOR_MS);
            }
            Message::Losses => {}
            Message::Outcome { job, outcome } => self.driver.outcome(job, outcome),
            Message::Flush { signal, deadline } => {
                // Losses ride on what a flush sends, and its caller expects the books to be settled.
                self.publish();
                self.driver.flush(signal, deadline);
            }
            Message::Close { signal, deadline } => {
                self.publish();
                self.driver.close(signal, deadline);
            }
        }
    }

    fn take_event(&mut self, captured: Captured) {
        self.entered += 1;
        self.taken_since_trim += 1;
        let (stored, fatal) = (captured.stored.clone(), captured.fatal);
        self.in_hand = Some(stored.clone());
        let outcome = self.prepare(captured);
        self.in_hand = None;
        match outcome {
            Outcome::Ready(ready) => self.driver.enqueue(ready, fatal, stored),
            Outcome::Dropped(loss) => {
                self.driver.lost(loss, 1);
                // There is nothing to wait for.
                if let Some(stored) = stored {
                    stored.give(false);
                }
            }
        }
    }

    /// Everything that is too slow for the host's thread: parse, merge, frames, source lines, scrub, trim.
    fn prepare(&mut self, captured: Captured) -> Outcome {
        let Captured {
            event,
            id,
            now,
            fatal,
            ..
        } = captured;
        let engine = &self.runtime.setup.engine;
        let (event_json, scope) = match event {
            Event::Prepared(json) => {
                return engine.submit(&json, id, fatal, now, &mut self.sources);
            }
            Event::Text(text, scope) => (text, scope),
            Event::Deferred(finish, scope) => (finish(), scope),
        };
        engine.capture(
            &Capture {
                event_json,
                scope,
                id,
                now,
                fatal,
            },
            &mut self.sources,
        )
    }

    fn give_up_in_hand(&mut self) {
        if let Some(stored) = self.in_hand.take() {
            let _ = catch_unwind(AssertUnwindSafe(|| {
                self.driver.lost(Loss::InternalSdkError, 1)
            }));
            if let Some(stored) = stored {
                stored.give(false);
            }
        }
    }

    /// Enters the losses that waited into the outbox and shows the ledger to the host's threads.
    fn publish(&mut self) {
        let losses = self.runtime.books.losses();
        for (loss, quantity) in &losses {
            self.driver.lost(*loss, *quantity);
        }
        let entered = std::mem::take(&mut self.entered);
        self.runtime
            .books
            .publish(entered, &losses, self.driver.ledger());
    }

    /// After a storm: what it took goes back to the system, once and when nothing waits any more.
    fn shrink(&mut self) {
        if self.taken_since_trim > STORM_EVENTS
            && self.driver.is_idle()
            && self.runtime.inbox.bytes() == 0
        {
            self.taken_since_trim = 0;
            #[cfg(all(target_os = "linux", target_env = "gnu"))]
            // SAFETY: takes no pointer and keeps none; it locks the allocator's arenas as free() does.
            unsafe {
                libc::malloc_trim(0);
            }
        }
    }
}

impl Sources for SourceReader {
    fn lines(&mut self, path: &str, line: u32) -> Option<SourceLines> {
        let Lines { pre, line, post } = self.read(path, line)?;
        Some(SourceLines { pre, line, post })
    }
}

fn random_seed() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness the clock spreads the retries of many processes well enough.
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => clock::now().wall.0,
    }
}

/// Messages taken before timers and syncs are looked at: about 20 ms of work.
const MAX_BATCH: usize = 64;
/// How late a napping worker sees an event at most; far below the 5 ms after which a kill must not lose it.
const NAP: Duration = Duration::from_micros(500);
/// How long after an event the worker naps: 60 looks of a few microseconds, then it sleeps and costs nothing.
const NAP_FOR_MS: u64 = 30;
/// Panics in a row, without one whole round in between, after which the worker gives up.
const MAX_PANICS: u32 = 20;
/// What a deferred event counts in the inbox: its unresolved frames.
const DEFERRED_BYTES: usize = 4 * 1024;
/// Fewer events do not leave enough behind to be worth the milliseconds.
const STORM_EVENTS: u64 = 1000;
