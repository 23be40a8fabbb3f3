//! `/api/v1/projects`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::Api;
use super::answer::{ApiError, JsonBody, Result};
use super::page::{Page, Params, number};
use super::shapes::Project;
use crate::store::{NewProject, now_ms};

#[derive(Deserialize)]
pub(super) struct Create {
    name: String,
    platform: Option<String>,
}

pub(super) async fn list(
    State(api): State<Api>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<Page<Project>>> {
    let limit = params.limit()?;
    let after = params.cursor("project")?.map(|[id]: [u64; 1]| id);
    let rows = api
        .store(move |store| store.projects(after, limit + 1, now_ms()))
        .await?;
    let base = base(&api, &headers);
    Ok(Json(Page::new(
        rows,
        limit,
        |last| format!("project.{}", last.project.id),
        |row| Project::new(row, &base),
    )))
}

pub(super) async fn create(
    State(api): State<Api>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Create>,
) -> Result<(StatusCode, Json<Project>)> {
    let new = NewProject {
        name: body.name,
        platform: body.platform,
        ..NewProject::default()
    };
    let project = api.store(move |store| store.create_project(new)).await?;
    let id = project.id;
    let overview = api
        .store(move |store| store.project(id, now_ms()))
        .await?
        .ok_or_else(|| ApiError::not_found(format!("project {id}")))?;
    Ok((
        StatusCode::CREATED,
        Json(Project::new(overview, &base(&api, &headers))),
    ))
}

pub(super) async fn one(
    State(api): State<Api>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Project>> {
    let id = number("project", &id)?;
    let found = api.store(move |store| store.project(id, now_ms())).await?;
    let overview = found.ok_or_else(|| ApiError::not_found(format!("project {id}")))?;
    Ok(Json(Project::new(overview, &base(&api, &headers))))
}

/// Where SDKs reach this server: as configured, else where this request reached it.
fn base(api: &Api, headers: &HeaderMap) -> String {
    if let Some(url) = &api.app.config.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let tls = text("x-forwarded-proto") == Some("https");
    let scheme = if tls { "https" } else { "http" };
    match text("host").filter(|host| plausible(host)) {
        Some(host) => format!("{scheme}://{host}"),
        None => format!("{scheme}://{}", api.app.config.listen),
    }
}

/// A host and port, nothing that could make the DSN point elsewhere than it reads.
fn plausible(host: &str) -> bool {
    !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte))
}
