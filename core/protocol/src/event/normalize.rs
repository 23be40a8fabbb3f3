//! The coercions that make foreign events regular. Source: protocol §3.

use crate::json::{Value, object};
use crate::time::Millis;

/// Brings an event into canonical form; `received` stands in for a missing time.
pub fn normalize(event: &mut Value<'_>, received: Millis) {
    let event = event.make_object();
    for key in ["exception", "threads", "breadcrumbs"] {
        let Some(list) = event.get_mut(key) else {
            continue;
        };
        let values = match list.take() {
            Value::Array(items) => items,
            Value::Object(mut container) => match container.remove("values") {
                Some(Value::Array(items)) => items,
                Some(_) => Vec::new(),
                None if container.is_empty() => Vec::new(),
                None => vec![Value::Object(container)],
            },
            _ => Vec::new(),
        };
        if values.is_empty() {
            event.remove(key);
        } else {
            event.insert(key, object([("values", Value::Array(values))]));
        }
    }
    if !event.contains("timestamp") {
        event.insert("timestamp", received.as_seconds());
    }
}
