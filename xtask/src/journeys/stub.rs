//! The server of a journey: answers requests by a script, and remembers every one of them.
//!
//! It reads HTTP by itself and uses nothing of ours: what it accepts is what the SDKs really put on the wire.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run::lock;

/// What the server does with one request.
#[derive(Debug, Clone, PartialEq)]
enum Answer {
    /// Takes the connection and neither reads nor answers until the journey is over. Such a request is not recorded.
    Hang,
    /// Reads the request and closes the connection.
    Nothing,
    Reply {
        status: u16,
        headers: Vec<(String, String)>,
        after: Duration,
    },
}

/// A request as it was received.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub method: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Decompressed.
    pub body: Vec<u8>,
    /// The status it was answered with; none if the connection was closed instead.
    pub answered: Option<u16>,
}

/// A listening server. [`Stub::finish`] ends it.
pub struct Stub {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Request>>,
    /// What was no HTTP request, in words.
    broken: Mutex<Vec<String>>,
    hung: Mutex<Vec<TcpStream>>,
    conversations: Mutex<Vec<JoinHandle<()>>>,
    over: AtomicBool,
}

impl Stub {
    /// Listens on a free port. `script` has one entry for each request in turn; after its end every request gets 200.
    pub fn start(script: &[Value]) -> Result<Self> {
        let script = script.iter().map(answer).collect::<Result<_>>()?;
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            ..Shared::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen on a free port")?;
        let address = listener
            .local_addr()
            .context("the listener has no address")?;
        let accepting = shared.clone();
        let listener = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if accepting.over.load(Ordering::Acquire) {
                    return;
                }
                let speaking = accepting.clone();
                let conversation = thread::spawn(move || speaking.converse(stream));
                lock(&accepting.conversations).push(conversation);
            }
        });
        Ok(Self {
            address,
            shared,
            listener: Some(listener),
        })
    }

    /// Host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, lets requests under way come to their end, and gives all that were made, in order of arrival. To be
    /// called when the client's processes have ended: then every connection has an end.
    pub fn finish(mut self) -> Result<Vec<Request>> {
        self.stop();
        let conversations = std::mem::take(&mut *lock(&self.shared.conversations));
        for conversation in conversations {
            if conversation.join().is_err() {
                bail!("a thread of the stub server panicked");
            }
        }
        if let Some(complaint) = lock(&self.shared.broken).first() {
            bail!("the stub server was sent something else than HTTP: {complaint}");
        }
        Ok(std::mem::take(&mut *lock(&self.shared.seen)))
    }

    fn stop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        lock(&self.shared.hung).clear();
        // The listener is asleep in accept; a connection wakes it.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        if self.listener.is_some() {
            self.stop();
        }
    }
}

impl Shared {
    /// Serves one connection until its end.
    fn converse(&self, stream: TcpStream) {
        let Ok(mut writer) = stream.try_clone() else {
            return;
        };
        let mut reader = BufReader::new(stream);
        // A connection that carries no request uses no answer up.
        while reader.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
            let answer = lock(&self.script).pop_front().unwrap_or(Answer::Reply {
                status: 200,
                headers: Vec::new(),
                after: Duration::ZERO,
            });
            if answer == Answer::Hang {
                lock(&self.hung).push(writer);
                return;
            }
            let mut request = match read_request(&mut reader) {
                Ok(request) => request,
                // A client that is killed leaves half a request behind: that is its right.
                Err(error) if error.is::<std::io::Error>() => return,
                Err(error) => return lock(&self.broken).push(format!("{error:#}")),
            };
            let Answer::Reply {
                status,
                headers,
                after,
            } = answer
            else {
                lock(&self.seen).push(request);
                return;
            };
            request.answered = Some(status);
            lock(&self.seen).push(request);
            thread::sleep(after);
            if write_reply(&mut writer, status, &headers).is_err() {
                return;
            }
        }
    }
}

fn answer(script: &Value) -> Result<Answer> {
    match script.as_str() {
        Some("hang") => return Ok(Answer::Hang),
        Some("nothing") => return Ok(Answer::Nothing),
        _ => {}
    }
    let status = script["status"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok());
    let Some(status) = status else {
        bail!(
            "server: {script} is no answer; it is \"hang\", \"nothing\" or has a status, and perhaps headers and after_ms"
        );
    };
    let headers = script["headers"].as_object().into_iter().flatten();
    let headers = headers.map(|(name, value)| (name.clone(), header_text(value)));
    Ok(Answer::Reply {
        status,
        headers: headers.collect(),
        after: Duration::from_millis(script["after_ms"].as_u64().unwrap_or(0)),
    })
}

