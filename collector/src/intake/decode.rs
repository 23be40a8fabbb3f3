//! Undoing content encodings, a chunk at a time and never beyond a bound.
//!
//! Source: protocol.md section 1.5.

use std::io::{self, Write};

use flate2::{Decompress, FlushDecompress, Status};

use super::budget::Hold;

/// Why a body could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeError {
    /// More bytes than a body may have, after decompression.
    TooLarge,
    /// The server holds as many bytes as it can.
    Busy,
    /// The bytes are not what the encoding says.
    Malformed(String),
}

/// Takes a body in pieces and collects what it decodes to.
pub struct Decoder {
    kind: Kind,
}

enum Kind {
    Plain(Sink),
    Gzip(Box<flate2::write::MultiGzDecoder<Sink>>),
    Deflate(Box<Deflate>),
    Brotli(Box<brotli::DecompressorWriter<Sink>>),
    Zstd(Box<zstd::stream::zio::Writer<Sink, zstd::stream::raw::Decoder<'static>>>),
}

impl Decoder {
    /// Makes a decoder for the value of a `Content-Encoding` header; None when the encoding is not known (415).
    /// An empty value and `UTF-8` stand for no encoding: old SDKs send them.
    pub fn new(encoding: &str, max: usize, hold: Hold) -> Option<Self> {
        let sink = Sink {
            bytes: Vec::new(),
            max,
            hold,
            stopped: None,
        };
        let kind = match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" | "utf-8" | "utf8" => Kind::Plain(sink),
            "gzip" | "x-gzip" => Kind::Gzip(Box::new(flate2::write::MultiGzDecoder::new(sink))),
            "deflate" => Kind::Deflate(Box::new(Deflate {
                state: None,
                head: Vec::new(),
                ended: false,
                sink,
            })),
            "br" => Kind::Brotli(Box::new(brotli::DecompressorWriter::new(sink, BUFFER))),
            "zstd" => {
                let mut raw = zstd::stream::raw::Decoder::new().ok()?;
                // The window is memory that the sink's bound does not see.
                raw.set_parameter(zstd::stream::raw::DParameter::WindowLogMax(MAX_WINDOW_LOG))
                    .ok()?;
                Kind::Zstd(Box::new(zstd::stream::zio::Writer::new(sink, raw)))
            }
            _ => return None,
        };
        Some(Decoder { kind })
    }

    /// Makes room for a plain body whose length is known, so that it is not copied while it grows.
    pub fn expect(&mut self, length: usize) -> Result<(), DecodeError> {
        match &mut self.kind {
            Kind::Plain(sink) => sink.reserve(length),
            _ => Ok(()),
        }
    }

    /// Decodes the next piece.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), DecodeError> {
        let result = match &mut self.kind {
            Kind::Plain(sink) => sink.write_all(piece),
            Kind::Gzip(decoder) => decoder.write_all(piece),
            Kind::Deflate(decoder) => decoder.push(piece),
            Kind::Brotli(decoder) => decoder.write_all(piece),
            Kind::Zstd(decoder) => decoder.write_all(piece),
        };
        result.map_err(|error| self.explain(&error))
    }

    /// Bytes decoded so far.
    pub fn len(&self) -> usize {
        self.sink().bytes.len()
    }

    /// Whether nothing was decoded so far.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives the whole body with the memory it holds. A body that stops in the middle of its encoding is malformed.
    pub fn finish(mut self) -> Result<(Vec<u8>, Hold), DecodeError> {
        let result = match &mut self.kind {
            Kind::Plain(_) => Ok(()),
            Kind::Gzip(decoder) => decoder.try_finish(),
            Kind::Deflate(decoder) => decoder.finish(),
            Kind::Brotli(decoder) => decoder.close(),
            Kind::Zstd(decoder) => decoder.finish(),
        };
        result.map_err(|error| self.explain(&error))?;
        let sink = match self.kind {
            Kind::Plain(sink) => sink,
            Kind::Gzip(decoder) => decoder.finish().map_err(|error| malformed(&error))?,
            Kind::Deflate(decoder) => decoder.sink,
            Kind::Brotli(decoder) => decoder
                .into_inner()
                .map_err(|_| DecodeError::Malformed("the brotli stream is incomplete".into()))?,
            Kind::Zstd(decoder) => decoder.into_inner().0,
        };
        Ok((sink.bytes, sink.hold))
    }

    fn sink(&self) -> &Sink {
        match &self.kind {
            Kind::Plain(sink) => sink,
            Kind::Gzip(decoder) => decoder.get_ref(),
            Kind::Deflate(decoder) => &decoder.sink,
            Kind::Brotli(decoder) => decoder.get_ref(),
            Kind::Zstd(decoder) => decoder.writer(),
        }
    }

    /// A decoder wraps what the sink said into words of its own; the sink remembers why it really stopped.
    fn explain(&self, error: &io::Error) -> DecodeError {
        self.sink()
            .stopped
            .clone()
            .unwrap_or_else(|| malformed(error))
    }
}

