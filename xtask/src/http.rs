//! The few HTTP calls that the task runner makes to its own collector on this machine. Plain HTTP/1.0 over one connection a
//! call: no keep-alive, no chunks, no TLS; forty lines instead of a client crate that a clean clone would have to build first.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

/// An answer: status and body text.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// Sends a request without a body. `bearer` is an API token.
pub fn get(address: SocketAddr, path: &str, bearer: Option<&str>) -> Result<Answer> {
    let authorization = bearer.map_or_else(String::new, |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: {address}\r\n{authorization}Accept: application/json\r\n\r\n"
    );
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)
        .with_context(|| format!("no connection to {address}"))?;
    stream
        .set_read_timeout(Some(TIMEOUT))
        .context("cannot set a time limit on the connection")?;
    stream
        .write_all(request.as_bytes())
        .with_context(|| format!("cannot send to {address}"))?;
    let mut bytes = Vec::new();
    stream
        .read_to_end(&mut bytes)
        .with_context(|| format!("no whole answer from {address} for {path}"))?;
    parse(&String::from_utf8_lossy(&bytes))
        .with_context(|| format!("{address}{path} did not answer in HTTP"))
}

/// Like [`get`], but only a 200 with JSON will do.
pub fn get_json(address: SocketAddr, path: &str, bearer: &str) -> Result<Value> {
    let answer = get(address, path, Some(bearer))?;
    if answer.status != 200 {
        bail!("{path} answered {}: {}", answer.status, answer.body.trim());
    }
    serde_json::from_str(&answer.body)
        .with_context(|| format!("{path} answered something that is not JSON"))
}

fn parse(text: &str) -> Result<Answer> {
    let (head, body) = text
        .split_once("\r\n\r\n")
        .ok_or_else(|| anyhow!("the answer has no end of headers"))?;
    let status = head
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| anyhow!("the answer has no status"))?;
    Ok(Answer {
        status,
        body: body.to_owned(),
    })
}

const TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn an_answer_is_read_to_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut seen = Vec::new();
            let mut byte = [0];
            while !seen.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).unwrap();
                seen.push(byte[0]);
            }
            stream
                .write_all(b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{\"a\":1}")
                .unwrap();
            String::from_utf8(seen).unwrap()
        });
        let value = get_json(address, "/x", "secret").unwrap();
        assert_eq!(value["a"], 1);
        assert!(
            server
                .join()
                .unwrap()
                .contains("Authorization: Bearer secret\r\n")
        );
    }

    #[test]
    fn what_is_not_http_is_an_error() {
        assert!(parse("hello").is_err());
        assert!(parse("HTTP/1.1 abc\r\n\r\n").is_err());
        assert_eq!(
            parse("HTTP/1.1 404 Not Found\r\n\r\nno").unwrap().status,
            404
        );
    }
}
