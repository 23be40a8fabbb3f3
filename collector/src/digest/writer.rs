//! Saves prepared batches and moves the spool's cursor behind them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::prepare::text_of;
use crate::intake::spool::{Position, Spool};
use crate::store::{self, Batch, ErrorKind, PoisonEvent, Saved, now_ms};
use crate::telemetry::Metrics;

/// Pause after a failed save; doubles up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// A batch on its way to the store.
pub(super) struct Prepared {
    pub(super) batch: Batch,
    /// Receive time of its oldest record.
    pub(super) oldest_ms: u64,
    /// Where the spool stands behind it.
    pub(super) position: Position,
}

/// How a batch is saved: the store's transaction.
pub(super) type Save<'a> = &'a (dyn Fn(&Batch) -> store::Result<Vec<Saved>> + Sync);

/// The one thread that writes.
pub(super) struct Writer<'a> {
    pub(super) save: Save<'a>,
    pub(super) metrics: &'a Metrics,
    /// Set once no further batch will come: a save that fails then is left to the next start.
    pub(super) stopping: &'a AtomicBool,
}

/// A save that did not work.
struct Failure {
    /// It lies in the data, so that trying again will not help.
    refused: bool,
    reason: String,
}

impl Writer<'_> {
    /// Saves batch after batch until no more will come.
    pub(super) fn run(&self, batches: &Receiver<Prepared>, spool: &Spool) {
        for prepared in batches {
            let started = Instant::now();
            let Some(events) = self.save_surely(prepared.batch) else {
                return;
            };
            if let Err(error) = spool.commit(prepared.position) {
                // The store has the batch and will recognize it if it comes again.
                tracing::warn!(%error, "the spool's cursor was not moved");
            }
            let lag = Duration::from_millis(now_ms().saturating_sub(prepared.oldest_ms));
            self.metrics.digest_batch(events, started.elapsed(), lag);
        }
    }

    /// Saves until it worked and returns how many events were seen. None: gave up because the process is stopping;
    /// the spool still has the batch.
    fn save_surely(&self, mut batch: Batch) -> Option<usize> {
        let events = batch.events.len() + batch.poison.len();
        let mut pause = FIRST_PAUSE;
        loop {
            let failure = match self.save_once(&batch) {
                Ok(()) => return Some(events),
                Err(failure) => failure,
            };
            tracing::error!(reason = failure.reason, events, "a batch was not stored");
            if failure.refused && !batch.events.is_empty() {
                self.isolate(&mut batch);
                continue;
            }
            if self.stopping.load(Ordering::Relaxed) {
                return None;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    fn save_once(&self, batch: &Batch) -> Result<(), Failure> {
        // A panic inside rolls the transaction back, and would come again with the same data.
        match catch_unwind(AssertUnwindSafe(|| (self.save)(batch))) {
            Ok(Ok(saved)) => {
                for result in &saved {
                    self.metrics.digested(name(result), 1);
                }
                if !batch.poison.is_empty() {
                    self.metrics
                        .digested("set_aside", batch.poison.len() as u64);
                }
                Ok(())
            }
            Ok(Err(error)) => Err(Failure {
                refused: error.kind() == ErrorKind::Refused,
                reason: error.to_string(),
            }),
            Err(panic) => Err(Failure {
                refused: true,
                reason: format!("the store panicked: {}", text_of(&*panic)),
            }),
        }
    }

    /// Saves each event of a refused batch alone. Afterwards the batch holds what is left to do: the refused events
    /// among its poison, and those that failed for another reason.
    fn isolate(&self, batch: &mut Batch) {
        for event in std::mem::take(&mut batch.events) {
            let mut alone = Batch {
                events: vec![event],
                ..Batch::default()
            };
            let Err(failure) = self.save_once(&alone) else {
                continue;
            };
            let Some(event) = alone.events.pop() else {
                continue;
            };
            if !failure.refused {
                batch.events.push(event);
                continue;
            }
            tracing::error!(
                reason = failure.reason,
                project = event.project_id,
                "event set aside: the store refuses it"
            );
            batch.poison.push(PoisonEvent {
                project_id: event.project_id,
                event_id: event.event_id,
                received_ms: event.received_ms,
                code: "internal",
                reason: format!("the store refused it: {}", failure.reason),
                payload: event.payload,
            });
        }
    }
}

fn name(saved: &Saved) -> &'static str {
    match saved {
        Saved::NewIssue(_) => "new_issue",
        Saved::Existing(_) => "existing_issue",
        Saved::Regressed(_) => "regressed_issue",
        Saved::Duplicate => "duplicate",
        Saved::NoProject => "no_project",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::store::{DigestedEvent, Error, Level};

    fn event(n: u8) -> DigestedEvent {
        DigestedEvent {
            project_id: 1,
            event_id: [n; 16],
            received_ms: 0,
            timestamp_ms: 0,
            fingerprint: String::new(),
            grouping_version: String::new(),
            grouping_parts: Vec::new(),
            kind: String::new(),
            value: String::new(),
            title: String::new(),
            culprit: String::new(),
            level: Level::Error,
            platform: String::new(),
            handled: None,
            release: None,
            environment: None,
            user: None,
            user_hash: None,
            tags: Vec::new(),
            payload: vec![n],
            attachments: Vec::new(),
        }
    }

    fn full() -> Error {
        Error::unavailable("store", std::io::Error::other("disk is full"))
    }

    fn refused() -> Error {
        Error::refused("store", std::io::Error::other("does not fit"))
    }

    /// What a store would hold: first bytes of the ids of events and of poison.
    type Held = (Vec<u8>, Vec<u8>);

    /// Runs a batch of these events against a store that fails by `fail`, which sees the call's number and batch.
    fn save(
        events: &[u8],
        stopping: bool,
        fail: impl Fn(usize, &Batch) -> Option<Error> + Sync,
    ) -> (Option<usize>, Held) {
        let state = Mutex::new((0, Held::default()));
        let save = |batch: &Batch| {
            // Not held while failing: a planned panic would poison it.
            let call = {
                let mut state = state.lock().unwrap();
                state.0 += 1;
                state.0
            };
            if let Some(error) = fail(call, batch) {
                return Err(error);
            }
            let held = &mut state.lock().unwrap().1;
            held.0
                .extend(batch.events.iter().map(|event| event.event_id[0]));
            held.1
                .extend(batch.poison.iter().map(|event| event.event_id[0]));
            Ok(vec![Saved::Existing(1); batch.events.len()])
        };
        let metrics = Metrics::new();
        let writer = Writer {
            save: &save,
            metrics: &metrics,
            stopping: &AtomicBool::new(stopping),
        };
        let batch = Batch {
            events: events.iter().map(|n| event(*n)).collect(),
            ..Batch::default()
        };
        let result = writer.save_surely(batch);
        (result, state.into_inner().unwrap().1)
    }

    #[test]
    fn a_full_disk_sets_nothing_aside() {
        let (result, held) = save(&[1, 2, 3], false, |call, _| (call <= 2).then(full));
        assert_eq!((result, held), (Some(3), (vec![1, 2, 3], vec![])));
    }

    #[test]
    fn stopping_leaves_the_batch_to_the_next_start() {
        let (result, held) = save(&[1, 2], true, |_, _| Some(full()));
        assert_eq!((result, held), (None, (vec![], vec![])));
    }

    #[test]
    fn an_event_that_is_refused_is_set_aside_alone() {
        let refuse_two = |_, batch: &Batch| {
            batch
                .events
                .iter()
                .any(|event| event.event_id[0] == 2)
                .then(refused)
        };
        let (result, held) = save(&[1, 2, 3], false, refuse_two);
        assert_eq!((result, held), (Some(3), (vec![1, 3], vec![2])));
    }

    #[test]
    fn a_panic_in_the_store_is_a_refusal() {
        let panic_at_two = |_, batch: &Batch| {
            let hit = batch.events.iter().any(|event| event.event_id[0] == 2);
            assert!(!hit, "planned panic");
            None
        };
        let (result, held) = save(&[1, 2, 3], false, panic_at_two);
        assert_eq!((result, held), (Some(3), (vec![1, 3], vec![2])));
    }

    #[test]
    fn trouble_while_isolating_keeps_the_rest() {
        // The batch is refused for event 1; the disk is full when 3 is tried alone, and is well again later.
        let fail = |call, batch: &Batch| {
            let has = |n| batch.events.iter().any(|event| event.event_id[0] == n);
            if has(1) {
                Some(refused())
            } else {
                (call == 4).then(full)
            }
        };
        let (result, held) = save(&[1, 2, 3], false, fail);
        assert_eq!((result, held), (Some(3), (vec![2, 3], vec![1])));
    }
}
