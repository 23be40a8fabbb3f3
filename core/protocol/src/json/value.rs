//! The tree itself: values, objects and the helpers that build them.

use super::Number;
use std::borrow::Cow;

/// One JSON value. Strings and numbers borrow from the parsed text until they are replaced.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'a> {
    /// `null`, and what `NaN` and the infinities become.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number with its source text.
    Number(Number<'a>),
    /// Text; owned only if it held an escape or was replaced.
    String(Cow<'a, str>),
    /// A list.
    Array(Vec<Value<'a>>),
    /// A map that keeps the order of its keys.
    Object(Object<'a>),
}

impl<'a> Value<'a> {
    /// The entry `key` of an object; `None` for a missing key and for every other kind of value.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.as_object()?.get(key)
    }

    /// Like [`Value::get`], for changing the entry.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value<'a>> {
        self.as_object_mut()?.get_mut(key)
    }

    /// Follows `keys` through nested objects.
    pub fn path(&self, keys: &[&str]) -> Option<&Value<'a>> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The bool itself; numbers and texts are not bools here (see `event::normalize` for the lenient reading).
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    /// A number as unsigned integer, see [`Number::as_u64`].
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// A number as signed integer, see [`Number::as_i64`].
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// A number as float, see [`Number::as_f64`].
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    /// The number with its text.
    pub fn as_number(&self) -> Option<&Number<'a>> {
        match self {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The items of an array.
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The items of an array, for changing them.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Value<'a>>> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The object.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object, for changing it.
    pub fn as_object_mut(&mut self) -> Option<&mut Object<'a>> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Takes the value out and leaves `null`.
    pub fn take(&mut self) -> Value<'a> {
        std::mem::take(self)
    }

    /// Makes this an object if it is not one, and returns it. A value of another kind is lost.
    pub fn make_object(&mut self) -> &mut Object<'a> {
        if !matches!(self, Value::Object(_)) {
            *self = Value::Object(Object::new());
        }
        match self {
            Value::Object(object) => object,
            _ => unreachable!("the line above made it an object"),
        }
    }

    /// A borrowed copy: the tree is rebuilt, the texts are shared.
    pub fn borrowed(&self) -> Value<'_> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(bool) => Value::Bool(*bool),
            Value::Number(number) => Value::Number(Number(Cow::Borrowed(&number.0))),
            Value::String(text) => Value::String(Cow::Borrowed(text)),
            Value::Array(items) => Value::Array(items.iter().map(Value::borrowed).collect()),
            Value::Object(object) => Value::Object(Object(
                object
                    .iter()
                    .map(|(key, value)| (Cow::Borrowed(key), value.borrowed()))
                    .collect(),
            )),
        }
    }

    /// Ends every borrow of the source text, by copying what is still borrowed.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(bool) => Value::Bool(bool),
            Value::Number(number) => Value::Number(number.into_owned()),
            Value::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Value::Array(items) => Value::Array(items.into_iter().map(Value::into_owned).collect()),
            Value::Object(object) => Value::Object(object.into_owned()),
        }
    }
}

/// A JSON object: an ordered list of entries with unique keys.
///
/// Lookups walk the list. Event objects have a few dozen keys at most, where that beats a map; an object with thousands
/// of keys (a hostile body) is still parsed in `n log n`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a>(pub(super) Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// An empty object.
    pub const fn new() -> Self {
        Object(Vec::new())
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// The value under `key`, for changing it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value<'a>> {
        self.0
            .iter_mut()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// The text under `key`; `None` if it is missing or not a string.
    pub fn str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Whether `key` exists, `null` included.
    pub fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Sets `key`, at its old place if it exists, and returns the old value.
    pub fn insert(
        &mut self,
        key: impl Into<Cow<'a, str>>,
        value: impl Into<Value<'a>>,
    ) -> Option<Value<'a>> {
        let key = key.into();
        let value = value.into();
        if let Some(place) = self.get_mut(&key) {
            return Some(std::mem::replace(place, value));
        }
        self.0.push((key, value));
        None
    }

    /// Takes the entry out; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Value<'a>> {
        let index = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(index).1)
    }

    /// The value under `key`, inserted as `null` if it is missing.
    pub fn entry(&mut self, key: impl Into<Cow<'a, str>>) -> &mut Value<'a> {
        let key = key.into();
        let index = match self.0.iter().position(|(name, _)| *name == key) {
            Some(index) => index,
            None => {
                self.0.push((key, Value::Null));
                self.0.len() - 1
            }
        };
        &mut self.0[index].1
    }

    /// Keeps the entries for which `keep` says true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value<'a>) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    /// The entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value<'a>)> + DoubleEndedIterator {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// The entries in order, values for changing.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Value<'a>)> {
        self.0
            .iter_mut()
            .map(|entry| (entry.0.as_ref(), &mut entry.1))
    }

    /// The entries in order, keys for changing too. Keys must stay unique.
    pub(crate) fn entries_mut(&mut self) -> &mut Vec<(Cow<'a, str>, Value<'a>)> {
        &mut self.0
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ends every borrow of the source text.
    pub fn into_owned(self) -> Object<'static> {
        Object(
            self.0
                .into_iter()
                .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                .collect(),
        )
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Value<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, K: Into<Cow<'a, str>>, V: Into<Value<'a>>> FromIterator<(K, V)> for Object<'a> {
    /// Collects entries; of equal keys the last value wins.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut object = Object(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        );
        object.deduplicate();
        object
    }
}

