//! Sending: a few threads that post envelopes and report the bare facts.
//!
//! Nothing is decided here. A reply travels to the outbox as status and headers, a failure as a sentence; what that
//! means for the event is the core's knowledge. Threads start on demand: one that takes a job which had to wait starts
//! another, so a sink that answers in a millisecond is served by one thread, and one that answers in fifty gets as many
//! as the outbox lets fly. Idle threads end.

mod http;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

pub(crate) use http::{Http, HttpConfig};

/// One envelope to post.
#[derive(Debug)]
pub(crate) struct Job {
    /// The outbox's number for this attempt.
    pub(crate) id: u64,
    /// The envelope as stored, without `sent_at`; `None` when only the report is to be sent.
    pub(crate) payload: Option<Arc<[u8]>>,
    /// A client report that rides along, as item payload.
    pub(crate) report: Option<String>,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server answered.
    Reply {
        /// HTTP status.
        status: u16,
        /// Names in lower case; several headers of one name are joined by commas.
        headers: Vec<(String, String)>,
    },
    /// No answer: refused, timed out, broken off. The text says why, without secrets.
    NoReply(String),
}

/// The pool. Dropping it lets the threads finish what they hold and end.
pub(crate) struct Senders {
    shared: Arc<Shared>,
}

struct Shared {
    http: Http,
    report: Box<dyn Fn(u64, Outcome) + Send + Sync>,
    state: Mutex<State>,
    wake: Condvar,
    max_threads: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<(Instant, Job)>,
    threads: usize,
    idle: usize,
    stopped: bool,
}

impl Senders {
    /// A pool without threads yet. `report` is called on a sender thread for every job, exactly once.
    pub(crate) fn new(
        http: Http,
        max_threads: usize,
        report: impl Fn(u64, Outcome) + Send + Sync + 'static,
    ) -> Senders {
        let shared = Shared {
            http,
            report: Box::new(report),
            state: Mutex::default(),
            wake: Condvar::new(),
            max_threads: max_threads.max(1),
        };
        Senders {
            shared: Arc::new(shared),
        }
    }

    /// Queues a job and returns at once.
    pub(crate) fn send(&self, job: Job) {
        let mut state = self.shared.lock();
        state.jobs.push_back((Instant::now(), job));
        if state.idle > 0 {
            self.shared.wake.notify_one();
        }
        if state.idle < state.jobs.len()
            && state.threads < EAGER_THREADS.min(self.shared.max_threads)
        {
            self.shared.start(&mut state);
        }
        if state.threads == 0 {
            // Not even one thread could be started: say so instead of keeping the job for ever.
            let refused = std::mem::take(&mut state.jobs);
            drop(state);
            for (_, job) in refused {
                (self.shared.report)(
                    job.id,
                    Outcome::NoReply("no thread could be started to send".to_owned()),
                );
            }
        }
    }
}

impl Drop for Senders {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.stopped = true;
        state.jobs.clear();
        self.shared.wake.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn start(self: &Arc<Self>, state: &mut State) {
        let shared = Arc::clone(self);
        let thread = std::thread::Builder::new()
            .name("faultwire-send".to_owned())
            .stack_size(STACK_BYTES);
        if thread.spawn(move || shared.run()).is_ok() {
            state.threads += 1;
        }
    }

    fn run(self: Arc<Self>) {
        crate::own_thread::mark();
        while let Some(job) = self.next() {
            let id = job.id;
            // A panic in a dependency must not take the job with it: the outbox waits for its outcome.
            let outcome =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.http.post(job)))
                    .unwrap_or_else(|_| Outcome::NoReply("the sender panicked".to_owned()));
            (self.report)(id, outcome);
        }
    }

    /// The next job, or `None` when this thread should end.
    fn next(self: &Arc<Self>) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some((since, job)) = state.jobs.pop_front() {
                let behind = !state.jobs.is_empty() && since.elapsed() > PATIENCE;
                if behind && state.idle == 0 && state.threads < self.max_threads {
                    self.start(&mut state);
                }
                return Some(job);
            }
            if state.stopped {
                state.threads -= 1;
                return None;
            }
            state.idle += 1;
            let (woken, timeout) = self
                .wake
                .wait_timeout(state, IDLE)
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return None;
            }
        }
    }
}

/// Started without waiting, so that a few stuck connections do not hold up the rest.
const EAGER_THREADS: usize = 2;
/// A job that waited longer than this means that the threads there are do not keep up.
const PATIENCE: Duration = Duration::from_millis(10);
/// How long a thread waits for more to do. Short: a thread costs the host memory, starting one costs 50 µs.
const IDLE: Duration = Duration::from_secs(5);
/// Enough for a TLS handshake with a long certificate chain; the default of 2 MiB times 32 looks bad in any monitor.
const STACK_BYTES: usize = 512 * 1024;

#[cfg(test)]
mod tests;
