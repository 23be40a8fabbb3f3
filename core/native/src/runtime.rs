//! The host's side of one client: hand over, wait, count. The other side is `worker`.
//!
//! Guarantees: handing over never blocks and never panics; what cannot be handed over is counted. The worker starts with
//! the first event (or with [`Runtime::start`] when a queue directory holds something), never before: a process that forks
//! after `init` has no thread to lose. In a forked child [`Runtime::current`] gives a fresh runtime with a worker and a
//! queue directory of its own; the parent's events stay the parent's.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use faultwire_core::engine::Engine;
use faultwire_core::loss::{Ledger, Loss};
use faultwire_core::outbox::Config;
use faultwire_protocol::time::Millis;

use crate::books::Books;
use crate::driver::NO_LOCK;
use crate::inbox::{Inbox, Lane};
use crate::log::Log;
use crate::signal::Signal;
use crate::transport::{HttpConfig, Outcome};
use crate::worker::{self, Captured};
use crate::{clock, fork, own_thread};

/// What a client was configured to be; the same before and after a fork.
pub(crate) struct Setup {
    pub(crate) engine: Engine,
    pub(crate) queue_dir: PathBuf,
    /// The host was already told that `queue_dir` cannot be used.
    pub(crate) warned: bool,
    pub(crate) limits: Config,
    pub(crate) http: HttpConfig,
    pub(crate) shutdown_timeout_ms: u64,
    pub(crate) log: Log,
}

/// What host threads tell the worker.
pub(crate) enum Message {
    /// A captured event. Boxed: the queue moves pointers.
    Event(Box<Captured>),
    /// There are losses in the books that the outbox should report.
    Losses,
    /// What came of a request.
    Outcome { job: u64, outcome: Outcome },
    /// Answer when everything before this has left.
    Flush {
        signal: Arc<Signal>,
        deadline: Millis,
    },
    /// The same, then end.
    Close {
        signal: Arc<Signal>,
        deadline: Millis,
    },
}

/// One client in one process.
pub(crate) struct Runtime {
    pub(crate) setup: Arc<Setup>,
    pub(crate) inbox: Inbox<Message>,
    pub(crate) books: Books,
    generation: u64,
    phase: AtomicU8,
    starting: Mutex<()>,
    closing: AtomicBool,
    /// An event was captured before.
    warm: AtomicBool,
    /// Descriptor of the lock of the own queue directory, for a child to close; [`NO_LOCK`] if there is none.
    lock_fd: AtomicI32,
    /// The runtime of this client in a forked child.
    successor: OnceLock<Arc<Runtime>>,
}

impl Runtime {
    /// A runtime without a thread.
    pub(crate) fn new(setup: Arc<Setup>) -> Arc<Runtime> {
        Arc::new(Runtime {
            setup,
            inbox: Inbox::new(INBOX_BYTES, INBOX_COUNT),
            books: Books::default(),
            generation: fork::generation(),
            phase: AtomicU8::new(IDLE),
            starting: Mutex::new(()),
            closing: AtomicBool::new(false),
            warm: AtomicBool::new(false),
            lock_fd: AtomicI32::new(NO_LOCK),
            successor: OnceLock::new(),
        })
    }

    /// The runtime of this process: `self`, or after a fork the one that took over.
    pub(crate) fn current(self: &Arc<Self>) -> &Arc<Runtime> {
        let mut runtime = self;
        while runtime.generation != fork::generation() {
            runtime = runtime.successor.get_or_init(|| {
                // The inherited lock must not outlive the parent.
                let fd = runtime.lock_fd.swap(NO_LOCK, Ordering::Relaxed);
                if fd != NO_LOCK {
                    fork::close_inherited(fd);
                }
                let child = Runtime::new(runtime.setup.clone());
                child.closing.store(runtime.is_closing(), Ordering::Relaxed);
                child
            });
        }
        runtime
    }

    /// Hands over an event. Returns at once, with two exceptions: a fatal event is waited for until it is durable, at
    /// most the shutdown time-out; the first event of the process until it is stored, at most [`FIRST_EVENT_MS`].
    pub(crate) fn capture(self: &Arc<Self>, mut captured: Captured) {
        self.books.captured();
        let patience_ms = if own_thread::is_own() {
            0
        } else if captured.fatal {
            self.setup.shutdown_timeout_ms
        } else if self.is_first_event() {
            FIRST_EVENT_MS
        } else {
            0
        };
        let stored = (patience_ms > 0).then(Arc::<Signal>::default);
        captured.stored = stored.clone();
        let weight = captured.weight();
        let lane = if captured.fatal {
            Lane::Urgent
        } else {
            Lane::Ordinary
        };
        if self.is_closing()
            || self
                .inbox
                .push(Message::Event(Box::new(captured)), weight, lane)
                .is_err()
        {
            self.books.refused(Loss::QueueOverflow);
            return;
        }
        // After the hand-over: the thread starts while the message is already there.
        self.start();
        if let Some(stored) = stored {
            stored.wait(Duration::from_millis(patience_ms));
        }
    }

