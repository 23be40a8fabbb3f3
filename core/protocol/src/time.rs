//! Points in time, as arguments and on the wire. Nothing here reads a clock.

use crate::json::Value;

/// Milliseconds: since the Unix epoch for wall time, since any fixed start for monotonic time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// This time moved later, stopping at the largest value instead of wrapping.
    pub const fn plus(self, millis: u64) -> Millis {
        Millis(self.0.saturating_add(millis))
    }

    /// Milliseconds since `earlier`; 0 if the clock went backwards.
    pub const fn since(self, earlier: Millis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same as Unix seconds, the form of event timestamps.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

/// The two clocks a driver reads before each call: `mono` orders and measures, `wall` goes on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// A clock that never jumps; its start does not matter.
    pub mono: Millis,
    /// Unix time.
    pub wall: Millis,
}

/// Reads a timestamp in any of the shapes that SDKs send, as Unix seconds.
///
/// Takes numbers, numbers inside strings, and RFC 3339 with `Z`, with an offset, or without (then UTC); `T` may be a
/// blank. `None` for anything else, for times before 1970 and after the year 9999. Source: protocol §3.1, timestamp.
pub fn parse(value: &Value<'_>) -> Option<f64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => {
            let text = text.trim();
            match text.parse::<f64>() {
                Ok(number) => number,
                Err(_) => parse_rfc3339(text)?,
            }
        }
        _ => return None,
    };
    (0.0..END_OF_YEAR_9999)
        .contains(&seconds)
        .then_some(seconds)
}

/// Writes Unix milliseconds as RFC 3339 in UTC with three decimals: `2026-11-02T08:15:30.120Z`.
pub fn rfc3339(time: Millis) -> String {
    let seconds = time.0 / 1000;
    let (year, month, day) = civil_from_days((seconds / DAY) as i64);
    let second = seconds % DAY;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        time.0 % 1000
    )
}

/// Reads the date of a `Retry-After` header in its preferred form, `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn parse_http_date(text: &str) -> Option<Millis> {
    let (_, rest) = text.trim().split_once(", ")?;
    let mut words = rest.split(' ');
    let day = words.next()?.parse::<u32>().ok()?;
    let month = words.next()?;
    let month = 1 + MONTHS
        .iter()
        .position(|name| name.eq_ignore_ascii_case(month))? as u32;
    let year = words.next()?.parse::<i64>().ok()?;
    let clock = words.next()?;
    if words.next()? != "GMT" || words.next().is_some() {
        return None;
    }
    let seconds = date_seconds(year, month, day)? as f64 + clock_seconds(clock)?;
    (seconds >= 0.0).then_some(Millis((seconds * 1000.0) as u64))
}

fn parse_rfc3339(text: &str) -> Option<f64> {
    let date = text.get(..10)?;
    let mut parts = date.splitn(3, '-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)? as u32;
    let day = digits(parts.next()?, 2)? as u32;
    let date = date_seconds(year, month, day)? as f64;
    let rest = &text[10..];
    if rest.is_empty() {
        return Some(date);
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => (&rest[..at], offset_seconds(&rest[at..])?),
        None => (rest, 0.0),
    };
    Some(date + clock_seconds(clock.trim_end())? - offset)
}

/// `08:15:30.12`, or `08:15` without seconds, in seconds.
fn clock_seconds(clock: &str) -> Option<f64> {
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = match parts.next() {
        Some(second) if second.starts_with(|first: char| first.is_ascii_digit()) => {
            second.parse::<f64>().ok()?
        }
        Some(_) => return None,
        None => 0.0,
    };
    // 60 is a leap second.
    if parts.next().is_some() || hour > 23 || minute > 59 || second >= 61.0 {
        return None;
    }
    Some((hour * 3600 + minute * 60) as f64 + second)
}

/// `Z`, `+02:00`, `-0730` or `+02`, in seconds east of UTC.
fn offset_seconds(offset: &str) -> Option<f64> {
    let sign = match offset.as_bytes().first()? {
        b'+' => 1.0,
        b'-' => -1.0,
        _ => return (offset.len() == 1).then_some(0.0),
    };
    let rest = &offset[1..];
    let hours = digits(rest.get(..2)?, 2)?;
    let minutes = match &rest[2..] {
        "" => 0,
        minutes => digits(minutes.strip_prefix(':').unwrap_or(minutes), 2)?,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60) as f64)
}

/// Exactly `count` ASCII digits.
fn digits(text: &str, count: usize) -> Option<i64> {
    if text.len() != count || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn date_seconds(year: i64, month: u32, day: u32) -> Option<i64> {
    let days = days_from_civil(year, month, day);
    // A day that does not exist comes back as another date.
    (civil_from_days(days) == (year, month, day)).then_some(days * DAY as i64)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, by counting from 1 March so that leap days come last.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = ((month_from_march + 2) % 12 + 1) as u32;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

const DAY: u64 = 86_400;
const END_OF_YEAR_9999: f64 = 253_402_300_800.0;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
