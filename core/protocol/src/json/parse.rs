//! The tolerant parser. Recursion is bounded by [`MAX_DEPTH`], so neither parsing nor dropping a tree can overflow a stack.

use super::{Number, Object, Value};
use memchr::memchr2;
use std::borrow::Cow;
use std::fmt;

/// Deepest nesting that is accepted. Real events stay below 20; the bound keeps recursion within a small thread's stack.
pub const MAX_DEPTH: usize = 128;

/// Why a text is not JSON, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// Byte offset into the text.
    pub offset: usize,
    /// What was wrong there.
    pub kind: ErrorKind,
}

/// Kinds of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text ended inside a value; an empty text too.
    UnexpectedEnd,
    /// A byte that cannot start or continue anything here.
    UnexpectedByte(u8),
    /// A number that JSON does not allow, such as `01` or `1.`.
    BadNumber,
    /// Something other than blanks follows the value.
    TrailingText,
    /// More than [`MAX_DEPTH`] arrays and objects inside each other.
    TooDeep,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ErrorKind::UnexpectedEnd => {
                write!(formatter, "json ends too early, at byte {}", self.offset)
            }
            ErrorKind::UnexpectedByte(byte) => {
                write!(
                    formatter,
                    "unexpected byte '{}' in json at byte {}",
                    byte.escape_ascii(),
                    self.offset
                )
            }
            ErrorKind::BadNumber => write!(
                formatter,
                "malformed number in json at byte {}",
                self.offset
            ),
            ErrorKind::TrailingText => write!(
                formatter,
                "text after the json value at byte {}",
                self.offset
            ),
            ErrorKind::TooDeep => {
                write!(
                    formatter,
                    "json is nested deeper than {MAX_DEPTH} levels at byte {}",
                    self.offset
                )
            }
        }
    }
}

impl std::error::Error for Error {}

/// Bytes as text, with U+FFFD for what is not UTF-8. Borrows if all of it is.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    // Checking alone skips over ASCII a word at a time; the lossy conversion looks at every character.
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Parses one JSON value that fills the whole text, blanks and a byte order mark aside.
///
/// See the module documentation for what is tolerated. Never panics, and needs stack for [`MAX_DEPTH`] levels only.
pub fn parse(text: &str) -> Result<Value<'_>, Error> {
    let mut parser = Parser { text, at: 0 };
    if text.starts_with('\u{feff}') {
        parser.at = '\u{feff}'.len_utf8();
    }
    parser.skip_blanks();
    let value = parser.value(0)?;
    parser.skip_blanks();
    if parser.at < text.len() {
        return Err(parser.error(ErrorKind::TrailingText));
    }
    Ok(value)
}

