//! The one masking program: from what a host's processes said and sent to what a journey expects.
//!
//! It takes out what differs from run to run (ids, times) and from language to language (frames, names of the SDK, what the
//! machine is), and checks each of these on the way: a mask that accepts anything would hide a fault.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::script::{PROJECT, PUBLIC_KEY, SECTIONS};
use super::stub::Request;

/// Everything that was seen of one journey on one host.
pub struct Seen {
    /// The JSON lines of all processes.
    pub said: Vec<Value>,
    /// What the SDK complained about, without its prefix.
    pub warnings: Vec<String>,
    pub requests: Vec<Request>,
    /// When the first process began, Unix seconds.
    pub since: f64,
}

/// The expectation that fits what was seen: `said`, `warnings`, `wire`, `reports`; what is empty is left out.
pub fn mask(seen: &Seen) -> Result<Value> {
    let mut ids = Ids::default();
    let said = seen
        .said
        .iter()
        .map(|line| ids.said(line))
        .collect::<Result<Vec<_>>>()?;
    let mut wire = Vec::new();
    let mut reports = BTreeMap::new();
    let mut payloads = BTreeMap::new();
    for request in &seen.requests {
        check_request(request)?;
        let items = read_envelope(&request.body)?;
        for (kind, header, payload) in items.items {
            match kind.as_str() {
                "client_report" => count(&payload, &mut reports)?,
                "event" => {
                    let raw = text_of(&payload["event_id"]);
                    if items.header["event_id"] != payload["event_id"] {
                        bail!("the envelope's event_id is not the event's");
                    }
                    if items.header["sdk"] != payload["sdk"] {
                        bail!("the envelope's sdk is not the event's: {}", items.header);
                    }
                    if header["length"]
                        .as_u64()
                        .is_none_or(|length| length > 1_000_000)
                    {
                        bail!("an event of more than a million bytes: {header}");
                    }
                    let number = ids.number(&raw);
                    let entry = match payloads.get(&raw) {
                        None => {
                            json!({"answered": request.answered, "event": event(&payload, number, seen.since)?})
                        }
                        Some(before) if *before == payload => {
                            json!({"answered": request.answered, "again": number})
                        }
                        Some(_) => bail!("event {number} was sent again, and changed"),
                    };
                    payloads.insert(raw, payload);
                    wire.push((number, entry));
                }
                other => bail!("an item of type {other} that no journey causes"),
            }
        }
    }
    // Several requests may be on their way at once; their order is no promise.
    wire.sort_by_key(|(number, _)| *number);
    let wire: Vec<Value> = wire.into_iter().map(|(_, entry)| entry).collect();
    let reports: Vec<Value> = reports
        .into_iter()
        .map(|((reason, category), quantity)| json!({"reason": reason, "category": category, "quantity": quantity}))
        .collect();
    let sections = [
        json!(said),
        json!(seen.warnings),
        json!(wire),
        json!(reports),
    ];
    let sections = SECTIONS.iter().zip(sections);
    let kept = sections.filter(|(_, value)| value.as_array().is_some_and(|list| !list.is_empty()));
    Ok(Value::Object(
        kept.map(|(name, value)| ((*name).to_owned(), value))
            .collect(),
    ))
}

/// Event ids by the order in which captures returned them.
#[derive(Default)]
struct Ids(Vec<String>);

impl Ids {
    fn number(&mut self, id: &str) -> usize {
        let at = self.0.iter().position(|known| known == id);
        at.unwrap_or_else(|| {
            self.0.push(id.to_owned());
            self.0.len() - 1
        }) + 1
    }

    /// A line of a runner. A flush or close must not have outlasted its limit.
    fn said(&mut self, line: &Value) -> Result<Value> {
        if let Some(id) = line["id"].as_str() {
            if id.len() != 32
                || !id
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            {
                bail!("a capture returned {id:?}, which is no event id");
            }
            return Ok(json!({"id": self.number(id)}));
        }
        let mut line = line.clone();
        if let Some(fields) = line.as_object_mut() {
            let took = fields.remove("ms").and_then(|took| took.as_f64());
            let limit = fields.remove("limit").and_then(|limit| limit.as_f64());
            if let (Some(took), Some(limit)) = (took, limit)
                && took > limit + LATE_MS
            {
                bail!("a step with a limit of {limit} ms took {took} ms: {line}");
            }
        }
        Ok(line)
    }
}

