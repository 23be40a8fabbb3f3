//! Breadcrumbs: what happened before the error, cheap to write and read only when an error comes.
//!
//! Adding one is the most frequent call of the SDK, so it copies its texts into one allocation and does nothing else: JSON
//! is neither parsed nor written before an event needs it.

use faultwire_protocol::json::{self, Object, Value};
use faultwire_protocol::time::Millis;
use std::collections::VecDeque;
use std::sync::Arc;

/// Longest breadcrumb in bytes: category, level, message and data together.
pub const MAX_CRUMB_BYTES: usize = 8 << 10;

/// One breadcrumb. Source: protocol §3.7.
#[derive(Debug, Clone, PartialEq)]
pub struct Crumb {
    /// Unix milliseconds.
    time_ms: f64,
    /// Category, level, message and data, one after the other.
    text: Box<str>,
    /// Where the first three end.
    ends: [u16; 3],
    /// Length of the data that did not fit; 0 if there was none.
    data_left_out: u32,
}

impl Crumb {
    /// Makes a breadcrumb of `time_ms` in Unix milliseconds.
    ///
    /// `data` is the JSON text of an object, not looked at here. Beyond [`MAX_CRUMB_BYTES`] the data is left out first,
    /// as a whole, because cut JSON is no JSON; then the message is cut at the end.
    pub fn new(
        time_ms: f64,
        category: &str,
        level: &str,
        message: &str,
        data: Option<&str>,
    ) -> Crumb {
        let category = prefix(category, MAX_NAME_BYTES);
        let level = prefix(level, MAX_NAME_BYTES);
        let message = prefix(message, MAX_CRUMB_BYTES - 2 * MAX_NAME_BYTES);
        let data = data.unwrap_or_default();
        let head = category.len() + level.len() + message.len();
        let fits = head + data.len() <= MAX_CRUMB_BYTES;
        let mut text = String::with_capacity(head + if fits { data.len() } else { 0 });
        text.push_str(category);
        text.push_str(level);
        text.push_str(message);
        if fits {
            text.push_str(data);
        }
        // All three are below MAX_CRUMB_BYTES, which fits 16 bits.
        let ends = [category.len(), category.len() + level.len(), head].map(|end| end as u16);
        let data_left_out = if fits {
            0
        } else {
            u32::try_from(data.len()).unwrap_or(u32::MAX)
        };
        Crumb {
            time_ms,
            text: text.into_boxed_str(),
            ends,
            data_left_out,
        }
    }

    /// Bytes that count against a scope's budget.
    pub fn len_bytes(&self) -> usize {
        self.text.len() + size_of::<Crumb>()
    }

    /// Unix seconds with milliseconds, or `fallback` if the host gave no usable time.
    fn seconds(&self, fallback: Millis) -> f64 {
        let usable = self.time_ms.is_finite() && self.time_ms > 0.0;
        let millis = if usable {
            self.time_ms.round()
        } else {
            fallback.0 as f64
        };
        millis / 1000.0
    }

    fn to_value(&self, fallback: Millis) -> Value<'_> {
        let [category, level, message] = self.ends.map(usize::from);
        let mut crumb = Object::new();
        crumb.insert("timestamp", self.seconds(fallback));
        let texts = [
            ("category", &self.text[..category]),
            ("level", &self.text[category..level]),
            ("message", &self.text[level..message]),
        ];
        for (key, text) in texts {
            if !text.is_empty() {
                crumb.insert(key, text);
            }
        }
        let data = &self.text[message..];
        if self.data_left_out > 0 {
            crumb.insert(
                "data",
                json::object([("left_out_bytes", Value::from(f64::from(self.data_left_out)))]),
            );
        } else if !data.is_empty() {
            match json::parse(data) {
                Ok(object @ Value::Object(_)) => {
                    crumb.insert("data", object);
                }
                // Not an object, or not JSON: shown as it came, so that whoever wrote it can see what arrives.
                Ok(other) => {
                    crumb.insert("data", json::object([("value", other)]));
                }
                Err(_) => {
                    crumb.insert("data", json::object([("value", data)]));
                }
            }
        }
        Value::Object(crumb)
    }
}

/// The newest breadcrumbs of one scope. Cloning costs one reference count per breadcrumb.
#[derive(Debug, Clone, Default)]
pub struct Ring {
    crumbs: VecDeque<Arc<Crumb>>,
    bytes: usize,
}

impl Ring {
    /// Adds a breadcrumb and drops the oldest ones beyond `max` or beyond `max_bytes` in all. With `max` 0 nothing is kept.
    pub fn push(&mut self, crumb: Crumb, max: usize, max_bytes: usize) {
        if max == 0 {
            return;
        }
        self.bytes += crumb.len_bytes();
        self.crumbs.push_back(Arc::new(crumb));
        while self.crumbs.len() > max || self.bytes > max_bytes && self.crumbs.len() > 1 {
            if let Some(oldest) = self.crumbs.pop_front() {
                self.bytes -= oldest.len_bytes();
            }
        }
    }

