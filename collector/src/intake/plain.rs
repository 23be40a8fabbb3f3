//! `POST /api/v1/events`: events as plain JSON, for everything that has no SDK.
//!
//! The body is one event, an array of events, or one event a line. Each stands alone: a broken one is named by its
//! index in the answer, the others are taken.

use axum::http::StatusCode;

use super::reply::Refusal;

/// Cuts a body into the texts of its events.
///
/// An array is cut at its top level without looking into the events, so that one too deep or broken inside costs
/// only itself. Only an array that never closes, or text around it, is an error.
pub fn split(body: &[u8]) -> Result<Vec<&[u8]>, Refusal> {
    let trimmed = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii();
    match trimmed.first() {
        None => Err(bad("the body is empty")),
        Some(b'[') => split_array(&trimmed[1..]),
        Some(_) if is_one_value(trimmed) => Ok(vec![trimmed]),
        Some(_) => Ok(trimmed
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|l| !l.is_empty())
            .collect()),
    }
}

/// Whether one object, perhaps over several lines, fills the text.
fn is_one_value(text: &[u8]) -> bool {
    let mut scan = Scan::default();
    let end = text.iter().position(|byte| {
        scan.step(*byte);
        scan.depth == 0 && !scan.in_string
    });
    end.is_none_or(|end| end + 1 == text.len())
}

fn split_array(text: &[u8]) -> Result<Vec<&[u8]>, Refusal> {
    let mut scan = Scan {
        depth: 1,
        ..Scan::default()
    };
    let (mut parts, mut start) = (Vec::new(), 0);
    for (at, byte) in text.iter().enumerate() {
        let before = scan.depth;
        scan.step(*byte);
        let ends = before == 1 && !scan.in_string && (scan.depth == 0 || *byte == b',');
        if !ends {
            continue;
        }
        let part = text[start..at].trim_ascii();
        let last = scan.depth == 0;
        // `[]` has no part; an empty part anywhere else is an event that is missing.
        if !(last && part.is_empty() && parts.is_empty()) {
            parts.push(part);
        }
        start = at + 1;
        if last {
            return if text[start..].trim_ascii().is_empty() {
                Ok(parts)
            } else {
                Err(bad("text follows the array"))
            };
        }
    }
    Err(bad("the array is not closed"))
}

/// Follows brackets and strings; enough of JSON to find where a value ends.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

fn bad(cause: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "the body is not json events")
        .cause(cause)
        .reason("invalid_json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_cut_into_events() {
        let cases: [(&str, &[&str]); 9] = [
            (r#"{"a":1}"#, &[r#"{"a":1}"#]),
            ("{\n \"a\": [1,\n2]\n}\n", &["{\n \"a\": [1,\n2]\n}"]),
            (
                "{\"a\":1}\n\n{\"b\":\"}\"}\r\n",
                &[r#"{"a":1}"#, r#"{"b":"}"}"#],
            ),
            (
                r#" [ {"a":"x,]\"["} , {"b":[{}]} ] "#,
                &[r#"{"a":"x,]\"["}"#, r#"{"b":[{}]}"#],
            ),
            ("[]", &[]),
            ("[1,,2]", &["1", "", "2"]),
            ("[{},]", &["{}", ""]),
            ("{\"a\":\nnot json", &["{\"a\":\nnot json"]),
            ("{}\nrubbish\n{}", &["{}", "rubbish", "{}"]),
        ];
        for (body, expected) in cases {
            let parts: Vec<&str> = split(body.as_bytes())
                .unwrap()
                .iter()
                .map(|part| std::str::from_utf8(part).unwrap())
                .collect();
            assert_eq!(parts, expected, "{body}");
        }
    }

    #[test]
    fn bodies_that_cannot_be_cut_are_refused() {
        for body in ["", "  \n", "[{}", "[{}] x", "[\"abc]"] {
            assert!(split(body.as_bytes()).is_err(), "{body:?}");
        }
    }
}
