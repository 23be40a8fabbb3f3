//! The bytes of one spooled record.
//!
//! ```text
//! frame  = length u32 | crc32 u32 (of body) | body          (all numbers little endian)
//! body   = version u8 | flags u8 | project u64 | received_ms u64 | event_id 16 bytes
//!        | kind text | sdk text | user_agent text | client_ip text | sent_at text
//!        | attachment count u32 | { filename text | content_type text | attachment_type text | data }
//!        | payload
//! text, data, payload = length u32 | bytes     (an absent text has length u32::MAX)
//! ```
//! Flag 1 says that the payload is compressed with zstd; its first four bytes are then the plain length.
//! Attachments are kept as they came: they are mostly compressed pictures and logs of a few lines.

use std::cell::RefCell;

use bytes::Bytes;
use faultwire_protocol::id::EventId;

/// What a record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// An error event, in the payload as JSON.
    Event,
    /// Another item type, kept under its wire name.
    Other(String),
}

/// A file that came with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Name as the client gave it; not safe to use as a path.
    pub filename: String,
    /// Mime type as the client gave it, or `application/octet-stream`.
    pub content_type: String,
    /// `event.attachment` unless the client said otherwise (protocol.md section 2.6).
    pub attachment_type: String,
    /// The bytes, unchanged.
    pub data: Bytes,
}

/// One thing that was acknowledged and is not in the store yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The project its key belongs to.
    pub project_id: u64,
    /// When the request arrived, in Unix milliseconds by this server's clock.
    pub received_ms: u64,
    /// What the payload is.
    pub kind: RecordKind,
    /// The id that was answered to the client. It wins over an id inside the payload.
    pub event_id: EventId,
    /// The client's own name and version, such as `sentry.python/2.75.0`.
    pub sdk: Option<String>,
    /// The request's `User-Agent`.
    pub user_agent: Option<String>,
    /// Address the event came from, for `{{auto}}` (protocol.md section 3.12).
    pub client_ip: Option<String>,
    /// The envelope's `sent_at` as the client wrote it, to correct a wrong clock (protocol.md section 3.13).
    pub sent_at: Option<String>,
    /// Files to keep with the event.
    pub attachments: Vec<Attachment>,
    /// Event JSON as received, decompressed.
    pub payload: Bytes,
}

impl Record {
    /// Makes a record with the four facts that every record has.
    pub fn event(project_id: u64, received_ms: u64, event_id: EventId, payload: Bytes) -> Self {
        Record {
            project_id,
            received_ms,
            kind: RecordKind::Event,
            event_id,
            sdk: None,
            user_agent: None,
            client_ip: None,
            sent_at: None,
            attachments: Vec::new(),
            payload,
        }
    }
}

/// Appends the frame of `record` to `out`.
pub fn encode(record: &Record, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_HEADER]);
    let packed = pack(&record.payload);
    out.push(VERSION);
    out.push(if packed.is_some() { FLAG_ZSTD } else { 0 });
    out.extend_from_slice(&record.project_id.to_le_bytes());
    out.extend_from_slice(&record.received_ms.to_le_bytes());
    out.extend_from_slice(record.event_id.as_bytes());
    put_text(
        out,
        match &record.kind {
            RecordKind::Event => Some("event"),
            RecordKind::Other(name) => Some(name),
        },
    );
    put_text(out, record.sdk.as_deref());
    put_text(out, record.user_agent.as_deref());
    put_text(out, record.client_ip.as_deref());
    put_text(out, record.sent_at.as_deref());
    out.extend_from_slice(&(record.attachments.len() as u32).to_le_bytes());
    for attachment in &record.attachments {
        put_text(out, Some(&attachment.filename));
        put_text(out, Some(&attachment.content_type));
        put_text(out, Some(&attachment.attachment_type));
        put_data(out, &attachment.data);
    }
    match packed {
        Some(packed) => {
            out.extend_from_slice(&(packed.len() as u32 + 4).to_le_bytes());
            out.extend_from_slice(&(record.payload.len() as u32).to_le_bytes());
            out.extend_from_slice(&packed);
        }
        None => put_data(out, &record.payload),
    }
    let body = &out[start + FRAME_HEADER..];
    let (length, crc) = (body.len() as u32, crc32fast::hash(body));
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

