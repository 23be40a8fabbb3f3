//! The spool: where an event is safe before anybody has looked at it.
//!
//! Guarantees:
//! - When [`Spool::append`] returns `Ok`, the record is on disk behind an `fdatasync` and will be handed to a reader,
//!   whatever happens to the process or the power afterwards.
//! - Records come out in the order of their segments and offsets, at least once: those behind the last committed
//!   position come again after a restart. Readers must know them by event id.
//! - A record whose append failed or was never answered may come out too, or not.
//! - The files never occupy more than the limit plus one group; beyond it, and when the disk is full, appends fail
//!   with a time to come back, and succeed again as soon as there is room. What was acknowledged stays.
//!
//! Not guaranteed: order between records that were appended concurrently.
//!
//! One committer thread writes (`writer`): it takes everything that waits, writes it with one call, syncs once and
//! answers all of them. Under load the group grows by itself, so that the cost of a sync is shared; alone, an event
//! waits for one sync and nothing else.

mod cursor;
mod reader;
pub mod record;
pub mod segment;
mod writer;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

pub use reader::Batch;
pub use record::{Attachment, Record, RecordKind};
pub use segment::Position;

use crate::telemetry::Metrics;
use cursor::Cursor;
use reader::{CommitSide, ReadSide};
pub use writer::{Disk, FileDisk};

/// Bounds of the spool.
#[derive(Clone, Debug)]
pub struct SpoolLimits {
    /// Bytes that may lie on disk unread.
    pub max_bytes: u64,
    /// A segment that has reached this size is finished and a new one begun. Space is freed by whole segments.
    pub segment_bytes: u64,
    /// How long a reader that has caught up waits for company before it takes a batch. At a thousand events a second
    /// this turns hundreds of transactions a second into a hundred; an event becomes visible that much later.
    pub linger: Duration,
}

impl Default for SpoolLimits {
    fn default() -> Self {
        SpoolLimits {
            max_bytes: 1024 * 1024 * 1024,
            segment_bytes: 32 * 1024 * 1024,
            linger: Duration::from_millis(10),
        }
    }
}

/// Why a record was not taken. The client may send it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpoolError {
    /// The spool's limit is reached or the disk is full; come back after the given time.
    Full(Duration),
    /// The disk failed otherwise, with the system's words.
    Io(String),
    /// The server is stopping.
    Closed,
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpoolError::Full(_) => f.write_str("the spool is full"),
            SpoolError::Io(reason) => write!(f, "the spool cannot be written: {reason}"),
            SpoolError::Closed => f.write_str("the server is stopping"),
        }
    }
}

impl std::error::Error for SpoolError {}

/// Fill of the spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpoolStats {
    /// Acknowledged records that digest has not committed yet.
    pub records: u64,
    /// Bytes on disk, consumed parts of unfinished segments included.
    pub bytes: u64,
}

/// The spool of one data folder. One process may have it open.
pub struct Spool {
    shared: Arc<Shared>,
    read: Mutex<ReadSide>,
    commit: Mutex<CommitSide>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

/// What appenders, the committer and the reader share.
struct Shared {
    dir: PathBuf,
    limits: SpoolLimits,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
    /// Wakes the committer: something waits to be written, or closing began.
    work: Condvar,
    /// Wakes the reader: something became durable, or closing is complete.
    data: Condvar,
    /// Wakes a reader that waits for company: it is to go on without.
    hurry: Condvar,
}

struct State {
    waiting: Vec<Waiting>,
    waiting_bytes: u64,
    /// No append is taken any more.
    closing: bool,
    /// The committer has written everything and is gone.
    closed: bool,
    /// Readers stop now, whatever is left for the next start.
    stopped: bool,
    /// The segment being written; None when the next group shall begin a new one.
    active: Option<u64>,
    /// The committer has a group in hand: the active segment must stay.
    writing: bool,
    /// Segments on disk, oldest first.
    segments: Vec<SegmentState>,
    /// Durable records that are not committed yet.
    records: u64,
    /// How many records were handed out up to which position and are not committed.
    handed_out: Vec<(Position, u64)>,
}

struct SegmentState {
    number: u64,
    /// End of its durable frames: what lies before may be read.
    end: u64,
    /// Frames between the committed position and the end.
    records: u64,
}

struct Waiting {
    frame: Vec<u8>,
    answer: oneshot::Sender<Result<(), SpoolError>>,
}

impl Spool {
    /// Opens the spool in `dir`, creating it when needed, and recovers what an earlier process left.
    ///
    /// A torn tail is kept out by its checksum and reported in the log. Errors: the folder cannot be created, read
    /// or written.
    pub fn open(dir: &Path, limits: SpoolLimits, metrics: Arc<Metrics>) -> io::Result<Arc<Spool>> {
        Self::open_on(dir, limits, metrics, Box::new(FileDisk))
    }

