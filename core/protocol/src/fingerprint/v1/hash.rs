//! The hash of version 1: 128-bit FNV-1a. Grouping needs a name that is the same everywhere, not a secret; sixteen bytes
//! keep accidental collisions out of reach, and ten lines keep a hash crate out of the bundle.

/// Hashes the parts with their borders; 32 lowercase hex digits.
pub(super) fn hash<T: AsRef<str>>(parts: &[T]) -> String {
    let mut state = OFFSET;
    for part in parts {
        // No byte of UTF-8 is 0xff, so `["ab"]` and `["a", "b"]` differ.
        for byte in part.as_ref().bytes().chain([0xff]) {
            state = (state ^ u128::from(byte)).wrapping_mul(PRIME);
        }
    }
    format!("{state:032x}")
}

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
