//! The kinds of protocol §3.1, applied to attributes of an object, and the remarks they leave.

use crate::json::{Object, Value};
use crate::meta;
use std::borrow::Cow;

/// Applies coercions and remembers, with the place, what was invalid or too long.
#[derive(Default)]
pub(super) struct Coerce<'a> {
    path: Vec<Cow<'static, str>>,
    errors: Vec<(Vec<String>, &'static str, Value<'a>)>,
    lengths: Vec<(Vec<String>, usize)>,
}

impl<'a> Coerce<'a> {
    /// Goes down to the attribute `key`; remarks made until [`Coerce::leave`] are about places below it.
    pub fn enter(&mut self, key: &'static str) {
        self.path.push(Cow::Borrowed(key));
    }

    /// Goes down to an entry of a list.
    pub fn enter_index(&mut self, index: usize) {
        self.path.push(Cow::Owned(index.to_string()));
    }

    /// Goes back up one level.
    pub fn leave(&mut self) {
        self.path.pop();
    }

    /// Remembers that the value at `place`, below the current one, was invalid.
    pub fn invalid(&mut self, place: &[&str], error: &'static str, original: Value<'a>) {
        let path = self.path_to(place);
        self.errors.push((path, error, original));
    }

    /// Replaces the attribute by what `read` makes of it; `null` and a remark if that is nothing.
    pub fn convert(
        &mut self,
        object: &mut Object<'a>,
        key: &str,
        error: &'static str,
        read: impl FnOnce(&Value<'a>) -> Option<Value<'a>>,
    ) {
        let Some(value) = object.get_mut(key).filter(|value| !value.is_null()) else {
            return;
        };
        match read(value) {
            Some(converted) => *value = converted,
            None => {
                let original = value.take();
                self.invalid(&[key], error, original);
            }
        }
    }

    /// Makes the attribute a text of at most `max_chars` (lenient string); an empty text stays.
    pub fn text(&mut self, object: &mut Object<'a>, key: &str, max_chars: usize) {
        let Some(value) = object.get_mut(key) else {
            return;
        };
        match value {
            Value::Null => return,
            Value::String(_) => {}
            _ => match lenient_text(value).map(Cow::into_owned) {
                Some(text) => *value = Value::from(text),
                None => {
                    let original = value.take();
                    self.invalid(&[key], "expected a text", original);
                    return;
                }
            },
        }
        self.limit(value, &[key], max_chars);
    }

    /// Cuts a text to `max_chars` characters, dots included, and remembers its length.
    pub fn limit(&mut self, value: &mut Value<'a>, place: &[&str], max_chars: usize) {
        let Value::String(text) = value else { return };
        // A text within the limit in bytes is within it in characters.
        if text.len() <= max_chars || text.chars().count() <= max_chars {
            return;
        }
        let keep = text
            .char_indices()
            .nth(max_chars.saturating_sub(3))
            .map_or(text.len(), |(at, _)| at);
        self.lengths
            .push((self.path_to(place), text.chars().count()));
        *text = Cow::Owned(format!("{}...", &text[..keep]));
    }

    /// Nulls the attribute, with a remark, if it is a text that `valid` refuses.
    pub fn check(
        &mut self,
        object: &mut Object<'a>,
        key: &str,
        error: &'static str,
        valid: impl FnOnce(&str) -> bool,
    ) {
        if let Some(value @ Value::String(_)) = object.get_mut(key)
            && !value.as_str().is_some_and(valid)
        {
            let original = value.take();
            self.invalid(&[key], error, original);
        }
    }

    /// Makes the attribute an unsigned integer; texts of digits count, 0 and below mean absent.
    pub fn positive(&mut self, object: &mut Object<'a>, key: &str) {
        let Some(value) = object.get_mut(key) else {
            return;
        };
        let number = match value {
            Value::Number(number) => number
                .as_i64()
                .or_else(|| number.as_u64().map(|_| i64::MAX)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match (number, &*value) {
            (Some(number), Value::Number(_)) if number > 0 => {}
            (Some(number), _) if number > 0 => *value = Value::from(number),
            (Some(_), _) | (None, Value::Null) => {
                object.remove(key);
            }
            (None, _) => {
                let original = value.take();
                self.invalid(&[key], "expected an unsigned integer", original);
            }
        }
    }

    /// Makes the attribute a bool; 0, 1, `"true"` and `"false"` count.
    pub fn bool(&mut self, object: &mut Object<'a>, key: &str) {
        self.convert(object, key, "expected a bool", |value| {
            let text = match value {
                Value::Bool(bool) => return Some(Value::Bool(*bool)),
                Value::Number(number) => number.as_text(),
                Value::String(text) => text.as_ref(),
                _ => return None,
            };
            match text {
                "1" | "true" | "True" => Some(Value::Bool(true)),
                "0" | "false" | "False" => Some(Value::Bool(false)),
                _ => None,
            }
        });
    }

    /// Nulls the attribute unless it is an object. An empty list is how PHP writes an empty object.
    pub fn object<'v>(
        &mut self,
        parent: &'v mut Object<'a>,
        key: &str,
    ) -> Option<&'v mut Object<'a>> {
        let value = parent.get_mut(key)?;
        match value {
            Value::Object(_) | Value::Null => {}
            Value::Array(items) if items.is_empty() => *value = Value::Object(Object::new()),
            _ => {
                let original = value.take();
                self.invalid(&[key], "expected an object", original);
            }
        }
        value.as_object_mut()
    }

    /// Writes what was remembered into `_meta`.
    pub fn record(self, event: &mut Value<'a>) {
        for (path, error, original) in self.errors.into_iter().take(meta::MAX_REMARKS) {
            meta::record_error(event, &path, error, original);
        }
        meta::record_lengths(event, &self.lengths);
    }

    fn path_to(&self, place: &[&str]) -> Vec<String> {
        self.path
            .iter()
            .map(|key| key.to_string())
            .chain(place.iter().map(|&key| key.to_owned()))
            .collect()
    }
}

/// A lenient string: texts, numbers as written, bools as Python writes them. Source: protocol §3.1.
pub(super) fn lenient_text<'v>(value: &'v Value<'_>) -> Option<Cow<'v, str>> {
    Some(Cow::Borrowed(match value {
        Value::String(text) => text,
        Value::Number(number) => number.as_text(),
        Value::Bool(true) => "True",
        Value::Bool(false) => "False",
        _ => return None,
    }))
}

/// The entries of a pair list in one of its two shapes; pairs without a key are lost, others keep whatever value they
/// have. `None` if it has another shape. Source: protocol §3.1, pair list.
pub(super) fn take_pairs<'a>(value: &mut Value<'a>) -> Option<Vec<(Cow<'a, str>, Value<'a>)>> {
    match value {
        Value::Object(_) => {
            let Value::Object(object) = value.take() else {
                return None;
            };
            Some(object.into_iter().collect())
        }
        Value::Array(_) => {
            let Value::Array(items) = value.take() else {
                return None;
            };
            let pairs = items.into_iter().filter_map(|item| match item {
                Value::Array(pair) => {
                    let [key, value] = <[Value<'a>; 2]>::try_from(pair).ok()?;
                    let key = match key {
                        Value::String(key) => key,
                        other => Cow::Owned(lenient_text(&other)?.into_owned()),
                    };
                    Some((key, value))
                }
                _ => None,
            });
            Some(pairs.collect())
        }
        _ => None,
    }
}

/// The canonical form of a pair list.
pub(super) fn pair_list<'a>(pairs: Vec<(Cow<'a, str>, Value<'a>)>) -> Value<'a> {
    Value::Array(
        pairs
            .into_iter()
            .map(|(key, value)| Value::Array(vec![Value::String(key), value]))
            .collect(),
    )
}
