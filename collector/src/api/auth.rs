//! Who may use the API: a person with the admin password, kept logged in by a cookie, or a program with a
//! token. Three rules: secrets are stored as hashes only; a cookie alone changes nothing (see
//! [`REQUEST_HEADER`]); guessing is bounded.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use axum::Json;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::answer::{ApiError, JsonBody, Result};
use super::shapes::{Session, User};
use super::{Api, blocking};
use crate::store::{now_ms, secret};

/// Name of the login cookie.
const COOKIE_NAME: &str = "faultwire_session";
/// How long a login lasts.
const SESSION_SECONDS: u64 = 30 * 24 * 3600;
/// A page of another origin can make a browser send our cookie, but not this header without asking us first.
const REQUEST_HEADER: &str = "x-faultwire-request";

#[derive(Deserialize)]
pub(super) struct Password {
    password: String,
}

/// `GET /api/v1/session`: whether somebody is logged in, and whether there is a password at all yet.
pub(super) async fn session(State(api): State<Api>, headers: HeaderMap) -> Result<Json<Session>> {
    let logged_in = match cookie(&headers) {
        Some(value) => session_is_valid(&api, value).await?,
        None => false,
    };
    let setup = !logged_in && api.store(|store| store.admin_password()).await?.is_none();
    Ok(Json(answer(setup, logged_in)))
}

/// `POST /api/v1/setup`: the first admin password.
pub(super) async fn setup(
    State(api): State<Api>,
    peer: Peer,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Password>,
) -> Result<Response> {
    if api.store(|store| store.admin_password()).await?.is_some() {
        return Err(exists());
    }
    throttle(&api, &peer)?;
    let _turn = api.hashing.acquire().await;
    if !api
        .store(move |store| store.set_first_password(&body.password))
        .await?
    {
        return Err(exists());
    }
    tracing::info!(peer = ?peer.0, "the first admin password was set");
    start_session(&api, &headers).await
}

fn exists() -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "an admin password exists already; log in with it",
    )
}

/// `POST /api/v1/session`: log in.
pub(super) async fn login(
    State(api): State<Api>,
    peer: Peer,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Password>,
) -> Result<Response> {
    throttle(&api, &peer)?;
    let Some(hash) = api.store(|store| store.admin_password()).await? else {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "no admin password has been chosen yet; choose one with POST /api/v1/setup",
        ));
    };
    let fits = {
        let _turn = api.hashing.acquire().await;
        blocking(move || secret::password_fits(&body.password, &hash)).await?
    };
    if !fits {
        tracing::warn!(peer = ?peer.0, "login with a wrong password");
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "the password is wrong",
        ));
    }
    start_session(&api, &headers).await
}

/// `DELETE /api/v1/session`: log out. Also without a login; the cookie goes in any case.
pub(super) async fn logout(State(api): State<Api>, headers: HeaderMap) -> Result<Response> {
    if let Some(value) = cookie(&headers) {
        require_header(&headers)?;
        let hash = secret::hash(value);
        api.store(move |store| store.remove_session(hash)).await?;
    }
    let gone = set_cookie(&api, "", 0, &headers);
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, gone)]).into_response())
}

/// Middleware: lets through who is logged in or shows a token, answers 401 to all others.
pub(super) async fn require(
    State(api): State<Api>,
    request: Request,
    next: Next,
) -> Result<Response> {
    let headers = request.headers();
    if let Some(token) = bearer(headers) {
        let hash = secret::hash(token);
        if api.store(move |store| store.token_is_valid(hash)).await? {
            return Ok(next.run(request).await);
        }
        return Ok(refuse(
            "the token is unknown; `faultwire token create` makes one",
        ));
    }
    let Some(value) = cookie(headers) else {
        return Ok(refuse("log in, or send `Authorization: Bearer TOKEN`"));
    };
    if !session_is_valid(&api, value).await? {
        return Ok(refuse("the login has ended; log in again"));
    }
    if !request.method().is_safe() {
        require_header(headers)?;
    }
    Ok(next.run(request).await)
}

fn refuse(detail: &str) -> Response {
    let mut response = ApiError::new(StatusCode::UNAUTHORIZED, detail).into_response();
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn require_header(headers: &HeaderMap) -> Result<()> {
    if headers
        .get(REQUEST_HEADER)
        .is_some_and(|value| value == "1")
    {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "a change made with the login cookie needs the header X-Faultwire-Request: 1",
    ))
}

fn throttle(api: &Api, peer: &Peer) -> Result<()> {
    api.throttle
        .try_now(peer.0, Instant::now())
        .map_err(|seconds| {
            ApiError::too_many(
                format!("too many tries; try again in {seconds} seconds"),
                seconds,
            )
        })
}

async fn start_session(api: &Api, headers: &HeaderMap) -> Result<Response> {
    let value = secret::session()?;
    let (hash, now) = (secret::hash(&value), now_ms());
    api.store(move |store| store.add_session(hash, now, now + SESSION_SECONDS * 1000))
        .await?;
    let cookie = set_cookie(api, &value, SESSION_SECONDS, headers);
    Ok(([(SET_COOKIE, cookie)], Json(answer(false, true))).into_response())
}

fn answer(setup: bool, logged_in: bool) -> Session {
    Session {
        setup,
        user: logged_in.then_some(User { name: "admin" }),
        version: env!("CARGO_PKG_VERSION"),
    }
}

async fn session_is_valid(api: &Api, value: &str) -> Result<bool> {
    let hash = secret::hash(value);
    api.store(move |store| store.session_is_valid(hash, now_ms()))
        .await
}

/// `Secure` only behind TLS: over plain HTTP a browser would drop the cookie and nobody could log in. A proxy's word
/// on that is taken from anyone, since lying about it only harms the liar.
fn set_cookie(api: &Api, value: &str, seconds: u64, headers: &HeaderMap) -> String {
    let public = api.app.config.public_url.as_deref().unwrap_or_default();
    let proxied = headers
        .get("x-forwarded-proto")
        .is_some_and(|proto| proto == "https");
    let secure = if proxied || public.starts_with("https://") {
        "; Secure"
    } else {
        ""
    };
    format!("{COOKIE_NAME}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    pairs
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE_NAME && !value.is_empty())
        .map(|(_, value)| value)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .trim()
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The address of the other end, if the server was told to note it.
pub(super) struct Peer(Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> std::result::Result<Self, Self::Rejection> {
        let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(info.map(|ConnectInfo(address)| address.ip())))
    }
}
