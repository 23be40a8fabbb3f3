//! Packing of event payloads. The first byte names the codec, so that a dictionary can be added or
//! replaced without rewriting what is stored: `0` plain bytes, `1` zstd.

use super::{Error, Result};

/// Level 3 takes about 60 µs on a 25 KB event here; the next levels cost twice that for 3 % less.
const LEVEL: i32 = 3;
/// Larger than any event or attachment that intake lets through; a bound against damaged rows.
const MAX_BYTES: usize = 256 * 1024 * 1024;
const PLAIN: u8 = 0;
const ZSTD: u8 = 1;

/// Packs bytes for storage. One value serves many calls: it keeps the compressor's tables.
pub struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    /// Makes a packer. Fails only when memory for its tables cannot be had.
    pub fn new() -> Result<Self> {
        zstd::bulk::Compressor::new(LEVEL)
            .map(Self)
            .map_err(|error| Error::unavailable("set up compression of payloads", error))
    }

    /// Packs `bytes`; what does not shrink is kept as it is.
    pub fn pack(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut packed = vec![ZSTD; 1 + zstd::zstd_safe::compress_bound(bytes.len())];
        match self.0.compress_to_buffer(bytes, &mut packed[1..]) {
            Ok(length) if length < bytes.len() => {
                packed.truncate(1 + length);
                packed.shrink_to_fit();
                packed
            }
            _ => {
                let mut plain = Vec::with_capacity(1 + bytes.len());
                plain.push(PLAIN);
                plain.extend_from_slice(bytes);
                plain
            }
        }
    }
}

/// Restores what [`Packer::pack`] made. Errors: an unknown codec, damaged data.
pub fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    match packed.split_first() {
        Some((&PLAIN, bytes)) => Ok(bytes.to_vec()),
        Some((&ZSTD, frame)) => {
            let size = zstd::zstd_safe::get_frame_content_size(frame)
                .ok()
                .flatten();
            let size = size
                .and_then(|size| usize::try_from(size).ok())
                .unwrap_or(MAX_BYTES);
            zstd::bulk::decompress(frame, size.min(MAX_BYTES))
                .map_err(|error| Error::unavailable("unpack a stored payload", error))
        }
        Some((codec, _)) => Err(Error::invalid(format!(
            "stored payload has codec {codec}, which this version does not know"
        ))),
        None => Err(Error::invalid("stored payload is empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_bytes_come_back() {
        let mut packer = Packer::new().unwrap();
        let long = "{\"a\":1}".repeat(1000);
        for bytes in [&b""[..], b"x", long.as_bytes()] {
            assert_eq!(unpack(&packer.pack(bytes)).unwrap(), bytes);
        }
        assert!(packer.pack(long.as_bytes()).len() < 100);
    }

    #[test]
    fn damage_is_an_error() {
        assert!(unpack(&[]).is_err());
        assert!(unpack(&[9, 1, 2]).is_err());
        assert!(unpack(&[ZSTD, 1, 2, 3]).is_err());
    }
}
