//! Query parameters and pages: limits, cursors, ids in paths.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use faultwire_protocol::id::EventId;
use serde::Serialize;

use super::answer::{ApiError, Result};

const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 100;

/// A page of a list; `next` goes back as `?cursor=`.
#[derive(Serialize)]
pub(super) struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

impl<T> Page<T> {
    /// Makes the page of at most `limit` out of `limit + 1` rows: whether there was one too many tells
    /// whether there is a next page. `cursor` is that of the last row shown.
    pub(super) fn new<R>(
        mut rows: Vec<R>,
        limit: usize,
        cursor: impl FnOnce(&R) -> String,
        shape: impl FnMut(R) -> T,
    ) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(cursor);
        Self {
            items: rows.into_iter().map(shape).collect(),
            next,
        }
    }
}

/// The query parameters of a request. Unknown ones are ignored; of a repeated one the last counts.
pub(super) struct Params(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map(|Query(pairs)| Self(pairs.into_iter().collect()))
            .map_err(|error| ApiError::bad_request(error.body_text()))
    }
}

impl Params {
    /// The value of a parameter; an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The page length: `limit`, 1 to 100, default 25.
    pub(super) fn limit(&self) -> Result<usize> {
        let Some(text) = self.get("limit") else {
            return Ok(DEFAULT_LIMIT);
        };
        text.parse()
            .ok()
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or_else(|| {
                ApiError::bad_request(format!(
                    "limit `{text}` must be a number from 1 to {MAX_LIMIT}"
                ))
            })
    }

    /// The numbers in `cursor`, which must begin with `kind`: a cursor of one list or order makes no sense
    /// in another.
    pub(super) fn cursor<const N: usize>(&self, kind: &str) -> Result<Option<[u64; N]>> {
        let Some(text) = self.get("cursor") else {
            return Ok(None);
        };
        let numbers = text
            .strip_prefix(kind)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| {
                rest.split('.')
                    .map(|n| n.parse().ok())
                    .collect::<Option<Vec<u64>>>()
            })
            .and_then(|numbers| numbers.try_into().ok());
        numbers.map(Some).ok_or_else(|| {
            ApiError::bad_request(format!("cursor `{text}` does not belong to this list"))
        })
    }
}

/// Reads a number in a path. What is not a number names nothing, so the answer is 404.
pub(super) fn number(what: &str, text: &str) -> Result<u64> {
    text.parse()
        .map_err(|_| ApiError::not_found(format!("{what} `{text}`")))
}

/// Reads an event id in a path, in any spelling.
pub(super) fn event_id(text: &str) -> Result<[u8; 16]> {
    EventId::parse(text)
        .map(|id| *id.as_bytes())
        .ok_or_else(|| ApiError::not_found(format!("event `{text}`")))
}
