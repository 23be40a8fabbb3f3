//! The queue on disk: append-only segments in a directory that this process owns.
//!
//! Guarantees: a record is in the page cache when [`Store::append`] returns (it survives `kill -9`) and on the medium
//! when [`Store::sync`] returns (it survives a power cut). Every whole record is found again, whatever happened to the
//! bytes around it. Orphans are adopted by renaming whole files, so a kill at any instant neither loses nor doubles.
//! Non-guarantee: a removal is not synced; after a power cut a delivered event may be sent again with its old id, and
//! the server drops it.
//!
//! A removal is written into the segment of the record it removes. That makes each file complete in itself: it can be
//! renamed into another directory or deleted without looking at any other.

mod claim;
mod segment_file;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use faultwire_core::segment::{self, DamageKind, Kind};

use claim::Claim;
use segment_file::SegmentFile;

/// What could not be done, where, and the system's reason.
#[derive(Debug)]
pub(crate) struct DiskError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// One event found on disk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The key under which [`Store::read`] and [`Store::remove`] know it from now on.
    pub(crate) key: u64,
    /// The meta bytes it was stored with.
    pub(crate) meta: Vec<u8>,
    /// Length of the payload in bytes.
    pub(crate) payload_len: usize,
}

/// What one recovered segment held.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Its live events, in the order they were appended.
    pub(crate) events: Vec<Found>,
    /// Its last loss report, if it carries one.
    pub(crate) report: Option<Vec<u8>>,
    /// What was wrong with the file, for the log; empty for a file closed in good order.
    pub(crate) damage: Option<String>,
}

/// The queue directory as this process sees it.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    claim: Claim,
    segments: BTreeMap<u64, SegmentFile>,
    active: Option<u64>,
    /// Segments of earlier processes that were not looked into yet, oldest first.
    unread: BTreeSet<u64>,
    places: HashMap<u64, Place>,
    next_segment: u64,
    unsynced: u64,
    segment_bytes: u64,
    /// The segment that carries the kept report, which must outlive its events.
    report_in: Option<u64>,
}

/// Where a record lies. `stored_key` is the key inside the file, which after a restart is not the key of the queue.
#[derive(Debug, Clone, Copy)]
struct Place {
    segment: u64,
    stored_key: u64,
    offset: u64,
    len: usize,
}

impl Store {
    /// Owns a sub-directory of `root` and lists what earlier processes left there; reads nothing yet.
    pub(crate) fn open(root: &Path) -> Result<Store, DiskError> {
        Store::open_with(root, SEGMENT_BYTES)
    }

    fn open_with(root: &Path, segment_bytes: u64) -> Result<Store, DiskError> {
        let claim = Claim::take(root)?;
        let unread = segment_numbers(claim.dir());
        let mut store = Store {
            root: root.to_owned(),
            next_segment: unread.last().map_or(0, |n| n + 1),
            claim,
            segments: BTreeMap::new(),
            active: None,
            unread,
            places: HashMap::new(),
            unsynced: 0,
            segment_bytes,
            report_in: None,
        };
        // A directory that can be locked but not written would fail only at the first event: find out now.
        store.activate()?;
        Ok(store)
    }

    /// Whether anything could be waiting under `root`; cheap, takes no lock. Used to decide if a start has work to do.
    pub(crate) fn has_leftovers(root: &Path) -> bool {
        let Ok(entries) = std::fs::read_dir(root) else {
            return false;
        };
        entries
            .filter_map(Result::ok)
            .any(|entry| !segment_numbers(&entry.path()).is_empty())
    }

    /// The directory this process owns.
    pub(crate) fn dir(&self) -> &Path {
        self.claim.dir()
    }

    /// Whether the file to append to still has its name. Events written to a deleted file would die with the process.
    pub(crate) fn is_there(&self) -> bool {
        let active = self.active.and_then(|number| self.segments.get(&number));
        active.is_none_or(|segment| segment.path().exists())
    }

    /// The lock's file descriptor, for a forked child to close.
    #[cfg(unix)]
    pub(crate) fn lock_fd(&self) -> i32 {
        self.claim.lock_fd()
    }

