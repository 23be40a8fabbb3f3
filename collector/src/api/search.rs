//! The words of the issue search: `is:unresolved level:error release:1.2 environment:"eu west" text`.

use faultwire_protocol::event::Level;
use faultwire_protocol::json::Value;

use super::answer::{ApiError, Result};
use crate::store::IssueStatus;

/// Longest query, in bytes.
const MAX_QUERY: usize = 500;
/// Most free words: each is one more text comparison per issue looked at.
const MAX_WORDS: usize = 10;

/// A query, understood.
#[derive(Debug, PartialEq)]
pub(super) struct Search {
    pub(super) status: IssueStatus,
    pub(super) level: Option<Level>,
    pub(super) release: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) words: Vec<String>,
}

/// Reads a query. Of a repeated key the last counts. A word with a colon whose key is unknown is text, so
/// that a pasted `TypeError: x is not a function` finds its issue.
///
/// Errors: a known key with a value it cannot have, too long, too many words.
pub(super) fn parse(query: &str) -> Result<Search> {
    if query.len() > MAX_QUERY {
        return Err(ApiError::bad_request(format!(
            "query is longer than {MAX_QUERY} bytes"
        )));
    }
    let mut search = Search {
        status: IssueStatus::Unresolved,
        level: None,
        release: None,
        environment: None,
        words: Vec::new(),
    };
    for word in words(query) {
        match word.key.as_deref() {
            Some("is") => {
                search.status = IssueStatus::from_name(&word.text).ok_or_else(|| {
                    ApiError::bad_request(format!(
                        "is:{} is unknown; known are is:unresolved, is:resolved and is:ignored",
                        word.text
                    ))
                })?;
            }
            Some("level") => {
                let level = Level::parse(&Value::from(word.text.as_str()));
                search.level = Some(level.ok_or_else(|| {
                    ApiError::bad_request(format!(
                        "level:{} is unknown; known are fatal, error, warning, info and debug",
                        word.text
                    ))
                })?);
            }
            Some("release") => search.release = Some(word.text),
            Some("environment") => search.environment = Some(word.text),
            _ => search.words.push(word.text),
        }
    }
    if search.words.len() > MAX_WORDS {
        return Err(ApiError::bad_request(format!(
            "query has more than {MAX_WORDS} words"
        )));
    }
    Ok(search)
}

struct Word {
    /// One of [`KEYS`], if it stood before a colon.
    key: Option<String>,
    text: String,
}

const KEYS: [&str; 4] = ["is", "level", "release", "environment"];

/// Splits at blanks outside of double quotes. An unclosed quote reaches to the end.
fn words(query: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        let key = KEYS.into_iter().find_map(|key| {
            let head = rest.get(..key.len())?;
            let tail = rest[key.len()..].strip_prefix(':')?;
            (head.eq_ignore_ascii_case(key) && !tail.is_empty() && !tail.starts_with(' '))
                .then_some((key, tail))
        });
        let value = key.map_or(rest, |(_, tail)| tail);
        let (text, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
        };
        if !text.trim().is_empty() {
            words.push(Word {
                key: key.map(|(key, _)| key.to_owned()),
                text: text.to_owned(),
            });
        }
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_means_unresolved() {
        let search = parse("  ").unwrap();
        assert_eq!(search.status, IssueStatus::Unresolved);
        assert_eq!(
            (search.level, search.release, search.words.len()),
            (None, None, 0)
        );
    }

    #[test]
    fn keys_quotes_and_text() {
        let search = parse(
            r#"is:resolved LEVEL:Warning release:web@1.2 environment:"eu west" cart "not a function""#,
        );
        let search = search.unwrap();
        assert_eq!(search.status, IssueStatus::Resolved);
        assert_eq!(search.level, Some(Level::Warning));
        assert_eq!(search.release.as_deref(), Some("web@1.2"));
        assert_eq!(search.environment.as_deref(), Some("eu west"));
        assert_eq!(search.words, ["cart", "not a function"]);
    }

    #[test]
    fn pasted_errors_are_text() {
        let search = parse("TypeError: x is: undefined \"unclosed quote").unwrap();
        assert_eq!(
            search.words,
            ["TypeError:", "x", "is:", "undefined", "unclosed quote"]
        );
        let multibyte = parse("é:x ü").unwrap();
        assert_eq!(multibyte.words, ["é:x", "ü"]);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(parse("is:open").is_err());
        assert!(parse("level:bad").is_err());
        assert!(parse(&"x".repeat(MAX_QUERY + 1)).is_err());
        assert!(parse(&"x ".repeat(MAX_WORDS + 1)).is_err());
    }
}