    /// Counts an event that the calling thread dropped.
    pub(crate) fn lost(self: &Arc<Self>, loss: Loss) {
        if self.books.lost(loss) && self.phase.load(Ordering::Acquire) == RUNNING {
            // If the worker has just ended, the books still count it.
            let _ = self.inbox.push(Message::Losses, 0, Lane::Ordinary);
        }
    }

    /// Waits until everything captured before has left, at most `timeout_ms`. Returns whether it has.
    pub(crate) fn flush(self: &Arc<Self>, timeout_ms: u64) -> bool {
        self.ask(timeout_ms, |signal, deadline| Message::Flush {
            signal,
            deadline,
        })
    }

    /// Refuses new events, flushes, ends the worker. May be called again and from several threads.
    pub(crate) fn close(self: &Arc<Self>, timeout_ms: u64) -> bool {
        self.closing.store(true, Ordering::Release);
        self.ask(timeout_ms, |signal, deadline| Message::Close {
            signal,
            deadline,
        })
    }

    /// Whether captures are refused by now.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// The balance of this moment.
    pub(crate) fn ledger(&self) -> Ledger {
        self.books.ledger()
    }

    /// Starts the worker if it does not run and has not ended.
    pub(crate) fn start(self: &Arc<Self>) {
        if self.phase.load(Ordering::Acquire) != IDLE {
            return;
        }
        let _one_at_a_time = self
            .starting
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if self.phase.load(Ordering::Acquire) != IDLE {
            return;
        }
        let runtime = Arc::clone(self);
        let thread = std::thread::Builder::new()
            .name("faultwire".to_owned())
            .stack_size(STACK_BYTES);
        // Before the thread exists: it may have ended by the time `spawn` returns.
        self.phase.store(RUNNING, Ordering::Release);
        if let Err(error) = thread.spawn(move || worker::run(runtime)) {
            // The next capture tries again; meanwhile the inbox keeps what it holds.
            self.phase.store(IDLE, Ordering::Release);
            self.setup
                .log
                .warn(format_args!("cannot start the worker thread: {error}"));
        }
    }

    /// For the worker: it is about to return.
    pub(crate) fn ended(&self) {
        self.phase.store(ENDED, Ordering::Release);
        for message in self.inbox.close() {
            match message {
                Message::Event(event) => {
                    self.books.refused(Loss::QueueOverflow);
                    if let Some(stored) = event.stored {
                        stored.give(false);
                    }
                }
                Message::Flush { signal, .. } | Message::Close { signal, .. } => {
                    signal.give(self.is_drained())
                }
                Message::Losses | Message::Outcome { .. } => {}
            }
        }
    }

    /// For the worker: the descriptor a forked child has to close.
    pub(crate) fn set_lock_fd(&self, fd: i32) {
        self.lock_fd.store(fd, Ordering::Relaxed);
    }

    fn ask(
        self: &Arc<Self>,
        timeout_ms: u64,
        message: impl FnOnce(Arc<Signal>, Millis) -> Message,
    ) -> bool {
        if own_thread::is_own() {
            return false;
        }
        if self.phase.load(Ordering::Acquire) == IDLE {
            if self.books.is_idle() {
                return self.is_drained();
            }
            self.start();
        }
        let signal = Arc::<Signal>::default();
        let asked = message(signal.clone(), clock::after(timeout_ms));
        if self.inbox.push(asked, 0, Lane::Ordinary).is_err() {
            return self.is_drained();
        }
        // The worker answers at the deadline itself; the grace is for a machine that is busy just then.
        signal
            .wait(Duration::from_millis(timeout_ms.saturating_add(GRACE_MS)))
            .unwrap_or(false)
    }

    /// True once. Checked with a load first: a swap on every capture would bounce the cache line between threads.
    fn is_first_event(&self) -> bool {
        !self.warm.load(Ordering::Relaxed) && !self.warm.swap(true, Ordering::Relaxed)
    }

    fn is_drained(&self) -> bool {
        self.books.ledger().queued == 0
    }
}

const IDLE: u8 = 0;
const RUNNING: u8 = 1;
const ENDED: u8 = 2;
/// A burst of 10,000 events of 12 KB, captured faster than the worker scrubs, takes about 90 MB at its peak. The room
/// is a ceiling: an empty inbox holds nothing.
const INBOX_BYTES: usize = 160 * 1024 * 1024;
const INBOX_COUNT: usize = 100_000;
const GRACE_MS: u64 = 250;
/// The first event meets a cold worker: thread, queue directory and scrubber take about 2 ms together, 5 ms on a busy
/// machine. A process that crashes right after its start would lose exactly the event that tells why, so this one is
/// waited for; every later event is on disk about 0.1 ms after its hand-over without that.
const FIRST_EVENT_MS: u64 = 250;
const STACK_BYTES: usize = 2 * 1024 * 1024;