fn check_request(request: &Request) -> Result<()> {
    let path = format!("/api/{PROJECT}/envelope/");
    if request.method != "POST" || request.path != path {
        bail!("{} {} instead of POST {path}", request.method, request.path);
    }
    let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
    if header("content-type") != "application/x-sentry-envelope" {
        bail!("the content-type {:?}", header("content-type"));
    }
    let auth = header("x-sentry-auth");
    let parts = [
        "Sentry ".to_owned(),
        format!("sentry_key={PUBLIC_KEY}"),
        "sentry_version=7".to_owned(),
        "sentry_client=faultwire.".to_owned(),
    ];
    if let Some(missing) = parts.iter().find(|part| !auth.contains(part.as_str())) {
        bail!("x-sentry-auth is {auth:?}, without {missing}");
    }
    if !header("user-agent").starts_with("faultwire.") {
        bail!("the user-agent {:?}", header("user-agent"));
    }
    Ok(())
}

struct Envelope {
    header: Value,
    /// Type, header and payload.
    items: Vec<(String, Value, Value)>,
}

/// Reads an envelope as strictly as the strictest server (protocol 2.5): lengths everywhere, nothing left over.
fn read_envelope(body: &[u8]) -> Result<Envelope> {
    let (header, mut rest) = json_line(body).context("envelope header")?;
    rfc3339(&header["sent_at"]).context("sent_at of the envelope")?;
    let mut items = Vec::new();
    while !rest.is_empty() {
        let (item, after) = json_line(rest).context("item header")?;
        let length = item["length"]
            .as_u64()
            .and_then(|length| usize::try_from(length).ok())
            .filter(|length| *length <= after.len());
        let Some(length) = length else {
            bail!("an item without a length that fits: {item}");
        };
        let payload = serde_json::from_slice(&after[..length]).context("item payload")?;
        rest = match &after[length..] {
            [] => &[],
            [b'\n', rest @ ..] => rest,
            _ => bail!("an item that is longer than its length: {item}"),
        };
        items.push((text_of(&item["type"]), item, payload));
    }
    Ok(Envelope { header, items })
}

fn json_line(bytes: &[u8]) -> Result<(Value, &[u8])> {
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .context("no line end")?;
    Ok((serde_json::from_slice(&bytes[..end])?, &bytes[end + 1..]))
}

fn count(report: &Value, into: &mut BTreeMap<(String, String), u64>) -> Result<()> {
    for row in report["discarded_events"].as_array().into_iter().flatten() {
        let key = (text_of(&row["reason"]), text_of(&row["category"]));
        let quantity = row["quantity"]
            .as_u64()
            .context("a loss without quantity")?;
        *into.entry(key).or_default() += quantity;
    }
    Ok(())
}

/// Masks one event.
fn event(event: &Value, number: usize, since: f64) -> Result<Value> {
    let mut event = event.clone();
    let fields = event.as_object_mut().context("the event is no object")?;
    fields.insert("event_id".into(), json!(number));
    let time = fields.remove("timestamp").unwrap_or_default();
    check_time(&time, since).context("the event's timestamp")?;
    let sdk = fields.remove("sdk").unwrap_or_default();
    if !text_of(&sdk["name"]).starts_with("faultwire.") || text_of(&sdk["version"]).is_empty() {
        bail!("event.sdk is {sdk}");
    }
    if text_of(&fields.remove("platform").unwrap_or_default()).is_empty() {
        bail!("an event without platform");
    }
    fields.remove("server_name");
    // The protocol's default, which some hosts write out.
    fields.entry("level").or_insert_with(|| json!("error"));
    if let Some(contexts) = fields.get_mut("contexts").and_then(Value::as_object_mut) {
        for name in ["app", "device", "os", "runtime", "trace"] {
            contexts.remove(name);
        }
    }
    let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    if fields.get("contexts").is_some_and(is_empty) {
        fields.remove("contexts");
    }
    for crumb in values(fields, "breadcrumbs") {
        check_time(&crumb["timestamp"], since).context("a breadcrumb's timestamp")?;
        if let Some(crumb) = crumb.as_object_mut() {
            crumb.remove("timestamp");
        }
    }
    exceptions(fields)?;
    threads(fields)?;
    cut(&mut event);
    Ok(event)
}

/// Only the main exception's stack is a promise: where causes were made is not known in every language.
fn exceptions(event: &mut Map<String, Value>) -> Result<()> {
    let list = values(event, "exception");
    let last = list.len().saturating_sub(1);
    for (index, exception) in list.iter_mut().enumerate() {
        let Some(exception) = exception.as_object_mut() else {
            bail!("an exception that is no object: {exception}");
        };
        exception.remove("module");
        let stack = exception.remove("stacktrace");
        if let Some(stack) = stack.filter(|_| index == last) {
            exception.insert("stacktrace".into(), frames(&stack)?);
        }
        if let Some(mechanism) = exception
            .get_mut("mechanism")
            .and_then(Value::as_object_mut)
        {
            // `cause`, `__cause__`, `errors[0]`: the language's own word.
            mechanism.remove("source");
        }
    }
    Ok(())
}