    /// Like [`Spool::open`] with another way to write and sync, for tests of failing disks.
    pub fn open_on(
        dir: &Path,
        limits: SpoolLimits,
        metrics: Arc<Metrics>,
        disk: Box<dyn Disk>,
    ) -> io::Result<Arc<Spool>> {
        std::fs::create_dir_all(dir)?;
        // Space is freed by whole segments, so several must fit into the limit, however small that is.
        let segment_bytes = limits
            .segment_bytes
            .min(limits.max_bytes / 8)
            .max(segment::HEADER + 1);
        let limits = SpoolLimits {
            segment_bytes,
            ..limits
        };
        let (cursor, position) = Cursor::open(dir)?;
        let (segments, start) = recover(dir, position)?;
        // The next segment is begun by the first append: a server must start, and drain its spool, on a full disk.
        let number = segments
            .last()
            .map_or(start.segment, |last| last.number)
            .max(start.segment);
        let start = match (position, segments.first()) {
            (None, Some(oldest)) => Position {
                segment: oldest.number,
                offset: segment::HEADER,
            },
            _ => start,
        };
        let state = State {
            waiting: Vec::new(),
            waiting_bytes: 0,
            closing: false,
            closed: false,
            stopped: false,
            active: None,
            writing: false,
            handed_out: Vec::new(),
            records: segments.iter().map(|segment| segment.records).sum(),
            segments,
        };
        if state.records > 0 {
            tracing::info!(
                records = state.records,
                "the spool holds events of an earlier run"
            );
        }
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            limits,
            metrics,
            state: Mutex::new(state),
            work: Condvar::new(),
            data: Condvar::new(),
            hurry: Condvar::new(),
        });
        shared.report(&shared.lock());
        let committer = std::thread::Builder::new().name("spool".into()).spawn({
            let shared = shared.clone();
            move || writer::run(&shared, number, disk.as_ref())
        })?;
        Ok(Arc::new(Spool {
            read: Mutex::new(ReadSide::new(start)),
            commit: Mutex::new(CommitSide::new(cursor)),
            shared,
            committer: Mutex::new(Some(committer)),
        }))
    }

    /// Writes a record and returns when it is durable. See the guarantees of this module.
    pub async fn append(&self, record: Record) -> Result<(), SpoolError> {
        self.append_all(std::slice::from_ref(&record)).await
    }

    /// Writes several records as one group: all of them are durable when this returns `Ok`.
    pub async fn append_all(&self, records: &[Record]) -> Result<(), SpoolError> {
        // Encoding and compressing happen here, on the caller's thread, so that they run in parallel and the
        // committer only writes.
        let mut frame = Vec::with_capacity(
            records
                .iter()
                .map(|record| record.payload.len() / 3 + 512)
                .sum::<usize>(),
        );
        for record in records {
            record::encode(record, &mut frame);
        }
        let (answer, answered) = oneshot::channel();
        {
            let mut state = self.shared.lock();
            if state.closing {
                return Err(SpoolError::Closed);
            }
            let occupied = state.bytes() + state.waiting_bytes + frame.len() as u64;
            if occupied > self.shared.limits.max_bytes {
                drop(state);
                self.shared
                    .metrics
                    .spool_refused("full", records.len() as u64);
                return Err(SpoolError::Full(COME_BACK));
            }
            state.waiting_bytes += frame.len() as u64;
            state.waiting.push(Waiting { frame, answer });
        }
        self.shared.work.notify_one();
        // The committer answers everybody before it ends; a lost answer means that it panicked.
        answered
            .await
            .unwrap_or_else(|_| Err(SpoolError::Io("the spool's writer is gone".into())))
    }

    /// Waits for records and gives the next ones in order: at least one, at most `max_records`, and no further ones
    /// once `max_bytes` of payload are reached. Returns None when the spool was closed and everything was handed
    /// out, or when it was stopped.
    ///
    /// Reading moves on in memory only; after a restart, records behind the last [`Spool::commit`] come again.
    pub fn next_batch(&self, max_records: usize, max_bytes: usize) -> Option<Batch> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.next_batch(&self.shared, max_records, max_bytes)
    }

    /// Notes that everything before `position` is safe elsewhere, and deletes the segments that lie wholly before
    /// it, the one being written included when it is large. `position` is that of a batch. The caller's data must be durable by now: the records are gone for good.
    pub fn commit(&self, position: Position) -> io::Result<()> {
        let mut commit = self.commit.lock().unwrap_or_else(PoisonError::into_inner);
        commit.commit(&self.shared, position)
    }

    /// Gives the fill.
    pub fn stats(&self) -> SpoolStats {
        self.shared.lock().stats()
    }

    /// Stops taking records, waits until those that wait are durable, and lets readers run dry. Blocks for the
    /// length of one group commit.
    pub fn close(&self) {
        self.shared.lock().closing = true;
        self.shared.work.notify_all();
        self.shared.hurry.notify_all();
        let committer = self
            .committer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(committer) = committer
            && committer.join().is_err()
        {
            tracing::error!("the spool's writer panicked");
        }
        self.shared.lock().closed = true;
        self.shared.data.notify_all();
    }

    /// Makes readers return None at once, even when records are left. They come at the next start.
    pub fn stop_reading(&self) {
        self.shared.lock().stopped = true;
        self.shared.data.notify_all();
        self.shared.hurry.notify_all();
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // State is changed in whole steps without a panic between them, so a poisoned lock still guards good data.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, state: &State) {
        let stats = state.stats();
        self.metrics.spool(stats.records, stats.bytes);
    }
}

