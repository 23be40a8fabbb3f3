//! Saves prepared batches and moves the spool's cursor behind them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::intake::spool::{Position, Spool};
use crate::store::{Batch, PoisonEvent, Saved, Store, now_ms};
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

/// The one thread that writes.
pub(super) struct Writer<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) spool: &'a Spool,
    pub(super) metrics: &'a Metrics,
    /// Set once no further batch will come: a save that fails then is left to the next start.
    pub(super) stopping: &'a AtomicBool,
}

impl Writer<'_> {
    pub(super) fn run(&self, batches: &Receiver<Prepared>) {
        for prepared in batches {
            let started = Instant::now();
            let Some(saved) = self.save(prepared.batch) else {
                return;
            };
            for result in &saved {
                self.metrics.digested(name(result), 1);
            }
            if let Err(error) = self.spool.commit(prepared.position) {
                // The store has the batch and will recognize it if it comes again.
                tracing::warn!(%error, "the spool's cursor was not moved");
            }
            let lag = Duration::from_millis(now_ms().saturating_sub(prepared.oldest_ms));
            self.metrics
                .digest_batch(saved.len(), started.elapsed(), lag);
        }
    }

    /// Saves until it worked. None: gave up because the process is stopping; the spool still has the batch.
    fn save(&self, mut batch: Batch) -> Option<Vec<Saved>> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.store.save_batch(&batch) {
                Ok(saved) => {
                    self.metrics
                        .digested("set_aside", batch.poison.len() as u64);
                    return Some(saved);
                }
                Err(error) => error,
            };
            tracing::error!(%error, events = batch.events.len(), "batch was not stored; trying again");
            if self.store_works() {
                // The store is well, so it is this batch: find the events it cannot take.
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

    fn store_works(&self) -> bool {
        self.store.save_batch(&Batch::default()).is_ok()
    }

    /// Saves each event alone and moves those that fail to the poison of the batch. The others are duplicates
    /// when the batch is saved again, which must not show in the account: they leave the batch.
    fn isolate(&self, batch: &mut Batch) {
        let events = std::mem::take(&mut batch.events);
        for event in events {
            let mut alone = Batch {
                events: vec![event],
                ..Batch::default()
            };
            let Err(error) = self.store.save_batch(&alone) else {
                self.metrics.digested("existing_issue", 1);
                continue;
            };
            let Some(event) = alone.events.pop() else {
                continue;
            };
            if !self.store_works() {
                batch.events.push(event);
                continue;
            }
            tracing::error!(%error, project = event.project_id, "event set aside: the store refuses it");
            batch.poison.push(PoisonEvent {
                project_id: event.project_id,
                event_id: event.event_id,
                received_ms: event.received_ms,
                code: "internal",
                reason: format!("the store refused it: {error}"),
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
