//! Remarks: the `_meta` tree that says what was changed in an event and why. Source: protocol §3.18.

use crate::json::{Object, Value, array};
use std::borrow::Cow;

/// Where a value stands: keys and indexes from the root.
pub(crate) type Path = Vec<String>;

/// Most remarks that one run of normalize, scrub or trim writes. They are for people; an event with more was made to hurt,
/// and each remark costs a walk through the tree.
pub(crate) const MAX_REMARKS: usize = 500;

/// Notes that the values at these paths were longer, in characters or entries.
pub(crate) fn record_lengths(event: &mut Value<'_>, cuts: &[(Path, usize)]) {
    for (path, length) in cuts.iter().take(MAX_REMARKS) {
        let remarks = remarks_at(event, path);
        // The first cut knows the original length; a second one only knows the first result.
        if !remarks.contains("len") {
            remarks.insert("len", *length);
        }
    }
}

/// Notes that the value at `path` was invalid; `original` is kept if it is small.
pub(crate) fn record_error<'a>(
    event: &mut Value<'a>,
    path: &[String],
    error: &'static str,
    original: Value<'a>,
) {
    let remarks = remarks_at(event, path);
    let errors = remarks.entry("err");
    match errors {
        Value::Array(errors) if errors.iter().any(|known| known.as_str() == Some(error)) => return,
        Value::Array(errors) => errors.push(error.into()),
        _ => *errors = array([error]),
    }
    if !original.is_null() && original.to_string().len() <= MAX_ORIGINAL_BYTES {
        remarks.insert("val", original);
    }
}

/// Notes a removal or substitution: rule, kind (`x` or `s`), and the changed range in characters of the new text.
pub(crate) fn record_remark(
    event: &mut Value<'_>,
    path: &[String],
    rule: &str,
    kind: &'static str,
    range: Option<(usize, usize)>,
    length: Option<usize>,
) {
    let remarks = remarks_at(event, path);
    let mut remark = vec![Value::from(rule.to_owned()), Value::from(kind)];
    if let Some((start, end)) = range {
        remark.extend([Value::from(start), Value::from(end)]);
    }
    let list = remarks.entry("rem");
    match list {
        Value::Array(list) => list.push(Value::Array(remark)),
        _ => *list = Value::Array(vec![Value::Array(remark)]),
    }
    if let Some(length) = length
        && !remarks.contains("len")
    {
        remarks.insert("len", length);
    }
}

/// The remarks of one value, made if missing.
fn remarks_at<'v, 'a>(event: &'v mut Value<'a>, path: &[String]) -> &'v mut Object<'a> {
    let mut node = event.make_object().entry("_meta").make_object();
    for key in path {
        node = node.entry(Cow::Owned(key.clone())).make_object();
    }
    node.entry("").make_object()
}

const MAX_ORIGINAL_BYTES: usize = 500;
