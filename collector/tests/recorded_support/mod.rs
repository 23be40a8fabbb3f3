//! Recorded requests, and the comparison of what was sent with what the API gives back.

use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use faultwire_protocol::{envelope, json};
use serde_json::{Map, Value};

/// One recorded request: `NAME.headers.json` and `NAME.bin`.
pub struct Recording {
    pub name: String,
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Recording {
    /// All recordings of a folder, by name.
    pub fn all(folder: &Path) -> Vec<Self> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().ends_with(".headers.json"))
            .collect();
        files.sort();
        files.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Self {
        let text = path.to_string_lossy();
        let stem = text.strip_suffix(".headers.json").unwrap();
        let head: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let url = head["url"].as_str().unwrap();
        let target = match url.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => url,
        };
        let raw: Vec<&str> = head["raw_headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap())
            .collect();
        let added_by_sender = ["host", "connection", "content-length"];
        let headers = raw
            .chunks(2)
            .filter(|pair| !added_by_sender.contains(&pair[0].to_ascii_lowercase().as_str()))
            .map(|pair| (pair[0].to_owned(), pair[1].to_owned()))
            .collect();
        Self {
            name: Path::new(stem)
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned(),
            method: head["method"].as_str().unwrap().to_owned(),
            target: target.to_owned(),
            headers,
            body: std::fs::read(format!("{stem}.bin")).unwrap(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The event that the request carries, as sent: its id and its JSON.
    pub fn event(&self) -> Option<(String, Value, Option<String>)> {
        let plain = match self.header("content-encoding").unwrap_or_default() {
            "gzip" => read(flate2::read::MultiGzDecoder::new(&self.body[..])),
            "br" => read(brotli::Decompressor::new(&self.body[..], 4096)),
            _ => self.body.clone(),
        };
        let envelope =
            envelope::parse(&plain).unwrap_or_else(|error| panic!("{}: {error:?}", self.name));
        let item = envelope.items.iter().find(|item| item.kind == "event")?;
        // Through our own parser, since an event may hold what strict ones refuse (a lone surrogate).
        let text = json::decode(item.payload);
        let event: Value = serde_json::from_str(&json::parse(&text).unwrap().to_string()).unwrap();
        let header_id = envelope
            .header
            .get("event_id")
            .and_then(json::Value::as_str);
        let id = header_id
            .or(event["event_id"].as_str())
            .unwrap()
            .replace('-', "")
            .to_lowercase();
        let sent_at = envelope
            .header
            .get("sent_at")
            .and_then(json::Value::as_str)
            .map(str::to_owned);
        Some((id, event, sent_at))
    }
}

fn read(mut reader: impl Read) -> Vec<u8> {
    let mut plain = Vec::new();
    reader.read_to_end(&mut plain).unwrap();
    plain
}

/// How a stored event differs from the sent one.
#[derive(Default)]
pub struct Comparison {
    /// Values that are gone or other, without a remark that says why. Must be empty.
    pub lost: Vec<String>,
    /// Values that the server added. Must be those that it documents.
    pub added: Vec<String>,
    /// Values that were replaced, with a remark of a rule.
    pub scrubbed: Vec<String>,
    /// Values that were compared.
    pub compared: usize,
}

/// Compares every value of `sent` with `stored`. `drift` is what the clock correction added to times, in seconds.
pub fn compare(sent: &Value, stored: &Value, drift: f64) -> Comparison {
    let mut comparison = Comparison::default();
    let expected = canonical(sent.clone());
    comparison.value(
        &expected,
        stored,
        stored.get("_meta"),
        &mut Vec::new(),
        drift,
    );
    comparison
}

/// The documented coercions of protocol sections 3.1 to 3.11 that occur in recordings, done again in a few plain
/// lines, so that the comparison does not trust the code it tests.
fn canonical(mut event: Value) -> Value {
    let Value::Object(root) = &mut event else {
        panic!("an event is an object")
    };
    root.remove("_meta");
    if let Some(id) = root
        .get("event_id")
        .and_then(Value::as_str)
        .map(|id| id.replace('-', ""))
    {
        root.insert("event_id".into(), id.into());
    }
    if let Some(id) = root.get_mut("user").and_then(|user| user.get_mut("id")) {
        *id = lenient(id);
    }
    for list in ["exception", "threads", "breadcrumbs"] {
        if let Some(value @ Value::Array(_)) = root.get_mut(list) {
            *value = serde_json::json!({ "values": value.take() });
        }
    }
    if let Some(message) = root.remove("message") {
        root.insert(
            "logentry".into(),
            serde_json::json!({ "formatted": message }),
        );
    }
    // An empty list is as good as none.
    for list in ["exception", "threads", "breadcrumbs"] {
        if root
            .get(list)
            .is_some_and(|value| value["values"].as_array().is_some_and(Vec::is_empty))
        {
            root.remove(list);
        }
    }
    for list in ["exception", "threads"] {
        let values = root
            .get_mut(list)
            .and_then(|value| value["values"].as_array_mut());
        for value in values.into_iter().flatten() {
            let frames = value
                .pointer_mut("/stacktrace/frames")
                .and_then(Value::as_array_mut);
            frames
                .into_iter()
                .flatten()
                .filter_map(Value::as_object_mut)
                .for_each(filename);
        }
    }
    // A template that equals the text carries nothing.
    if let Some(entry) = root.get_mut("logentry").and_then(Value::as_object_mut)
        && !entry.contains_key("formatted")
        && let Some(template) = entry.remove("message")
    {
        entry.insert("formatted".into(), template);
    }
    if let Some(entry) = root.get_mut("logentry").and_then(Value::as_object_mut)
        && entry.get("message") == entry.get("formatted")
    {
        entry.remove("message");
    }
    if let Some(tags) = root.get_mut("tags") {
        *tags = pairs(tags.take());
        for pair in tags.as_array_mut().into_iter().flatten() {
            pair[1] = lenient(&pair[1]);
        }
    }
    if let Some(request) = root.get_mut("request").and_then(Value::as_object_mut) {
        headers(request);
        for list in ["headers", "cookies", "env"] {
            let Some(value) = request.get_mut(list) else {
                continue;
            };
            *value = match value.take() {
                Value::String(text) if list == "cookies" => {
                    let crumbs = text.split(';').filter_map(|one| one.trim().split_once('='));
                    crumbs
                        .map(|(name, value)| serde_json::json!([name, value]))
                        .collect()
                }
                other if list == "env" => other,
                other => pairs(other),
            };
        }
        // Query and fragment move out of the URL.
        if let Some(url) = request
            .get("url")
            .and_then(Value::as_str)
            .map(str::to_owned)
        {
            let (rest, fragment) = url
                .split_once('#')
                .map_or((url.as_str(), None), |(a, b)| (a, Some(b)));
            let (rest, query) = rest
                .split_once('?')
                .map_or((rest, None), |(a, b)| (a, Some(b)));
            let empty = |v: Option<&Value>| v.is_none_or(|v| v.is_null() || v == "");
            if let Some(query) = query.filter(|_| empty(request.get("query_string"))) {
                request.insert("query_string".into(), query.into());
            }
            if let Some(fragment) = fragment.filter(|_| empty(request.get("fragment"))) {
                request.insert("fragment".into(), fragment.into());
            }
            request.insert("url".into(), rest.into());
        }
        if let Some(query) = request.get("query_string").and_then(Value::as_str) {
            let query = query
                .trim_start_matches('?')
                .split('&')
                .filter(|pair| !pair.is_empty());
            let decoded = query.map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                serde_json::json!([percent_decoded(name), percent_decoded(value)])
            });
            let pairs: Vec<Value> = decoded.collect();
            request.insert(
                "query_string".into(),
                if pairs.is_empty() {
                    Value::Null
                } else {
                    pairs.into()
                },
            );
        }
        // A body that is JSON in a text is read.
        if let Some(body) = request.get("data").and_then(Value::as_str)
            && let Ok(body @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(body)
        {
            request.insert("data".into(), body);
        }
        if let Some(method) = request.get_mut("method")
            && let Some(text) = method.as_str()
        {
            *method = text.to_uppercase().into();
        }
    }
    event
}

/// Numbers become text where text is meant.
fn lenient(value: &Value) -> Value {
    if value.is_number() {
        value.to_string().into()
    } else {
        value.clone()
    }
}

/// Of a URL only the path stays in `filename`; the URL is in `abs_path`.
fn filename(frame: &mut Map<String, Value>) {
    let url = frame
        .get("filename")
        .and_then(Value::as_str)
        .filter(|name| name.starts_with("http"));
    let Some(url) = url.map(str::to_owned) else {
        return;
    };
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let path = path.split(['?', '#']).next().unwrap_or_default();
    frame.insert("filename".into(), format!("/{path}").into());
    if frame.get("abs_path").is_none_or(Value::is_null) {
        frame.insert("abs_path".into(), url.into());
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match digits
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|_| byte == b'%')
        {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &tail[2..];
            }
            None => {
                bytes.push(if byte == b'+' { b' ' } else { byte });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn headers(request: &mut Map<String, Value>) {
    let Some(Value::Object(headers)) = request.get_mut("headers") else {
        return;
    };
    let named = |name: &str| {
        let words = name.split('-').map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_uppercase() + &rest.to_lowercase()
        });
        words.collect::<Vec<_>>().join("-")
    };
    *headers = std::mem::take(headers)
        .into_iter()
        .map(|(name, value)| (named(&name), value))
        .collect();
    let cookie = headers.remove("Cookie");
    if let Some(cookie) = cookie
        && request.get("cookies").is_none_or(Value::is_null)
    {
        request.insert("cookies".into(), cookie);
    }
}

fn pairs(value: Value) -> Value {
    match value {
        Value::Object(object) => object
            .into_iter()
            .map(|(key, value)| serde_json::json!([key, value]))
            .collect(),
        other => other,
    }
}

impl Comparison {
    fn value(
        &mut self,
        sent: &Value,
        stored: &Value,
        meta: Option<&Value>,
        path: &mut Vec<String>,
        drift: f64,
    ) {
        let remark = meta.and_then(|meta| meta.get(""));
        if path.last().is_some_and(|last| last.ends_with("timestamp")) && time(sent).is_some() {
            self.compared += 1;
            let moved = time(stored)
                .zip(time(sent))
                .map(|(stored, sent)| stored - sent - drift);
            // Once a recording without `sent_at` is older than the retention, its time becomes the receive time.
            let replaced = remark.is_some_and(|remark| remark["err"][0] == "past_timestamp");
            if !replaced && !moved.is_some_and(|rest| rest.abs() < 2.0) {
                self.lose(path, sent, stored);
            }
            return;
        }
        match (sent, stored) {
            (Value::Object(sent), Value::Object(stored)) => {
                self.object(sent, stored, meta, path, drift)
            }
            (Value::Array(sent_items), Value::Array(stored_items)) if is_pairs(sent_items) => {
                self.pairs(sent_items, stored_items, meta, path, drift);
            }
            (Value::Array(sent_items), Value::Array(stored_items))
                if sent_items.len() == stored_items.len() =>
            {
                for (index, (sent, stored)) in sent_items.iter().zip(stored_items).enumerate() {
                    let below = meta.and_then(|meta| meta.get(index.to_string()));
                    path.push(index.to_string());
                    self.value(sent, stored, below, path, drift);
                    path.pop();
                }
            }
            (Value::Null, Value::Null) => {}
            _ => {
                self.compared += 1;
                let filled = sent == "{{auto}}"
                    && stored
                        .as_str()
                        .is_some_and(|text| text.parse::<IpAddr>().is_ok());
                let same = filled
                    || sent == stored
                    || number(sent).is_some_and(|n| Some(n) == number(stored));
                // A text that differs must say by which rule.
                let explained = remark.is_some_and(|remark| remark.get("rem").is_some());
                if !same && explained {
                    self.scrubbed.push(path.join("."));
                } else if !same {
                    self.lose(path, sent, stored);
                }
            }
        }
    }

    fn object(
        &mut self,
        sent: &Map<String, Value>,
        stored: &Map<String, Value>,
        meta: Option<&Value>,
        path: &mut Vec<String>,
        drift: f64,
    ) {
        for (key, value) in sent {
            path.push(key.clone());
            let below = meta.and_then(|meta| meta.get(key));
            self.value(
                value,
                stored.get(key).unwrap_or(&Value::Null),
                below,
                path,
                drift,
            );
            path.pop();
        }
        for (key, value) in stored
            .iter()
            .filter(|(key, value)| !sent.contains_key(*key) && !value.is_null())
        {
            if !(path.is_empty() && key == "_meta") {
                self.added.push(
                    format!("{}.{key}={value}", path.join("."))
                        .trim_start_matches('.')
                        .to_owned(),
                );
            }
        }
    }

    /// Pair lists compare by key: in objects of other languages the order means nothing.
    fn pairs(
        &mut self,
        sent: &[Value],
        stored: &[Value],
        meta: Option<&Value>,
        path: &mut Vec<String>,
        drift: f64,
    ) {
        for pair in sent {
            let key = pair[0].as_str().unwrap_or_default();
            let position = stored
                .iter()
                .position(|other| other[0].as_str() == Some(key));
            let value = position.map_or(&Value::Null, |position| &stored[position][1]);
            let below = position.and_then(|position| meta?.get(position.to_string())?.get("1"));
            path.push(key.to_owned());
            self.value(&pair[1], value, below, path, drift);
            path.pop();
        }
        if stored.len() > sent.len() {
            self.added.push(format!(
                "{}: {} pairs",
                path.join("."),
                stored.len() - sent.len()
            ));
        }
    }

    fn lose(&mut self, path: &[String], sent: &Value, stored: &Value) {
        let cut = |value: &Value| value.to_string().chars().take(150).collect::<String>();
        self.lost.push(format!(
            "{}: sent {}, stored {}",
            path.join("."),
            cut(sent),
            cut(stored)
        ));
    }
}

fn is_pairs(items: &[Value]) -> bool {
    !items.is_empty()
        && items.iter().all(|item| {
            item.as_array()
                .is_some_and(|pair| pair.len() == 2 && pair[0].is_string())
        })
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}

/// Seconds since the epoch, from a number or RFC 3339 text.
pub fn time(value: &Value) -> Option<f64> {
    let text = value.to_string();
    faultwire_protocol::time::parse(&json::parse(&text).ok()?)
}
