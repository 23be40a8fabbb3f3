//! Credentials in URLs, e-mail addresses, IP addresses.

use super::super::PLACEHOLDER;
use super::super::text::Found;
use super::{Rule, at, before};
use memchr::{memchr_iter, memmem};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Finds `user:password@` in URLs and in connection strings such as `user:password@tcp(host)`.
pub(super) fn url_credentials(bytes: &[u8], found: &mut Vec<Found>) {
    for slashes in memmem::find_iter(bytes, b"://") {
        let start = slashes + 3;
        let near = &bytes[start..bytes.len().min(start + MAX_URL_BYTES)];
        let length = near
            .iter()
            .position(|&byte| ends_url(byte))
            .unwrap_or(near.len());
        let url = &bytes[start..start + length];
        let authority = url
            .iter()
            .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
            .unwrap_or(url.len());
        // People forget to escape the @ and the slash in their passwords, so the last @ ends the credentials. A path of
        // the web may hold one too; that of a database does not.
        let web = bytes[..slashes].ends_with(b"http") || bytes[..slashes].ends_with(b"https");
        let place = if web {
            &url[..authority]
        } else {
            url.split(|&byte| byte == b'?').next().unwrap_or(url)
        };
        let mut at_sign = place.iter().rposition(|&byte| byte == b'@');
        if at_sign.is_none() && has_password(&url[..authority]) {
            at_sign = url.iter().position(|&byte| byte == b'@');
        }
        let Some(at_sign) = at_sign else { continue };
        let credentials = &url[..at_sign];
        // A short name without a password, as in ssh://git@host, is nobody's secret.
        if credentials != PLACEHOLDER.as_bytes()
            && !credentials.is_empty()
            && (credentials.contains(&b':') || credentials.len() >= 16)
        {
            found.push(Found {
                start,
                end: start + at_sign,
                rule: Rule::UrlAuth,
            });
        }
    }
    for marker in [b"@tcp(".as_slice(), b"@unix(", b"@udp("] {
        for end in memmem::find_iter(bytes, marker) {
            let from = end.saturating_sub(MAX_CREDENTIAL_BYTES);
            let blank = bytes[from..end]
                .iter()
                .rposition(|&byte| ends_url(byte) || byte == b'=');
            let start = match blank {
                Some(blank) => from + blank + 1,
                None if from == 0 => 0,
                None => continue,
            };
            if bytes[start..end].contains(&b':') && &bytes[start..end] != PLACEHOLDER.as_bytes() {
                found.push(Found {
                    start,
                    end,
                    rule: Rule::UrlAuth,
                });
            }
        }
    }
}

/// How far a URL and the credentials before `@tcp(` are followed.
const MAX_URL_BYTES: usize = 4096;
const MAX_CREDENTIAL_BYTES: usize = 512;

fn ends_url(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\' | b',')
}

/// Something other than a port behind the colon: a password that holds a slash.
fn has_password(authority: &[u8]) -> bool {
    let Some(colon) = authority.iter().position(|&byte| byte == b':') else {
        return false;
    };
    !authority.starts_with(b"[") && !authority[colon + 1..].iter().all(u8::is_ascii_digit)
}

