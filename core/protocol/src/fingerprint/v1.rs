//! Version 1 of the grouping rules. Frozen: it may import the JSON tree and nothing else of this crate.
//!
//! The cause of a fault is where it was first thrown, so the rules look at the oldest exception of the chain: its type,
//! the newest frame of the application on its stack, and the pattern of its message. Callers, wrappers, line numbers,
//! paths above the file, and values inside messages differ between events of one fault and do not count. Measured on the
//! labelled sets (`cargo test -p faultwire-protocol --test grouping -- --nocapture`): BCubed macro F1 0.83 at precision 0.96 on
//! `dev`, 0.91 at 0.93 on `d4j`; type and value alone reach 0.58 on `dev`.
//!
//! In order, the first that applies:
//!
//! 1. `checksum`: 32 hex digits are the hash, anything else is hashed.
//! 2. A client `fingerprint` other than `["{{ default }}"]`: its parts, variables filled in; `{{ default }}` stands for
//!    what the rules below give.
//! 3. A CSP report: directive and blocked host.
//! 4. The exception chain, unless it is one exception that the SDK made up to carry the stack of a message.
//! 5. The message: its template if it has parameters, else its pattern.

mod hash;
mod names;
mod pattern;

use super::Fingerprint;
use crate::json::{Object, Value};
use hash::hash;
use names::{constructs, file_name, function_name, source_line};
use pattern::pattern;

/// Computes the fingerprint of an event, raw or normalized.
pub fn compute(event: &Value<'_>) -> Fingerprint {
    let found = |hash: String, parts: Vec<String>| Fingerprint {
        hash,
        parts,
        version: "v1",
    };
    if let Some(checksum) = text(event.get("checksum")) {
        let is_hash = checksum.len() == 32 && checksum.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hash = if is_hash {
            checksum.to_ascii_lowercase()
        } else {
            hash(&["checksum", checksum])
        };
        return found(hash, vec![format!("checksum {checksum}")]);
    }
    let default = Parts::of(event);
    let Some(client) = client_fingerprint(event) else {
        return found(default.hash(), default.explain());
    };
    let (mut key, mut explained) = (vec!["client".to_owned()], Vec::new());
    for part in client {
        match variable(part) {
            Some("default") => {
                key.push(default.hash());
                explained.extend(default.explain());
            }
            Some(name) => {
                let value = variable_value(event, name).unwrap_or_else(|| format!("<no {name}>"));
                explained.push(format!("client fingerprint {name} = {value}"));
                key.push(value);
            }
            None => {
                explained.push(format!("client fingerprint {part}"));
                key.push(part.to_owned());
            }
        }
    }
    found(hash(&key), explained)
}

/// What identifies a fault, with the words for people beside it.
#[derive(Default)]
struct Parts(Vec<(String, String)>);

impl Parts {
    fn of(event: &Value<'_>) -> Parts {
        let mut parts = Parts::default();
        if let Some(csp) = event.get("csp").and_then(Value::as_object) {
            parts.csp(csp);
            return parts;
        }
        let chain = exceptions(event);
        match chain.as_slice() {
            [] => parts.message(event),
            [only] if is_synthetic(only) => {
                parts.message(event);
                // The text may be in the made-up exception alone.
                if parts.0.is_empty()
                    && let Some(value) = text(only.get("value"))
                {
                    parts.push("message", pattern(value), "message");
                }
            }
            chain => parts.exceptions(event, chain),
        }
        if parts.0.is_empty() {
            parts.push(
                "nothing",
                String::new(),
                "an event without exception and message",
            );
        }
        parts
    }

    fn push(&mut self, kind: &str, value: String, words: &str) {
        let words = if value.is_empty() {
            words.to_owned()
        } else {
            format!("{words} {value}")
        };
        self.add(kind, &value, words);
    }

    /// Adds a part with words of its own; none if another part's words say it.
    fn add(&mut self, kind: &str, value: &str, words: String) {
        self.0.push((format!("{kind}={value}"), words));
    }

    fn hash(&self) -> String {
        let key: Vec<&str> = self.0.iter().map(|(key, _)| key.as_str()).collect();
        hash(&key)
    }