/// Threads without a stack only name the thread.
fn threads(event: &mut Map<String, Value>) -> Result<()> {
    let stack = values(event, "threads")
        .iter()
        .find_map(|thread| thread.get("stacktrace").cloned());
    event.remove("threads");
    if let Some(stack) = stack {
        event.insert("threads".into(), frames(&stack)?);
    }
    Ok(())
}

/// Frames that a person can use: the newest names its function and line, and one at least is the app's own.
fn frames(stack: &Value) -> Result<Value> {
    let frames = stack["frames"]
        .as_array()
        .context("a stack without frames")?;
    let newest = frames.last().context("a stack without frames")?;
    if text_of(&newest["function"]).is_empty() || newest["lineno"].as_u64().is_none() {
        bail!("the newest frame names no function or no line: {newest}");
    }
    if !frames.iter().any(|frame| frame["in_app"] == true) {
        bail!("no frame is the app's own");
    }
    Ok(json!("<frames>"))
}

fn values<'a>(event: &'a mut Map<String, Value>, key: &str) -> &'a mut [Value] {
    match event
        .get_mut(key)
        .and_then(|container| container.get_mut("values"))
    {
        Some(Value::Array(list)) => list,
        _ => &mut [],
    }
}

/// Long texts are told by their beginning.
fn cut(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > LONG => {
            let beginning: String = text.chars().take(24).collect();
            *text = format!("{beginning}… <long>");
        }
        Value::Array(items) => items.iter_mut().for_each(cut),
        Value::Object(fields) => fields.values_mut().for_each(cut),
        _ => {}
    }
}

/// Unix seconds between the journey's begin and now, or that as RFC 3339.
fn check_time(time: &Value, since: f64) -> Result<()> {
    if time.is_string() {
        return rfc3339(time);
    }
    let seconds = time
        .as_f64()
        .with_context(|| format!("{time} is no time"))?;
    if seconds < since - 1.0 || seconds > now() + 1.0 {
        bail!("{seconds} is not the time of this journey");
    }
    Ok(())
}

/// UTC, to the second at least.
fn rfc3339(time: &Value) -> Result<()> {
    let text = text_of(time);
    let form = text.bytes().map(|byte| {
        if byte.is_ascii_digit() {
            '9'
        } else {
            char::from(byte)
        }
    });
    let form: String = form.collect();
    if !form.starts_with("9999-99-99T99:99:99") || !text.ends_with('Z') {
        bail!("{time} is no time in RFC 3339 and UTC");
    }
    Ok(())
}

