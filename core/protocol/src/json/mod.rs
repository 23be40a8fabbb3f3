//! A tolerant JSON tree that borrows from the text it was parsed from.
//!
//! Events of a dozen SDKs arrive with things that strict parsers refuse: halves of surrogate pairs, `NaN`, raw line
//! feeds inside strings, a key twice. Refusing them would lose the crash report that mattered, so this parser accepts
//! them and says in its documentation what becomes of each. It is also the tree that the scrubber, the trimmer and the
//! fingerprint work on, in the SDK and in the collector alike: strings and numbers point into the source text until
//! something replaces them (design decision 4).
//!
//! | input | becomes |
//! |---|---|
//! | `"\ud800"` without its other half | U+FFFD |
//! | `NaN`, `Infinity`, `-Infinity` | `null` |
//! | control characters inside a string | kept, escaped when written |
//! | an unknown escape such as `\x` or `\u12` | kept as the text it is |
//! | the same key twice | the last value, at the place of the first |
//! | nesting beyond [`MAX_DEPTH`] | [`ErrorKind::TooDeep`], found without recursing further |
//! | bytes that are not UTF-8 | U+FFFD, by [`decode`] or [`parse_bytes`] |

mod number;
mod parse;
mod value;
mod write;

pub use number::Number;
pub use parse::{Error, ErrorKind, MAX_DEPTH, decode, parse, parse_bytes};
pub use value::{Object, Value, array, object};
