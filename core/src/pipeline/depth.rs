//! Nesting: an app that attaches a linked list must not lose the error it belongs to.
//!
//! Parsers of this protocol, ours included, refuse JSON beyond some depth, and a refused event is a lost one. So what is
//! too deep becomes a mark, before parsing where parsing would fail, and after merging where the parts add up.

use faultwire_protocol::json::Value;
use faultwire_protocol::trim;

/// Levels that an event may have when it leaves; the strictest parsers stop at 128.
pub(crate) const MAX_EVENT_DEPTH: usize = 100;

/// Stands for whatever lay deeper.
const TOO_DEEP: &str = "[too deep]";

/// Replaces every list and object below `depth` levels by a mark, and cuts texts to `max_text` bytes if that is not 0.
pub(crate) fn limit(value: &mut Value<'_>, depth: usize, max_text: usize) {
    match value {
        Value::String(text) if max_text > 0 => {
            if let Some(short) = trim::truncate(text, max_text) {
                *text = short.into();
            }
        }
        Value::Array(_) | Value::Object(_) if depth == 0 => *value = Value::from(TOO_DEEP),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| limit(item, depth - 1, max_text)),
        Value::Object(object) => object
            .iter_mut()
            .for_each(|(_, item)| limit(item, depth - 1, max_text)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The same on JSON text, for text that is too deep to be parsed. Walks the bytes once, without recursion; text that is
/// no JSON comes out as some other text that is no JSON.
pub(crate) fn flatten(json: &str, max_depth: usize) -> String {
    let mut out = String::with_capacity(json.len().min(1 << 20));
    let mut depth = 0usize;
    let mut in_text = false;
    let mut escaped = false;
    // Start of the stretch that has not been copied; cuts only happen at ASCII bytes, so slices stay on characters.
    let mut kept_from = 0;
    for (at, byte) in json.bytes().enumerate() {
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'[' | b'{' => {
                depth += 1;
                if depth == max_depth + 1 {
                    out.push_str(&json[kept_from..at]);
                    out.push('"');
                    out.push_str(TOO_DEEP);
                    out.push('"');
                }
            }
            b']' | b'}' => {
                if depth == max_depth + 1 {
                    kept_from = at + 1;
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    if depth <= max_depth {
        out.push_str(&json[kept_from..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use faultwire_protocol::json;

    #[test]
    fn text_and_tree_are_cut_at_the_same_level() {
        let text = r#"{"a":[{"b":[1,"]\"{"]},2,[]],"c":"ö"}"#;
        let expected = [
            r#""[too deep]""#,
            r#"{"a":"[too deep]","c":"ö"}"#,
            r#"{"a":["[too deep]",2,"[too deep]"],"c":"ö"}"#,
            r#"{"a":[{"b":"[too deep]"},2,[]],"c":"ö"}"#,
            text,
        ];
        for (depth, expected) in expected.into_iter().enumerate() {
            assert_eq!(flatten(text, depth), expected);
            let mut tree = json::parse(text).expect("JSON");
            limit(&mut tree, depth, 0);
            assert_eq!(tree.to_string(), expected);
        }
    }

    #[test]
    fn broken_text_stays_broken_and_nothing_panics() {
        for text in ["", "]]]]", "[[[[", "\"", "\"\\", "{\"a\":[[}}", "[[\"é"] {
            for depth in 0..3 {
                let flat = flatten(text, depth);
                assert!(
                    json::parse(&flat).is_err() || flat == "\"[too deep]\"",
                    "{text} gave {flat}"
                );
            }
        }
        let deep = format!("{}1{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert!(json::parse(&flatten(&deep, 50)).is_ok());
    }

    #[test]
    fn texts_are_cut_at_every_level() {
        let mut tree = json::parse(r#"{"a":["12345678",{"b":"12345678"}]}"#).expect("JSON");
        limit(&mut tree, 10, 6);
        assert_eq!(tree.to_string(), r#"{"a":["123...",{"b":"123..."}]}"#);
    }
}
