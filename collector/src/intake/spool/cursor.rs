//! How far digest has come, durable.
//!
//! Two slots of one small file are written in turn, each with a sequence number and a checksum, so that a write torn
//! by a crash leaves the other slot. The file is not synced on every commit: after a power cut the cursor may lie
//! behind, digest sees some events again and knows them by their ids. It never lies ahead of what was committed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::segment::Position;

/// The durable cursor.
pub struct Cursor {
    file: File,
    sequence: u64,
}

impl Cursor {
    /// Opens or creates the cursor of the spool in `dir`. The position is None when there is none yet, or when both
    /// slots are unreadable; reading then starts at the oldest segment.
    pub fn open(dir: &Path) -> io::Result<(Cursor, Option<Position>)> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join("cursor"))?;
        let mut newest: Option<(u64, Position)> = None;
        for slot in 0..2 {
            let mut bytes = [0; SLOT];
            if file.read_exact_at(&mut bytes, slot * SLOT as u64).is_err() {
                continue;
            }
            if let Some((sequence, position)) = decode(&bytes)
                && newest.is_none_or(|(best, _)| sequence > best)
            {
                newest = Some((sequence, position));
            }
        }
        let sequence = newest.map_or(0, |(sequence, _)| sequence);
        Ok((
            Cursor { file, sequence },
            newest.map(|(_, position)| position),
        ))
    }

    /// Writes `position`. It survives the death of the process at once, and a power cut after `sync`.
    pub fn write(&mut self, position: Position) -> io::Result<()> {
        let sequence = self.sequence + 1;
        self.file
            .write_all_at(&encode(sequence, position), (sequence % 2) * SLOT as u64)?;
        self.sequence = sequence;
        Ok(())
    }

    /// Makes the last written position survive a power cut.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn encode(sequence: u64, position: Position) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[0..8].copy_from_slice(&sequence.to_le_bytes());
    slot[8..16].copy_from_slice(&position.segment.to_le_bytes());
    slot[16..24].copy_from_slice(&position.offset.to_le_bytes());
    let crc = crc32fast::hash(&slot[..24]);
    slot[24..28].copy_from_slice(&crc.to_le_bytes());
    slot
}

fn decode(slot: &[u8; SLOT]) -> Option<(u64, Position)> {
    let number = |at: usize| Some(u64::from_le_bytes(*slot.get(at..)?.first_chunk()?));
    let crc = u32::from_le_bytes(*slot.get(24..)?.first_chunk()?);
    let sequence = number(0)?;
    // A slot of zeros has a valid-looking shape but was never written.
    (sequence > 0 && crc32fast::hash(&slot[..24]) == crc).then_some((
        sequence,
        Position {
            segment: number(8)?,
            offset: number(16)?,
        },
    ))
}

/// Bytes of one slot, padded so that the two never share a 32-byte line.
const SLOT: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_written_position_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let (mut cursor, none) = Cursor::open(dir.path()).unwrap();
        assert_eq!(none, None);
        for offset in 16..20 {
            let position = Position { segment: 3, offset };
            cursor.write(position).unwrap();
            assert_eq!(Cursor::open(dir.path()).unwrap().1, Some(position));
        }
    }

    #[test]
    fn a_torn_slot_falls_back_to_the_other_one() {
        let dir = tempfile::tempdir().unwrap();
        let (mut cursor, _) = Cursor::open(dir.path()).unwrap();
        let (older, newer) = (
            Position {
                segment: 1,
                offset: 16,
            },
            Position {
                segment: 1,
                offset: 900,
            },
        );
        cursor.write(older).unwrap();
        cursor.write(newer).unwrap();
        let path = dir.path().join("cursor");
        let whole = std::fs::read(&path).unwrap();
        // The second write went to slot 0: damage each of its bytes in turn.
        for at in 0..28 {
            let mut torn = whole.clone();
            torn[at] ^= 0xff;
            std::fs::write(&path, &torn).unwrap();
            assert_eq!(
                Cursor::open(dir.path()).unwrap().1,
                Some(older),
                "byte {at}"
            );
        }
    }
}
