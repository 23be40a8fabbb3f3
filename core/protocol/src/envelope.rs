//! Envelopes: the one message format between SDK and server, as bytes.
//!
//! The reader never gives up more than it must. A broken optional header value is dropped by its accessor, a broken item
//! ends the reading but keeps what came before, and only a body that is no envelope at all is an error. The writer
//! always gives `length` and a final line feed, which every server reads. Source: protocol §2.

use crate::dsn::Dsn;
use crate::id::EventId;
use crate::json::{self, Value};
use crate::time;
use memchr::memchr;
use std::borrow::Cow;
use std::fmt;

/// Most items that are read of one envelope. Source: protocol §1.12.
pub const MAX_ITEMS: usize = 500;

/// A parsed envelope. Borrows from the body.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<'a> {
    /// The first line; always an object.
    pub header: Value<'a>,
    /// Items in order, those of unknown type included: the caller counts what it does not take.
    pub items: Vec<Item<'a>>,
    /// What could not be read. If `items` is empty and this is not, the answer is a 400.
    pub skipped: Vec<Skipped>,
}

/// One item of an envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct Item<'a> {
    /// The item's own line; always an object with a `type`.
    pub header: Value<'a>,
    /// The `type`, such as `event` or `attachment`.
    pub kind: Cow<'a, str>,
    /// The payload, exactly as sent.
    pub payload: &'a [u8],
}

/// An item that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Position of the item, counted from 0 over kept and skipped items.
    pub index: usize,
    /// What was wrong, for logs and for the answer.
    pub reason: String,
}

/// Why a body is not an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Nothing but line ends.
    EmptyBody,
    /// The first line is not one JSON object.
    Header(String),
    /// More than [`MAX_ITEMS`] items.
    TooManyItems,
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnvelopeError::EmptyBody => formatter.write_str("the envelope is empty"),
            EnvelopeError::Header(reason) => write!(formatter, "envelope header: {reason}"),
            EnvelopeError::TooManyItems => {
                write!(formatter, "the envelope has more than {MAX_ITEMS} items")
            }
        }
    }
}

impl std::error::Error for EnvelopeError {}

impl Envelope<'_> {
    /// The id in the header; `None` if it is missing or malformed. It beats the id in the payload (protocol §2.2).
    pub fn event_id(&self) -> Option<EventId> {
        EventId::parse(self.header.get("event_id")?.as_str()?)
    }

    /// The DSN that a tunnel or the Go SDK puts into the header; `None` if missing or malformed.
    pub fn dsn(&self) -> Option<Dsn> {
        Dsn::parse(self.header.get("dsn")?.as_str()?).ok()
    }

    /// When the request was made by the sender's clock, in Unix seconds; `None` if missing or malformed.
    pub fn sent_at(&self) -> Option<f64> {
        time::parse(self.header.get("sent_at")?)
    }
}

