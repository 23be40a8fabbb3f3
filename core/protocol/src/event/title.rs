//! The two lines under which an issue is listed. Source: protocol §9.9.

use super::view::{Event, Exception, Frame};

/// Longest title and culprit, in characters.
const MAX_CHARS: usize = 256;

pub(super) fn title(event: Event<'_>) -> String {
    if let Some(title) = event.tree().get("csp").and_then(csp_title) {
        return first_line(&title);
    }
    let message = event.message();
    match event.main_exception() {
        // A type that the SDK made up would name every such issue alike; what was said is the better name.
        Some(exception) if exception.synthetic() => {
            let named = exception.value().or(message).or(exception.type_());
            first_line(named.unwrap_or(UNNAMED))
        }
        Some(exception) => exception_title(exception, message),
        None => first_line(message.or(event.transaction()).unwrap_or(UNNAMED)),
    }
}

fn exception_title(exception: Exception<'_>, message: Option<&str>) -> String {
    match (exception.type_(), exception.value()) {
        (Some(type_), Some(value)) => first_line(&format!("{type_}: {}", value.trim_start())),
        (Some(text), None) | (None, Some(text)) => first_line(text),
        (None, None) => first_line(message.unwrap_or(UNNAMED)),
    }
}

pub(super) fn culprit(event: Event<'_>) -> String {
    if let Some(transaction) = event.transaction() {
        return first_line(transaction);
    }
    if let Some(culprit) = event
        .tree()
        .get("culprit")
        .and_then(|culprit| culprit.as_str())
        && !culprit.is_empty()
    {
        return first_line(culprit);
    }
    let Some(stack) = event.main_stack() else {
        return String::new();
    };
    let in_app = stack
        .frames()
        .rev()
        .find(|frame| frame.in_app() == Some(true));
    let newest = || stack.frames().next_back();
    in_app.or_else(newest).map(frame_line).unwrap_or_default()
}

fn frame_line(frame: Frame<'_>) -> String {
    let place = frame.module().or(frame.filename()).or(frame.abs_path());
    first_line(&match (place, frame.function()) {
        (Some(place), Some(function)) => format!("{place} in {function}"),
        (Some(text), None) | (None, Some(text)) => text.to_owned(),
        (None, None) => return String::new(),
    })
}

/// `Blocked 'script-src' from 'cdn.example.com'`. Source: protocol §3.14.
fn csp_title(csp: &crate::json::Value<'_>) -> Option<String> {
    let csp = csp.as_object()?;
    let text = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| csp.str(name))
            .filter(|text| !text.is_empty())
    };
    let directive = text(&[
        "effective_directive",
        "effective-directive",
        "effectiveDirective",
    ])
    .or_else(|| {
        text(&[
            "violated_directive",
            "violated-directive",
            "violatedDirective",
        ])
    })?;
    let directive = directive.split_whitespace().next()?;
    let blocked =
        text(&["blocked_uri", "blocked-uri", "blockedURL", "blockedURI"]).unwrap_or_default();
    Some(match blocked {
        "" | "self" | "inline" => format!("Blocked inline '{directive}'"),
        "eval" => format!("Blocked unsafe eval by '{directive}'"),
        uri => {
            let host = uri
                .split_once("://")
                .map_or(uri, |(_, rest)| rest)
                .split(['/', '?', '#'])
                .next();
            format!("Blocked '{directive}' from '{}'", host.unwrap_or(uri))
        }
    })
}

/// The first line that is not blank, trimmed and cut to [`MAX_CHARS`].
fn first_line(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or(UNNAMED);
    match line.char_indices().nth(MAX_CHARS) {
        Some((cut, _)) => format!("{}...", line[..cut].trim_end()),
        None => line.to_owned(),
    }
}

const UNNAMED: &str = "<unlabeled event>";
