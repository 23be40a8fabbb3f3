//! The places of an event: what stands where, and how it is looked at.
//!
//! Known structure is known not to hold secrets and is skipped: ids, types, levels, names of functions and files, times,
//! versions. Everything that an application or its users can fill in is searched. Source: protocol §3.

use super::detect::{Rule, Scan};
use super::keys::{Sensitivity, sensitivity};
use super::walk::{Names, Walk, pairs_mut};
use crate::json::{Object, Value};

impl Walk<'_> {
    pub(super) fn root(&mut self, root: &mut Object<'_>, scan: Scan) {
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
}

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