    fn explain(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|(_, words)| words.clone())
            .filter(|words| !words.is_empty())
            .collect()
    }

    fn csp(&mut self, csp: &Object<'_>) {
        let first = |names: &[&str]| names.iter().find_map(|name| text(csp.get(name)));
        let directive = first(&[
            "effective_directive",
            "effective-directive",
            "effectiveDirective",
        ])
        .or_else(|| {
            first(&[
                "violated_directive",
                "violated-directive",
                "violatedDirective",
            ])
        });
        let directive = directive
            .and_then(|text| text.split_whitespace().next())
            .unwrap_or_default();
        let blocked =
            first(&["blocked_uri", "blocked-uri", "blockedURL", "blockedURI"]).unwrap_or("self");
        let host = blocked.split_once("://").map_or(blocked, |(_, rest)| rest);
        let host = host.split(['/', '?', '#']).next().unwrap_or(host);
        self.push("csp", directive.to_owned(), "csp directive");
        self.push("blocked", host.to_owned(), "blocked");
    }

    fn message(&mut self, event: &Value<'_>) {
        let entry = event.get("logentry").or_else(|| event.get("message"));
        let Some(entry) = entry else { return };
        let template = text(entry.get("message"));
        let formatted = text(entry.get("formatted")).or_else(|| text(Some(entry)));
        // A template is the programmer's own pattern, if it has parameters at all.
        let has_params = match entry.get("params") {
            Some(Value::Array(params)) => !params.is_empty(),
            Some(Value::Object(params)) => !params.is_empty(),
            _ => false,
        };
        match (template, formatted) {
            (Some(template), _) if has_params => {
                self.push("message", template.trim().to_owned(), "message template")
            }
            (template, formatted) => {
                if let Some(text) = formatted.or(template) {
                    self.push("message", pattern(text), "message");
                }
            }
        }
    }

    fn exceptions(&mut self, event: &Value<'_>, chain: &[&Object<'_>]) {
        let Some(root) = chain.first() else { return };
        let type_ = text(root.get("type")).unwrap_or_default();
        let short_type = names::short_type(type_);
        let value = pattern(text(root.get("value")).unwrap_or_default());
        // What the language runtime throws says in its message what was met, differently in each engine and version.
        let runtime = names::is_runtime_type(short_type);
        let frames = app_frames(root);
        self.push("type", short_type.to_owned(), "exception");
        if frames.is_empty() {
            let says_little =
                runtime || value.split(' ').filter(|word| word.len() > 1).count() <= 2;
            if !runtime && !value.is_empty() {
                self.push("value", value, "message");
            }
            if says_little
                && let Some(wrapper) = chain.get(1).and_then(|wrapper| text(wrapper.get("value")))
            {
                self.push(
                    "wrapper",
                    pattern(wrapper),
                    "message of the exception around it",
                );
            }
            return;
        }
        let place = Place::of(event, &frames, short_type);
        let shown = if place.function == "?" {
            "anonymous"
        } else {
            place.function.as_str()
        };
        self.add(
            "file",
            &place.file,
            format!("in-app frame {shown} in {}", place.file),
        );
        if let Some(caller) = &place.caller {
            self.add("caller", caller, format!("called by {caller}"));
        }
        match &place.line {
            // Without blanks: formatters move them.
            Some(line) => {
                let bare: String = line.split_whitespace().collect();
                self.add("line", &bare, format!("source line {line}"));
            }
            None => self.add("function", &place.function, String::new()),
        }
        if (!runtime || place.is_vague()) && !value.is_empty() {
            self.push("value", value, "message");
        }
    }
}

/// Where a fault was thrown.
struct Place {
    file: String,
    function: String,
    /// The calling function, if the throwing one has no name that would last, as in minified code.
    caller: Option<String>,
    line: Option<String>,
}

impl Place {
    /// Neither a name nor a source line tells it from other places in its file.
    fn is_vague(&self) -> bool {
        self.line.is_none() && self.function == "?"
    }

    fn of(event: &Value<'_>, frames: &[&Object<'_>], type_: &str) -> Place {
        let mut frames = frames;
        // The constructor of the error is not the place where it was thrown.
        while let [rest @ .., newest] = frames
            && !rest.is_empty()
            && constructs(newest, type_)
        {
            frames = rest;
        }
        let index = if names::is_recursion(type_) {
            cycle_start(frames)
        } else {
            frames.len() - 1
        };
        let frame = frames[index];
        let function = function_name(frame);
        let lasting = function.len() > 2;
        let caller = index.checked_sub(1).filter(|_| !lasting).map(|caller| {
            let name = function_name(frames[caller]);
            if name.len() > 2 { name } else { "?".to_owned() }
        });
        Place {
            file: file_name(frame),
            function: if lasting { function } else { "?".to_owned() },
            caller,
            line: source_line(frame, text(event.get("platform"))),
        }
    }
}

