//! Numbers that keep the text they were written with.

use std::borrow::Cow;

/// A JSON number, kept as its source text.
///
/// A 64-bit id or a price with trailing zeros survives parse and write unchanged; conversion happens only when asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number<'a>(pub(super) Cow<'a, str>);

impl<'a> Number<'a> {
    /// The text as it will be written, for example `1.50` or `1e3`.
    pub fn as_text(&self) -> &str {
        &self.0
    }

    /// The value as an unsigned integer; a float with an integral value counts (`3.0` is 3). `None` for negative numbers,
    /// fractions and anything beyond 64 bits. Source: protocol §3.1, unsigned int.
    pub fn as_u64(&self) -> Option<u64> {
        if let Ok(integer) = self.0.parse::<u64>() {
            return Some(integer);
        }
        let float = self.integral()?;
        // 2^64 as a float is the first value that no longer fits.
        (0.0..18_446_744_073_709_551_616.0)
            .contains(&float)
            .then_some(float as u64)
    }

    /// The value as a signed integer, under the rules of [`Number::as_u64`].
    pub fn as_i64(&self) -> Option<i64> {
        if let Ok(integer) = self.0.parse::<i64>() {
            return Some(integer);
        }
        let float = self.integral()?;
        (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0)
            .contains(&float)
            .then_some(float as i64)
    }

    /// The value as a float; `None` if it overflows to infinity.
    pub fn as_f64(&self) -> Option<f64> {
        self.0.parse::<f64>().ok().filter(|float| float.is_finite())
    }

    /// Ends the borrow of the source text.
    pub fn into_owned(self) -> Number<'static> {
        Number(Cow::Owned(self.0.into_owned()))
    }

    fn integral(&self) -> Option<f64> {
        self.as_f64().filter(|float| float.fract() == 0.0)
    }
}

macro_rules! from_integer {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Number<'_> {
            fn from(value: $integer) -> Self {
                Number(Cow::Owned(value.to_string()))
            }
        }
    )*};
}

from_integer!(u8, u16, u32, u64, usize, i32, i64);