    /// Appends one event. On return it survives the death of the process.
    pub(crate) fn append(
        &mut self,
        key: u64,
        meta: &[u8],
        payload: &[u8],
    ) -> Result<(), DiskError> {
        let record = self.encode(Kind::Put, key, meta, payload)?;
        let number = self.activate()?;
        let segment = self
            .segments
            .get_mut(&number)
            .expect("activate returns a segment that is open");
        let offset = segment
            .put(&record)
            .map_err(|e| DiskError::new("write to", segment.path(), e))?;
        self.places.insert(
            key,
            Place {
                segment: number,
                stored_key: key,
                offset,
                len: record.len(),
            },
        );
        self.unsynced += record.len() as u64;
        Ok(())
    }

    /// Keeps `report` (losses that no client report carried yet) for the next start; replaces an earlier one.
    pub(crate) fn keep_report(&mut self, report: &[u8]) -> Result<(), DiskError> {
        let record = self.encode(Kind::Report, 0, &[], report)?;
        let number = self.activate()?;
        let segment = self
            .segments
            .get_mut(&number)
            .expect("activate returns a segment that is open");
        segment
            .note(&record)
            .map_err(|e| DiskError::new("write to", segment.path(), e))?;
        self.report_in = Some(number);
        Ok(())
    }

    /// The payload stored under `key`. `None` when it is not there or its checksum fails: the event is lost.
    pub(crate) fn read(&mut self, key: u64) -> Option<Vec<u8>> {
        let place = *self.places.get(&key)?;
        let bytes = self
            .segments
            .get_mut(&place.segment)?
            .read(place.offset, place.len)
            .ok()?;
        let record = segment::recover(&bytes).records.first().copied()?;
        (record.kind == Kind::Put && record.key == place.stored_key)
            .then(|| record.payload.to_vec())
    }

    /// Forgets `key`; a segment in which nothing is left is deleted.
    pub(crate) fn remove(&mut self, key: u64) {
        let Some(place) = self.places.remove(&key) else {
            return;
        };
        let Some(segment) = self.segments.get_mut(&place.segment) else {
            return;
        };
        let left = segment.release();
        let is_active = self.active == Some(place.segment);
        if left == 0 && (!is_active || segment.len() > IDLE_SEGMENT_BYTES) {
            self.delete(place.segment);
            return;
        }
        // If the removal cannot be written (disk full), the event is sent twice after a restart and dropped by its id.
        if let Some(record) = segment::encode_record(Kind::Remove, place.stored_key, &[], &[]) {
            let _ = segment.note(&record);
        }
        if !is_active {
            segment.close();
        }
    }

    /// Bytes appended since the last sync.
    pub(crate) fn unsynced(&self) -> u64 {
        self.unsynced
    }

    /// Makes everything appended so far survive a power cut.
    pub(crate) fn sync(&mut self) -> Result<(), DiskError> {
        self.unsynced = 0;
        for (number, segment) in &mut self.segments {
            segment
                .sync()
                .map_err(|e| DiskError::new("sync", segment.path(), e))?;
            if self.active != Some(*number) {
                segment.close();
            }
        }
        Ok(())
    }

    /// Moves the segments of dead processes into the own directory; returns whether there is something to recover.
    pub(crate) fn adopt_orphans(&mut self) -> bool {
        for orphan in Claim::orphans(&self.root, self.claim.dir(), |file| {
            segment_number(file).is_some()
        }) {
            for number in segment_numbers(orphan.dir()) {
                let target = segment_path(self.claim.dir(), self.next_segment);
                if std::fs::rename(segment_path(orphan.dir(), number), target).is_ok() {
                    self.unread.insert(self.next_segment);
                    self.next_segment += 1;
                }
            }
        }
        !self.unread.is_empty()
    }

