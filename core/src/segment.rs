//! The disk record of the queue: a pure codec, bytes in and bytes out. Files, locks and syncs belong to the driver.
//!
//! A segment file is one [`file_header`] followed by records, only ever appended:
//!
//! ```text
//! file   = "FWSEG" 0x0A, version u16, crc32 of those 8 bytes           (12 bytes)
//! record = mark F5 46 57 52, kind u8, key u64, meta_len u32, payload_len u32, crc32 of the 21 bytes before it,
//!          meta, payload, crc32 of meta and payload                    (29 bytes + meta + payload)
//! ```
//! Integers are little-endian.
//!
//! Guarantees of [`recover`]:
//! - it never panics and never allocates more than a small constant per record, whatever the bytes are;
//! - every record that is whole is returned, also those that follow damage, in file order;
//! - a record whose checksum fails is never returned.
//!
//! After damage the next mark is looked for. The mark begins with 0xF5, a byte that UTF-8 never contains, so text inside
//! a damaged record is not mistaken for a record; and a head of its own checksum means that a damaged length is noticed
//! before anyone believes it.
//!
//! Non-guarantee: a damaged *remove* record brings its event back to life. It is then sent twice, and the server
//! drops the second by event id. That is the right side to err on.

use std::collections::BTreeMap;

/// The format version this build writes and the newest it can read.
pub const VERSION: u16 = 1;
/// Length of [`file_header`] in bytes.
pub const FILE_HEADER_LEN: usize = 12;
/// Bytes a record costs on disk beside its meta and payload.
pub const RECORD_OVERHEAD: usize = HEAD_LEN + 4;
/// Largest meta or payload a record may carry, in bytes. A longer length in a file is damage.
pub const MAX_PART_LEN: usize = 64 << 20;

/// What a record says about its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The event of this key is queued; meta is [`crate::outbox::EntryMeta`], payload the envelope.
    Put,
    /// The event of this key is finished (delivered or counted as lost): forget it. No payload.
    Remove,
    /// Losses that no client report has carried yet, as the text of [`crate::outbox::Outbox::unreported`]. The last
    /// one in a segment counts; its key says nothing.
    Report,
}

/// One whole record, borrowing from the bytes of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Where the record begins in the file.
    pub offset: usize,
    /// What it says.
    pub kind: Kind,
    /// The queue key it speaks about.
    pub key: u64,
    /// Small facts the queue needs without reading the payload.
    pub meta: &'a [u8],
    /// The stored bytes.
    pub payload: &'a [u8],
}

/// A stretch of bytes that is no whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// First byte of the stretch.
    pub offset: usize,
    /// Its length in bytes.
    pub len: usize,
    /// What is wrong with it.
    pub kind: DamageKind,
}

/// What is wrong with a stretch of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DamageKind {
    /// The file ends inside its header or a record: the normal trace of a kill during an append.
    TornTail,
    /// The file header is not one of ours; the records were looked for all the same.
    FileHeader,
    /// The header is intact and names a newer format: nothing was read, and the file must be left alone.
    NewerVersion(u16),
    /// Bytes that fail their checksum.
    Checksum,
}

/// What [`recover`] found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered<'a> {
    /// All whole records in file order.
    pub records: Vec<Record<'a>>,
    /// End of the last whole record (or of the file header). A driver that goes on appending truncates to it first;
    /// 0 means that the file header has to be written again.
    pub valid_len: usize,
    /// Everything that was not a whole record. Empty for a file that was closed in good order.
    pub damage: Vec<Damage>,
}

impl<'a> Recovered<'a> {
    /// The put records that no later remove record took back, in file order; of two puts with one key the later counts.
    pub fn live(&self) -> Vec<Record<'a>> {
        let mut live: BTreeMap<u64, Record<'a>> = BTreeMap::new();
        for record in &self.records {
            match record.kind {
                Kind::Put => {
                    live.insert(record.key, *record);
                }
                Kind::Remove => {
                    live.remove(&record.key);
                }
                Kind::Report => {}
            }
        }
        let mut live: Vec<_> = live.into_values().collect();
        live.sort_by_key(|record| record.offset);
        live
    }

    /// The payload of the last report record, if there is one.
    pub fn report(&self) -> Option<&'a [u8]> {
        self.records
            .iter()
            .rev()
            .find(|record| record.kind == Kind::Report)
            .map(|record| record.payload)
    }
}

/// The first bytes of every segment file.
pub fn file_header() -> [u8; FILE_HEADER_LEN] {
    file_header_of(VERSION)
}

/// Encodes one record.
///
/// `meta` and `payload` may be empty. `None` when one of them is longer than [`MAX_PART_LEN`]: such a record could not
/// be read back, and the caller has to count the event as lost instead.
pub fn encode_record(kind: Kind, key: u64, meta: &[u8], payload: &[u8]) -> Option<Vec<u8>> {
    if meta.len() > MAX_PART_LEN || payload.len() > MAX_PART_LEN {
        return None;
    }
    let mut out = Vec::with_capacity(RECORD_OVERHEAD + meta.len() + payload.len());
    out.extend_from_slice(&MARK);
    out.push(kind.byte());
    out.extend_from_slice(&key.to_le_bytes());
    // Both fit: MAX_PART_LEN is far below u32::MAX.
    out.extend_from_slice(&(meta.len() as u32).to_le_bytes());
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
    out.extend_from_slice(meta);
    out.extend_from_slice(payload);
    out.extend_from_slice(&crc32fast::hash(&out[HEAD_LEN..]).to_le_bytes());
    Some(out)
}