fn malformed(error: &io::Error) -> DecodeError {
    DecodeError::Malformed(error.to_string())
}

/// Collects decoded bytes up to the bound.
struct Sink {
    bytes: Vec<u8>,
    max: usize,
    hold: Hold,
    stopped: Option<DecodeError>,
}

impl Sink {
    fn reserve(&mut self, total: usize) -> Result<(), DecodeError> {
        if total > self.max {
            return Err(DecodeError::TooLarge);
        }
        if total > self.bytes.capacity() {
            if !self.hold.grow_to(total) {
                return Err(DecodeError::Busy);
            }
            self.bytes.reserve_exact(total - self.bytes.len());
        }
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let total = self.bytes.len() + piece.len();
        let room = if total > self.bytes.capacity() {
            // Grow by halves, not beyond the bound: the hold pays for capacity, not for length.
            let wanted = total
                .max(self.bytes.capacity() + self.bytes.capacity() / 2)
                .max(BUFFER);
            self.reserve(if total > self.max {
                total
            } else {
                wanted.min(self.max)
            })
        } else {
            Ok(())
        };
        if let Err(reason) = room {
            self.stopped = Some(reason);
            return Err(io::Error::other("bound reached"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Deflate as the specification says (with the zlib wrapper) or as some clients send it (raw). The first two bytes
/// tell: no encoder begins a raw stream with a stored block whose padding bits are set, which is what a zlib header
/// would be.
struct Deflate {
    state: Option<Decompress>,
    head: Vec<u8>,
    ended: bool,
    sink: Sink,
}

impl Deflate {
    fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.state.is_some() {
            return self.inflate(piece);
        }
        self.head.extend_from_slice(piece);
        if let [first, second, ..] = self.head[..] {
            let wrapped = first & 0x0f == 8 && u16::from_be_bytes([first, second]) % 31 == 0;
            self.state = Some(Decompress::new(wrapped));
            let head = std::mem::take(&mut self.head);
            return self.inflate(&head);
        }
        Ok(())
    }

    fn inflate(&mut self, mut input: &[u8]) -> io::Result<()> {
        let Some(state) = &mut self.state else {
            return Ok(());
        };
        let mut out = [0; BUFFER];
        while !self.ended {
            let (before_in, before_out) = (state.total_in(), state.total_out());
            let status = state
                .decompress(input, &mut out, FlushDecompress::None)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let used = (state.total_in() - before_in) as usize;
            let made = (state.total_out() - before_out) as usize;
            input = &input[used..];
            self.sink.write_all(&out[..made])?;
            match status {
                Status::StreamEnd => self.ended = true,
                _ if used == 0 && made == 0 => break,
                _ => {}
            }
        }
        if self.ended && !input.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "bytes follow the deflate stream",
            ));
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.ended {
            Ok(())
        } else {
            Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the deflate stream is incomplete",
            ))
        }
    }
}

const BUFFER: usize = 8 * 1024;
/// 8 MiB, what zstd's own tool uses up to level 19.
const MAX_WINDOW_LOG: u32 = 23;

