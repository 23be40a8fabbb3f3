//! One HTTP request: an envelope, compressed, with the headers of the protocol (section 1.2, 1.4).

use std::io::{Read, Write};
use std::sync::OnceLock;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

use super::{Job, Outcome};
use crate::clock;
use faultwire_protocol::time::Millis;

/// Payload, client report and time of sending to the bytes to send.
pub(crate) type Seal = fn(Option<&[u8]>, Option<&str>, Millis) -> Vec<u8>;

/// Where and how to post.
#[derive(Debug, Clone)]
pub(crate) struct HttpConfig {
    /// The envelope endpoint.
    pub(crate) url: String,
    /// Value of `X-Sentry-Auth`.
    pub(crate) auth: String,
    /// Value of `User-Agent`.
    pub(crate) user_agent: String,
    /// Proxy URL; `None` follows the environment (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
    pub(crate) proxy: Option<String>,
    /// A PEM file whose certificates are trusted beside the system's.
    pub(crate) ca_certs: Option<String>,
    /// Connections kept for re-use.
    pub(crate) connections: usize,
    /// Completes a stored envelope: adds `sent_at` and, if there is one, a client report item.
    pub(crate) seal: Seal,
}

/// A configured client. Nothing is read or connected before the first post, which happens on a sender thread: loading
/// the system's certificates takes up to 100 ms.
pub(crate) struct Http {
    config: HttpConfig,
    agent: OnceLock<Result<Agent, String>>,
}

impl Http {
    pub(crate) fn new(config: HttpConfig) -> Http {
        Http {
            config,
            agent: OnceLock::new(),
        }
    }

    /// Posts one envelope and waits for the answer, at most [`TOTAL_TIMEOUT`].
    pub(super) fn post(&self, job: Job) -> Outcome {
        let agent = match self.agent.get_or_init(|| build_agent(&self.config)) {
            Ok(agent) => agent,
            Err(reason) => return Outcome::NoReply(reason.clone()),
        };
        let envelope = (self.config.seal)(
            job.payload.as_deref(),
            job.report.as_deref(),
            clock::now().wall,
        );
        drop(job);
        let body = gzip(&envelope);
        let mut request = agent
            .post(&self.config.url)
            .header("Content-Type", "application/x-sentry-envelope")
            .header("X-Sentry-Auth", &self.config.auth);
        if body.is_some() {
            request = request.header("Content-Encoding", "gzip");
        }
        match request.send(body.as_deref().unwrap_or(&envelope)) {
            Ok(mut response) => {
                let headers = joined(response.headers());
                // Read what is left so that the connection can be used again; a long answer is not worth the wait.
                let _ = std::io::copy(
                    &mut response.body_mut().as_reader().take(MAX_ANSWER_BYTES),
                    &mut std::io::sink(),
                );
                Outcome::Reply {
                    status: response.status().as_u16(),
                    headers,
                }
            }
            Err(error) => Outcome::NoReply(error.to_string()),
        }
    }
}

fn build_agent(config: &HttpConfig) -> Result<Agent, String> {
    let roots = match &config.ca_certs {
        // The platform's verifier takes no additions, so its certificates are loaded beside the given ones.
        Some(path) => {
            let mut trusted = read_certificates(path)?;
            let system = rustls_native_certs::load_native_certs().certs;
            trusted.extend(
                system
                    .iter()
                    .map(|der| Certificate::from_der(der).to_owned()),
            );
            RootCerts::new_with_certs(&trusted)
        }
        None => RootCerts::PlatformVerifier,
    };
    let proxy = match &config.proxy {
        Some(url) => {
            Some(Proxy::new(url).map_err(|_| "option proxy is not a usable URL".to_owned())?)
        }
        None if is_loopback(&config.url) => None,
        None => Proxy::try_from_env(),
    };
    let agent = Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .proxy(proxy)
        .user_agent(config.user_agent.as_str())
        .accept_encoding("identity")
        // A status is data for the outbox, whatever it is; redirects are never followed (protocol 0.2, rule 10).
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(TOTAL_TIMEOUT))
        .max_idle_connections(config.connections)
        .max_idle_connections_per_host(config.connections)
        .max_idle_age(Duration::from_secs(15))
        .input_buffer_size(BUFFER_BYTES)
        .output_buffer_size(BUFFER_BYTES)
        .build();
    Ok(Agent::new_with_config(agent))
}

fn read_certificates(path: &str) -> Result<Vec<Certificate<'static>>, String> {
    let pem = std::fs::read(path)
        .map_err(|error| format!("option caCerts: cannot read {path}: {error}"))?;
    let certificates: Vec<_> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(format!("option caCerts: {path} holds no PEM certificate"));
    }
    Ok(certificates)
}

/// A proxy from the environment is meant for the world, not for a collector on this machine.
fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["localhost", "127.", "[::1]"]
        .iter()
        .any(|name| host.starts_with(name))
}

/// `None` when compression does not pay or fails: the envelope then goes out as it is.
fn gzip(envelope: &[u8]) -> Option<Vec<u8>> {
    if envelope.len() < MIN_GZIP_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(
        Vec::with_capacity(envelope.len() / 3),
        Compression::new(GZIP_LEVEL),
    );
    encoder.write_all(envelope).ok()?;
    encoder.finish().ok()
}

fn joined(headers: &ureq::http::HeaderMap) -> Vec<(String, String)> {
    let mut out = Vec::with_capacity(headers.keys_len());
    for name in headers.keys() {
        let values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(|v| String::from_utf8_lossy(v.as_bytes()))
            .collect();
        out.push((name.as_str().to_owned(), values.join(", ")));
    }
    out
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Everything from the name look-up to the last byte of the answer.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_ANSWER_BYTES: u64 = 64 * 1024;
/// ureq's own 128 KiB each way would cost 8 MB at 32 connections; an envelope is about 4 KB compressed.
const BUFFER_BYTES: usize = 16 * 1024;
const MIN_GZIP_BYTES: usize = 512;
/// Measured on a 12 KB event: level 1 takes 50 µs, level 6 takes 120 µs for a tenth fewer bytes (targets.md).
const GZIP_LEVEL: u32 = 1;