/// Reads a segment file, whatever has happened to it. See the module for what is guaranteed.
///
/// An empty file is a segment without records (a kill right after the file was created).
pub fn recover(bytes: &[u8]) -> Recovered<'_> {
    let mut found = Recovered::default();
    if bytes.is_empty() {
        return found;
    }
    let mut at = 0;
    match read_file_header(bytes) {
        Header::Ours => {
            at = FILE_HEADER_LEN;
            found.valid_len = FILE_HEADER_LEN;
        }
        Header::Newer(version) => {
            found.damage.push(Damage {
                offset: 0,
                len: bytes.len(),
                kind: DamageKind::NewerVersion(version),
            });
            return found;
        }
        Header::Torn => {
            found.damage.push(Damage {
                offset: 0,
                len: bytes.len(),
                kind: DamageKind::TornTail,
            });
            return found;
        }
        Header::Foreign => {
            at = next_mark(bytes, at);
            found.damage.push(Damage {
                offset: 0,
                len: at,
                kind: DamageKind::FileHeader,
            });
        }
    }
    while at < bytes.len() {
        match read_record(bytes, at) {
            Read::Whole(record, end) => {
                found.records.push(record);
                found.valid_len = end;
                at = end;
            }
            // Never skip by the claimed length, not even when the head is intact: a write cut short by a full disk
            // leaves a true head with a missing rest, and the records appended after it begin inside that length.
            Read::Damaged { torn } => {
                let next = next_mark(bytes, at + 1);
                let kind = if torn && next == bytes.len() {
                    DamageKind::TornTail
                } else {
                    DamageKind::Checksum
                };
                found.damage.push(Damage {
                    offset: at,
                    len: next - at,
                    kind,
                });
                at = next;
            }
        }
    }
    found
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Kind::Put => 1,
            Kind::Remove => 2,
            Kind::Report => 3,
        }
    }

    fn of(byte: u8) -> Option<Kind> {
        [Kind::Put, Kind::Remove, Kind::Report]
            .into_iter()
            .find(|kind| kind.byte() == byte)
    }
}

enum Header {
    Ours,
    Newer(u16),
    Torn,
    Foreign,
}

enum Read<'a> {
    Whole(Record<'a>, usize),
    /// No whole record begins here; `torn` when the bytes end before the record does.
    Damaged {
        torn: bool,
    },
}

fn file_header_of(version: u16) -> [u8; FILE_HEADER_LEN] {
    let mut out = [0; FILE_HEADER_LEN];
    out[..6].copy_from_slice(MAGIC);
    out[6..8].copy_from_slice(&version.to_le_bytes());
    let crc = crc32fast::hash(&out[..8]);
    out[8..].copy_from_slice(&crc.to_le_bytes());
    out
}

fn read_file_header(bytes: &[u8]) -> Header {
    let Some(head) = bytes.get(..FILE_HEADER_LEN) else {
        return Header::Torn;
    };
    let version = u16::from_le_bytes([head[6], head[7]]);
    if head != file_header_of(version) {
        Header::Foreign
    } else if version > VERSION {
        Header::Newer(version)
    } else {
        Header::Ours
    }
}

fn read_record(bytes: &[u8], at: usize) -> Read<'_> {
    let Some(head) = bytes.get(at..at + HEAD_LEN) else {
        return Read::Damaged { torn: true };
    };
    let crc = u32_at(head, HEAD_LEN - 4);
    let kind = Kind::of(head[4]);
    let (meta_len, payload_len) = (u32_at(head, 13) as usize, u32_at(head, 17) as usize);
    let (Some(kind), true) = (
        kind,
        head[..4] == MARK && crc == crc32fast::hash(&head[..HEAD_LEN - 4]),
    ) else {
        return Read::Damaged { torn: false };
    };
    if meta_len > MAX_PART_LEN || payload_len > MAX_PART_LEN {
        return Read::Damaged { torn: false };
    }
    let body = at + HEAD_LEN;
    let end = body + meta_len + payload_len + 4;
    let Some(rest) = bytes.get(body..end) else {
        return Read::Damaged { torn: true };
    };
    let (content, crc) = rest.split_at(rest.len() - 4);
    if crc32fast::hash(content) != u32_at(crc, 0) {
        return Read::Damaged { torn: false };
    }
    let (meta, payload) = content.split_at(meta_len);
    let mut key = [0; 8];
    key.copy_from_slice(&head[5..13]);
    Read::Whole(
        Record {
            offset: at,
            kind,
            key: u64::from_le_bytes(key),
            meta,
            payload,
        },
        end,
    )
}

/// Where the next mark begins at or after `from`, or the end of the bytes.
fn next_mark(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.windows(MARK.len())
        .position(|four| four == MARK)
        .map_or(bytes.len(), |found| from + found)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

const MAGIC: &[u8; 6] = b"FWSEG\n";
const MARK: [u8; 4] = [0xF5, b'F', b'W', b'R'];
const HEAD_LEN: usize = 25;

#[cfg(test)]
mod tests;