#[cfg(test)]
mod tests {
    use super::super::budget::Budget;
    use super::*;

    const MAX: usize = 64 * 1024;

    fn decode(encoding: &str, body: &[u8], step: usize) -> Result<Vec<u8>, DecodeError> {
        let budget = Budget::new(1024 * 1024);
        let mut decoder =
            Decoder::new(encoding, MAX, Hold::new(&budget)).expect("a known encoding");
        for piece in body.chunks(step) {
            decoder.push(piece)?;
        }
        decoder.finish().map(|(bytes, _)| bytes)
    }

    fn text() -> Vec<u8> {
        (0..2000)
            .flat_map(|n: u32| format!("line {} of the body\n", n * n).into_bytes())
            .collect()
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn encoded(plain: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(plain).unwrap();
        let mut raw =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        raw.write_all(plain).unwrap();
        let mut br = Vec::new();
        brotli::BrotliCompress(
            &mut &plain[..],
            &mut br,
            &brotli::enc::BrotliEncoderParams::default(),
        )
        .unwrap();
        vec![
            ("gzip", gzip(plain)),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
            ("br", br),
            ("zstd", zstd::encode_all(plain, 3).unwrap()),
        ]
    }

    #[test]
    fn every_encoding_decodes_whatever_the_pieces() {
        let plain = text();
        for (encoding, body) in encoded(&plain) {
            for step in [1, 2, 7, 1000, body.len()] {
                assert_eq!(
                    decode(encoding, &body, step).as_ref(),
                    Ok(&plain),
                    "{encoding} in pieces of {step}"
                );
            }
        }
        for name in ["", "identity", "UTF-8", " utf-8 "] {
            assert_eq!(decode(name, &plain, 100).unwrap(), plain, "{name:?}");
        }
    }

    #[test]
    fn members_of_gzip_are_joined() {
        let body = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(decode("gzip", &body, 5).unwrap(), b"one two");
    }

    #[test]
    fn unknown_encodings_are_not_decoded() {
        let budget = Budget::new(MAX);
        for name in ["compress", "gzip, br", "exi"] {
            assert!(
                Decoder::new(name, MAX, Hold::new(&budget)).is_none(),
                "{name}"
            );
        }
    }

    #[test]
    fn cut_and_damaged_streams_are_malformed() {
        let plain = text();
        for (encoding, body) in encoded(&plain) {
            let cut = decode(encoding, &body[..body.len() - 5], 512);
            assert!(
                matches!(cut, Err(DecodeError::Malformed(_))),
                "{encoding} cut: {cut:?}"
            );
            let garbage = decode(
                encoding,
                b"{\"event_id\":\"4f2b0c7a9d1e4a58b7a6f0e2c3d4e5f6\"}\n{}\n",
                512,
            );
            assert!(
                matches!(garbage, Err(DecodeError::Malformed(_))),
                "{encoding} garbage: {garbage:?}"
            );
        }
    }

    #[test]
    fn bombs_stop_at_the_bound() {
        let zeros = vec![0; MAX * 40];
        for (encoding, body) in encoded(&zeros) {
            assert_eq!(
                decode(encoding, &body, body.len()),
                Err(DecodeError::TooLarge),
                "{encoding}"
            );
        }
        assert_eq!(decode("", &zeros, 4096), Err(DecodeError::TooLarge));
    }

    #[test]
    fn a_body_of_exactly_the_bound_passes_and_one_byte_more_does_not() {
        assert_eq!(decode("", &vec![b'x'; MAX], 1000).unwrap().len(), MAX);
        assert_eq!(
            decode("", &vec![b'x'; MAX + 1], 1000),
            Err(DecodeError::TooLarge)
        );
    }

    #[test]
    fn a_full_server_says_busy_and_not_too_large() {
        let budget = Budget::new(1000);
        let mut decoder = Decoder::new("", MAX, Hold::new(&budget)).unwrap();
        assert_eq!(decoder.push(&[b'x'; 2000]), Err(DecodeError::Busy));
        drop(decoder);
        assert_eq!(budget.used(), 0);
    }
}