/// What stands at the front of some segment bytes.
#[derive(Debug, PartialEq)]
pub enum Frame<'a> {
    /// A whole frame; `size` bytes with its header.
    Whole {
        /// The checked body.
        body: &'a [u8],
        /// Bytes to skip to the next frame.
        size: usize,
    },
    /// The bytes end inside a frame: the rest is not there (yet).
    Short,
    /// The bytes cannot be a frame: the checksum is wrong or the length impossible.
    Damaged,
}

/// Looks at the frame that begins at the first byte of `bytes`.
pub fn frame(bytes: &[u8]) -> Frame<'_> {
    let Some((length, crc)) = frame_header(bytes) else {
        return Frame::Short;
    };
    if !(MIN_BODY..=MAX_BODY).contains(&length) {
        return Frame::Damaged;
    }
    match bytes.get(FRAME_HEADER..FRAME_HEADER + length) {
        None => Frame::Short,
        Some(body) if crc32fast::hash(body) == crc => Frame::Whole {
            body,
            size: FRAME_HEADER + length,
        },
        Some(_) => Frame::Damaged,
    }
}

/// Reads length and checksum of the frame at the front of `bytes`; None when even those are not there.
pub fn frame_header(bytes: &[u8]) -> Option<(usize, u32)> {
    let header = bytes.first_chunk::<FRAME_HEADER>()?;
    let [a, b, c, d, e, f, g, h] = *header;
    Some((
        u32::from_le_bytes([a, b, c, d]) as usize,
        u32::from_le_bytes([e, f, g, h]),
    ))
}

/// Reads a body whose checksum was found right. None means that a version of Faultwire wrote it that this one
/// does not know.
pub fn decode(body: &[u8]) -> Option<Record> {
    let mut rest = body;
    let [version, flags] = *take(&mut rest, 2)?.first_chunk::<2>()?;
    if version != VERSION {
        return None;
    }
    let project_id = u64::from_le_bytes(*take(&mut rest, 8)?.first_chunk()?);
    let received_ms = u64::from_le_bytes(*take(&mut rest, 8)?.first_chunk()?);
    let event_id = EventId::from_bytes(*take(&mut rest, 16)?.first_chunk()?)?;
    let kind = match take_text(&mut rest)??.as_str() {
        "event" => RecordKind::Event,
        other => RecordKind::Other(other.to_owned()),
    };
    let sdk = take_text(&mut rest)?;
    let user_agent = take_text(&mut rest)?;
    let client_ip = take_text(&mut rest)?;
    let sent_at = take_text(&mut rest)?;
    let count = take_length(&mut rest)?;
    let mut attachments = Vec::new();
    for _ in 0..count {
        attachments.push(Attachment {
            filename: take_text(&mut rest)??,
            content_type: take_text(&mut rest)??,
            attachment_type: take_text(&mut rest)??,
            data: Bytes::copy_from_slice(take_data(&mut rest)?),
        });
    }
    let payload = take_data(&mut rest)?;
    let payload = if flags & FLAG_ZSTD == 0 {
        Bytes::copy_from_slice(payload)
    } else {
        let (plain_length, packed) = payload.split_first_chunk::<4>()?;
        Bytes::from(unpack(packed, u32::from_le_bytes(*plain_length) as usize)?)
    };
    Some(Record {
        project_id,
        received_ms,
        kind,
        event_id,
        sdk,
        user_agent,
        client_ip,
        sent_at,
        attachments,
        payload,
    })
}

fn pack(payload: &[u8]) -> Option<Vec<u8>> {
    if payload.len() < PACK_FROM {
        return None;
    }
    PACKER.with_borrow_mut(|packer| {
        if packer.is_none() {
            *packer = zstd::bulk::Compressor::new(PACK_LEVEL).ok();
        }
        packer.as_mut()?.compress(payload).ok()
    })
}