/// [`parse`] for bytes; borrows from them if they are UTF-8, else works on a repaired copy.
pub fn parse_bytes(bytes: &[u8]) -> Result<Value<'_>, Error> {
    match decode(bytes) {
        Cow::Borrowed(text) => parse(text),
        Cow::Owned(text) => parse(&text).map(Value::into_owned),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Result<Value<'a>, Error> {
        match self.peek() {
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'N') => self.word("NaN", Value::Null),
            Some(b'I') => self.word("Infinity", Value::Null),
            _ => Err(self.unexpected()),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, Error> {
        self.enter(depth)?;
        let mut entries = Vec::new();
        if !self.close(b'}') {
            loop {
                self.skip_blanks();
                if self.peek() != Some(b'"') {
                    return Err(self.unexpected());
                }
                let key = self.string()?;
                self.skip_blanks();
                if self.peek() != Some(b':') {
                    return Err(self.unexpected());
                }
                self.at += 1;
                self.skip_blanks();
                entries.push((key, self.value(depth + 1)?));
                if self.close(b'}') {
                    break;
                }
                if self.peek() != Some(b',') {
                    return Err(self.unexpected());
                }
                self.at += 1;
            }
        }
        let mut object = Object(entries);
        object.deduplicate();
        Ok(Value::Object(object))
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, Error> {
        self.enter(depth)?;
        let mut items = Vec::new();
        if !self.close(b']') {
            loop {
                self.skip_blanks();
                items.push(self.value(depth + 1)?);
                if self.close(b']') {
                    break;
                }
                if self.peek() != Some(b',') {
                    return Err(self.unexpected());
                }
                self.at += 1;
            }
        }
        Ok(Value::Array(items))
    }

    /// Steps over the opening bracket, unless that would be one level too many.
    fn enter(&mut self, depth: usize) -> Result<(), Error> {
        if depth >= MAX_DEPTH {
            return Err(self.error(ErrorKind::TooDeep));
        }
        self.at += 1;
        Ok(())
    }

    /// Steps over blanks and then over `bracket`, if it is next.
    fn close(&mut self, bracket: u8) -> bool {
        self.skip_blanks();
        let found = self.peek() == Some(bracket);
        self.at += usize::from(found);
        found
    }

    /// Reads a string whose opening quote is next. Borrows unless there is an escape.
    fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.at += 1;
        let start = self.at;
        let bytes = self.text.as_bytes();
        // Most strings are keys and short values; a plain loop finds their end before a vector search has begun.
        let near = bytes.len().min(start + 16);
        while self.at < near {
            match bytes[self.at] {
                b'"' => {
                    let text = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(Cow::Borrowed(text));
                }
                b'\\' => return self.escaped_string(start),
                _ => self.at += 1,
            }
        }
        match memchr2(b'"', b'\\', &bytes[self.at..]) {
            Some(distance) if bytes[self.at + distance] == b'"' => {
                let text = &self.text[start..self.at + distance];
                self.at += distance + 1;
                Ok(Cow::Borrowed(text))
            }
            Some(distance) => {
                self.at += distance;
                self.escaped_string(start)
            }
            None => Err(self.end()),
        }
    }

    /// Continues a string at its first backslash.
    fn escaped_string(&mut self, start: usize) -> Result<Cow<'a, str>, Error> {
        let bytes = self.text.as_bytes();
        let mut text = String::with_capacity(self.at - start + 32);
        text.push_str(&self.text[start..self.at]);
        loop {
            if bytes[self.at] == b'"' {
                self.at += 1;
                return Ok(Cow::Owned(text));
            }
            self.escape(&mut text)?;
            let Some(distance) = memchr2(b'"', b'\\', &bytes[self.at..]) else {
                return Err(self.end());
            };
            text.push_str(&self.text[self.at..self.at + distance]);
            self.at += distance;
        }
    }

    /// Reads one escape, its backslash being next.
    fn escape(&mut self, text: &mut String) -> Result<(), Error> {
        let Some(&letter) = self.text.as_bytes().get(self.at + 1) else {
            return Err(self.end());
        };
        let plain = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' if self.hex4(self.at + 2).is_some() => {
                text.push(self.unicode());
                return Ok(());
            }
            _ => {
                // Not an escape at all: keep the backslash; what follows is ordinary text.
                text.push('\\');
                self.at += 1;
                return Ok(());
            }
        };
        text.push(plain);
        self.at += 2;
        Ok(())
    }

    /// Reads `\uXXXX`, known to be well-formed, and its second half if it is the first of a pair.
    fn unicode(&mut self) -> char {
        let first = self.hex4(self.at + 2).unwrap_or_default();
        self.at += 6;
        if let Some(char) = char::from_u32(first) {
            return char;
        }
        let bytes = self.text.as_bytes();
        if first < 0xdc00
            && bytes.get(self.at..self.at + 2) == Some(b"\\u")
            && let Some(second @ 0xdc00..=0xdfff) = self.hex4(self.at + 2)
        {
            self.at += 6;
            let combined = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return char::from_u32(combined).unwrap_or(char::REPLACEMENT_CHARACTER);
        }
        char::REPLACEMENT_CHARACTER
    }

    fn hex4(&self, at: usize) -> Option<u32> {
        let digits = self.text.as_bytes().get(at..at + 4)?;
        digits.iter().try_fold(0, |value, &digit| {
            Some(value << 4 | char::from(digit).to_digit(16)?)
        })
    }

    fn number(&mut self) -> Result<Value<'a>, Error> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
            if self.peek() == Some(b'I') {
                return self.word("Infinity", Value::Null);
            }
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        if let Some(b'0'..=b'9') = self.peek() {
            return Err(self.error(ErrorKind::BadNumber));
        }
        Ok(Value::Number(Number(Cow::Borrowed(
            &self.text[start..self.at],
        ))))
    }

    /// Steps over one digit or more.
    fn digits(&mut self) -> Result<(), Error> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > start {
            return Ok(());
        }
        Err(if self.at == self.text.len() {
            self.end()
        } else {
            self.error(ErrorKind::BadNumber)
        })
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, Error> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(value);
        }
        if word.as_bytes().starts_with(rest) {
            return Err(self.end());
        }
        Err(self.unexpected())
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn unexpected(&self) -> Error {
        match self.peek() {
            Some(byte) => self.error(ErrorKind::UnexpectedByte(byte)),
            None => self.end(),
        }
    }

    fn end(&self) -> Error {
        Error {
            offset: self.text.len(),
            kind: ErrorKind::UnexpectedEnd,
        }
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error {
            offset: self.at,
            kind,
        }
    }
}
