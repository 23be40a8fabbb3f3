//! What is sent: requests whose bytes are made once; only the event id in them changes.

use std::fmt::Write as _;
use std::path::Path;

use faultwire_protocol::envelope::{self, Envelope};
use faultwire_protocol::json::{self, Value};

pub const PROJECT: u64 = 42;
pub const KEY: &str = "9c1d5f0a7b3e4c2d8f6a1b0c3d2e4f5a";
/// Stands in every prepared request where the id goes.
const MARK: &[u8; 32] = b"ffffffffffffffffffffffffffffffff";

/// Prepared requests, sent in turn.
pub struct Pool {
    requests: Vec<Prepared>,
}

pub struct Prepared {
    pub bytes: Vec<u8>,
    event_bytes: usize,
    marks: Vec<usize>,
}

impl Prepared {
    fn new(body: &[u8], event_bytes: usize) -> Self {
        let mut bytes = format!(
            "POST /api/{PROJECT}/envelope/?sentry_version=7&sentry_key={KEY}&sentry_client=sentry.javascript.node%2F11.12.0 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ingest_bench\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        let marks = bytes
            .windows(MARK.len())
            .enumerate()
            .filter(|(_, at)| at == MARK)
            .map(|(at, _)| at)
            .collect();
        Prepared {
            bytes,
            event_bytes,
            marks,
        }
    }

    /// Copies the request into `out` with the id of event `number`.
    pub fn write(&self, number: u64, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.bytes);
        let id = id(number);
        for mark in &self.marks {
            out[*mark..*mark + id.len()].copy_from_slice(id.as_bytes());
        }
    }
}

/// The id of an event; scattered, as real ones are.
pub fn id(number: u64) -> String {
    let high = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) | 1;
    format!("{high:016x}{number:016x}")
}

impl Pool {
    /// Events in the shape and size of a Node web application's: 30 frames with source lines, 23 breadcrumbs, a request,
    /// tags and contexts. 64 different ones over 16 places in the code.
    pub fn standard() -> Self {
        let requests = (0..64)
            .map(|number| {
                let event = standard_event(number);
                let mark = std::str::from_utf8(MARK).expect("the mark is text");
                let body = format!(
                    "{{\"event_id\":\"{mark}\",\"sent_at\":\"{}\",\"sdk\":{{\"name\":\"sentry.javascript.node\",\"version\":\"11.12.0\"}}}}\n{{\"type\":\"event\"}}\n{event}",
                    now()
                );
                Prepared::new(body.as_bytes(), event.len())
            })
            .collect();
        Pool { requests }
    }

    /// The project's own recorded requests, as plain bytes and with changing ids. None when the folder is gone.
    pub fn recorded() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
        let mut requests = Vec::new();
        for entry in std::fs::read_dir(folder).ok()? {
            let path = entry.ok()?.path();
            if path.extension().is_some_and(|extension| extension == "bin") {
                requests.extend(remade(&plain(&std::fs::read(&path).ok()?)?));
            }
        }
        (!requests.is_empty()).then_some(Pool { requests })
    }

    pub fn request(&self, number: u64) -> &Prepared {
        &self.requests[number as usize % self.requests.len()]
    }

    pub fn mean_event_bytes(&self) -> f64 {
        let sum: usize = self
            .requests
            .iter()
            .map(|request| request.event_bytes)
            .sum();
        sum as f64 / self.requests.len() as f64
    }
}

/// Undoes whatever compression a recording has.
fn plain(body: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read as _;
    if envelope::parse(body).is_ok() {
        return Some(body.to_vec());
    }
    let mut out = Vec::new();
    if flate2::read::MultiGzDecoder::new(body)
        .read_to_end(&mut out)
        .is_ok()
    {
        return Some(out);
    }
    out.clear();
    brotli::Decompressor::new(body, 4096)
        .read_to_end(&mut out)
        .ok()?;
    Some(out)
}

/// Writes a recorded envelope anew, with the mark as its id and without a DSN of somebody else.
fn remade(body: &[u8]) -> Option<Prepared> {
    let Envelope { items, .. } = envelope::parse(body).ok()?;
    let mark = std::str::from_utf8(MARK).ok()?;
    let mut writer = envelope::Writer::raw(&format!("{{\"event_id\":\"{mark}\"}}"));
    let mut event_bytes = 0;
    for item in items {
        let mut payload = item.payload.to_vec();
        if item.kind == "event" {
            let mut event = json::parse_bytes(item.payload).ok()?;
            event.as_object_mut()?.insert("event_id", Value::from(mark));
            payload = event.to_string().into_bytes();
            event_bytes = payload.len();
        }
        writer = writer.item(&item.kind, &[], &payload);
    }
    // A request without an event has no id to be counted by.
    (event_bytes > 0).then(|| Prepared::new(&writer.finish(), event_bytes))
}

