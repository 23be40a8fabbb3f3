//! From spool to store: parse, normalize, correct the clock, scrub, group, save. Knows no HTTP.
//!
//! ```text
//! spool -> prepare (all cores, in order) -> channel of one batch -> save (one transaction) -> spool cursor
//! ```
//! At least once from the spool, exactly once into the store: the store recognizes an event by project and id, and
//! the cursor moves only after the transaction is durable. A crash anywhere repeats at most the batches in flight.

mod address;
mod clock;
mod facets;
pub mod issue_state;
mod prepare;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use crate::config::Config;
use crate::intake::spool::{Record, Spool};
use crate::store::{self, Batch, Store};
use crate::telemetry::Metrics;
use prepare::Preparer;
use writer::{Prepared, Writer};

/// Most events in one transaction: at 500 the cost of the commit no longer shows.
const MAX_RECORDS: usize = 500;
/// Most payload bytes in one batch. Three batches exist at a time (read, waiting, being saved).
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Fewer records than this per thread are not worth a thread.
const MIN_SHARE: usize = 8;
/// More threads than this only make the one writer wait.
const MAX_THREADS: usize = 4;

/// Digests until the spool is closed and empty, or told to stop; then finishes what it has begun.
///
/// Blocks; the caller gives it a thread. While the store cannot take a batch (disk full, locked), the digest tries
/// again without end and the spool keeps everything; intake answers on.
///
/// When memory for a compressor or a thread cannot be had at the start, says so in the log and returns: what is
/// acknowledged stays in the spool for the next start.
pub fn run(store: Arc<dyn Store>, spool: Arc<Spool>, metrics: Arc<Metrics>, config: Arc<Config>) {
    if let Err(error) = digest(&*store, &spool, &metrics, config.limits.max_event_bytes) {
        tracing::error!(%error, "digest cannot run; events stay in the spool until the next start");
    }
}

fn digest(
    store: &dyn Store,
    spool: &Spool,
    metrics: &Metrics,
    max_event_bytes: usize,
) -> anyhow::Result<()> {
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_THREADS);
    let mut preparers = (0..threads)
        .map(|_| Preparer::new(max_event_bytes))
        .collect::<store::Result<Vec<_>>>()?;
    let stopping = AtomicBool::new(false);
    let writer = Writer {
        save: &|batch| store.save_batch(batch),
        metrics,
        stopping: &stopping,
    };
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Prepared>(1);
        thread::Builder::new()
            .name("digest-writer".into())
            .spawn_scoped(scope, move || writer.run(&receiver, spool))?;
        while let Some(read) = spool.next_batch(MAX_RECORDS, MAX_BYTES) {
            let oldest_ms = read.records.iter().map(|record| record.received_ms).min();
            let prepared = Prepared {
                batch: prepare_all(&mut preparers, &read.records),
                oldest_ms: oldest_ms.unwrap_or_default(),
                position: read.position,
            };
            if sender.send(prepared).is_err() {
                break;
            }
        }
        stopping.store(true, Ordering::Relaxed);
        Ok(())
    })
}

/// Prepares records on all threads; the batch keeps their order, so that counters and "newest event" come out as
/// if one thread had done it.
fn prepare_all(preparers: &mut [Preparer], records: &[Record]) -> Batch {
    let share = records.len().div_ceil(preparers.len()).max(MIN_SHARE);
    let mut batch = Batch::default();
    if records.len() <= share {
        prepare_some(&mut preparers[0], records, &mut batch);
        return batch;
    }
    thread::scope(|scope| {
        let parts: Vec<_> = preparers
            .iter_mut()
            .zip(records.chunks(share))
            .map(|(preparer, records)| {
                scope.spawn(move || {
                    let mut part = Batch::default();
                    prepare_some(preparer, records, &mut part);
                    part
                })
            })
            .collect();
        for part in parts {
            let part = part.join().expect("panics are caught record by record");
            batch.events.extend(part.events);
            batch.poison.extend(part.poison);
        }
    });
    batch
}

fn prepare_some(preparer: &mut Preparer, records: &[Record], batch: &mut Batch) {
    for record in records {
        match preparer.prepare(record) {
            Ok(event) => batch.events.push(event),
            Err(poison) => {
                tracing::warn!(
                    project = poison.project_id,
                    event = %record.event_id,
                    reason = poison.reason,
                    "event set aside"
                );
                batch.poison.push(poison);
            }
        }
    }
}
