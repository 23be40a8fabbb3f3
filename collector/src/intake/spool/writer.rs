//! The committer: writes what waits in one group, syncs once, answers everybody.
//!
//! When a group cannot be written, the segment is cut back to its last durable byte and the whole group fails: its
//! clients were not answered yet. After a failed sync nobody knows which pages reached the disk, and a second sync
//! may lie; so the segment is left as it is up to the durable end, and a new one begun.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::time::Instant;

use super::segment;
use super::{COME_BACK, SegmentState, Shared, SpoolError, State, Waiting};

/// How bytes reach the disk. Tests replace it by a disk that fills up or fails.
pub trait Disk: Send + Sync {
    /// Appends all of `bytes` at the file's position.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything written durable.
    fn sync(&self, file: &File) -> io::Result<()>;
}

/// The real disk.
pub struct FileDisk;

impl Disk for FileDisk {
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

struct Writer<'a> {
    shared: &'a Shared,
    disk: &'a dyn Disk,
    /// The segment being written; None before the first one and when it can be written no further.
    file: Option<File>,
    /// Number of the newest segment.
    number: u64,
    /// End of the durable frames in `file`.
    end: u64,
}

/// Runs until the spool is closing and nothing waits. `number` is the newest segment there ever was.
pub(super) fn run(shared: &Shared, number: u64, disk: &dyn Disk) {
    let mut writer = Writer {
        shared,
        disk,
        file: None,
        number,
        end: 0,
    };
    let mut buffer = Vec::new();
    while let Some(group) = next_group(shared) {
        let began = Instant::now();
        buffer.clear();
        let mut records = 0;
        for waiting in &group {
            records += count_frames(&waiting.frame);
            buffer.extend_from_slice(&waiting.frame);
        }
        let result = writer.write_group(&buffer);
        match &result {
            Ok(()) => {
                shared
                    .metrics
                    .spool_group(records as usize, began.elapsed());
                let mut state = shared.lock();
                state.records += records;
                if let Some(active) = state.segments.last_mut() {
                    active.end = writer.end;
                    active.records += records;
                }
                settle(&mut state, &group);
                shared.report(&state);
            }
            Err(error) => {
                let name = if matches!(error, SpoolError::Full(_)) {
                    "full"
                } else {
                    "io"
                };
                shared.metrics.spool_refused(name, records);
                settle(&mut shared.lock(), &group);
            }
        }
        shared.data.notify_all();
        for waiting in group {
            // The client may have hung up; its record is durable all the same.
            let _ = waiting.answer.send(result.clone());
        }
        if buffer.capacity() > KEEP_BUFFER {
            buffer = Vec::new();
        }
    }
}

/// Waits for work. None when closing and nothing is left.
fn next_group(shared: &Shared) -> Option<Vec<Waiting>> {
    let mut state = shared.lock();
    loop {
        if !state.waiting.is_empty() {
            state.writing = true;
            return Some(std::mem::take(&mut state.waiting));
        }
        if state.closing {
            return None;
        }
        state = shared
            .work
            .wait(state)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
    }
}

fn settle(state: &mut State, group: &[Waiting]) {
    let bytes: u64 = group.iter().map(|waiting| waiting.frame.len() as u64).sum();
    state.waiting_bytes = state.waiting_bytes.saturating_sub(bytes);
    state.writing = false;
}

impl Writer<'_> {
    fn write_group(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        // While `writing` is set nobody retires the active segment, so this stays true until the group is settled.
        let current = self.shared.lock().active == Some(self.number);
        let mut file = match self.file.take() {
            Some(file) if current && self.end < self.shared.limits.segment_bytes => file,
            _ => self
                .begin_segment()
                .map_err(|error| self.explain(&error, "begin a new segment"))?,
        };
        if let Err(error) = self.disk.write(&mut file, bytes) {
            let reason = self.explain(&error, "write");
            if self.cut_back(&mut file) {
                self.file = Some(file);
            }
            return Err(reason);
        }
        if let Err(error) = self.disk.sync(&file) {
            let reason = self.explain(&error, "sync");
            self.cut_back(&mut file);
            return Err(reason);
        }
        self.end += bytes.len() as u64;
        self.file = Some(file);
        Ok(())
    }

    fn begin_segment(&mut self) -> io::Result<File> {
        let number = self.number + 1;
        // A first try may have left the file behind when the disk was full.
        segment::remove(&self.shared.dir, number)?;
        let file = match segment::create(&self.shared.dir, number) {
            Ok(file) => file,
            Err(error) => {
                // Nothing refers to the half-made file; the next try removes it if this cannot.
                let _ = segment::remove(&self.shared.dir, number);
                return Err(error);
            }
        };
        self.number = number;
        self.end = segment::HEADER;
        let mut state = self.shared.lock();
        state.segments.push(SegmentState {
            number,
            end: segment::HEADER,
            records: 0,
        });
        state.active = Some(number);
        Ok(file)
    }

    /// Takes a half-written group off the end of the file, so that the next one begins on a clean edge and a full
    /// disk gets its space back. False when even that fails; the segment must not be written any more then.
    fn cut_back(&mut self, file: &mut File) -> bool {
        let cut = file
            .set_len(self.end)
            .and_then(|()| file.seek(SeekFrom::Start(self.end)).map(|_| ()));
        if let Err(error) = &cut {
            tracing::error!(%error, "a half-written group could not be cut off the spool; a new segment begins");
        }
        cut.is_ok()
    }

    fn explain(&self, error: &io::Error, action: &str) -> SpoolError {
        let dir = self.shared.dir.display();
        if matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::WriteZero
        ) {
            tracing::error!(%error, %dir, "the disk is full: events are refused with 503 until there is room");
            SpoolError::Full(COME_BACK)
        } else {
            tracing::error!(%error, %dir, "the spool could not {action}: events are refused with 503");
            SpoolError::Io(format!("could not {action}: {error}"))
        }
    }
}

fn count_frames(mut frames: &[u8]) -> u64 {
    let mut count = 0;
    while let Some((length, _)) = super::record::frame_header(frames) {
        count += 1;
        frames = frames
            .get(super::record::FRAME_HEADER + length..)
            .unwrap_or_default();
    }
    count
}

/// A group buffer larger than this is given back to the system after use.
const KEEP_BUFFER: usize = 4 * 1024 * 1024;