/// `{"in_seconds":60}` is the HTTP date of that moment, counted from now.
fn header_text(value: &Value) -> String {
    match value["in_seconds"].as_u64() {
        Some(seconds) => httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(seconds)),
        None => value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned),
    }
}

/// Fails with an `io::Error` if the connection ended, with another error if what came is not HTTP.
fn read_request(reader: &mut impl BufRead) -> Result<Request> {
    let first = line(reader)?;
    let mut words = first.split(' ');
    let (Some(method), Some(path), Some(version)) = (words.next(), words.next(), words.next())
    else {
        bail!("the request line {first:?}");
    };
    if !version.starts_with("HTTP/1.") {
        bail!("the request line {first:?}");
    }
    let mut headers = BTreeMap::new();
    loop {
        let text = line(reader)?;
        if text.is_empty() {
            break;
        }
        let Some((name, value)) = text.split_once(':') else {
            bail!("the header {text:?}");
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse::<usize>().ok());
    let Some(length) = length else {
        bail!("a request without content-length: {headers:?}");
    };
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    match headers.get("content-encoding").map(String::as_str) {
        None | Some("identity") => {}
        Some("gzip") => {
            let mut plain = Vec::new();
            if flate2::read::GzDecoder::new(&body[..])
                .read_to_end(&mut plain)
                .is_err()
            {
                bail!("a body that calls itself gzip and is not");
            }
            body = plain;
        }
        Some(other) => bail!("the content-encoding {other}"),
    }
    Ok(Request {
        path: path.to_owned(),
        method: method.to_owned(),
        headers,
        body,
        answered: None,
    })
}

fn line(reader: &mut impl BufRead) -> Result<String> {
    let mut bytes = Vec::new();
    reader.read_until(b'\n', &mut bytes)?;
    match bytes.strip_suffix(b"\r\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None => Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()),
    }
}

fn write_reply(
    writer: &mut TcpStream,
    status: u16,
    headers: &[(String, String)],
) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\nContent-Length: 2\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n{}");
    writer.write_all(head.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn post(stub: &Stub, body: &str) -> String {
        let mut stream = TcpStream::connect(stub.address()).unwrap();
        let text = format!(
            "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(text.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut reply = String::new();
        // A closed connection is an answer too.
        let _ = stream.read_to_string(&mut reply);
        reply
    }

    #[test]
    fn requests_are_answered_by_the_script_and_then_with_200() {
        let script = [
            json!({"status": 429, "headers": {"Retry-After": 7}}),
            json!("nothing"),
        ];
        let stub = Stub::start(&script).unwrap();
        let limited = post(&stub, "one");
        assert!(
            limited.starts_with("HTTP/1.1 429 ") && limited.contains("Retry-After: 7\r\n"),
            "{limited}"
        );
        assert_eq!(post(&stub, "two"), "");
        assert!(post(&stub, "three").starts_with("HTTP/1.1 200 "));
        let seen = stub.finish().unwrap();
        let got: Vec<_> = seen
            .iter()
            .map(|request| {
                (
                    String::from_utf8_lossy(&request.body).into_owned(),
                    request.answered,
                )
            })
            .collect();
        let expected = [("one", Some(429)), ("two", None), ("three", Some(200))];
        assert_eq!(
            got,
            expected.map(|(body, status)| (body.to_owned(), status))
        );
    }

    #[test]
    fn what_is_no_http_is_a_failure_and_half_a_request_is_none() {
        let stub = Stub::start(&[]).unwrap();
        let mut stream = TcpStream::connect(stub.address()).unwrap();
        stream.write_all(b"POST /x HTTP/1.1\r\nContent-Le").unwrap();
        drop(stream);
        assert!(stub.finish().unwrap().is_empty());
        let stub = Stub::start(&[]).unwrap();
        let mut stream = TcpStream::connect(stub.address()).unwrap();
        stream.write_all(b"hello\r\n").unwrap();
        drop(stream);
        // The end of the conversation is the end of the connection.
        let said = loop {
            if let Some(said) = lock(&stub.shared.broken).first() {
                break said.clone();
            }
            thread::yield_now();
        };
        assert!(said.contains("hello"), "{said}");
        assert!(stub.finish().is_err());
    }

    #[test]
    fn an_answer_that_is_none_is_refused() {
        let error = Stub::start(&[json!({"staus": 200})]).err().unwrap();
        assert!(error.to_string().contains("is no answer"), "{error}");
    }
}
