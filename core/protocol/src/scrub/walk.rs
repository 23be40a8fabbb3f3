//! Walks an event and decides, place by place, what is looked at and how.
//!
//! Known structure is known not to hold secrets and is skipped: ids, types, levels, names of functions and files, times,
//! versions. Everything that an application or its users can fill in is searched, keys of maps included.

use super::detect::{Rule, Scan, is_card_number, is_harmless};
use super::keys::{Sensitivity, joined, sensitivity};
use super::text::Scrubbed;
use super::{PLACEHOLDER, ScrubOptions, text};
use crate::json::{self, Object, Value};
use crate::meta;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// One removal, with the way to it from the inside out.
struct Remark {
    path: Vec<String>,
    rule: Rule,
    /// Characters of the new text; `None` if it replaced something that was no text.
    range: Option<(usize, usize)>,
    length: usize,
}

pub(super) struct Walk<'o> {
    options: &'o ScrubOptions,
    extra_keys: Vec<String>,
    safe_keys: Vec<String>,
    remarks: Vec<Remark>,
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

    fn root(&mut self, root: &mut Object<'_>, scan: Scan) {
        let mut names = Names::default();
        for index in 0..root.len() {
            let before = self.remarks.len();
            let (key, value) = &mut root.entries_mut()[index];
            match key.as_ref() {
                "exception" | "sentry.interfaces.Exception" => {
                    self.each_entry(value, |walk, entry| walk.exception(entry, scan))
                }
                "threads" | "sentry.interfaces.Threads" => {
                    self.each_entry(value, |walk, entry| walk.thread(entry, scan))
                }
                "stacktrace" | "sentry.interfaces.Stacktrace" => self.stacktrace(value, scan),
                "breadcrumbs" | "sentry.interfaces.Breadcrumbs" => self
                    .each_entry(value, |walk, entry| {
                        walk.fields(entry, scan, BREADCRUMB_STRUCTURE)
                    }),
                "user" | "sentry.interfaces.User" => self.user(value, scan),
                "request" | "sentry.interfaces.Http" => self.request(value, scan),
                "contexts" | "sentry.interfaces.Contexts" => self.contexts(value, scan),
                "_meta" => Walk::meta(self, value, false, scan),
                name if ROOT_STRUCTURE.contains(&name) => {}
                name if TEXT_AT_ROOT.contains(&name) => self.value(value, scan),
                _ => self.entry(root, index, scan, &mut names),
            }
            self.prefix(before, &root.entries_mut()[index].0);
        }
    }

    /// Runs `visit` over the entries of a list container in any of its shapes.
    fn each_entry<'a>(&mut self, list: &mut Value<'a>, visit: impl Fn(&mut Self, &mut Object<'a>)) {
        let visit_all = |walk: &mut Self, items: &mut [Value<'a>]| {
            for (index, item) in items.iter_mut().enumerate() {
                let before = walk.remarks.len();
                if let Value::Object(entry) = item {
                    visit(walk, entry);
                }
                walk.prefix_index(before, index);
            }
        };
        match list {
            Value::Array(items) => visit_all(self, items),
            Value::Object(object) => match object.get_mut("values") {
                Some(Value::Array(items)) => {
                    let before = self.remarks.len();
                    visit_all(self, items);
                    self.prefix(before, "values");
                }
                Some(_) => {}
                None => visit(self, object),
            },
            _ => {}
        }
    }

    fn exception(&mut self, exception: &mut Object<'_>, scan: Scan) {
        for (key, value) in pairs_mut(exception) {
            let before = self.remarks.len();
            match key.as_ref() {
                "type" | "module" | "thread_id" => {}
                "stacktrace" | "raw_stacktrace" => self.stacktrace(value, scan),
                "mechanism" => {
                    if let Value::Object(mechanism) = value {
                        self.fields(
                            mechanism,
                            scan,
                            &[
                                "type",
                                "handled",
                                "synthetic",
                                "source",
                                "exception_id",
                                "parent_id",
                                "meta",
                            ],
                        );
                    }
                }
                _ => self.value(value, scan),
            }
            self.prefix(before, key);
        }
    }

    fn thread(&mut self, thread: &mut Object<'_>, scan: Scan) {
        for (key, value) in pairs_mut(thread) {
            let before = self.remarks.len();
            match key.as_ref() {
                "stacktrace" | "raw_stacktrace" => self.stacktrace(value, scan),
                "name" => self.value(value, scan),
                _ => {}
            }
            self.prefix(before, key);
        }
    }

    fn stacktrace(&mut self, stack: &mut Value<'_>, scan: Scan) {
        let frames = stack.get_mut("frames").and_then(Value::as_array_mut);
        let from = self.remarks.len();
        for (index, frame) in frames.into_iter().flatten().enumerate() {
            let before = self.remarks.len();
            if let Value::Object(frame) = frame {
                self.frame(frame, scan);
            }
            self.prefix_index(before, index);
        }
        self.prefix(from, "frames");
    }

    fn frame(&mut self, frame: &mut Object<'_>, scan: Scan) {
        for (key, value) in pairs_mut(frame) {
            let before = self.remarks.len();
            match key.as_ref() {
                "vars" => self.value(value, scan),
                "context_line" | "pre_context" | "post_context" => {
                    self.value(
                        value,
                        Scan {
                            code: true,
                            addresses: false,
                            ..scan
                        },
                    );
                }
                // A URL may carry credentials; a path is left alone.
                "filename" | "abs_path"
                    if value
                        .as_str()
                        .is_some_and(|path| path.contains("://") && path.contains(['@', '?'])) =>
                {
                    self.value(
                        value,
                        Scan {
                            personal: false,
                            ..scan
                        },
                    );
                }
                _ => {}
            }
            self.prefix(before, key);
        }
    }

    /// What the application says about its user stays; secrets go even there.
    fn user(&mut self, user: &mut Value<'_>, scan: Scan) {
        if let Value::Object(user) = user {
            self.fields(
                user,
                Scan {
                    personal: false,
                    ..scan
                },
                &[
                    "id",
                    "email",
                    "username",
                    "name",
                    "ip_address",
                    "geo",
                    "segment",
                ],
            );
        }
    }

    fn request(&mut self, request: &mut Value<'_>, scan: Scan) {
        let Value::Object(request) = request else {
            return;
        };
        for (key, value) in pairs_mut(request) {
            let before = self.remarks.len();
            match key.as_ref() {
                "method" | "inferred_content_type" | "protocol" | "body_size" | "api_target" => {}
                "cookies" => self.cookies(value),
                _ => self.value(value, scan),
            }
            self.prefix(before, key);
        }
    }

    /// Names of cookies stay. Values go, all of them unless personal data may be sent, else those that grant access.
    fn cookies(&mut self, cookies: &mut Value<'_>) {
        let keep_others = self.options.send_default_pii;
        match cookies {
            Value::String(_) => self.replace(cookies, Rule::Cookie),
            Value::Object(object) => {
                for (name, value) in pairs_mut(object) {
                    let before = self.remarks.len();
                    if !keep_others || is_session_cookie(name) {
                        self.replace(value, Rule::Cookie);
                    }
                    self.prefix(before, name);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let before = self.remarks.len();
                    if let Value::Array(pair) = item
                        && let [Value::String(name), value] = pair.as_mut_slice()
                        && (!keep_others || is_session_cookie(name))
                    {
                        self.replace(value, Rule::Cookie);
                        self.prefix_index(before, 1);
                    }
                    self.prefix_index(before, index);
                }
            }
            _ => {}
        }
    }

    /// The names of contexts are structure, whatever they are; inside, the trace is ids only.
    fn contexts(&mut self, contexts: &mut Value<'_>, scan: Scan) {
        let Value::Object(contexts) = contexts else {
            return;
        };
        for (name, context) in pairs_mut(contexts) {
            let before = self.remarks.len();
            match context {
                Value::Object(trace) if name == "trace" => {
                    self.fields(
                        trace,
                        scan,
                        &[
                            "trace_id",
                            "span_id",
                            "parent_span_id",
                            "op",
                            "status",
                            "origin",
                            "type",
                            "links",
                        ],
                    );
                }
                other => self.value(other, scan),
            }
            self.prefix(before, name);
        }
    }

    /// `_meta` may hold the original of an invalid value.
    fn meta(walk: &mut Walk<'_>, node: &mut Value<'_>, sensitive: bool, scan: Scan) {
        let Value::Object(node) = node else { return };
        for (key, child) in pairs_mut(node) {
            if !key.is_empty() {
                let sensitive = sensitive || walk.judge(key) != Sensitivity::None;
                Walk::meta(walk, child, sensitive, scan);
            } else if let Value::Object(remarks) = child
                && let Some(original) = remarks.get_mut("val")
            {
                // No remark about a remark: what is secret just goes.
                let count = walk.remarks.len();
                if !sensitive {
                    walk.value(original, scan);
                }
                if sensitive || walk.remarks.len() > count {
                    remarks.remove("val");
                }
                walk.remarks.truncate(count);
            }
        }
    }

    /// The entries of an object except those that are `structure`.
    fn fields(&mut self, object: &mut Object<'_>, scan: Scan, structure: &[&str]) {
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
    fn entry(&mut self, object: &mut Object<'_>, index: usize, scan: Scan, names: &mut Names) {
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
    fn value(&mut self, value: &mut Value<'_>, scan: Scan) {
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

    fn judge(&self, key: &str) -> Sensitivity {
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
    fn replace(&mut self, value: &mut Value<'_>, rule: Rule) {
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
    fn prefix(&mut self, before: usize, key: &str) {
        for remark in &mut self.remarks[before..] {
            remark.path.push(key.to_owned());
        }
    }

    fn prefix_index(&mut self, before: usize, index: usize) {
        for remark in &mut self.remarks[before..] {
            remark.path.push(index.to_string());
        }
    }
}

fn pairs_mut<'v, 'a>(
    object: &'v mut Object<'a>,
) -> impl Iterator<Item = (&'v Cow<'a, str>, &'v mut Value<'a>)> {
    object
        .entries_mut()
        .iter_mut()
        .map(|entry| (&entry.0, &mut entry.1))
}

/// The keys of one object, collected when the first of them has to change.
#[derive(Default)]
struct Names {
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

/// Cookies that stand for a login. Source: protocol §8.5.
fn is_session_cookie(name: &str) -> bool {
    let base = name
        .split("__")
        .find(|part| !part.is_empty())
        .unwrap_or(name);
    let known = |name: &str| {
        COOKIES
            .iter()
            .any(|cookie| cookie.eq_ignore_ascii_case(name))
    };
    known(name) || known(base) || sensitivity(name) != Sensitivity::None
}

const COOKIES: [&str; 16] = [
    "sentrysid",
    "sudo",
    "su",
    "session",
    "__session",
    "sessionid",
    "user_session",
    "symfony",
    "phpsessid",
    "fasthttpsessionid",
    "mysession",
    "irissessionid",
    "_vercel_jwt",
    "fastcsrf",
    "remember_me",
    "remember_user_token",
];

/// Attributes of the event itself that no user can fill. Source: design §4.
const ROOT_STRUCTURE: &[&str] = &[
    "event_id",
    "timestamp",
    "start_timestamp",
    "received",
    "level",
    "platform",
    "logger",
    "release",
    "dist",
    "environment",
    "type",
    "modules",
    "sdk",
    "debug_meta",
    "checksum",
    "server_name",
    "transaction_info",
    "main_exception_id",
    "time_spent",
    "project",
    "key_id",
    "times_seen",
    "first_seen",
    "last_seen",
];

/// Attributes whose own names are structure and whose values are searched.
const TEXT_AT_ROOT: &[&str] = &[
    "logentry",
    "message",
    "transaction",
    "culprit",
    "fingerprint",
    "extra",
    "tags",
    "csp",
    "template",
    "errors",
    "sentry.interfaces.Message",
];

const BREADCRUMB_STRUCTURE: &[&str] = &[
    "timestamp",
    "type",
    "ty",
    "category",
    "level",
    "event_id",
    "origin",
];