    /// Number of breadcrumbs kept.
    pub fn len(&self) -> usize {
        self.crumbs.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.crumbs.is_empty()
    }

    /// Adds these breadcrumbs to the event's own, sorted by time, and keeps the newest `max`. Source: protocol §6.2.
    pub(crate) fn merge_into<'a>(&'a self, event: &mut Object<'a>, max: usize, now: Millis) {
        if self.crumbs.is_empty() {
            return;
        }
        let own = match event.remove("breadcrumbs") {
            Some(Value::Array(own)) => own,
            Some(Value::Object(mut object)) => match object.remove("values") {
                Some(Value::Array(own)) => own,
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        let time = |crumb: &Value<'a>| {
            let time = crumb
                .get("timestamp")
                .and_then(faultwire_protocol::time::parse);
            time.unwrap_or(now.as_seconds())
        };
        let scope = self
            .crumbs
            .iter()
            .map(|crumb| (crumb.seconds(now), crumb.to_value(now)));
        let mut all: Vec<_> = scope
            .chain(own.into_iter().map(|crumb| (time(&crumb), crumb)))
            .collect();
        // Stable: equal times stay in the order in which they were added.
        all.sort_by(|(one, _), (two, _)| one.total_cmp(two));
        let excess = all.len().saturating_sub(max);
        let values: Vec<Value<'a>> = all.drain(excess..).map(|(_, crumb)| crumb).collect();
        event.insert(
            "breadcrumbs",
            json::object([("values", Value::Array(values))]),
        );
    }
}

/// The longest beginning of `text` of at most `max` bytes that ends between two characters.
fn prefix(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

const MAX_NAME_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(ring: &Ring, event: &str, max: usize) -> String {
        let mut event = json::parse(event).expect("test event is JSON");
        ring.merge_into(event.make_object(), max, Millis(9_000));
        event.to_string()
    }

    #[test]
    fn merge_sorts_by_time_and_keeps_the_newest() {
        let mut ring = Ring::default();
        for (time, message) in [(3000.0, "c"), (1000.4, "a"), (f64::NAN, "e")] {
            ring.push(Crumb::new(time, "", "info", message, None), 10, 1 << 20);
        }
        let own = r#"{"breadcrumbs":[{"timestamp":2,"message":"b"},{"timestamp":"1970-01-01T00:00:04Z","message":"d"}]}"#;
        assert_eq!(
            merged(&ring, own, 4),
            concat!(
                r#"{"breadcrumbs":{"values":[{"timestamp":2,"message":"b"},{"timestamp":3,"level":"info","message":"c"},"#,
                r#"{"timestamp":"1970-01-01T00:00:04Z","message":"d"},{"timestamp":9,"level":"info","message":"e"}]}}"#
            )
        );
    }

    #[test]
    fn data_is_parsed_at_the_merge_and_odd_data_is_shown() {
        let mut ring = Ring::default();
        for data in [r#"{"status":500}"#, "[1]", "{oops"] {
            ring.push(Crumb::new(1000.0, "http", "", "", Some(data)), 10, 1 << 20);
        }
        assert_eq!(
            merged(&ring, "{}", 10),
            concat!(
                r#"{"breadcrumbs":{"values":[{"timestamp":1,"category":"http","data":{"status":500}},"#,
                r#"{"timestamp":1,"category":"http","data":{"value":[1]}},"#,
                r#"{"timestamp":1,"category":"http","data":{"value":"{oops"}}]}}"#
            )
        );
    }

    #[test]
    fn oversized_parts_are_cut_and_said_so() {
        let crumb = Crumb::new(
            1.0,
            &"ü".repeat(200),
            "info",
            &"é".repeat(9000),
            Some(&"x".repeat(9000)),
        );
        assert!(crumb.text.len() <= MAX_CRUMB_BYTES);
        let value = crumb.to_value(Millis(0)).to_string();
        assert!(
            value.ends_with(r#""data":{"left_out_bytes":9000}}"#),
            "{}",
            &value[value.len() - 60..]
        );
    }

    #[test]
    fn ring_is_bounded_by_count_and_by_bytes() {
        let mut ring = Ring::default();
        for i in 0..500 {
            ring.push(
                Crumb::new(f64::from(i), "c", "info", &"m".repeat(1000), None),
                100,
                20_000,
            );
            assert!(ring.bytes <= 20_000 && ring.len() <= 100);
        }
        assert!(ring.len() > 15);
        let mut none = Ring::default();
        none.push(Crumb::new(1.0, "c", "info", "m", None), 0, 20_000);
        assert!(none.is_empty());
        assert_eq!(merged(&none, "{}", 100), "{}");
    }
}