impl State {
    fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.end).sum()
    }

    /// Durable records that no reader has got yet.
    fn unread(&self) -> u64 {
        let handed_out: u64 = self.handed_out.iter().map(|(_, records)| records).sum();
        self.records.saturating_sub(handed_out)
    }

    fn stats(&self) -> SpoolStats {
        SpoolStats {
            records: self.records,
            bytes: self.bytes(),
        }
    }
}

/// Looks at what lies in `dir`: removes segments before the cursor, measures the others. The position returned is
/// where reading starts.
fn recover(dir: &Path, cursor: Option<Position>) -> io::Result<(Vec<SegmentState>, Position)> {
    let start = cursor.unwrap_or_default();
    let mut segments = Vec::new();
    for number in segment::list(dir)? {
        if number < start.segment {
            segment::remove(dir, number)?;
            continue;
        }
        let file = match segment::open(dir, number) {
            Ok(file) => file,
            Err(error) if is_unfinished(&error, dir, number) => {
                // The crash came between creating the file and writing its header: it never held a record.
                segment::remove(dir, number)?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let from = if number == start.segment {
            start.offset
        } else {
            segment::HEADER
        };
        let contents = segment::scan(&file, from)?;
        if contents.torn > 0 {
            tracing::warn!(
                segment = number,
                bytes = contents.torn,
                "a spool segment ends in an unfinished record; it was never acknowledged and is left out"
            );
        }
        if contents.records == 0 {
            segment::remove(dir, number)?;
            continue;
        }
        segments.push(SegmentState {
            number,
            end: contents.end,
            records: contents.records,
        });
    }
    Ok((segments, start))
}

fn is_unfinished(error: &io::Error, dir: &Path, number: u64) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
        && std::fs::metadata(segment::path(dir, number))
            .is_ok_and(|meta| meta.len() < segment::HEADER)
}

/// What clients are told when the spool is full: long enough to let digest make room, short enough to recover.
const COME_BACK: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