pub fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Texts of this many bytes are not written out in an expectation.
const LONG: usize = 1_000;
/// How much later than its limit a flush may return on a machine that is busy with all the other journeys.
const LATE_MS: f64 = 1_500.0;

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4f2b0c7a9d1e4a58b7a6f0e2c3d4e5f6";

    fn request(event: &Value, report: Option<Value>) -> Request {
        let sdk = json!({"name": "faultwire.test", "version": "1"});
        let mut event = event.clone();
        let common = [
            ("event_id", json!(ID)),
            ("sdk", sdk.clone()),
            ("platform", json!("other")),
            ("timestamp", json!(now())),
        ];
        for (name, value) in common {
            let fields = event.as_object_mut().unwrap();
            fields.entry(name).or_insert(value);
        }
        let header = json!({"event_id": event["event_id"], "sdk": sdk, "sent_at": "2026-11-02T08:15:30.120Z"});
        let mut body = format!("{header}\n");
        for (kind, payload) in [("event", Some(event)), ("client_report", report)] {
            let Some(payload) = payload else { continue };
            let payload = payload.to_string();
            let item = json!({"type": kind, "length": payload.len()});
            body.push_str(&format!("{item}\n{payload}\n"));
        }
        let auth = format!(
            "Sentry sentry_version=7, sentry_client=faultwire.test/1, sentry_key={PUBLIC_KEY}"
        );
        let headers = [
            ("content-type", "application/x-sentry-envelope"),
            ("x-sentry-auth", auth.as_str()),
            ("user-agent", "faultwire.test/1"),
        ];
        Request {
            path: format!("/api/{PROJECT}/envelope/"),
            method: "POST".to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            body: body.into_bytes(),
            answered: Some(200),
        }
    }

    fn seen(requests: Vec<Request>) -> Seen {
        Seen {
            said: vec![
                json!({"id": ID}),
                json!({"flush": true, "ms": 3, "limit": 5}),
            ],
            warnings: Vec::new(),
            requests,
            since: now(),
        }
    }

    fn refusal(requests: Vec<Request>) -> String {
        let error = mask(&seen(requests))
            .err()
            .map(|error| format!("{error:#}"));
        error.unwrap_or_else(|| "accepted".to_owned())
    }

    #[test]
    fn what_differs_from_run_to_run_is_masked_and_reports_are_added_up() {
        let event = json!({
            "message": "m", "tags": {"a": "b"}, "server_name": "host", "contexts": {"os": {}}, "threads": {"values": [{"name": "main"}]},
            "breadcrumbs": {"values": [{"timestamp": now(), "message": "c"}]}, "extra": {"long": "x".repeat(2_000)},
        });
        let report =
            json!({"discarded_events": [{"reason": "r", "category": "error", "quantity": 2}]});
        let mut first = request(&event, Some(report.clone()));
        first.answered = None;
        // Only the envelope's header and what rides along may change between attempts.
        let mut second = first.clone();
        second.answered = Some(200);
        let masked = mask(&seen(vec![first, second])).unwrap();
        let expected = json!({
            "said": [{"id": 1}, {"flush": true}],
            "wire": [
                {"answered": null, "event": {"event_id": 1, "level": "error", "message": "m", "tags": {"a": "b"},
                 "breadcrumbs": {"values": [{"message": "c"}]}, "extra": {"long": "xxxxxxxxxxxxxxxxxxxxxxxx… <long>"}}},
                {"answered": 200, "again": 1},
            ],
            "reports": [{"reason": "r", "category": "error", "quantity": 4}],
        });
        assert_eq!(masked, expected);
    }

    #[test]
    fn stacks_are_looked_at_before_they_are_masked() {
        let with = |frame: Value| {
            let main = json!({"type": "T", "module": "m", "stacktrace": {"frames": [frame]}});
            json!({"exception": {"values": [{"type": "Cause", "stacktrace": {"frames": []}}, main]}})
        };
        let good = with(json!({"function": "f", "lineno": 1, "in_app": true}));
        let masked = mask(&seen(vec![request(&good, None)])).unwrap();
        assert_eq!(
            masked["wire"][0]["event"]["exception"]["values"],
            json!([{"type": "Cause"}, {"type": "T", "stacktrace": "<frames>"}])
        );
        for bad in [
            json!({"function": "", "lineno": 1, "in_app": true}),
            json!({"function": "f", "in_app": true}),
            json!({"function": "f", "lineno": 1, "in_app": false}),
        ] {
            assert_ne!(refusal(vec![request(&with(bad), None)]), "accepted");
        }
    }

    #[test]
    fn a_request_that_breaks_the_protocol_is_refused() {
        let good = || request(&json!({"message": "m"}), None);
        assert_eq!(refusal(vec![good()]), "accepted");
        type Break = fn(&mut Request);
        let breaks: [(&str, Break); 8] = [
            ("instead of POST", |r| r.path.push('x')),
            ("content-type", |r| drop(r.headers.remove("content-type"))),
            ("without sentry_key", |r| {
                let auth = r.headers.get_mut("x-sentry-auth").unwrap();
                *auth = auth.replace(PUBLIC_KEY, "another");
            }),
            ("user-agent", |r| drop(r.headers.remove("user-agent"))),
            ("sent_at", |r| replace(r, "sent_at", "send_at")),
            ("item header", |r| r.body.push(b'x')),
            ("event_id is not the event's", |r| {
                replace(r, &format!("{{\"event_id\":\"{ID}"), "{\"event_id\":\"0");
            }),
            ("no journey causes", |r| {
                replace(r, "\"type\":\"event\"", "\"type\":\"other\"")
            }),
        ];
        for (words, break_it) in breaks {
            let mut request = good();
            break_it(&mut request);
            let said = refusal(vec![request]);
            assert!(said.contains(words), "{words}: {said}");
        }
    }

    fn replace(request: &mut Request, from: &str, to: &str) {
        let text = String::from_utf8(request.body.clone()).unwrap();
        request.body = text.replacen(from, to, 1).into_bytes();
    }

    #[test]
    fn times_ids_and_limits_are_checked() {
        let old = json!({"message": "m", "timestamp": now() - 3_600.0});
        assert!(refusal(vec![request(&old, None)]).contains("is not the time of this journey"));
        let mut changed = request(&json!({"message": "m"}), None);
        replace(&mut changed, "\"message\":\"m\"", "\"message\":\"n\"");
        let both = vec![
            request(&json!({"message": "m", "timestamp": 1}), None),
            changed,
        ];
        assert_ne!(refusal(both), "accepted");
        for line in [
            json!({"id": "no id"}),
            json!({"flush": true, "ms": 9_000, "limit": 5}),
        ] {
            let mut seen = seen(Vec::new());
            seen.said.push(line);
            assert!(mask(&seen).is_err());
        }
    }
}
