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
        ranges = merge(&ranges, &edits);
        text = Cow::Owned(next);
        found = detect::all(&text, scan);
        if found.is_empty() {
            break;
        }
    }
    let text = text.into_owned();
    let (mut at, mut chars) = (0, 0);
    let mut count_to = |position: usize| {
        chars += text[at..position].chars().count();
        at = position;
        chars
    };
    let remarks = ranges
        .iter()
        .map(|range| (range.rule, count_to(range.start), count_to(range.end)))
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

/// The placeholders after another round: those of earlier rounds where they are now, and the new ones. Earlier ones inside
/// a new one are gone. Both lists are in order, and so is the result.
fn merge(ranges: &[Found], edits: &[Edit]) -> Vec<Found> {
    let mut merged = Vec::with_capacity(ranges.len() + edits.len());
    let mut ranges = ranges.iter().peekable();
    // End of the last edit in the old text and in the new one.
    let (mut old_end, mut new_end) = (0, 0);
    for edit in edits {
        while let Some(range) = ranges.next_if(|range| range.start < edit.old_start) {
            if range.end <= edit.old_start && range.start >= old_end {
                merged.push(moved(range, old_end, new_end));
            }
        }
        merged.push(Found {
            start: edit.new_start,
            end: edit.new_start + PLACEHOLDER.len(),
            rule: edit.rule,
        });
        (old_end, new_end) = (edit.old_end, edit.new_start + PLACEHOLDER.len());
    }
    merged.extend(
        ranges
            .filter(|range| range.start >= old_end)
            .map(|range| moved(range, old_end, new_end)),
    );
    merged
}

fn moved(range: &Found, old_end: usize, new_end: usize) -> Found {
    let start = range.start - old_end + new_end;
    Found {
        start,
        end: start + (range.end - range.start),
        rule: range.rule,
    }
}

/// Real texts settle in the second round; the bound is for hostile ones.
const MAX_ROUNDS: usize = 8;
