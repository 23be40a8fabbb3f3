//! Names with values inside texts: `password=hunter2`, `"apiKey": "x"`, `Authorization: Bearer x`, `--token x`.

use super::super::PLACEHOLDER;
use super::super::keys::{Sensitivity, sensitivity};
use super::super::text::Found;
use super::{Rule, at, is_word};
use memchr::{memchr_iter, memchr2_iter, memmem};
use std::ops::Range;

/// Finds values of sensitive names. In source code only quoted values count: what else stands behind a name there is an
/// expression.
pub(super) fn find(text: &str, code: bool, found: &mut Vec<Found>) {
    let bytes = text.as_bytes();
    let mut done = 0;
    for sign in memchr2_iter(b':', b'=', bytes) {
        if sign < done {
            continue;
        }
        let next = at(bytes, sign + 1);
        // Comparisons, paths of types, URLs.
        if next == b'='
            || next == b':'
            || matches!(super::before(bytes, sign), b'=' | b'!' | b'<' | b'>')
        {
            continue;
        }
        let Some(place) = name_before(text, sign) else {
            continue;
        };
        let name = &text[place.clone()];
        let sensitivity = sensitivity(name);
        if sensitivity == Sensitivity::None {
            continue;
        }
        // A query string is one even inside source code.
        let query = matches!(super::before(bytes, place.start), b'?' | b'&');
        let context = Context {
            code: code && !query,
            prose: bytes[sign] == b':' && sensitivity == Sensitivity::Weak,
            colon: bytes[sign] == b':',
            listed: bytes[sign] == b'=' && text[..place.start].trim_end().ends_with(';'),
        };
        if let Some((start, end)) = value_after(text, sign + 1, name, context) {
            found.push(Found {
                start,
                end,
                rule: Rule::Key,
            });
            done = end;
        }
    }
    for dashes in memmem::find_iter(bytes, b"--") {
        if dashes > 0 && !bytes[dashes - 1].is_ascii_whitespace() {
            continue;
        }
        let name_start = dashes + 2;
        let length = bytes[name_start..]
            .iter()
            .take_while(|&&byte| is_word(byte))
            .count();
        let end = name_start + length;
        if at(bytes, end) == b' '
            && end < bytes.len()
            && sensitivity(&text[name_start..end]) != Sensitivity::None
        {
            let context = Context {
                code,
                prose: false,
                colon: false,
                listed: false,
            };
            if let Some((start, end)) = value_after(text, end, &text[name_start..end], context)
                && !text[start..end].starts_with('-')
            {
                found.push(Found {
                    start,
                    end,
                    rule: Rule::Key,
                });
            }
        }
    }
}

/// Finds the contents of sensitive elements in XML: `<password>x</password>`.
pub(super) fn elements(text: &str, found: &mut Vec<Found>) {
    let bytes = text.as_bytes();
    for open in memchr_iter(b'<', bytes) {
        let start = open + 1;
        let length = bytes[start..]
            .iter()
            .take(80)
            .take_while(|&&byte| is_word(byte) || matches!(byte, b':' | b'.'))
            .count();
        let name = &text[start..start + length];
        if !matches!(at(bytes, start + length), b'>' | b' ')
            || sensitivity(name) == Sensitivity::None
        {
            continue;
        }
        let attributes = head(&text[start + length..]);
        let Some(close) = attributes
            .find(['>', '<'])
            .filter(|&close| attributes[close..].starts_with('>'))
        else {
            continue;
        };
        let content = start + length + close + 1;
        let (content, ending) = match text[content..].strip_prefix("<![CDATA[") {
            Some(_) => (content + "<![CDATA[".len(), "]]>"),
            None => (content, "<"),
        };
        let rest = head(&text[content..]);
        let value = &rest[..rest.find(ending).unwrap_or(rest.len())];
        if !attributes[..close].ends_with('/') && is_secret(value, false) {
            found.push(Found {
                start: content,
                end: content + value.len(),
                rule: Rule::Key,
            });
        }
    }
}