fn standard_event(number: u64) -> String {
    let place = number % 16;
    let mut frames = String::new();
    for frame in 0..30_i64 {
        let library = frame < 18;
        let file = if library {
            format!(
                "/srv/shop/node_modules/express/lib/router/layer{}.js",
                frame % 5
            )
        } else {
            format!("/srv/shop/src/orders/step{frame}_{place}.js")
        };
        let line = |offset: i64| {
            format!(
                "\"    const total_{} = await ledger.charge(order.items[{}], {{ currency: '{}' }});\"",
                frame * 7 + offset,
                (number as i64 + offset) % 9,
                ["EUR", "USD", "JPY"][(number % 3) as usize]
            )
        };
        let _ = write!(
            frames,
            "{}{{\"filename\":\"{file}\",\"abs_path\":\"{file}\",\"module\":\"step{frame}\",\"function\":\"Order.step{frame}\",\"lineno\":{},\"colno\":17,\"in_app\":{},\"pre_context\":[{},{}],\"context_line\":{},\"post_context\":[{},{}]}}",
            if frame == 0 { "" } else { "," },
            40 + place as i64 * 3 + frame,
            !library,
            line(-2),
            line(-1),
            line(0),
            line(1),
            line(2)
        );
    }
    let mut crumbs = String::new();
    for crumb in 0..23 {
        let _ = write!(
            crumbs,
            "{}{{\"timestamp\":{}.25,\"category\":\"http\",\"type\":\"http\",\"level\":\"info\",\"data\":{{\"url\":\"https://stock.example.com/items/{}?page={crumb}\",\"method\":\"GET\",\"status_code\":{}}}}}",
            if crumb == 0 { "" } else { "," },
            unix() - 30 + crumb,
            number * 31 + crumb,
            if crumb % 11 == 0 { 503 } else { 200 }
        );
    }
    let mark = std::str::from_utf8(MARK).expect("the mark is text");
    format!(
        "{{\"event_id\":\"{mark}\",\"timestamp\":{}.5,\"platform\":\"node\",\"level\":\"error\",\"release\":\"shop@2.{}.0\",\"environment\":\"production\",\"server_name\":\"web-{}\",\"transaction\":\"POST /orders/:id/pay\",\
         \"exception\":{{\"values\":[{{\"type\":\"PaymentError{place}\",\"value\":\"card declined for order {number}\",\"mechanism\":{{\"type\":\"express\",\"handled\":false}},\"stacktrace\":{{\"frames\":[{frames}]}}}}]}},\
         \"breadcrumbs\":[{crumbs}],\
         \"tags\":{{\"region\":\"eu-{}\",\"tier\":\"gold\",\"shard\":\"{}\",\"feature\":\"new-checkout\",\"worker\":\"w{}\"}},\
         \"user\":{{\"id\":\"{}\",\"username\":\"customer{}\"}},\
         \"request\":{{\"method\":\"POST\",\"url\":\"https://shop.example.com/orders/{number}/pay\",\"headers\":{{\"accept\":\"application/json\",\"user-agent\":\"Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0\",\"content-type\":\"application/json\",\"x-request-id\":\"req-{number}-{}\"}},\"data\":{{\"items\":[1,2,3],\"coupon\":\"SPRING\"}}}},\
         \"contexts\":{{\"runtime\":{{\"name\":\"node\",\"version\":\"v20.11.0\"}},\"os\":{{\"name\":\"Linux\",\"version\":\"6.1\"}},\"app\":{{\"app_memory\":118734848,\"app_start_time\":\"2026-11-20T08:00:00Z\"}},\"trace\":{{\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"span_id\":\"b7ad6b7169203331\"}}}},\
         \"extra\":{{\"cart\":{{\"id\":\"c-{number}\",\"lines\":12}}}},\"sdk\":{{\"name\":\"sentry.javascript.node\",\"version\":\"11.12.0\",\"integrations\":[\"Http\",\"Express\",\"OnUncaughtException\"]}}}}",
        unix(),
        number % 4,
        number % 3,
        number % 2,
        number % 8,
        number % 6,
        number * 17,
        number * 17,
        number * 13
    )
}

fn unix() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn now() -> String {
    faultwire_protocol::time::rfc3339(faultwire_protocol::time::Millis(unix() * 1000))
}
