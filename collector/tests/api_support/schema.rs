//! Enough of JSON Schema to compare answers with `openapi.json`: what the document uses, and a panic for what it
//! does not, so that a keyword cannot be ignored in silence.

use serde_json::{Map, Value};

/// The parsed document.
pub struct Document(pub Value);

impl Document {
    pub fn new() -> Self {
        Self(serde_json::from_str(faultwire_collector::api::OPENAPI).unwrap())
    }

    /// The operation, or none if the document lacks it.
    pub fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        self.0["paths"].get(path)?.get(method.to_lowercase())
    }

    /// Everything in which `value` differs from the schema of an answer; empty when it fits.
    pub fn differences(&self, operation: &Value, status: u16, value: &Value) -> Vec<String> {
        let Some(answer) = operation["responses"].get(status.to_string()) else {
            return vec![format!("status {status} is not in the document")];
        };
        match answer.pointer("/content/application~1json/schema") {
            Some(schema) => {
                let mut found = Vec::new();
                self.check(schema, value, "$", &mut found);
                found
            }
            None => Vec::new(),
        }
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        let schema = schema.as_object().unwrap();
        if let Some(name) = schema.get("$ref") {
            let pointer = name.as_str().unwrap().trim_start_matches('#');
            let target = self.0.pointer(pointer);
            return self.check(
                target.unwrap_or_else(|| panic!("{pointer} is missing")),
                value,
                at,
                found,
            );
        }
        for (keyword, expected) in schema {
            if let Some(problem) = self.keyword(schema, keyword, expected, value, at, found) {
                found.push(format!("{at}: {problem}, but is {}", cut(value)));
            }
        }
    }

    fn keyword(
        &self,
        schema: &Map<String, Value>,
        keyword: &str,
        expected: &Value,
        value: &Value,
        at: &str,
        found: &mut Vec<String>,
    ) -> Option<String> {
        let wrong = |wrong: bool, text: String| wrong.then_some(text);
        match keyword {
            "description" | "default" => None,
            "type" => {
                let fits = match expected {
                    Value::Array(types) => types.iter().any(|one| is(one, value)),
                    one => is(one, value),
                };
                wrong(!fits, format!("must be {expected}"))
            }
            "enum" => wrong(
                !expected.as_array()?.contains(value),
                format!("must be one of {expected}"),
            ),
            "oneOf" => {
                let fitting = expected.as_array()?.iter().filter(|one| {
                    let mut problems = Vec::new();
                    self.check(one, value, at, &mut problems);
                    problems.is_empty()
                });
                wrong(
                    fitting.count() != 1,
                    format!("must fit one of {}", cut(expected)),
                )
            }
            "properties" => {
                for (name, schema) in expected.as_object()? {
                    if let Some(inner) = value.get(name) {
                        self.check(schema, inner, &format!("{at}.{name}"), found);
                    }
                }
                None
            }
            "required" => {
                let object = value.as_object()?;
                let missing: Vec<_> = expected
                    .as_array()?
                    .iter()
                    .filter(|name| !object.contains_key(name.as_str().unwrap_or_default()))
                    .collect();
                wrong(!missing.is_empty(), format!("lacks {missing:?}"))
            }
            "additionalProperties" => {
                let known = schema["properties"].as_object()?;
                let unknown: Vec<_> = value
                    .as_object()?
                    .keys()
                    .filter(|name| !known.contains_key(*name))
                    .collect();
                wrong(
                    expected == false && !unknown.is_empty(),
                    format!("has unknown {unknown:?}"),
                )
            }
            "items" => {
                for (index, item) in value.as_array()?.iter().enumerate() {
                    self.check(expected, item, &format!("{at}[{index}]"), found);
                }
                None
            }
            "minItems" => wrong(
                value.as_array()?.len() < len(expected),
                format!("needs {expected} items"),
            ),
            "maxItems" => wrong(
                value.as_array()?.len() > len(expected),
                format!("has over {expected} items"),
            ),
            "minLength" => wrong(
                value.as_str()?.chars().count() < len(expected),
                format!("is under {expected}"),
            ),
            "maxLength" => wrong(
                value.as_str()?.chars().count() > len(expected),
                format!("is over {expected}"),
            ),
            "minimum" => wrong(
                value.as_f64()? < expected.as_f64()?,
                format!("must be {expected} at least"),
            ),
            "pattern" => {
                assert_eq!(
                    expected, "^[0-9a-f]{32}$",
                    "the checker knows this pattern only"
                );
                let text = value.as_str()?;
                let fits = text.len() == 32
                    && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                wrong(!fits, "must be an event id".to_owned())
            }
            "format" => {
                assert_eq!(expected, "date-time", "the checker knows this format only");
                let text = value.as_str()?;
                wrong(!is_time(text), "must be a time in UTC".to_owned())
            }
            other => panic!("the checker does not know the keyword {other} at {at}"),
        }
    }
}

fn is(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("unknown type {other}"),
    }
}

/// `2026-11-22T12:00:00.000Z`
fn is_time(text: &str) -> bool {
    let shape = "dddd-dd-ddTdd:dd:dd.dddZ";
    text.len() == shape.len()
        && text
            .chars()
            .zip(shape.chars())
            .all(|(c, s)| if s == 'd' { c.is_ascii_digit() } else { c == s })
}

fn len(expected: &Value) -> usize {
    usize::try_from(expected.as_u64().unwrap()).unwrap()
}

fn cut(value: &Value) -> String {
    value.to_string().chars().take(120).collect()
}
