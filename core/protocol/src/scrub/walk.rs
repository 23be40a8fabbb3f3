//! The walk through values of any kind: maps with their keys, lists, texts, JSON in texts. Where it starts and what it
//! leaves out is decided in `places`.

use super::detect::{Rule, Scan, is_card_number, is_harmless};
use super::keys::{Sensitivity, joined, sensitivity};
use super::text::Scrubbed;
use super::{PLACEHOLDER, ScrubOptions, text};
use crate::json::{self, Object, Value};
use crate::meta;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// One removal, with the way to it from the inside out.
pub(super) struct Remark {
    path: Vec<String>,
    rule: Rule,
    /// Characters of the new text; `None` if it replaced something that was no text.
    range: Option<(usize, usize)>,
    length: usize,
}

/// One run over one event.
pub(super) struct Walk<'o> {
    pub(super) options: &'o ScrubOptions,
    extra_keys: Vec<String>,
    safe_keys: Vec<String>,
    pub(super) remarks: Vec<Remark>,
    /// How many texts of JSON inside each other the walk is in.
    json_depth: usize,
}

impl<'o> Walk<'o> {
    pub fn new(options: &'o ScrubOptions) -> Walk<'o> {
        let forms = |keys: &[String]| {
            keys.iter()
                .map(|key| joined(key))
                .filter(|key| !key.is_empty())
                .collect()
        };
        Walk {
            options,
            extra_keys: forms(&options.extra_keys),
            safe_keys: forms(&options.safe_keys),
            remarks: Vec::new(),
            json_depth: 0,
        }
    }

    /// Scrubs the whole event; returns the number of removals.
    pub fn event(mut self, event: &mut Value<'_>) -> usize {
        let scan = Scan {
            personal: !self.options.send_default_pii,
            addresses: true,
            code: false,
        };
        match event {
            Value::Object(root) => self.root(root, scan),
            _ => self.value(event, scan),
        }
        let count = self.remarks.len();
        for remark in self.remarks.iter_mut() {
            remark.path.reverse();
        }
        for remark in self.remarks.iter().take(meta::MAX_REMARKS) {
            meta::record_remark(
                event,
                &remark.path,
                remark.rule.name(),
                "s",
                remark.range,
                Some(remark.length),
            );
        }
        count
    }

    /// The entries of an object except those that are `structure`.
    pub(super) fn fields(&mut self, object: &mut Object<'_>, scan: Scan, structure: &[&str]) {
        let mut names = Names::default();
        for index in 0..object.len() {
            if !structure.contains(&object.entries_mut()[index].0.as_ref()) {
                let before = self.remarks.len();
                self.entry(object, index, scan, &mut names);
                self.prefix(before, &object.entries_mut()[index].0);
            }
        }
    }

    /// One entry of a map that an application filled: its key, and its value in the light of its key.
    pub(super) fn entry(
        &mut self,
        object: &mut Object<'_>,
        index: usize,
        scan: Scan,
        names: &mut Names,
    ) {
        let mut sensitive = self.judge(&object.entries_mut()[index].0) != Sensitivity::None;
        let extra = self.is_extra(&object.entries_mut()[index].0);
        if let Some(scrubbed) = text::scrub(&object.entries_mut()[index].0, scan) {
            self.rename(object, index, scrubbed, names);
            sensitive =
                sensitive || self.judge(&object.entries_mut()[index].0) != Sensitivity::None;
        }
        let (key, value) = &mut object.entries_mut()[index];
        if sensitive && hides(key, value) {
            self.replace(value, if extra { Rule::TeamKey } else { Rule::Key });
            return;
        }
        let versions = key.ends_with("version") || key.ends_with("Version") || key == "build";
        let addresses = scan.addresses && !versions;
        self.value(value, Scan { addresses, ..scan });
    }

    /// Gives an entry the scrubbed form of its key. Two secrets may become the same text; both values are kept.
    fn rename(
        &mut self,
        object: &mut Object<'_>,
        index: usize,
        scrubbed: Scrubbed,
        names: &mut Names,
    ) {
        let length = object.entries_mut()[index].0.chars().count();
        let name = names.unique(object, scrubbed.text);
        for (rule, start, end) in scrubbed.remarks {
            let range = Some((start, end));
            self.remarks.push(Remark {
                path: Vec::new(),
                rule,
                range,
                length,
            });
        }
        object.entries_mut()[index].0 = Cow::Owned(name);
    }

    /// Any value without a key that says something about it.
    pub(super) fn value(&mut self, value: &mut Value<'_>, scan: Scan) {
        match value {
            Value::String(text) => {
                if let Some(json) = self.json_text(text, scan) {
                    *text = Cow::Owned(json);
                } else if let Some(scrubbed) = text::scrub(text, scan) {
                    let length = text.chars().count();
                    for (rule, start, end) in scrubbed.remarks {
                        self.remarks.push(Remark {
                            path: Vec::new(),
                            rule,
                            range: Some((start, end)),
                            length,
                        });
                    }
                    *text = Cow::Owned(scrubbed.text);
                }
            }
            Value::Number(number) => {
                if is_card_number(number.as_text()) {
                    self.replace(value, Rule::Card);
                }
            }
            Value::Array(items) => self.list(items, scan),
            Value::Object(object) => {
                self.named_value(object);
                self.fields(object, scan, &[]);
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// A text that is JSON is scrubbed as what it means, and stays JSON. `None` if it is none or held nothing.
    fn json_text(&mut self, text: &str, scan: Scan) -> Option<String> {
        let trimmed = text.trim();
        let looks_like_json = trimmed.starts_with('{') && trimmed.ends_with('}')
            || trimmed.starts_with('[') && trimmed.ends_with(']');
        if scan.code || trimmed.len() < 8 || !looks_like_json || self.json_depth == MAX_JSON_DEPTH {
            return None;
        }
        let mut tree = json::parse(trimmed).ok()?;
        let before = self.remarks.len();
        self.json_depth += 1;
        self.value(&mut tree, scan);
        self.json_depth -= 1;
        let rule = self.remarks.get(before)?.rule;
        // One remark for the text; places inside it have no path in the event.
        self.remarks.truncate(before);
        self.remarks.push(Remark {
            path: Vec::new(),
            rule,
            range: None,
            length: text.chars().count(),
        });
        Some(tree.to_string())
    }

    fn list(&mut self, items: &mut [Value<'_>], scan: Scan) {
        // A pair is a key and its value; so are `--password` and the argument behind it.
        let pair = items.len() == 2;
        let mut hide_next = false;
        for (index, item) in items.iter_mut().enumerate() {
            let before = self.remarks.len();
            if hide_next {
                self.replace(item, Rule::Key);
            } else {
                self.value(item, scan);
            }
            hide_next = match item {
                Value::String(text) if index == 0 && pair && is_name(text) => {
                    self.judge(text) != Sensitivity::None
                }
                Value::String(text) => {
                    text.starts_with("--") && self.judge(text) != Sensitivity::None
                }
                _ => false,
            };
            self.prefix_index(before, index);
        }
    }

    /// `{"name": "password", "value": "x"}` is a pair too.
    fn named_value(&mut self, object: &mut Object<'_>) {
        let name = ["name", "key", "field"]
            .iter()
            .find_map(|key| object.str(key));
        if name.is_some_and(|name| self.judge(name) != Sensitivity::None)
            && let Some(value) = object.get_mut("value")
            && hides("value", value)
        {
            let before = self.remarks.len();
            self.replace(value, Rule::Key);
            self.prefix(before, "value");
        }
    }

    pub(super) fn judge(&self, key: &str) -> Sensitivity {
        if !self.safe_keys.is_empty() && self.safe_keys.contains(&joined(key)) {
            return Sensitivity::None;
        }
        if self.is_extra(key) {
            Sensitivity::Strong
        } else {
            sensitivity(key)
        }
    }

    fn is_extra(&self, key: &str) -> bool {
        if self.extra_keys.is_empty() {
            return false;
        }
        let key = joined(key);
        self.extra_keys.iter().any(|extra| key.contains(extra))
    }

    /// Replaces a whole value.
    pub(super) fn replace(&mut self, value: &mut Value<'_>, rule: Rule) {
        let (range, length) = match &*value {
            Value::Null | Value::Bool(_) => return,
            Value::String(text) if text.is_empty() || text == PLACEHOLDER => return,
            Value::String(text) => (Some((0, PLACEHOLDER.len())), text.chars().count()),
            other => (None, other.to_string().len()),
        };
        self.remarks.push(Remark {
            path: Vec::new(),
            rule,
            range,
            length,
        });
        *value = Value::from(PLACEHOLDER);
    }

    /// Puts a key in front of the paths of all remarks made since `before`. Paths are built only where something was
    /// found; the walk itself carries none.
    pub(super) fn prefix(&mut self, before: usize, key: &str) {
        for remark in &mut self.remarks[before..] {
            remark.path.push(key.to_owned());
        }
    }

    pub(super) fn prefix_index(&mut self, before: usize, index: usize) {
        for remark in &mut self.remarks[before..] {
            remark.path.push(index.to_string());
        }
    }
}

pub(super) fn pairs_mut<'v, 'a>(
    object: &'v mut Object<'a>,
) -> impl Iterator<Item = (&'v Cow<'a, str>, &'v mut Value<'a>)> {
    object
        .entries_mut()
        .iter_mut()
        .map(|entry| (&entry.0, &mut entry.1))
}

/// The keys of one object, collected when the first of them has to change.
#[derive(Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
    next: usize,
}

impl Names {
    /// The name itself, or with a number behind it if it is taken. Numbers only rise, so that an object whose thousands of
    /// keys are all addresses costs no more than sorting them.
    fn unique(&mut self, object: &Object<'_>, name: String) -> String {
        if self.taken.is_empty() {
            self.taken = object.iter().map(|(key, _)| key.to_owned()).collect();
            self.next = 2;
        }
        let mut unique = name.clone();
        while !self.taken.insert(unique.clone()) {
            unique = format!("{name} ({})", self.next);
            self.next += 1;
        }
        unique
    }
}

/// Whether a text can be the name in a pair; source lines and sentences are no names.
fn is_name(text: &str) -> bool {
    text.chars()
        .all(|char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.'))
}

/// Whether the value of a sensitive key holds anything to hide.
fn hides(key: &str, value: &Value<'_>) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        // The working directory shares its name with a password.
        Value::String(text) if key.eq_ignore_ascii_case("pwd") && text.starts_with(['/', '\\']) => {
            false
        }
        Value::String(text) => !is_harmless(text) && !text.is_empty() && text != PLACEHOLDER,
        Value::Array(items) => !items.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Number(_) => true,
    }
}

/// JSON in a text in JSON in a text occurs; more is an attack on the stack.
const MAX_JSON_DEPTH: usize = 2;