/// In endless recursion the stack ends anywhere in the cycle; the frame of the cycle that comes first by name is the same
/// in every event.
fn cycle_start(frames: &[&Object<'_>]) -> usize {
    let newest = frames.len().saturating_sub(CYCLE_FRAMES);
    let name = |index: usize| (file_name(frames[index]), function_name(frames[index]));
    let repeated = |index: &usize| {
        (newest..frames.len()).any(|other| other != *index && name(other) == name(*index))
    };
    let first = (newest..frames.len())
        .filter(repeated)
        .min_by_key(|&index| (name(index), index));
    first.unwrap_or(frames.len() - 1)
}

/// How far up a cycle is looked for.
const CYCLE_FRAMES: usize = 32;

/// The frames of the application, oldest first. A frame that nobody marked belongs to it.
fn app_frames<'v>(exception: &'v Object<'v>) -> Vec<&'v Object<'v>> {
    let frames = exception
        .get("stacktrace")
        .and_then(|stack| stack.get("frames")?.as_array())
        .unwrap_or_default();
    let in_app = |frame: &&Object<'_>| frame.get("in_app").and_then(Value::as_bool) != Some(false);
    frames
        .iter()
        .filter_map(Value::as_object)
        .filter(in_app)
        .collect()
}

fn exceptions<'v>(event: &'v Value<'v>) -> Vec<&'v Object<'v>> {
    let list = event
        .get("exception")
        .or_else(|| event.get("sentry.interfaces.Exception"));
    let entries = match list {
        Some(Value::Array(entries)) => entries.as_slice(),
        Some(value @ Value::Object(object)) => match object.get("values") {
            Some(values) => values.as_array().unwrap_or_default(),
            None => std::slice::from_ref(value),
        },
        _ => &[],
    };
    entries
        .iter()
        .filter_map(Value::as_object)
        .filter(|entry| !entry.is_empty())
        .collect()
}

fn is_synthetic(exception: &Object<'_>) -> bool {
    exception
        .get("mechanism")
        .and_then(|mechanism| mechanism.get("synthetic")?.as_bool())
        == Some(true)
}

/// The client's fingerprint, unless it says nothing but "default".
fn client_fingerprint<'v>(event: &'v Value<'v>) -> Option<Vec<&'v str>> {
    let parts: Vec<&str> = event
        .get("fingerprint")?
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let only_default = parts.iter().all(|part| variable(part) == Some("default"));
    (!only_default).then_some(parts)
}

/// The name in `{{ name }}`.
fn variable(part: &str) -> Option<&str> {
    Some(part.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim())
}

/// Source: protocol §9.7.
fn variable_value(event: &Value<'_>, name: &str) -> Option<String> {
    let chain = exceptions(event);
    let main = chain.last();
    let frames = main
        .map(|exception| app_frames(exception))
        .unwrap_or_default();
    let of_frame = |key: &str| frames.last().and_then(|frame| text(frame.get(key)));
    let value = match name {
        "transaction" | "level" | "logger" | "release" | "environment" => text(event.get(name)),
        "message" => {
            let entry = event.get("logentry").or_else(|| event.get("message"))?;
            text(entry.get("formatted"))
                .or_else(|| text(entry.get("message")))
                .or_else(|| text(Some(entry)))
        }
        "type" | "error.type" => main.and_then(|exception| text(exception.get("type"))),
        "value" | "error.value" => main.and_then(|exception| text(exception.get("value"))),
        "function" | "stack.function" => of_frame("function"),
        "module" | "stack.module" => of_frame("module"),
        "path" | "stack.abs_path" => of_frame("abs_path"),
        "stack.filename" => of_frame("filename"),
        "package" | "stack.package" => of_frame("package"),
        _ => {
            return name
                .strip_prefix("tags.")
                .and_then(|tag| tag_value(event, tag));
        }
    };
    value.map(str::to_owned)
}

fn tag_value(event: &Value<'_>, name: &str) -> Option<String> {
    match event.get("tags")? {
        Value::Object(tags) => text(tags.get(name)).map(str::to_owned),
        Value::Array(tags) => tags.iter().find_map(|tag| match tag.as_array()? {
            [key, value] if key.as_str() == Some(name) => text(Some(value)).map(str::to_owned),
            _ => None,
        }),
        _ => None,
    }
}

/// A text that is not empty.
fn text<'v>(value: Option<&'v Value<'_>>) -> Option<&'v str> {
    value?.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_frozen_version_imports_only_the_tree() {
        for source in [
            include_str!("v1.rs"),
            include_str!("v1/hash.rs"),
            include_str!("v1/names.rs"),
            include_str!("v1/pattern.rs"),
        ] {
            for line in source
                .lines()
                .filter(|line| line.trim_start().starts_with("use "))
            {
                let allowed = [
                    "use crate::json::",
                    "use super::",
                    "use hash::",
                    "use names::",
                    "use pattern::",
                ];
                assert!(
                    allowed
                        .iter()
                        .any(|start| line.trim_start().starts_with(start)),
                    "{line}"
                );
            }
        }
    }
}
