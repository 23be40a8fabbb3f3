//! `/api/v1/projects/{id}/issues` and `/api/v1/issues/{id}`.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;

use super::Api;
use super::answer::{ApiError, JsonBody, Result};
use super::page::{Page, Params, number};
use super::search;
use super::shapes::{Issue, IssueDetail};
use crate::store::{self, IssueFilter, IssueSort, IssueStatus, now_ms};

/// Names of orders; they also begin the cursors of a list in that order.
const SORTS: [(&str, IssueSort); 4] = [
    ("last_seen", IssueSort::LastSeen),
    ("first_seen", IssueSort::FirstSeen),
    ("count", IssueSort::Events),
    ("users", IssueSort::Users),
];

#[derive(Deserialize)]
pub(super) struct Change {
    status: String,
}

pub(super) async fn list(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Json<Page<Issue>>> {
    let project_id = number("project", &id)?;
    let wanted = params.get("sort").unwrap_or(SORTS[0].0);
    let (sort_name, sort) = SORTS
        .into_iter()
        .find(|(name, _)| *name == wanted)
        .ok_or_else(|| {
            ApiError::bad_request(format!(
                "sort `{wanted}` is unknown; known are last_seen, first_seen, count and users"
            ))
        })?;
    let search = search::parse(params.get("query").unwrap_or_default())?;
    let limit = params.limit()?;
    let filter = IssueFilter {
        project_id,
        status: search.status,
        level: search.level,
        release: search.release,
        environment: search.environment,
        words: search.words,
        sort,
        after: params
            .cursor(sort_name)?
            .map(|[value, id]: [u64; 2]| (value, id)),
        limit: limit + 1,
    };
    let now = now_ms();
    let rows = api
        .store(move |store| {
            let rows = store.issues(&filter, now)?;
            // Only an empty page can mean that there is no such project.
            let known = !rows.is_empty() || store.project(project_id, now)?.is_some();
            Ok(known.then_some(rows))
        })
        .await?
        .ok_or_else(|| ApiError::not_found(format!("project {project_id}")))?;
    Ok(Json(Page::new(
        rows,
        limit,
        |last| {
            let value = match sort {
                IssueSort::LastSeen => last.last_seen_ms,
                IssueSort::FirstSeen => last.first_seen_ms,
                IssueSort::Events => last.events,
                IssueSort::Users => last.users,
            };
            format!("{sort_name}.{value}.{}", last.id)
        },
        |row| Issue::new(row, now),
    )))
}

pub(super) async fn one(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<IssueDetail>> {
    let id = number("issue", &id)?;
    detail(&api, id).await
}

pub(super) async fn change(
    State(api): State<Api>,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<IssueDetail>> {
    let id = number("issue", &id)?;
    let status = IssueStatus::from_name(&change.status).ok_or_else(|| {
        ApiError::bad_request(format!(
            "status `{}` is unknown; known are unresolved, resolved and ignored",
            change.status
        ))
    })?;
    api.store(move |store| store.set_issue_status(id, status, now_ms()))
        .await?;
    detail(&api, id).await
}

async fn detail(api: &Api, id: u64) -> Result<Json<IssueDetail>> {
    let now = now_ms();
    let found: Option<(store::Issue, store::IssueExtras)> = api
        .store(move |store| Ok(store.issue(id, now)?.zip(store.issue_extras(id, now)?)))
        .await?;
    let (issue, extras) = found.ok_or_else(|| ApiError::not_found(format!("issue {id}")))?;
    Ok(Json(IssueDetail::new(issue, extras, now)))
}
