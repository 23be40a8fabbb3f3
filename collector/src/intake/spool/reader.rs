//! The reading side: hands out durable records in order and forgets what was committed.

use std::fs::File;
use std::io;
use std::sync::PoisonError;
use std::time::Duration;

use super::cursor::Cursor;
use super::record::{self, FRAME_HEADER, Record};
use super::segment::{self, Position};
use super::{Shared, State};

/// Records in the order of the spool.
#[derive(Debug)]
pub struct Batch {
    /// At least one.
    pub records: Vec<Record>,
    /// Behind the last record: commit this when all of them are safe.
    pub position: Position,
}

/// The one reader's place. Apart from the [`CommitSide`], so that one thread may wait for records while another one
/// commits.
pub(super) struct ReadSide {
    position: Position,
    file: Option<(u64, File)>,
    buffer: Vec<u8>,
}

impl ReadSide {
    pub(super) fn new(position: Position) -> Self {
        ReadSide {
            position,
            file: None,
            buffer: Vec::new(),
        }
    }

    /// See [`super::Spool::next_batch`].
    pub(super) fn next_batch(
        &mut self,
        shared: &Shared,
        max_records: usize,
        max_bytes: usize,
    ) -> Option<Batch> {
        let mut records = Vec::new();
        let mut bytes = 0;
        loop {
            let end = self.wait_for_data(shared, max_records as u64)?;
            match self.read(
                shared,
                end,
                &mut records,
                &mut bytes,
                max_records.max(1),
                max_bytes,
            ) {
                Ok(()) if records.is_empty() => {}
                Ok(()) => break,
                Err(error) if !records.is_empty() => {
                    // Hand out what is in hand; the next call meets the error again.
                    tracing::error!(%error, "the spool could not be read further");
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, "the spool could not be read; trying again");
                    // Nothing else would wake us when the disk recovers.
                    let state = shared.lock();
                    if state.stopped {
                        return None;
                    }
                    drop(
                        shared
                            .data
                            .wait_timeout(state, Duration::from_secs(1))
                            .unwrap_or_else(PoisonError::into_inner),
                    );
                }
            }
        }
        shared
            .lock()
            .handed_out
            .push((self.position, records.len() as u64));
        Some(Batch {
            records,
            position: self.position,
        })
    }

    /// Blocks until something durable lies behind the reading position and gives the durable end of its segment.
    fn wait_for_data(&mut self, shared: &Shared, wanted: u64) -> Option<u64> {
        let mut state = shared.lock();
        loop {
            if state.stopped {
                return None;
            }
            if self.available(&state).is_some() {
                if state.unread() < wanted && !shared.limits.linger.is_zero() {
                    // What is there stays there; the end may have moved on meanwhile.
                    (state, _) = shared
                        .hurry
                        .wait_timeout_while(state, shared.limits.linger, |state| {
                            !state.stopped && !state.closing
                        })
                        .unwrap_or_else(PoisonError::into_inner);
                }
                return if state.stopped {
                    None
                } else {
                    self.available(&state)
                };
            }
            if state.closed {
                return None;
            }
            state = shared
                .data
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Moves on to the next segment that has something, if the current one is read to its end.
    fn available(&mut self, state: &State) -> Option<u64> {
        let segment = state.segments.iter().find(|segment| {
            segment.number > self.position.segment && segment.end > segment::HEADER
                || segment.number == self.position.segment && segment.end > self.position.offset
        })?;
        if segment.number > self.position.segment {
            self.position = Position {
                segment: segment.number,
                offset: segment::HEADER,
            };
        }
        Some(segment.end)
    }

    fn read(
        &mut self,
        shared: &Shared,
        end: u64,
        records: &mut Vec<Record>,
        bytes: &mut usize,
        max_records: usize,
        max_bytes: usize,
    ) -> io::Result<()> {
        if self
            .file
            .as_ref()
            .is_none_or(|(number, _)| *number != self.position.segment)
        {
            self.file = Some((
                self.position.segment,
                segment::open(&shared.dir, self.position.segment)?,
            ));
        }
        let Some((number, file)) = &self.file else {
            return Ok(());
        };
        while self.position.offset < end && records.len() < max_records && *bytes < max_bytes {
            match segment::read_frame(file, self.position.offset, end, &mut self.buffer)? {
                Some(used) => {
                    match record::decode(&self.buffer[FRAME_HEADER..]) {
                        Some(record) => {
                            *bytes += record.payload.len();
                            records.push(record);
                        }
                        None => tracing::error!(
                            segment = number,
                            offset = self.position.offset,
                            "a spooled record has a form this version does not know; it is skipped"
                        ),
                    }
                    self.position.offset += used;
                }
                None => {
                    // Durable bytes were checked when they were written or recovered: the disk changed them since.
                    tracing::error!(
                        segment = number,
                        offset = self.position.offset,
                        bytes = end - self.position.offset,
                        "a spool segment is damaged; its remaining records are lost"
                    );
                    self.position.offset = end;
                }
            }
        }
        if self.buffer.capacity() > KEEP_BUFFER {
            self.buffer = Vec::new();
        }
        Ok(())
    }
}

/// The durable cursor.
pub(super) struct CommitSide {
    cursor: Cursor,
}

impl CommitSide {
    pub(super) fn new(cursor: Cursor) -> Self {
        CommitSide { cursor }
    }

    /// See [`super::Spool::commit`].
    pub(super) fn commit(&mut self, shared: &Shared, position: Position) -> io::Result<()> {
        self.cursor.write(position)?;
        let finished = {
            let mut state = shared.lock();
            let finished = state.forget(position, shared.limits.segment_bytes / RETIRE_AT);
            shared.report(&state);
            finished
        };
        if !finished.is_empty() {
            // A cursor that came back from a power cut pointing into a deleted segment would be harmless, but its
            // number would be given to a new segment, whose beginning would then be skipped.
            self.cursor.sync()?;
            for number in finished {
                segment::remove(&shared.dir, number)?;
            }
            segment::sync_dir(&shared.dir)?;
        }
        Ok(())
    }
}

impl State {
    /// Takes what lies before `position` out of the account; gives the segments that can be deleted.
    fn forget(&mut self, position: Position, retire_from: u64) -> Vec<u64> {
        let mut done = 0;
        self.handed_out.retain(|(behind, records)| {
            let covered = *behind <= position;
            done += if covered { *records } else { 0 };
            !covered
        });
        self.records = self.records.saturating_sub(done);
        if let Some(last) = self.segments.last()
            && !self.writing
            && last.end >= retire_from
            && position.segment == last.number
            && position.offset >= last.end
        {
            // Read to its end: give the space back now instead of when it is full.
            self.active = None;
        }
        let active = self.active;
        let mut finished = Vec::new();
        self.segments.retain(|segment| {
            let read = segment.number < position.segment
                || segment.number == position.segment && position.offset >= segment.end;
            let over = read && active != Some(segment.number);
            if over {
                finished.push(segment.number);
            }
            !over
        });
        finished
    }
}

/// A segment read to its end is kept for further groups until it has this part of its full size: creating one costs
/// three syncs.
const RETIRE_AT: u64 = 8;
/// A read buffer larger than this is given back to the system after use.
const KEEP_BUFFER: usize = 4 * 1024 * 1024;
