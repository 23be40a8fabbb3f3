//! Puts an event's times on our clock. Source: protocol section 3.13.

use faultwire_protocol::json::{Value, array};
use faultwire_protocol::time;

/// A smaller difference between `sent_at` and the receive time is a slow network, not a wrong clock.
const MIN_DRIFT_SECONDS: f64 = 55.0 * 60.0;
/// Further ahead than this cannot be; the receive time stands in.
const MAX_FUTURE_SECONDS: f64 = 60.0;
/// Older than this would be deleted by retention at once; the receive time stands in.
const MAX_AGE_SECONDS: f64 = 90.0 * 24.0 * 3600.0;

/// Corrects the times inside `event` and returns the event's own in Unix milliseconds.
///
/// If `sent_at` shows that the sender's clock was wrong, all times of the event (its own, its start, its
/// breadcrumbs') move by the difference. A time that still cannot be true becomes the receive time, with a
/// remark in `_meta`. An event without a time happened when it was received.
pub(super) fn correct(event: &mut Value<'_>, sent_at: Option<&str>, received_ms: u64) -> u64 {
    let received = received_ms as f64 / 1000.0;
    let drift = sent_at
        .and_then(|sent_at| time::parse(&Value::from(sent_at)))
        .map_or(0.0, |sent_at| received - sent_at);
    if drift.abs() >= MIN_DRIFT_SECONDS {
        shift(event, drift);
    }

    let Some(timestamp) = event.get("timestamp").and_then(time::parse) else {
        set(event, "timestamp", received);
        return received_ms;
    };
    let error = if timestamp > received + MAX_FUTURE_SECONDS {
        "future_timestamp"
    } else if timestamp < received - MAX_AGE_SECONDS {
        "past_timestamp"
    } else {
        return (timestamp * 1000.0).round() as u64;
    };
    let original = event
        .get("timestamp")
        .map(|value| value.borrowed().into_owned());
    set(event, "timestamp", received);
    let remarks = event.make_object().entry("_meta").make_object();
    let remarks = remarks
        .entry("timestamp")
        .make_object()
        .entry("")
        .make_object();
    remarks.insert("err", array([error]));
    remarks.insert("val", Value::from(original));
    received_ms
}

fn shift(event: &mut Value<'_>, seconds: f64) {
    shift_one(event, "timestamp", seconds);
    shift_one(event, "start_timestamp", seconds);
    let crumbs = event.get_mut("breadcrumbs").and_then(|list| match list {
        Value::Array(_) => Some(list),
        _ => list.get_mut("values"),
    });
    if let Some(crumbs) = crumbs.and_then(Value::as_array_mut) {
        for crumb in crumbs {
            shift_one(crumb, "timestamp", seconds);
        }
    }
}

fn shift_one(holder: &mut Value<'_>, key: &'static str, seconds: f64) {
    if let Some(time) = holder.get(key).and_then(time::parse) {
        set(holder, key, time + seconds);
    }
}

/// Sets a time in seconds, to the millisecond.
fn set(holder: &mut Value<'_>, key: &'static str, seconds: f64) {
    let rounded = (seconds.max(0.0) * 1000.0).round() / 1000.0;
    holder.make_object().insert(key, Value::from(rounded));
}

#[cfg(test)]
mod tests {
    use super::*;
    use faultwire_protocol::event::entries;
    use faultwire_protocol::json;

    /// 2026-11-22T12:00:00Z
    const RECEIVED_MS: u64 = 1_795_348_800_000;
    const RECEIVED: f64 = 1_795_348_800.0;

    fn event(timestamp: &str) -> String {
        format!(
            r#"{{"timestamp":{timestamp},"breadcrumbs":{{"values":[{{"timestamp":{timestamp}}},{{}}]}}}}"#
        )
    }

    #[test]
    fn drift_moves_every_time() {
        let text = event(&format!("{}", RECEIVED - 7200.0 - 1.5));
        let mut event = json::parse(&text).unwrap();
        let sent_at = "2026-11-22T10:00:00Z";
        assert_eq!(
            correct(&mut event, Some(sent_at), RECEIVED_MS),
            RECEIVED_MS - 1500
        );
        let crumb = entries(event.get("breadcrumbs"))
            .first()
            .and_then(|crumb| crumb.get("timestamp"));
        assert_eq!(crumb.and_then(time::parse), Some(RECEIVED - 1.5));
        assert!(event.get("_meta").is_none());
    }

    #[test]
    fn a_slow_network_is_not_drift() {
        let text = event(&format!("{}", RECEIVED - 3000.0));
        let mut event = json::parse(&text).unwrap();
        let sent_at = "2026-11-22T11:10:00Z";
        assert_eq!(
            correct(&mut event, Some(sent_at), RECEIVED_MS),
            RECEIVED_MS - 3_000_000
        );
        assert_eq!(event.to_string(), text, "nothing is rewritten");
    }

    #[test]
    fn impossible_times_become_the_receive_time() {
        for (timestamp, error) in [
            (RECEIVED + 61.0, "future_timestamp"),
            (RECEIVED - MAX_AGE_SECONDS - 1.0, "past_timestamp"),
        ] {
            let text = event(&format!("{timestamp}"));
            let mut event = json::parse(&text).unwrap();
            assert_eq!(correct(&mut event, None, RECEIVED_MS), RECEIVED_MS);
            let remarks = event.path(&["_meta", "timestamp", ""]).unwrap().to_string();
            assert!(remarks.contains(error), "{remarks}");
            assert_eq!(event.get("timestamp").and_then(time::parse), Some(RECEIVED));
        }
    }

    #[test]
    fn no_time_means_now() {
        for text in ["{}", r#"{"timestamp":null}"#, r#"{"timestamp":"soon"}"#] {
            let mut event = json::parse(text).unwrap();
            assert_eq!(
                correct(&mut event, Some("nonsense"), RECEIVED_MS),
                RECEIVED_MS,
                "{text}"
            );
            assert_eq!(event.get("timestamp").and_then(time::parse), Some(RECEIVED));
        }
    }
}
