//! Canonical compact output: no blanks, keys in tree order, the shortest escapes, numbers as they were written.

use super::Value;
use std::fmt::{self, Write};

impl Value<'_> {
    /// Appends the value as compact JSON to `out`.
    pub fn write(&self, out: &mut String) {
        write_value(self, out).expect("writing to a String cannot fail");
    }
}

impl fmt::Display for Value<'_> {
    /// Compact JSON; `to_string()` is the serialiser.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_value(self, formatter)
    }
}

fn write_value(value: &Value<'_>, out: &mut impl Write) -> fmt::Result {
    match value {
        Value::Null => out.write_str("null"),
        Value::Bool(true) => out.write_str("true"),
        Value::Bool(false) => out.write_str("false"),
        Value::Number(number) => out.write_str(number.as_text()),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.write_char('[')?;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.write_char(',')?;
                }
                write_value(item, out)?;
            }
            out.write_char(']')
        }
        Value::Object(object) => {
            out.write_char('{')?;
            for (index, (key, item)) in object.iter().enumerate() {
                if index > 0 {
                    out.write_char(',')?;
                }
                write_text(key, out)?;
                out.write_char(':')?;
                write_value(item, out)?;
            }
            out.write_char('}')
        }
    }
}

fn write_text(text: &str, out: &mut impl Write) -> fmt::Result {
    out.write_char('"')?;
    let mut written = 0;
    for (index, &byte) in text.as_bytes().iter().enumerate() {
        let escape = ESCAPE[usize::from(byte)];
        if escape == 0 {
            continue;
        }
        // Every byte that needs an escape is ASCII, so the cut falls between characters.
        out.write_str(&text[written..index])?;
        written = index + 1;
        match escape {
            b'u' => write!(out, "\\u{byte:04x}")?,
            letter => {
                out.write_char('\\')?;
                out.write_char(char::from(letter))?;
            }
        }
    }
    out.write_str(&text[written..])?;
    out.write_char('"')
}

/// For each byte the letter after the backslash, `u` for a numeric escape, 0 for "as is".
static ESCAPE: [u8; 256] = {
    let mut table = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = b'u';
        control += 1;
    }
    table[0x08] = b'b';
    table[b'\t' as usize] = b't';
    table[b'\n' as usize] = b'n';
    table[0x0c] = b'f';
    table[b'\r' as usize] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};