/// The name that ends before the sign, quotes and blanks between them left out.
fn name_before(text: &str, sign: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let skipped = bytes[..sign]
        .iter()
        .rev()
        .take(4)
        .take_while(|&&byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\' | b']' | b'`'))
        .count();
    let end = sign - skipped;
    let is_name = |byte: u8| is_word(byte) || byte == b'.' || byte >= 0x80;
    let length = bytes[..end]
        .iter()
        .rev()
        .take(80)
        .take_while(|&&byte| is_name(byte))
        .count();
    // Cutting a name at 80 bytes may fall into a character; such a name is a text anyway.
    let name = end - length..end;
    (length > 0 && text.is_char_boundary(name.start)).then_some(name)
}

#[derive(Clone, Copy)]
struct Context {
    code: bool,
    /// A weak name with a colon: the value must look like a secret, for `unexpected token: end of input` is none.
    prose: bool,
    colon: bool,
    /// An entry of a list with semicolons, as in connection strings, whose values may hold blanks.
    listed: bool,
}

/// The range of the value that begins at `from`, unless it is harmless.
fn value_after(text: &str, from: usize, name: &str, context: Context) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut start = from;
    if at(bytes, start) == b'>' {
        start += 1;
    }
    start += bytes[start.min(bytes.len())..]
        .iter()
        .take(3)
        .take_while(|&&byte| matches!(byte, b' ' | b'\t'))
        .count();
    let rest = head(text.get(start..)?);
    if let Some((start, end)) = quoted(rest).map(|(from, to)| (start + from, start + to)) {
        return is_secret(&text[start..end], false).then_some((start, end));
    }
    if context.code || rest.starts_with("//") || rest.starts_with(PLACEHOLDER) {
        return None;
    }
    let end = start + unquoted(rest, name, context);
    is_secret(&text[start..end], context.prose).then_some((start, end))
}

/// The part of a text in which a value is looked for. Without a bound, a text of nothing but names and unclosed quotes
/// would cost its square.
fn head(text: &str) -> &str {
    let mut end = text.len().min(MAX_VALUE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

const MAX_VALUE_BYTES: usize = 8192;

/// The inside of a quoted value at the start of `text`; without a closing quote, to the end of the line.
fn quoted(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    // JSON inside a JSON text: the quotes themselves are escaped.
    let escapes = bytes
        .iter()
        .take(5)
        .take_while(|&&byte| byte == b'\\')
        .count();
    let quote = *bytes.get(escapes)?;
    if !matches!(quote, b'"' | b'\'' | b'`') || escapes > 3 {
        return None;
    }
    let start = escapes + 1;
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'\n' | b'\r' => return Some((start, at)),
            b'\\' => {
                let run = bytes[at..]
                    .iter()
                    .take_while(|&&byte| byte == b'\\')
                    .count();
                let closes = bytes.get(at + run) == Some(&quote);
                if closes && run == escapes {
                    return Some((start, at));
                }
                // An odd run escapes the quote behind it.
                at += run + usize::from(closes && run % 2 == 1);
            }
            // SQL writes a quote twice to mean one.
            b'\'' if quote == b'\'' && at > start && bytes.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return Some((start, at)),
            _ => at += 1,
        }
    }
    Some((start, bytes.len()))
}

/// The length of an unquoted value at the start of `text`.
fn unquoted(text: &str, name: &str, context: Context) -> usize {
    let bytes = text.as_bytes();
    let header = context.colon
        && ["authorization", "cookie"]
            .iter()
            .any(|ending| ends_with(name, ending));
    let length_to = |ends: &[u8]| {
        bytes
            .iter()
            .position(|byte| ends.contains(byte))
            .unwrap_or(bytes.len())
    };
    if header {
        return length_to(b"\r\n\"'");
    }
    if let Some(b'{' | b'[') = bytes.first() {
        return bracketed(bytes);
    }
    if context.listed {
        return length_to(b";\r\n\"'");
    }
    let first = length_to(ENDS);
    // `authorization=Bearer x` is two words.
    let scheme = ["bearer", "basic", "token", "digest"]
        .iter()
        .any(|scheme| text[..first].eq_ignore_ascii_case(scheme));
    if scheme && bytes.get(first) == Some(&b' ') {
        return first
            + 1
            + bytes[first + 1..]
                .iter()
                .position(|byte| ENDS.contains(byte))
                .unwrap_or(bytes.len() - first - 1);
    }
    first
}

fn ends_with(name: &str, ending: &str) -> bool {
    name.len() >= ending.len()
        && name.as_bytes()[name.len() - ending.len()..].eq_ignore_ascii_case(ending.as_bytes())
}

/// The length up to the bracket that closes the first one, within reason.
fn bracketed(bytes: &[u8]) -> usize {
    let mut depth = 0i32;
    for (index, byte) in bytes.iter().enumerate().take(4096) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    bytes.len()
}

/// Whether a value is worth hiding.
fn is_secret(value: &str, prose: bool) -> bool {
    let value = value.trim();
    if value.len() < 2 || value.starts_with(PLACEHOLDER) || is_harmless(value) {
        return false;
    }
    // Parameters of templates and queries, and what others masked before.
    if value.starts_with(['$', '%', '?', '<', '('])
        || value.starts_with("{{")
        || value.bytes().all(|byte| matches!(byte, b'*' | b'.' | b'x'))
    {
        return false;
    }
    let letters_only = value.chars().all(|char| char.is_alphabetic());
    !prose
        || value.len() >= 16
        || !letters_only && value.len() >= 6 && value.bytes().any(|byte| byte.is_ascii_digit())
}

/// Texts that a sensitive key may keep; they say that there is no secret, or what is wrong with it.
pub(in super::super) fn is_harmless(value: &str) -> bool {
    HARMLESS
        .iter()
        .any(|harmless| value.eq_ignore_ascii_case(harmless))
}

const HARMLESS: [&str; 26] = [
    "true",
    "false",
    "null",
    "none",
    "nil",
    "undefined",
    "required",
    "invalid",
    "incorrect",
    "missing",
    "wrong",
    "expired",
    "empty",
    "must",
    "cannot",
    "not",
    "is",
    "string",
    "str",
    "bool",
    "number",
    "optional",
    "unset",
    "the",
    "no",
    "yes",
];

/// Where an unquoted value ends.
const ENDS: &[u8] = b" \t\r\n&;,\"'`)}]<>|\\";
