//! One segment file: appended to, read at an offset, deleted when nothing in it is live.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use faultwire_core::segment;

/// A segment file. The handle is opened on demand, so that a long backlog does not eat the host's file descriptors.
#[derive(Debug)]
pub(super) struct SegmentFile {
    path: PathBuf,
    file: Option<File>,
    /// End of the last whole record: where the next one goes.
    len: u64,
    /// Records put and not removed.
    live: usize,
    dirty: bool,
    /// The directory entry of a new file is durable only after its directory was synced.
    dir_dirty: bool,
}

impl SegmentFile {
    /// Creates an empty segment with its header.
    pub(super) fn create(path: PathBuf) -> io::Result<SegmentFile> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true);
        super::claim::private_file(&mut options);
        let file = options.open(&path)?;
        let mut segment = SegmentFile {
            path,
            file: Some(file),
            len: 0,
            live: 0,
            dirty: true,
            dir_dirty: true,
        };
        if let Err(error) = segment.append(&segment::file_header()) {
            let _ = std::fs::remove_file(&segment.path);
            return Err(error);
        }
        Ok(segment)
    }

    /// Takes over a recovered file whose whole records end at `len`.
    pub(super) fn recovered(path: PathBuf, len: u64, live: usize) -> SegmentFile {
        SegmentFile {
            path,
            file: None,
            len,
            live,
            dirty: false,
            dir_dirty: false,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn live(&self) -> usize {
        self.live
    }

    /// Appends one encoded put record and returns its offset.
    pub(super) fn put(&mut self, record: &[u8]) -> io::Result<u64> {
        let offset = self.append(record)?;
        self.live += 1;
        self.dirty = true;
        Ok(offset)
    }

    /// Appends an encoded record that keeps nothing alive (a removal, a report).
    pub(super) fn note(&mut self, record: &[u8]) -> io::Result<()> {
        self.append(record).map(drop)
    }

    /// Counts one record as gone; returns how many are left.
    pub(super) fn release(&mut self) -> usize {
        self.live = self.live.saturating_sub(1);
        self.live
    }

    /// Reads `len` bytes at `offset`.
    pub(super) fn read(&mut self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let file = self.open()?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; len];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Makes what was put durable (survives a power cut).
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.dirty) {
            self.open()?.sync_data()?;
        }
        if std::mem::take(&mut self.dir_dirty) {
            sync_dir(&self.path)?;
        }
        Ok(())
    }

    /// Gives the file descriptor back; the next use opens the file again.
    pub(super) fn close(&mut self) {
        self.file = None;
    }

    pub(super) fn delete(self) -> io::Result<()> {
        drop(self.file);
        std::fs::remove_file(&self.path)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let offset = self.len;
        let file = self.open()?;
        if let Err(error) = file.write_all(bytes) {
            // Half a record must not stand before the next one. If even this fails, recovery skips the damage.
            let _ = file.set_len(offset);
            return Err(error);
        }
        self.len += bytes.len() as u64;
        Ok(offset)
    }

    fn open(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let file = OpenOptions::new()
                .read(true)
                .append(true)
                .open(&self.path)?;
            // A tail torn by a kill is cut off before anything is appended behind it.
            if file.metadata()?.len() > self.len {
                file.set_len(self.len)?;
            }
            self.file = Some(file);
        }
        self.file
            .as_mut()
            .ok_or_else(|| io::Error::other("segment file is closed"))
    }
}

#[cfg(unix)]
fn sync_dir(file: &Path) -> io::Result<()> {
    file.parent()
        .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

#[cfg(not(unix))]
fn sync_dir(_file: &Path) -> io::Result<()> {
    Ok(())
}
