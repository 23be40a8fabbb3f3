//! Replaces what the detectors found in a text, and keeps track of where.

use super::PLACEHOLDER;
use super::detect::{self, Rule, Scan};
use std::borrow::Cow;

/// A part of a text that holds a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub start: usize,
    pub end: usize,
    pub rule: Rule,
}

/// A text after scrubbing.
pub(crate) struct Scrubbed {
    pub text: String,
    /// The placeholders in `text` with their rules, in order, as ranges of characters.
    pub remarks: Vec<(Rule, usize, usize)>,
}

/// Scrubs one text; `None` if there was nothing to remove, which is the normal and fast case.
pub(crate) fn scrub(text: &str, scan: Scan) -> Option<Scrubbed> {
    let mut found = detect::all(text, scan);
    if found.is_empty() {
        return None;
    }
    let mut text = Cow::Borrowed(text);
    let mut ranges: Vec<Found> = Vec::new();
    // A removal can bare a neighbour that did not stand alone before; scrubbing twice must change nothing more.
    for _ in 0..MAX_ROUNDS {
        let (next, edits) = replace(&text, found);
        ranges = shift(&ranges, &edits);
        ranges.extend(edits.iter().map(|edit| Found {
            start: edit.new_start,
            end: edit.new_start + PLACEHOLDER.len(),
            rule: edit.rule,
        }));
        text = Cow::Owned(next);
        found = detect::all(&text, scan);
        if found.is_empty() {
            break;
        }
    }
    ranges.sort_by_key(|range| range.start);
    let text = text.into_owned();
    let chars = |at: usize| text[..at].chars().count();
    let remarks = ranges
        .iter()
        .map(|range| (range.rule, chars(range.start), chars(range.end)))
        .collect();
    Some(Scrubbed { text, remarks })
}

struct Edit {
    old_start: usize,
    old_end: usize,
    new_start: usize,
    rule: Rule,
}

/// Replaces every found part; overlapping ones become one.
fn replace(text: &str, mut found: Vec<Found>) -> (String, Vec<Edit>) {
    found.sort_by_key(|part| (part.start, std::cmp::Reverse(part.end)));
    let mut next = String::with_capacity(text.len());
    let mut edits: Vec<Edit> = Vec::with_capacity(found.len());
    for part in found.iter() {
        match edits.last_mut() {
            Some(last) if part.start < last.old_end => last.old_end = last.old_end.max(part.end),
            _ => edits.push(Edit {
                old_start: part.start,
                old_end: part.end,
                new_start: 0,
                rule: part.rule,
            }),
        }
    }
    let mut copied = 0;
    for edit in &mut edits {
        next.push_str(&text[copied..edit.old_start]);
        edit.new_start = next.len();
        next.push_str(PLACEHOLDER);
        copied = edit.old_end;
    }
    next.push_str(&text[copied..]);
    (next, edits)
}

/// Moves the placeholders of earlier rounds to where they are now; those inside a new one are gone.
fn shift(ranges: &[Found], edits: &[Edit]) -> Vec<Found> {
    let moved = ranges.iter().filter_map(|range| {
        if edits
            .iter()
            .any(|edit| edit.old_start < range.end && range.start < edit.old_end)
        {
            return None;
        }
        let before = edits.iter().rev().find(|edit| edit.old_end <= range.start);
        let start = before.map_or(range.start, |edit| {
            edit.new_start + PLACEHOLDER.len() + (range.start - edit.old_end)
        });
        Some(Found {
            start,
            end: start + (range.end - range.start),
            rule: range.rule,
        })
    });
    moved.collect()
}

/// Real texts settle in the second round; the bound is for hostile ones.
const MAX_ROUNDS: usize = 8;
