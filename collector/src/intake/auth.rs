//! Who may send: credentials of a request against the keys in the store.
//!
//! Source: protocol.md section 1.2: 401 for missing or several credentials, 403 for a key that is unknown, switched
//! off or another project's, 400 where the envelope's own DSN contradicts them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode, header};
use faultwire_protocol::auth::{Auth, AuthError, from_parts};
use faultwire_protocol::dsn::Dsn;

use super::reply::Refusal;
use crate::store::{ProjectKey, Store};

/// A sender that may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The project events go to.
    pub project_id: u64,
    /// The key, in the store's form.
    pub public_key: String,
    /// Name and version of the SDK, if it said so.
    pub client: Option<String>,
}

/// Reads the credentials of a request. `Ok(None)`: there are none.
pub fn credentials(headers: &HeaderMap, query: Option<&str>) -> Result<Option<Auth>, Refusal> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &axum::http::HeaderValue| value.to_str().ok())
    };
    from_parts(
        text("x-sentry-auth"),
        text(header::AUTHORIZATION.as_str()),
        query,
    )
    .map_err(|error| match error {
        AuthError::Version(_) => {
            Refusal::new(StatusCode::BAD_REQUEST, error.to_string()).reason("auth_version")
        }
        _ => {
            Refusal::new(StatusCode::UNAUTHORIZED, error.to_string()).reason("multiple_credentials")
        }
    })
}

/// The key in `Authorization: Bearer KEY`, for the plain JSON endpoint.
pub fn bearer(headers: &HeaderMap) -> Option<Auth> {
    let (scheme, key) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .trim()
        .split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then(|| Auth {
        key: key.to_owned(),
        version: 7,
        client: None,
    })
}

/// The refusal of a request without credentials.
pub fn missing() -> Refusal {
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        "no credentials: send the public key of the DSN as sentry_key",
    )
    .cause("in the X-Sentry-Auth header, in the query string, or as `dsn` in the envelope header")
    .reason("missing_credentials")
}

/// Reads the project id of a path.
pub fn project_id(text: &str) -> Result<u64, Refusal> {
    text.parse().ok().filter(|id| *id > 0).ok_or_else(|| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            "the project id in the path must be a whole number above 0",
        )
        .reason("project_id")
    })
}

/// Compares the DSN that stands in an envelope with what the request itself said. Scheme, host, port and path are
/// not compared: a tunnel or a reverse proxy changes those.
pub fn agree(dsn: &Dsn, auth: Option<&Auth>, project: Option<u64>) -> Result<(), Refusal> {
    let same_key = auth.is_none_or(|auth| normal_key(&auth.key) == normal_key(&dsn.public_key));
    let same_project = project.is_none_or(|id| id == dsn.project_id);
    if same_key && same_project {
        return Ok(());
    }
    let part = if same_key { "project" } else { "key" };
    Err(Refusal::new(
        StatusCode::BAD_REQUEST,
        "the dsn in the envelope header contradicts the request",
    )
    .cause(format!("the {part} differs"))
    .reason("dsn_mismatch"))
}

/// Keys of the store, remembered for a short while.
pub struct Keys {
    store: Arc<dyn Store>,
    known: Mutex<Known>,
}

struct Known {
    keys: HashMap<String, Remembered>,
    /// Look-ups of unknown keys that are still allowed, and since when this was counted.
    misses_left: u32,
    since: Instant,
}

struct Remembered {
    key: ProjectKey,
    at: Instant,
}

impl Keys {
    /// Starts with nothing remembered.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Keys {
            store,
            known: Mutex::new(Known {
                keys: HashMap::new(),
                misses_left: MISSES,
                since: Instant::now(),
            }),
        }
    }

    /// Checks credentials against the store. `project` is the one in the path, if the path has one.
    ///
    /// A key that is not remembered is always looked up, so that a project created a moment ago works at once;
    /// look-ups of unknown keys are bounded in number, because anybody can make up keys.
    pub async fn check(&self, auth: &Auth, project: Option<u64>) -> Result<Access, Refusal> {
        let key = self.find(&normal_key(&auth.key)).await?;
        match key {
            Some(key) if key.active && project.is_none_or(|id| id == key.project_id) => {
                Ok(Access {
                    project_id: key.project_id,
                    public_key: key.public_key,
                    client: auth.client.clone(),
                })
            }
            Some(key) if !key.active => Err(forbidden("the key is switched off", "key_disabled")),
            Some(_) => Err(forbidden(
                "the key belongs to another project",
                "key_of_another_project",
            )),
            None => Err(forbidden("no project has this key", "unknown_key")),
        }
    }

    async fn find(&self, public_key: &str) -> Result<Option<ProjectKey>, Refusal> {
        let plausible = public_key.len() == KEY_LENGTH
            && public_key.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !plausible {
            return Ok(None);
        }
        let stale = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let stale = match known.keys.get(public_key) {
                Some(found) if found.at.elapsed() < FRESH => return Ok(Some(found.key.clone())),
                other => other.map(|found| found.key.clone()),
            };
            if stale.is_none() && !known.may_look_up() {
                return Err(Refusal::overloaded());
            }
            stale
        };
        let looked_up = tokio::task::spawn_blocking({
            let (store, key) = (self.store.clone(), public_key.to_owned());
            move || store.key(&key)
        })
        .await;
        match looked_up {
            Ok(Ok(found)) => {
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                match &found {
                    Some(key) => {
                        known.keys.insert(
                            public_key.to_owned(),
                            Remembered {
                                key: key.clone(),
                                at: Instant::now(),
                            },
                        );
                    }
                    None => {
                        known.keys.remove(public_key);
                    }
                }
                Ok(found)
            }
            // The store has a bad moment: a key that was good seconds ago still is.
            _ if stale.is_some() => Ok(stale),
            failed => {
                if let Ok(Err(error)) = failed {
                    tracing::error!(%error, "a key could not be looked up");
                }
                Err(Refusal::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the key cannot be checked right now",
                )
                .reason("project_unavailable")
                .retry_after(Duration::from_secs(5)))
            }
        }
    }
}

impl Known {
    fn may_look_up(&mut self) -> bool {
        if self.since.elapsed() >= Duration::from_secs(1) {
            self.since = Instant::now();
            self.misses_left = MISSES;
        }
        let allowed = self.misses_left > 0;
        self.misses_left = self.misses_left.saturating_sub(1);
        allowed
    }
}

/// Some servers write keys as UUIDs with dashes, or in capitals; a team that moves in keeps its DSNs as they are.
fn normal_key(key: &str) -> String {
    key.chars()
        .filter(|char| *char != '-')
        .map(|char| char.to_ascii_lowercase())
        .collect()
}

fn forbidden(cause: &str, reason: &'static str) -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "the key is not accepted for this project",
    )
    .cause(cause)
    .reason(reason)
}

/// How long a key is believed without asking the store: a key that is switched off stops working within this time.
const FRESH: Duration = Duration::from_secs(5);
/// Look-ups of unknown keys a second.
const MISSES: u32 = 200;
const KEY_LENGTH: usize = 32;