/// Finds e-mail addresses.
pub(super) fn emails(bytes: &[u8], found: &mut Vec<Found>) {
    for sign in memchr_iter(b'@', bytes) {
        let is_local =
            |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte) || byte >= 0x80;
        let local = bytes[..sign]
            .iter()
            .rev()
            .take_while(|&&byte| is_local(byte))
            .count();
        let start = sign - local;
        let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        let mut end = sign
            + 1
            + bytes[sign + 1..]
                .iter()
                .take_while(|&&byte| is_domain(byte))
                .count();
        while matches!(before(bytes, end), b'.' | b'-') {
            end -= 1;
        }
        let name = &bytes[start..sign];
        let domain = &bytes[(sign + 1).min(end)..end];
        let Some(dot) = domain.iter().rposition(|&byte| byte == b'.') else {
            continue;
        };
        let top = &domain[dot + 1..];
        // What stands before the host of a URL with credentials is no mailbox.
        let in_url = found
            .iter()
            .any(|part| part.rule == Rule::UrlAuth && part.end == sign);
        let is_address = !in_url
            && !name.is_empty()
            && !name.eq_ignore_ascii_case(b"git")
            && name.iter().any(u8::is_ascii_alphanumeric)
            && dot > 0
            && (2..=24).contains(&top.len())
            && top.iter().all(u8::is_ascii_alphabetic)
            && !FILE_ENDINGS
                .iter()
                .any(|ending| top.eq_ignore_ascii_case(ending.as_bytes()));
        if is_address {
            found.push(Found {
                start,
                end,
                rule: Rule::Email,
            });
        }
    }
}

/// `logo@2x.png` is no address.
const FILE_ENDINGS: [&str; 12] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "mjs", "ts", "css", "map", "html",
];

/// Finds IPv4 addresses; loopback and unspecified ones are nobody's.
pub(super) fn ipv4(bytes: &[u8], found: &mut Vec<Found>) {
    let mut start = 0;
    while start < bytes.len() {
        if !bytes[start].is_ascii_digit() {
            start += 1;
            continue;
        }
        let length = bytes[start..]
            .iter()
            .take_while(|&&byte| byte.is_ascii_digit() || byte == b'.')
            .count();
        let mut end = start + length;
        while before(bytes, end) == b'.' {
            end -= 1;
        }
        if end - start >= 7 && !is_version(bytes, start) && !continues(bytes, end) {
            let address = std::str::from_utf8(&bytes[start..end])
                .ok()
                .and_then(|text| text.parse::<Ipv4Addr>().ok());
            if address.is_some_and(|address| !address.is_loopback() && !address.is_unspecified()) {
                found.push(Found {
                    start,
                    end,
                    rule: Rule::Ip,
                });
            }
        }
        start += length;
    }
}

/// Four numbers behind a slash, a letter or the word version, as in `Chrome/120.0.0.0`, are no address; `//1.2.3.4` is.
fn is_version(bytes: &[u8], start: usize) -> bool {
    match before(bytes, start) {
        b'/' => start < 2 || bytes[start - 2] != b'/',
        b' ' => start >= 8 && bytes[start - 8..start - 1].eq_ignore_ascii_case(b"version"),
        byte => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
    }
}

fn continues(bytes: &[u8], end: usize) -> bool {
    let next = at(bytes, end);
    next.is_ascii_alphanumeric() || matches!(next, b'_' | b'-')
}

/// Finds IPv6 addresses; `::1`, times, and paths such as `cafe::bad` are none.
pub(super) fn ipv6(text: &str, found: &mut Vec<Found>) {
    let bytes = text.as_bytes();
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let mut from = 0;
    while let Some(distance) = memchr::memchr(b':', &bytes[from..]) {
        let colon = from + distance;
        let start = colon
            - bytes[from..colon]
                .iter()
                .rev()
                .take_while(|&&byte| is_part(byte))
                .count();
        let mut end = colon
            + bytes[colon..]
                .iter()
                .take_while(|&&byte| is_part(byte))
                .count();
        from = end;
        while before(bytes, end) == b'.' {
            end -= 1;
        }
        let part = &text[start..end];
        let colons = part.bytes().filter(|&byte| byte == b':').count();
        let plausible = colons >= 3 || colons == 2 && part.find(':') == Some(4);
        if !plausible || !part.bytes().any(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let left = before(bytes, start);
        if left.is_ascii_alphanumeric() || left == b'_' || continues(bytes, end) {
            continue;
        }
        if part
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
        {
            found.push(Found {
                start,
                end,
                rule: Rule::Ip,
            });
        }
    }
}
