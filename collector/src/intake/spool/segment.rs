//! The files of the spool: their names, their headers and what a crash may leave in them.
//!
//! A segment is written by one life of the process only: after a restart a new one begins. So a torn tail is never
//! written over, and everything up to the first frame that is not whole is what was acknowledged. A frame that was
//! being written when the power went may be there whole; reading it is harmless, because digest knows event ids.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::record::{self, FRAME_HEADER, Frame};

/// A place in the spool: a segment's number and a byte offset in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Number of the segment file.
    pub segment: u64,
    /// Offset of the next unread frame.
    pub offset: u64,
}

/// Creates an empty segment and makes its name durable.
pub fn create(dir: &Path, number: u64) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path(dir, number))?;
    file.write_all(&header(number))?;
    file.sync_data()?;
    sync_dir(dir)?;
    Ok(file)
}

/// Removes a segment. One that is gone already is fine.
pub fn remove(dir: &Path, number: u64) -> io::Result<()> {
    match fs::remove_file(path(dir, number)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Opens a segment for reading after checking that it is one.
pub fn open(dir: &Path, number: u64) -> io::Result<File> {
    let mut file = File::open(path(dir, number))?;
    let mut found = [0; HEADER as usize];
    file.read_exact(&mut found)?;
    if found != header(number) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "{} is not a spool segment of this version",
                path(dir, number).display()
            ),
        ));
    }
    Ok(file)
}

/// Lists the numbers of the segments in `dir`, ascending. Other files are left alone.
pub fn list(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        if let Some(number) = name
            .to_str()
            .and_then(|name| name.strip_suffix(SUFFIX))
            .and_then(|stem| stem.parse().ok())
        {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// What a finished segment holds from some offset on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Offset behind the last whole frame.
    pub end: u64,
    /// Whole frames from the starting offset on.
    pub records: u64,
    /// Bytes behind `end` that are no whole frame.
    pub torn: u64,
}

/// Walks over the frames of a segment from `offset`, checking every sum.
pub fn scan(file: &File, offset: u64) -> io::Result<Contents> {
    let size = file.metadata()?.len();
    let mut contents = Contents {
        end: offset.max(HEADER),
        records: 0,
        torn: 0,
    };
    let mut buffer = Vec::new();
    while contents.end < size {
        match read_frame(file, contents.end, size, &mut buffer)? {
            Some(used) => {
                contents.end += used;
                contents.records += 1;
            }
            None => break,
        }
    }
    contents.torn = size.saturating_sub(contents.end);
    Ok(contents)
}

/// Reads the frame at `offset` into `buffer` (header included) and gives its size; None when no whole frame begins
/// there before `end`.
pub fn read_frame(
    file: &File,
    offset: u64,
    end: u64,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<u64>> {
    if offset + FRAME_HEADER as u64 > end {
        return Ok(None);
    }
    buffer.resize(FRAME_HEADER, 0);
    file.read_exact_at(buffer, offset)?;
    let Some((length, _)) = record::frame_header(buffer) else {
        return Ok(None);
    };
    let size = (FRAME_HEADER + length) as u64;
    if length > record::MAX_BODY || offset + size > end {
        return Ok(None);
    }
    buffer.resize(size as usize, 0);
    file.read_exact_at(&mut buffer[FRAME_HEADER..], offset + FRAME_HEADER as u64)?;
    match record::frame(buffer) {
        Frame::Whole { size, .. } => Ok(Some(size as u64)),
        Frame::Short | Frame::Damaged => Ok(None),
    }
}

/// Makes creations and removals in `dir` durable.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// The path of a segment.
pub fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:020}{SUFFIX}"))
}

fn header(number: u64) -> [u8; HEADER as usize] {
    let mut header = [0; HEADER as usize];
    header[..8].copy_from_slice(b"fwspool\x01");
    header[8..].copy_from_slice(&number.to_le_bytes());
    header
}

/// Bytes in front of the first frame.
pub const HEADER: u64 = 16;
const SUFFIX: &str = ".spool";
