//! The envelope of a queued event: built once, sealed at every attempt.
//!
//! What is queued has no `sent_at`; each attempt writes its own, exactly once, as the protocol demands of caches
//! (protocol §2.2), together with a client report if one is to ride along.

use faultwire_protocol::envelope::Writer;
use faultwire_protocol::json::{Object, Value};
use faultwire_protocol::time::{self, Millis};

/// Builds the queued form of an event: a header with `event_id` and `sdk`, and the event item.
pub(crate) fn build(event_id: &str, sdk: Value<'_>, event: &Value<'_>) -> Vec<u8> {
    let mut header = Object::new();
    header.insert("event_id", event_id);
    header.insert("sdk", sdk);
    Writer::new(&Value::Object(header))
        .item("event", JSON_ITEM, event.to_string().as_bytes())
        .finish()
}

/// Gives the bytes to send: `payload` with `sent_at` in its header and, if there is one, a `client_report` item at the end.
///
/// `payload` is a queued envelope as [`crate::engine::Ready`] carries it. Bytes that do not begin with a JSON object
/// are passed on as they are, for the server to judge: refusing to send them would lose them.
pub fn seal(payload: &[u8], sent_at: Millis, report: Option<&str>) -> Vec<u8> {
    let mut out =
        Vec::with_capacity(payload.len() + 64 + report.map_or(0, |report| report.len() + 96));
    match payload.strip_prefix(b"{") {
        Some(rest) => {
            let comma = if rest.trim_ascii_start().first() == Some(&b'}') {
                ""
            } else {
                ","
            };
            out.extend_from_slice(
                format!(r#"{{"sent_at":"{}"{comma}"#, time::rfc3339(sent_at)).as_bytes(),
            );
            out.extend_from_slice(rest);
        }
        None => out.extend_from_slice(payload),
    }
    if let Some(report) = report {
        if out.last() != Some(&b'\n') {
            out.push(b'\n');
        }
        let item = format!(
            r#"{{"type":"client_report","length":{},"content_type":"application/json"}}"#,
            report.len()
        );
        out.extend_from_slice(item.as_bytes());
        out.push(b'\n');
        out.extend_from_slice(report.as_bytes());
        out.push(b'\n');
    }
    out
}

/// The envelope of a client report that travels alone ([`crate::outbox::Output::SendReport`]).
pub fn report_alone(report: &str, sent_at: Millis) -> Vec<u8> {
    seal(b"{}\n", sent_at, Some(report))
}

const JSON_ITEM: &[(&str, &str)] = &[("content_type", "application/json")];

#[cfg(test)]
mod tests {
    use super::*;
    use faultwire_protocol::envelope;
    use faultwire_protocol::json;

    #[test]
    fn sealed_envelope_reads_back_with_one_sent_at_and_the_report() {
        let event = json::parse(r#"{"message":"zwei\nZeilen"}"#).expect("JSON");
        let id = "4f2b0c7a9d1e4a58b7a6f0e2c3d4e5f6";
        let payload = build(id, json::object([("name", "faultwire.test")]), &event);
        for report in [None, Some(r#"{"discarded_events":[]}"#)] {
            let sealed = seal(&payload, Millis(1_762_071_330_120), report);
            let read = envelope::parse(&sealed).expect("an envelope");
            assert_eq!(
                read.event_id().map(|id| id.to_string()).as_deref(),
                Some(id)
            );
            assert_eq!(read.sent_at(), Some(1_762_071_330.120));
            assert_eq!(read.items.len(), 1 + usize::from(report.is_some()));
            assert_eq!(read.items[0].payload, event.to_string().as_bytes());
            assert_eq!(
                sealed
                    .windows(9)
                    .filter(|nine| nine == b"\"sent_at\"")
                    .count(),
                1
            );
        }
    }

    #[test]
    fn report_alone_is_a_whole_envelope() {
        let sealed = report_alone("{}", Millis(0));
        let expected = concat!(
            "{\"sent_at\":\"1970-01-01T00:00:00.000Z\"}\n",
            "{\"type\":\"client_report\",\"length\":2,\"content_type\":\"application/json\"}\n{}\n"
        );
        assert_eq!(String::from_utf8_lossy(&sealed), expected);
    }
}
