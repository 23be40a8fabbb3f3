//! The DSN: one line that says where events go and as whom.

use std::fmt;
use std::str::FromStr;

/// A parsed DSN, `scheme://public_key[:secret]@host[:port][/path]/project_id`. Source: protocol §1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dsn {
    /// `http` or `https`.
    pub scheme: Scheme,
    /// Names the sender; 32 hex digits on our collector, any of letters, digits, `_`, `-` and `.` elsewhere.
    pub public_key: String,
    /// Obsolete, passed on if given.
    pub secret: Option<String>,
    /// Host name, IPv4 address, or IPv6 address in brackets.
    pub host: String,
    /// `None` stands for the scheme's own port, also if that was written out.
    pub port: Option<u16>,
    /// What lies between the host and the project: empty, or `/a/b` without a final slash.
    pub path: String,
    /// Never 0.
    pub project_id: u64,
}

/// How to reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain text.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// 80 or 443.
    pub const fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The part of a DSN that could not be understood. Its text never repeats a key or secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DsnError {
    /// Nothing but blanks.
    Empty,
    /// Missing, or neither `http` nor `https`.
    Scheme,
    /// Missing, or with characters that no server issues.
    PublicKey,
    /// Missing or malformed host.
    Host,
    /// Not a number from 1 to 65535.
    Port,
    /// Missing, not a number, or 0.
    ProjectId,
}

impl DsnError {
    /// The name of the part, for programs.
    pub const fn part(self) -> &'static str {
        match self {
            DsnError::Empty => "dsn",
            DsnError::Scheme => "scheme",
            DsnError::PublicKey => "public_key",
            DsnError::Host => "host",
            DsnError::Port => "port",
            DsnError::ProjectId => "project_id",
        }
    }
}

impl fmt::Display for DsnError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            DsnError::Empty => "the dsn is empty",
            DsnError::Scheme => "the dsn must begin with http:// or https://",
            DsnError::PublicKey => "the dsn has no valid public key before the @",
            DsnError::Host => "the dsn has no valid host after the @",
            DsnError::Port => "the port in the dsn is not a number from 1 to 65535",
            DsnError::ProjectId => {
                "the dsn must end with a numeric project id, as in https://key@host/1"
            }
        })
    }
}

impl std::error::Error for DsnError {}

impl Dsn {
    /// Parses a DSN. Blanks around it, a trailing slash, doubled slashes, a query and a fragment are tolerated.
    pub fn parse(text: &str) -> Result<Dsn, DsnError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(DsnError::Empty);
        }
        let (scheme, rest) = text.split_once("://").ok_or(DsnError::Scheme)?;
        let scheme = match scheme {
            _ if scheme.eq_ignore_ascii_case("https") => Scheme::Https,
            _ if scheme.eq_ignore_ascii_case("http") => Scheme::Http,
            _ => return Err(DsnError::Scheme),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, address) = authority.rsplit_once('@').ok_or(DsnError::PublicKey)?;
        let (public_key, secret) = match credentials.split_once(':') {
            Some((key, secret)) => (key, Some(secret).filter(|secret| !secret.is_empty())),
            None => (credentials, None),
        };
        if !is_key(public_key) || !secret.is_none_or(is_key) {
            return Err(DsnError::PublicKey);
        }
        let (host, port) = split_address(address)?;
        let mut segments: Vec<&str> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        let project = segments.pop().ok_or(DsnError::ProjectId)?;
        if !project.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DsnError::ProjectId);
        }
        let project_id = project
            .parse()
            .ok()
            .filter(|&id| id > 0)
            .ok_or(DsnError::ProjectId)?;
        let mut path = String::new();
        for segment in segments {
            path.push('/');
            path.push_str(segment);
        }
        Ok(Dsn {
            scheme,
            public_key: public_key.to_owned(),
            secret: secret.map(str::to_owned),
            host: host.to_ascii_lowercase(),
            port: port.filter(|&port| port != scheme.default_port()),
            path,
            project_id,
        })
    }

    /// The URL of an ingest endpoint: `endpoint("envelope")` is `https://host/path/api/7/envelope/`.
    pub fn endpoint(&self, name: &str) -> String {
        format!(
            "{}{}/api/{}/{name}/",
            self.origin(),
            self.path,
            self.project_id
        )
    }

    /// The port to connect to, written out or not.
    pub fn effective_port(&self) -> u16 {
        self.port.unwrap_or(self.scheme.default_port())
    }

    /// Scheme, host and port: `https://host:8443`.
    pub fn origin(&self) -> String {
        match self.port {
            Some(port) => format!("{}://{}:{port}", self.scheme, self.host),
            None => format!("{}://{}", self.scheme, self.host),
        }
    }
}

impl FromStr for Dsn {
    type Err = DsnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Dsn::parse(text)
    }
}

impl fmt::Display for Dsn {
    /// The DSN in its normal form, secret included; it parses back to an equal value.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme, self.public_key)?;
        if let Some(secret) = &self.secret {
            write!(formatter, ":{secret}")?;
        }
        write!(formatter, "@{}", self.host)?;
        if let Some(port) = self.port {
            write!(formatter, ":{port}")?;
        }
        write!(formatter, "{}/{}", self.path, self.project_id)
    }
}

/// Characters that cannot end a header field or a URL part early.
fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

fn split_address(address: &str) -> Result<(&str, Option<u16>), DsnError> {
    let (host, port) = if address.starts_with('[') {
        let end = address.find(']').ok_or(DsnError::Host)? + 1;
        let (host, rest) = address.split_at(end);
        host[1..end - 1]
            .parse::<std::net::Ipv6Addr>()
            .map_err(|_| DsnError::Host)?;
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => return Err(DsnError::Host),
        }
    } else {
        match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        }
    };
    let is_host_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if host.is_empty() || !host.starts_with('[') && !host.bytes().all(is_host_byte) {
        return Err(DsnError::Host);
    }
    match port {
        None => Ok((host, None)),
        Some(port) => match port.parse() {
            Ok(port) if port > 0 => Ok((host, Some(port))),
            _ => Err(DsnError::Port),
        },
    }
}
