//! How often an issue's tags took which value, within bounds: two statements to read what is known, two to write.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::connection::Connection;
use super::{int, text, uint};
use crate::store::rows::{MAX_TAG_KEYS, MAX_TAG_VALUES, Tally};

type Result<T> = std::result::Result<T, postgres::Error>;

/// Adds the tags of a batch to the issues' counters, within the bounds.
pub(super) fn count(c: &mut Connection, tally: &Tally<'_>) -> Result<()> {
    let tags = tally.tags();
    if tags.is_empty() {
        return Ok(());
    }
    let mut known = KnownTags::load(c, tally)?;
    let (mut keys, mut values) = (TagRows::default(), TagRows::default());
    for tag in &tags {
        let key = text(tag.key);
        let Some(distinct) = known.distinct_values(tag.issue_id, &key) else {
            continue;
        };
        let mut distinct = distinct;
        for (value, events) in tag.values {
            let value = text(value);
            let is_known =
                known
                    .values
                    .contains(&(tag.issue_id, key.to_string(), value.to_string()));
            if is_known || distinct < MAX_TAG_VALUES {
                distinct += u64::from(!is_known);
                let at = (int(tag.issue_id), key.to_string(), value.into_owned());
                values.entry(at).or_default().0 += int(*events);
            }
        }
        let at = (int(tag.issue_id), key.into_owned(), String::new());
        let row = keys.entry(at).or_default();
        (row.0, row.1) = (row.0 + int(tag.total), int(distinct));
    }
    c.execute(
        "INSERT INTO issue_tag_keys (issue_id, key, events, distinct_values)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[])
         ON CONFLICT (issue_id, key) DO UPDATE SET
            events = issue_tag_keys.events + excluded.events, distinct_values = excluded.distinct_values",
        &[
            &column(&keys, |key, _| key.0),
            &column(&keys, |key, _| key.1.clone()),
            &column(&keys, |_, row| row.0),
            &column(&keys, |_, row| row.1),
        ],
    )?;
    c.execute(
        "INSERT INTO issue_tags (issue_id, key, value, events)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
         ON CONFLICT (issue_id, key, value) DO UPDATE SET events = issue_tags.events + excluded.events",
        &[
            &column(&values, |key, _| key.0),
            &column(&values, |key, _| key.1.clone()),
            &column(&values, |key, _| key.2.clone()),
            &column(&values, |_, row| row.0),
        ],
    )
    .map(drop)
}

/// What the tables hold of the tags of a batch.
struct KnownTags {
    /// Values held, by issue and tag.
    distinct: HashMap<(u64, String), u64>,
    /// Tags held, by issue.
    keys: HashMap<u64, u64>,
    values: HashSet<(u64, String, String)>,
}

impl KnownTags {
    fn load(c: &mut Connection, tally: &Tally<'_>) -> Result<Self> {
        let tags = tally.tags();
        let issues: BTreeSet<i64> = tags.iter().map(|tag| int(tag.issue_id)).collect();
        let issues: Vec<i64> = issues.into_iter().collect();
        // At most a hundred a issue: they are bounded.
        let rows = c.query(
            "SELECT issue_id, key, distinct_values FROM issue_tag_keys WHERE issue_id = ANY($1)",
            &[&issues],
        )?;
        let mut known = Self {
            distinct: HashMap::new(),
            keys: HashMap::new(),
            values: HashSet::new(),
        };
        for row in &rows {
            let issue = uint(row.get(0));
            *known.keys.entry(issue).or_default() += 1;
            known.distinct.insert((issue, row.get(1)), uint(row.get(2)));
        }
        let pairs = || {
            tags.iter()
                .flat_map(|tag| tag.values.keys().map(move |value| (tag, *value)))
        };
        let issues: Vec<i64> = pairs().map(|(tag, _)| int(tag.issue_id)).collect();
        let keys: Vec<_> = pairs().map(|(tag, _)| text(tag.key)).collect();
        let values: Vec<_> = pairs().map(|(_, value)| text(value)).collect();
        let rows = c.query(
            "SELECT t.issue_id, t.key, t.value
             FROM unnest($1::bigint[], $2::text[], $3::text[]) AS w (issue_id, key, value)
             JOIN issue_tags t ON t.issue_id = w.issue_id AND t.key = w.key AND t.value = w.value",
            &[&issues, &keys, &values],
        )?;
        known.values = rows
            .iter()
            .map(|row| (uint(row.get(0)), row.get(1), row.get(2)))
            .collect();
        Ok(known)
    }

    /// Values held of a tag; None when the issue has no place for another tag.
    fn distinct_values(&mut self, issue_id: u64, key: &str) -> Option<u64> {
        if let Some(distinct) = self.distinct.get(&(issue_id, key.to_owned())) {
            return Some(*distinct);
        }
        let keys = self.keys.entry(issue_id).or_default();
        if *keys >= MAX_TAG_KEYS {
            return None;
        }
        *keys += 1;
        Some(0)
    }
}

/// Rows of a tag table on their way, in the order of their key: one statement may touch a row once only, and two texts may
/// have become one.
type TagRows = BTreeMap<(i64, String, String), (i64, i64)>;

/// Puts a column of rows into an array.
fn column<T>(rows: &TagRows, of: impl Fn(&(i64, String, String), &(i64, i64)) -> T) -> Vec<T> {
    rows.iter().map(|(key, value)| of(key, value)).collect()
}
