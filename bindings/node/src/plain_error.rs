//! The event of one error without causes, written as JSON text.

/// What JavaScript knows of such an error. The texts are bounded by the caller (`ts/exceptions.ts`).
pub struct PlainError {
    pub error_type: String,
    pub value: String,
    pub stack: String,
    /// A JSON object.
    pub mechanism_json: String,
    /// Members of the event, without braces.
    pub rest_json: Option<String>,
}

impl PlainError {
    /// The same event as `describe` in `ts/exceptions.ts` makes of it; a test compares the two.
    pub fn into_event(self) -> String {
        let texts = self.error_type.len() + self.value.len() + self.stack.len();
        let rest = self.rest_json.as_deref().unwrap_or_default();
        let mut json =
            String::with_capacity(texts + texts / 16 + self.mechanism_json.len() + rest.len() + 96);
        json.push_str(r#"{"exception":{"values":[{"type":"#);
        quote(&mut json, &self.error_type);
        json.push_str(r#","value":"#);
        quote(&mut json, &self.value);
        json.push_str(r#","stack":"#);
        quote(&mut json, &self.stack);
        json.push_str(r#","mechanism":"#);
        json.push_str(&self.mechanism_json);
        json.push_str("}]}");
        if !rest.is_empty() {
            json.push(',');
            json.push_str(rest);
        }
        json.push('}');
        json
    }
}

/// Appends `text` as a JSON string.
fn quote(json: &mut String, text: &str) {
    json.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        json.push_str(&text[plain..at]);
        match byte {
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            b'\n' => json.push_str("\\n"),
            control => json.push_str(&format!("\\u{control:04x}")),
        }
        plain = at + 1;
    }
    json.push_str(&text[plain..]);
    json.push('"');
}