impl<'a> Object<'a> {
    /// Makes the keys unique: the last value wins and takes the place of the first.
    pub(super) fn deduplicate(&mut self) {
        let entries = &mut self.0;
        // Small objects are the rule; comparing pairs costs less there than an index would.
        const SMALL: usize = 16;
        if entries.len() <= SMALL {
            let mut index = 1;
            while index < entries.len() {
                let (before, rest) = entries.split_at_mut(index);
                let (key, value) = &mut rest[0];
                if let Some((_, earlier)) = before.iter_mut().find(|(name, _)| name == key) {
                    *earlier = value.take();
                    entries.remove(index);
                } else {
                    index += 1;
                }
            }
            return;
        }
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by(|&a, &b| entries[a].0.cmp(&entries[b].0).then(a.cmp(&b)));
        let mut dropped = vec![false; entries.len()];
        let mut any = false;
        let mut first = order[0];
        for &next in &order[1..] {
            if entries[next].0 == entries[first].0 {
                let value = entries[next].1.take();
                entries[first].1 = value;
                dropped[next] = true;
                any = true;
            } else {
                first = next;
            }
        }
        if any {
            let mut index = 0;
            entries.retain(|_| {
                index += 1;
                !dropped[index - 1]
            });
        }
    }
}

/// Builds an object value from pairs, so that engine and collector code reads like the JSON it makes.
///
/// ```
/// use faultwire_protocol::json::{Value, object};
/// let value = object([("type", Value::from("event")), ("length", Value::from(12u64))]);
/// assert_eq!(value.to_string(), r#"{"type":"event","length":12}"#);
/// ```
pub fn object<'a, K: Into<Cow<'a, str>>, V: Into<Value<'a>>>(
    entries: impl IntoIterator<Item = (K, V)>,
) -> Value<'a> {
    Value::Object(entries.into_iter().collect())
}

/// Builds an array value.
pub fn array<'a, V: Into<Value<'a>>>(items: impl IntoIterator<Item = V>) -> Value<'a> {
    Value::Array(items.into_iter().map(Into::into).collect())
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::String(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Value::String(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Value::String(text)
    }
}

impl From<bool> for Value<'_> {
    fn from(bool: bool) -> Self {
        Value::Bool(bool)
    }
}

impl From<f64> for Value<'_> {
    /// `NaN` and the infinities become `null`, as when parsed.
    fn from(float: f64) -> Self {
        if !float.is_finite() {
            return Value::Null;
        }
        Value::Number(Number(Cow::Owned(float.to_string())))
    }
}

impl<'a> From<Number<'a>> for Value<'a> {
    fn from(number: Number<'a>) -> Self {
        Value::Number(number)
    }
}

impl<'a> From<Vec<Value<'a>>> for Value<'a> {
    fn from(items: Vec<Value<'a>>) -> Self {
        Value::Array(items)
    }
}

impl<'a> From<Object<'a>> for Value<'a> {
    fn from(object: Object<'a>) -> Self {
        Value::Object(object)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

macro_rules! from_integer {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Value<'_> {
            fn from(value: $integer) -> Self {
                Value::Number(Number::from(value))
            }
        }
    )*};
}

from_integer!(u8, u16, u32, u64, usize, i32, i64);