fn unpack(packed: &[u8], plain_length: usize) -> Option<Vec<u8>> {
    UNPACKER.with_borrow_mut(|unpacker| {
        if unpacker.is_none() {
            *unpacker = zstd::bulk::Decompressor::new().ok();
        }
        unpacker.as_mut()?.decompress(packed, plain_length).ok()
    })
}

fn put_text(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => put_data(out, text.as_bytes()),
        None => out.extend_from_slice(&ABSENT.to_le_bytes()),
    }
}

fn put_data(out: &mut Vec<u8>, data: &[u8]) {
    out.extend_from_slice(&(data.len() as u32).to_le_bytes());
    out.extend_from_slice(data);
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn take_length(rest: &mut &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(*take(rest, 4)?.first_chunk()?))
}

fn take_data<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_length(rest)? as usize;
    take(rest, length)
}

/// The outer None is damage, the inner one an absent text.
fn take_text(rest: &mut &[u8]) -> Option<Option<String>> {
    let length = take_length(rest)?;
    if length == ABSENT {
        return Some(None);
    }
    let text = std::str::from_utf8(take(rest, length as usize)?).ok()?;
    Some(Some(text.to_owned()))
}

thread_local! {
    // A context is 100 KB and more to set up; each thread keeps its own.
    static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Length and checksum in front of every body.
pub const FRAME_HEADER: usize = 8;
/// No body is longer: one event and its attachments are limited far below this at intake.
pub const MAX_BODY: usize = 512 * 1024 * 1024;
/// The fixed part of a body; a shorter one (above all a length of zero, as in a hole of zeros) is damage.
const MIN_BODY: usize = 2 + 8 + 8 + 16 + 5 * 4 + 4 + 4;
const VERSION: u8 = 1;
const FLAG_ZSTD: u8 = 1;
const ABSENT: u32 = u32::MAX;
/// Smaller payloads gain less than the call costs.
const PACK_FROM: usize = 512;
const PACK_LEVEL: i32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Record {
        Record {
            project_id: 42,
            received_ms: 1_762_071_330_500,
            kind: RecordKind::Other("feedback".into()),
            event_id: EventId::parse("4f2b0c7a9d1e4a58b7a6f0e2c3d4e5f6").unwrap(),
            sdk: Some("sentry.python/2.75.0".into()),
            user_agent: None,
            client_ip: Some(String::new()),
            sent_at: Some("2026-11-02T08:15:30.120Z".into()),
            attachments: vec![Attachment {
                filename: "tail.log".into(),
                content_type: "text/plain".into(),
                attachment_type: "event.attachment".into(),
                data: Bytes::from_static(b"\0\n\xff"),
            }],
            payload: Bytes::from("{\"message\":\"disk is full\"}".repeat(100)),
        }
    }

    #[test]
    fn a_record_comes_back_as_it_went_in() {
        let small = Record::event(1, 2, full().event_id, Bytes::from_static(b"{}"));
        for record in [full(), small] {
            let mut bytes = Vec::new();
            encode(&record, &mut bytes);
            let Frame::Whole { body, size } = frame(&bytes) else {
                panic!("not whole")
            };
            assert_eq!(size, bytes.len());
            assert_eq!(decode(body).unwrap(), record);
        }
    }

    #[test]
    fn every_cut_is_short_and_every_flipped_byte_is_noticed() {
        let mut bytes = Vec::new();
        encode(&full(), &mut bytes);
        for cut in 0..bytes.len() {
            assert_eq!(frame(&bytes[..cut]), Frame::Short, "cut at {cut}");
        }
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 0x40;
            assert!(
                !matches!(frame(&broken), Frame::Whole { .. }),
                "flipped byte {at}"
            );
        }
        assert_eq!(
            frame(&[0; 64]),
            Frame::Damaged,
            "a hole of zeros is not a record"
        );
    }
}