/// Reads an envelope. Source: protocol §2.1 and §2.5, whose right column this follows.
///
/// An item without `type` whose payload is delimited is skipped and reading goes on; after a header that is not JSON, or
/// a payload shorter than its `length`, the position of the next item is unknown and reading ends.
pub fn parse(body: &[u8]) -> Result<Envelope<'_>, EnvelopeError> {
    if body.iter().all(|byte| matches!(byte, b'\n' | b'\r')) {
        return Err(EnvelopeError::EmptyBody);
    }
    let mut reader = Reader { rest: body };
    let header = json::parse_bytes(reader.line())
        .map_err(|error| EnvelopeError::Header(error.to_string()))?;
    if header.as_object().is_none() {
        return Err(EnvelopeError::Header("not a json object".to_owned()));
    }
    let mut envelope = Envelope {
        header,
        items: Vec::new(),
        skipped: Vec::new(),
    };
    while let Some(line) = reader.next_header() {
        let index = envelope.items.len() + envelope.skipped.len();
        if index == MAX_ITEMS {
            return Err(EnvelopeError::TooManyItems);
        }
        let header = match json::parse_bytes(line) {
            Ok(header @ Value::Object(_)) => header,
            Ok(_) => {
                envelope.skipped.push(Skipped {
                    index,
                    reason: "item header is not a json object".to_owned(),
                });
                break;
            }
            Err(error) => {
                envelope.skipped.push(Skipped {
                    index,
                    reason: format!("item header: {error}"),
                });
                break;
            }
        };
        let payload = match header.get("length").and_then(Value::as_u64) {
            Some(length) => match reader.exactly(length) {
                Ok(payload) => payload,
                Err(reason) => {
                    envelope.skipped.push(Skipped { index, reason });
                    break;
                }
            },
            None => reader.line(),
        };
        match kind_of(&header) {
            Some(kind) => envelope.items.push(Item {
                header,
                kind,
                payload,
            }),
            None => envelope.skipped.push(Skipped {
                index,
                reason: "item has no type".to_owned(),
            }),
        }
    }
    Ok(envelope)
}

fn kind_of<'a>(header: &Value<'a>) -> Option<Cow<'a, str>> {
    match header.get("type")? {
        Value::String(kind) if !kind.is_empty() => Some(kind.clone()),
        _ => None,
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// The bytes up to the next line feed, which is stepped over, or to the end.
    fn line(&mut self) -> &'a [u8] {
        match memchr(b'\n', self.rest) {
            Some(end) => {
                let line = &self.rest[..end];
                self.rest = &self.rest[end + 1..];
                line
            }
            None => std::mem::take(&mut self.rest),
        }
    }

    /// The next line that is not blank.
    fn next_header(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let line = self.line();
            if !line.trim_ascii().is_empty() {
                return Some(line);
            }
        }
        None
    }

    /// Exactly `length` bytes and the line feed behind them.
    fn exactly(&mut self, length: u64) -> Result<&'a [u8], String> {
        let remaining = self.rest.len();
        let Some((payload, rest)) = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length))
        else {
            return Err(format!(
                "length {length} exceeds the remaining {remaining} bytes"
            ));
        };
        self.rest = match rest {
            [] => rest,
            [b'\n', rest @ ..] => rest,
            _ => return Err(format!("no line feed after a payload of {length} bytes")),
        };
        Ok(payload)
    }
}

/// Builds the bytes of an envelope.
///
/// ```
/// use faultwire_protocol::envelope::{Writer, parse};
/// let bytes = Writer::raw("{}").item("event", &[("content_type", "application/json")], b"{}").finish();
/// assert_eq!(parse(&bytes).unwrap().items[0].kind, "event");
/// ```
#[derive(Clone, Debug)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Starts with this header, which must be an object.
    pub fn new(header: &Value<'_>) -> Writer {
        Writer::raw(&header.to_string())
    }

    /// Starts with a header that is JSON text already, on one line.
    pub fn raw(header: &str) -> Writer {
        debug_assert!(!header.contains('\n'), "a header is one line");
        let mut bytes = Vec::with_capacity(header.len() + 1024);
        bytes.extend_from_slice(header.as_bytes());
        bytes.push(b'\n');
        Writer { bytes }
    }

    /// Appends an item; `extra_headers` are further text entries of its header, such as `content_type` or `filename`.
    pub fn item(mut self, kind: &str, extra_headers: &[(&str, &str)], payload: &[u8]) -> Writer {
        let mut header = json::Object::new();
        header.insert("type", kind);
        header.insert("length", payload.len());
        for &(name, value) in extra_headers {
            header.insert(name, value);
        }
        let header = Value::Object(header).to_string();
        self.bytes.reserve(header.len() + payload.len() + 2);
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.push(b'\n');
        self.bytes.extend_from_slice(payload);
        self.bytes.push(b'\n');
        self
    }

    /// The whole envelope, with a final line feed.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
