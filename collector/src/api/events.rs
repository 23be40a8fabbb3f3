//! `/api/v1/events/{id}` and the lists of events.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};

use super::Api;
use super::answer::{ApiError, Result};
use super::page::{Page, Params, event_id, number};
use super::shapes::{self, EventSummary};
use crate::store::{EventFilter, EventsOf, StoredEvent, now_ms};

pub(super) async fn of_project(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Json<Page<EventSummary>>> {
    list(&api, EventsOf::Project(number("project", &id)?), &params).await
}

pub(super) async fn of_issue(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Json<Page<EventSummary>>> {
    list(&api, EventsOf::Issue(number("issue", &id)?), &params).await
}

async fn list(api: &Api, of: EventsOf, params: &Params) -> Result<Json<Page<EventSummary>>> {
    let limit = params.limit()?;
    let after = params
        .cursor("event")?
        .map(|[timestamp, key]: [u64; 2]| (timestamp, key));
    let filter = EventFilter {
        of,
        after,
        limit: limit + 1,
    };
    let rows = api
        .store(move |store| {
            let rows = store.events(&filter)?;
            let known = !rows.is_empty()
                || match of {
                    EventsOf::Project(id) => store.project(id, now_ms())?.is_some(),
                    EventsOf::Issue(id) => store.issue(id, now_ms())?.is_some(),
                };
            Ok(known.then_some(rows))
        })
        .await?
        .ok_or_else(|| match of {
            EventsOf::Project(id) => ApiError::not_found(format!("project {id}")),
            EventsOf::Issue(id) => ApiError::not_found(format!("issue {id}")),
        })?;
    Ok(Json(Page::new(
        rows,
        limit,
        |last| format!("event.{}.{}", last.timestamp_ms, last.key),
        EventSummary::new,
    )))
}

pub(super) async fn one(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response> {
    let project_id = project_of(&api, &id, &params).await?;
    detail(&api, project_id, event_id(&id)?).await
}

pub(super) async fn latest(State(api): State<Api>, Path(id): Path<String>) -> Result<Response> {
    let issue_id = number("issue", &id)?;
    let found = api.store(move |store| store.latest_event(issue_id)).await?;
    let (project_id, event_id) =
        found.ok_or_else(|| ApiError::not_found(format!("an event of issue {issue_id}")))?;
    detail(&api, project_id, event_id).await
}

async fn detail(api: &Api, project_id: u64, event_id: [u8; 16]) -> Result<Response> {
    let event = load(api, project_id, event_id).await?;
    let text = shapes::event_detail(event).map_err(|error| ApiError::internal(&error))?;
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}

pub(super) async fn json(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response> {
    let project_id = project_of(&api, &id, &params).await?;
    let event = load(&api, project_id, event_id(&id)?).await?;
    let disposition = format!("attachment; filename=\"{}.json\"", event.summary.id);
    let head = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CONTENT_DISPOSITION, disposition),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((head, event.payload).into_response())
}

pub(super) async fn attachment(
    State(api): State<Api>,
    Path((id, attachment_id)): Path<(String, String)>,
    params: Params,
) -> Result<Response> {
    let project_id = project_of(&api, &id, &params).await?;
    let (event_id, attachment_id) = (event_id(&id)?, number("attachment", &attachment_id)?);
    let found = api
        .store(move |store| store.attachment(project_id, event_id, attachment_id))
        .await?;
    let (file, bytes) =
        found.ok_or_else(|| ApiError::not_found(format!("attachment {attachment_id}")))?;
    // A stranger chose bytes, name and type: never a page of our origin, always a download.
    let head = [
        (CONTENT_TYPE, media_type(&file.content_type).to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", plain(&file.filename)),
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox".to_owned(),
        ),
    ];
    Ok((head, bytes).into_response())
}

/// The project that holds the event: as given by `?project=`, else the only one.
async fn project_of(api: &Api, id: &str, params: &Params) -> Result<u64> {
    let key = event_id(id)?;
    if let Some(project) = params.get("project") {
        return number("project", project);
    }
    match *api
        .store(move |store| store.event_projects(key))
        .await?
        .as_slice()
    {
        [only] => Ok(only),
        [] => Err(ApiError::not_found(format!("event `{id}`"))),
        [first, ..] => Err(ApiError::bad_request(format!(
            "event {id} exists in several projects; add ?project=, e.g. ?project={first}"
        ))),
    }
}

async fn load(api: &Api, project_id: u64, event_id: [u8; 16]) -> Result<StoredEvent> {
    let found = api
        .store(move |store| store.event(project_id, event_id))
        .await?;
    found.ok_or_else(|| {
        let id = crate::store::secret::hex(&event_id);
        ApiError::not_found(format!("event {id} of project {project_id}"))
    })
}

/// The type the SDK gave if it has the form of one, else plain bytes.
fn media_type(given: &str) -> &str {
    let ok = given.contains('/')
        && given
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if ok {
        given
    } else {
        "application/octet-stream"
    }
}

/// A file name fit for a quoted header value.
fn plain(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._- ".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    if plain.trim_matches(['.', ' ']).is_empty() {
        "attachment".to_owned()
    } else {
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::{media_type, plain};

    #[test]
    fn headers_hold_no_surprises() {
        for (given, expected) in [
            ("report.txt", "report.txt"),
            ("../../etc/passwd", "passwd"),
            ("a\"b\r\nx: y", "a_b__x_ y"),
            ("снимок.png", "______.png"),
            ("", "attachment"),
            ("..", "attachment"),
        ] {
            assert_eq!(plain(given), expected);
        }
        assert_eq!(
            media_type("text/plain; charset=utf-8"),
            "text/plain; charset=utf-8"
        );
        assert_eq!(media_type("text"), "application/octet-stream");
        assert_eq!(media_type("text/a\r\nx: y"), "application/octet-stream");
    }
}
