//! Who sends: the credentials of an ingest request, read on the server and written by the client.

use crate::dsn::Dsn;
use std::borrow::Cow;
use std::fmt;

/// Credentials found in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// The public key.
    pub key: String,
    /// Protocol version, 7 if not said. Never above [`MAX_VERSION`].
    pub version: u16,
    /// Name and version of the SDK; the caller falls back to the user agent.
    pub client: Option<String>,
}

/// Newest protocol version that this code speaks.
pub const MAX_VERSION: u16 = 7;

/// Why credentials were refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// More than one of the header, `Authorization` and the query hold a key. Answer: 401.
    Multiple,
    /// A protocol version above [`MAX_VERSION`]. Answer: 400.
    Version(String),
}

impl fmt::Display for AuthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuthError::Multiple => {
                formatter.write_str("credentials in more than one place: send one sentry_key")
            }
            AuthError::Version(version) => {
                write!(
                    formatter,
                    "protocol version {version} is not supported, the newest is {MAX_VERSION}"
                )
            }
        }
    }
}

impl std::error::Error for AuthError {}

/// Collects the credentials of a request from the `X-Sentry-Auth` header, the `Authorization` header (`Sentry ...` or
/// `Basic base64(key:)`) and the query string.
///
/// `Ok(None)` if there are none; then the envelope's own DSN may speak. Headers that are empty, of another scheme, or
/// without `sentry_key` are ignored, and a version that is no number counts as 7. Source: protocol §1.2.
pub fn from_parts(
    x_sentry_auth: Option<&str>,
    authorization: Option<&str>,
    query: Option<&str>,
) -> Result<Option<Auth>, AuthError> {
    let mut found = None;
    let sources = [
        x_sentry_auth.and_then(from_sentry_header),
        authorization.and_then(|header| from_sentry_header(header).or_else(|| from_basic(header))),
        query.and_then(|query| from_pairs(query.split('&').map(query_pair))),
    ];
    for auth in sources.into_iter().flatten() {
        if found.replace(auth).is_some() {
            return Err(AuthError::Multiple);
        }
    }
    let Some(raw) = found else { return Ok(None) };
    let version = match &raw.version {
        // `7.0` is a version too.
        Some(text) => match text.split('.').next().unwrap_or_default().parse::<u64>() {
            Ok(version) if version > u64::from(MAX_VERSION) => {
                return Err(AuthError::Version(text.clone()));
            }
            Ok(version) => version as u16,
            Err(_) => MAX_VERSION,
        },
        None => MAX_VERSION,
    };
    Ok(Some(Auth {
        key: raw.key,
        version,
        client: raw.client,
    }))
}

/// The value of the `X-Sentry-Auth` header for a request with this DSN; `client` is `name/version`.
///
/// Characters of `client` that would break the list are left out.
pub fn header(dsn: &Dsn, client: &str) -> String {
    let client: String = client
        .chars()
        .filter(|char| char.is_ascii_graphic() && *char != ',')
        .collect();
    let mut header = format!(
        "Sentry sentry_key={}, sentry_version={MAX_VERSION}, sentry_client={client}",
        dsn.public_key
    );
    if let Some(secret) = &dsn.secret {
        header.push_str(", sentry_secret=");
        header.push_str(secret);
    }
    header
}

struct RawAuth {
    key: String,
    version: Option<String>,
    client: Option<String>,
}

fn from_sentry_header(header: &str) -> Option<RawAuth> {
    let header = header.trim();
    let scheme = header.get(..6)?;
    let rest = &header[6..];
    if !scheme.eq_ignore_ascii_case("sentry") || !rest.starts_with([' ', '\t']) {
        return None;
    }
    from_pairs(rest.split(',').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (
            Cow::Borrowed(name.trim()),
            Cow::Borrowed(value.trim().trim_matches('"')),
        )
    }))
}

fn from_basic(header: &str) -> Option<RawAuth> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(decode_base64(encoded.trim())?).ok()?;
    let (key, _) = decoded.split_once(':').unwrap_or((&decoded, ""));
    (!key.is_empty()).then(|| RawAuth {
        key: key.to_owned(),
        version: None,
        client: None,
    })
}

fn from_pairs<'a>(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Option<RawAuth> {
    let (mut key, mut version, mut client) = (None, None, None);
    for (name, value) in pairs {
        let place = match name.as_ref() {
            "sentry_key" => &mut key,
            "sentry_version" => &mut version,
            "sentry_client" => &mut client,
            _ => continue,
        };
        if !value.is_empty() {
            place.get_or_insert(value.into_owned());
        }
    }
    Some(RawAuth {
        key: key?,
        version,
        client,
    })
}

fn query_pair(pair: &str) -> (Cow<'_, str>, Cow<'_, str>) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    (percent_decode(name), percent_decode(value))
}

/// Decodes `%2F` and `+`; an incomplete escape stays as it is.
pub(crate) fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |offset: usize| {
            bytes
                .get(at + offset)
                .and_then(|&byte| char::from(byte).to_digit(16))
        };
        match (bytes[at], hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high << 4 | low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

/// Standard base64 with or without padding; `None` on any other character. A dozen lines for one rare header beat a
/// dependency in every bundle.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut buffer, mut bits) = (0u32, 0);
    for char in text.trim_end_matches('=').bytes() {
        let six = match char {
            b'A'..=b'Z' => char - b'A',
            b'a'..=b'z' => char - b'a' + 26,
            b'0'..=b'9' => char - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        buffer = buffer << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
        }
    }
    Some(bytes)
}