    /// Reads the next segment of an earlier process. `None` when all are read. `next_key` gives fresh queue keys.
    pub(crate) fn recover_next(&mut self, mut next_key: impl FnMut() -> u64) -> Option<Batch> {
        let number = self.unread.pop_first()?;
        let path = segment_path(self.claim.dir(), number);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let damage = Some(DiskError::new("read", &path, error).to_string());
                return Some(Batch {
                    damage,
                    ..Batch::default()
                });
            }
        };
        let recovered = segment::recover(&bytes);
        let mut batch = Batch {
            report: recovered.report().map(<[u8]>::to_vec),
            damage: describe_damage(&path, &recovered),
            ..Batch::default()
        };
        if recovered
            .damage
            .iter()
            .any(|d| matches!(d.kind, DamageKind::NewerVersion(_)))
        {
            return Some(batch);
        }
        for record in recovered.live() {
            let key = next_key();
            let len = segment::RECORD_OVERHEAD + record.meta.len() + record.payload.len();
            let place = Place {
                segment: number,
                stored_key: record.key,
                offset: record.offset as u64,
                len,
            };
            self.places.insert(key, place);
            batch.events.push(Found {
                key,
                meta: record.meta.to_vec(),
                payload_len: record.payload.len(),
            });
        }
        let file = SegmentFile::recovered(path, recovered.valid_len as u64, batch.events.len());
        self.segments.insert(number, file);
        if batch.events.is_empty() {
            self.delete(number);
        }
        Some(batch)
    }

    /// Ends in good order: an active segment without live records is deleted, everything else synced.
    pub(crate) fn close(mut self) -> Result<(), DiskError> {
        let synced = self.sync();
        let done = |n: &u64| {
            self.report_in != Some(*n) && self.segments.get(n).is_some_and(|s| s.live() == 0)
        };
        if let Some(number) = self.active.filter(done) {
            self.delete(number);
        }
        synced
    }

    fn encode(
        &self,
        kind: Kind,
        key: u64,
        meta: &[u8],
        payload: &[u8],
    ) -> Result<Vec<u8>, DiskError> {
        segment::encode_record(kind, key, meta, payload).ok_or_else(|| {
            let large = io::Error::other(format!(
                "a record of {} bytes is above the limit",
                payload.len()
            ));
            DiskError::new("write to", self.claim.dir(), large)
        })
    }

    /// The number of the segment to append to, after rotation if the last one is full.
    fn activate(&mut self) -> Result<u64, DiskError> {
        if let Some(number) = self.active {
            if self
                .segments
                .get(&number)
                .is_some_and(|s| s.len() < self.segment_bytes)
            {
                return Ok(number);
            }
            // A full segment with nothing live in it would never be looked at again.
            if self.segments.get(&number).is_some_and(|s| s.live() == 0) {
                self.delete(number);
            }
        }
        let number = self.next_segment;
        let path = segment_path(self.claim.dir(), number);
        let segment =
            SegmentFile::create(path.clone()).map_err(|e| DiskError::new("create", &path, e))?;
        self.next_segment += 1;
        self.segments.insert(number, segment);
        self.active = Some(number);
        Ok(number)
    }

    fn delete(&mut self, number: u64) {
        if self.active == Some(number) {
            self.active = None;
        }
        if let Some(segment) = self.segments.remove(&number) {
            // Left behind, it holds only removed records: the next start finds nothing live in it and tries again.
            let _ = segment.delete();
        }
    }
}

impl DiskError {
    fn new(action: &'static str, path: &Path, source: io::Error) -> DiskError {
        DiskError {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot {} {}: {}",
            self.action,
            self.path.display(),
            self.source
        )
    }
}

impl std::error::Error for DiskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:012}.{EXTENSION}"))
}

fn segment_number(file: &Path) -> Option<u64> {
    let is_segment = file.extension().and_then(|e| e.to_str()) == Some(EXTENSION);
    is_segment.then(|| file.file_stem()?.to_str()?.parse().ok())?
}

fn segment_numbers(dir: &Path) -> BTreeSet<u64> {
    let Ok(files) = std::fs::read_dir(dir) else {
        return BTreeSet::new();
    };
    files
        .filter_map(|file| segment_number(&file.ok()?.path()))
        .collect()
}

fn describe_damage(path: &Path, recovered: &segment::Recovered<'_>) -> Option<String> {
    let first = recovered.damage.first()?;
    let bytes: usize = recovered.damage.iter().map(|d| d.len).sum();
    Some(format!(
        "{}: {bytes} bytes unreadable from offset {} on ({:?}), {} whole records kept",
        path.display(),
        first.offset,
        first.kind,
        recovered.records.len()
    ))
}

/// Small enough that space comes back soon after delivery, large enough that creating files costs nothing.
const SEGMENT_BYTES: u64 = 4 * 1024 * 1024;
/// An active segment in which everything is delivered starts afresh above this.
const IDLE_SEGMENT_BYTES: u64 = 256 * 1024;
const EXTENSION: &str = "fwq";

#[cfg(test)]
mod tests;
