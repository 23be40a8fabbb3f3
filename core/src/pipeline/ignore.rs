//! `ignoreErrors`: which events the app does not want to hear of.

use faultwire_protocol::event::Event;
use faultwire_protocol::json::Value;
use regex::Regex;

/// The compiled list.
#[derive(Debug, Default)]
pub(crate) struct IgnoreList {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
enum Pattern {
    Part(String),
    Expression(Box<Regex>),
}

impl IgnoreList {
    /// Compiles patterns: `/source/flags` is a regular expression (flags `i`, `m`, `s`, `u`, `g`, `y`; the last three change
    /// nothing here), anything else a part of the text. An expression that does not compile comes back as a sentence
    /// and is left out.
    pub(crate) fn new(patterns: &[String]) -> (IgnoreList, Vec<String>) {
        let mut list = IgnoreList::default();
        let mut complaints = Vec::new();
        for pattern in patterns.iter().filter(|pattern| !pattern.is_empty()) {
            match expression(pattern) {
                None => list.patterns.push(Pattern::Part(pattern.clone())),
                Some(Ok(regex)) => list.patterns.push(Pattern::Expression(Box::new(regex))),
                Some(Err(reason)) => {
                    complaints.push(format!(
                        "option `ignoreErrors`: {pattern} is left out: {reason}"
                    ));
                }
            }
        }
        (list, complaints)
    }

    /// Whether a pattern matches the message, or the value or `Type: value` of the main exception. Source: protocol §6.4.
    pub(crate) fn matches(&self, event: &Value<'_>) -> bool {
        if self.patterns.is_empty() {
            return false;
        }
        let view = Event::new(event);
        let mut texts: Vec<String> = view.message().map(str::to_owned).into_iter().collect();
        if let Some(exception) = view.main_exception() {
            let value = exception.value().unwrap_or_default();
            match exception.type_() {
                // A pattern that is found in the value alone is found here, too, unless it is anchored.
                Some(type_) => texts.extend([format!("{type_}: {value}"), value.to_owned()]),
                None => texts.push(value.to_owned()),
            }
        }
        self.patterns
            .iter()
            .any(|pattern| texts.iter().any(|text| pattern.matches(text)))
    }
}

impl Pattern {
    fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Part(part) => text.contains(part.as_str()),
            Pattern::Expression(regex) => regex.is_match(text),
        }
    }
}

/// The expression in `/source/flags`; `None` if the text does not have this form.
fn expression(pattern: &str) -> Option<Result<Regex, String>> {
    let (source, flags) = pattern.strip_prefix('/')?.rsplit_once('/')?;
    if !flags.bytes().all(|flag| b"imsugy".contains(&flag)) {
        return None;
    }
    let known: String = flags.chars().filter(|flag| "ims".contains(*flag)).collect();
    let source = if known.is_empty() {
        source.to_owned()
    } else {
        format!("(?{known}){source}")
    };
    // The last line of the compiler's answer is the reason; the lines before draw the expression.
    let reason = |error: regex::Error| {
        let text = error.to_string();
        text.lines()
            .last()
            .unwrap_or("not an expression")
            .trim_start_matches("error: ")
            .to_owned()
    };
    Some(Regex::new(&source).map_err(reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use faultwire_protocol::json;

    fn ignores(patterns: &[&str], event: &str) -> bool {
        let patterns: Vec<String> = patterns
            .iter()
            .map(|pattern| (*pattern).to_owned())
            .collect();
        let (list, complaints) = IgnoreList::new(&patterns);
        assert_eq!(complaints, Vec::<String>::new());
        list.matches(&json::parse(event).expect("test event is JSON"))
    }

    const EVENT: &str = r#"{"exception":{"values":[{"type":"Cause","value":"hidden"},{"type":"TypeError","value":"x is not a function"}]}}"#;

    #[test]
    fn parts_and_expressions_match_the_main_exception_and_the_message() {
        assert!(ignores(&["not a function"], EVENT));
        assert!(ignores(&["TypeError: x"], EVENT));
        assert!(ignores(&["/^x is/"], EVENT));
        assert!(ignores(&["/^typeerror: X/i"], EVENT));
        assert!(ignores(&["/^typeerror: X/gi"], EVENT));
        assert!(ignores(
            &[r"/^GRÜSSE: \d+/i"],
            r#"{"message":"grüsse: 12"}"#
        ));
        assert!(!ignores(&["hidden", "/^typeerror/", ""], EVENT));
        assert!(ignores(&["offline"], r#"{"message":"we are offline"}"#));
        assert!(ignores(
            &["offline"],
            r#"{"logentry":{"formatted":"we are offline"}}"#
        ));
        assert!(!ignores(&[], EVENT));
    }

    #[test]
    fn path_like_texts_are_parts_and_bad_expressions_are_named() {
        assert!(ignores(
            &["/var/lib/x"],
            r#"{"message":"cannot open /var/lib/x"}"#
        ));
        let (list, complaints) = IgnoreList::new(&["/(/".to_owned(), "fine".to_owned()]);
        assert_eq!(list.patterns.len(), 1);
        assert_eq!(
            complaints,
            ["option `ignoreErrors`: /(/ is left out: unclosed group"]
        );
    }
}
