//! The pattern of a message: what stays when ids, numbers, names in quotes, addresses and dates are taken out.

/// Replaces everything in the first line that looks like a value by `*`; lower case, at most [`MAX_CHARS`].
///
/// Neighbouring values become one, so that `3 of 17` and a date in any notation count alike.
pub(super) fn pattern(message: &str) -> String {
    let line = message
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let line = head(line);
    let mut pattern = String::with_capacity(line.len().min(MAX_CHARS));
    let mut rest = line;
    let mut before = ' ';
    while let Some(char) = rest.chars().next() {
        if pattern.len() > MAX_CHARS * 4 {
            break;
        }
        let value = quoted(rest, before)
            .or_else(|| placeholder(rest))
            .or_else(|| {
                if is_word(before) {
                    None
                } else {
                    address(rest).or_else(|| number(rest))
                }
            });
        let length = match value {
            Some(length) => {
                push_value(&mut pattern);
                length
            }
            None if is_word(char) && !is_word(before) => {
                // A word without a digit, whole, so that its inside is not looked at again.
                let length = rest.find(|char| !is_word(char)).unwrap_or(rest.len());
                pattern.push_str(&rest[..length]);
                length
            }
            None => {
                pattern.push(char);
                char.len_utf8()
            }
        };
        before = rest[..length].chars().next_back().unwrap_or(' ');
        rest = &rest[length..];
    }
    let lower = pattern.trim().to_lowercase();
    match lower.char_indices().nth(MAX_CHARS) {
        Some((cut, _)) => lower[..cut].to_owned(),
        None => lower,
    }
}

/// As much of the line as can matter.
fn head(line: &str) -> &str {
    let mut end = line.len().min(MAX_LINE_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}

/// Appends a `*`, or lets the one before stand for both if only separators lie between.
fn push_value(pattern: &mut String) {
    let kept = pattern
        .trim_end_matches(['-', '_', '.', ':', '/', ',', ' '])
        .len();
    if pattern[..kept].ends_with('*') {
        pattern.truncate(kept);
    } else {
        pattern.push('*');
    }
}

/// The length of a placeholder that a scrubber left, which stands for a value.
fn placeholder(rest: &str) -> Option<usize> {
    let end = rest.strip_prefix('[')?.find(']')? + 2;
    matches!(
        &rest[..end],
        "[Filtered]" | "[email]" | "[ip]" | "[creditcard]"
    )
    .then_some(end)
}

/// The length of a part in quotes. An apostrophe inside a word opens none.
fn quoted(rest: &str, before: char) -> Option<usize> {
    let quote = rest
        .chars()
        .next()
        .filter(|char| matches!(char, '"' | '`' | '\''))?;
    if quote == '\'' && is_word(before) {
        return None;
    }
    let length = rest[1..].find(quote)? + 2;
    let word_behind = quote == '\'' && rest[length..].starts_with(is_word);
    (length <= MAX_QUOTED_BYTES && !word_behind).then_some(length)
}

/// The length of a URL or an e-mail address.
fn address(rest: &str) -> Option<usize> {
    let end = rest
        .find(|char: char| {
            char.is_whitespace() || matches!(char, '"' | '\'' | '<' | '>' | ')' | ']')
        })
        .unwrap_or(rest.len());
    let token = &rest[..end];
    if let Some(at) = token.find("://") {
        let scheme = token[..at]
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        return (at > 0 && scheme).then_some(end);
    }
    let at = token.find('@')?;
    let local = token[..at]
        .chars()
        .all(|char| is_word(char) || matches!(char, '.' | '+' | '%' | '-'));
    let domain = token[at + 1..]
        .find(|char: char| !is_word(char) && char != '.')
        .unwrap_or(token.len() - at - 1);
    let domain = token[at + 1..at + 1 + domain].trim_end_matches('.');
    (at > 0 && local && domain.contains('.')).then_some(at + 1 + domain.len())
}

/// The length of a word that holds a digit, with what a number or time goes on with.
fn number(rest: &str) -> Option<usize> {
    let word = rest.find(|char| !is_word(char)).unwrap_or(rest.len());
    if !rest[..word].bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let length = rest
        .find(|char: char| !is_word(char) && !matches!(char, '.' | ':'))
        .unwrap_or(rest.len());
    Some(rest[..length].trim_end_matches(['.', ':']).len())
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-')
}

const MAX_LINE_BYTES: usize = 2000;
const MAX_CHARS: usize = 300;
const MAX_QUOTED_BYTES: usize = 200;
