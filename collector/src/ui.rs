//! The dashboard, out of the binary.
//!
//! Release builds carry the files of `dashboard/dist`; debug builds read the folder at run time, so that a
//! rebuilt dashboard needs no rebuilt server. A server built without the dashboard is whole all the same: its
//! front page says how to add it, and the API works.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::store::secret;

#[derive(rust_embed::Embed)]
#[folder = "dashboard/dist"]
#[allow_missing = true]
struct Dashboard;

/// Everything comes from this origin. Events contain text from strangers, so nothing is loosened: the dashboard is
/// built without inline scripts and styles.
const POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// Routes for everything that no other route wants: the dashboard's files, and its page for all other paths,
/// because its routes live in the browser.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().fallback(serve)
}

async fn serve(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]).into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let known = request
        .headers()
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let mut response = match Dashboard::get(path) {
        Some(file) if !path.is_empty() => file_response(path, file, known),
        // A missing asset must not be answered with a page: after an upgrade an old page asks for old names, and
        // HTML in place of a script is a riddle.
        _ if path.starts_with("assets/") => not_found(path),
        // Nor may a mistyped API path: its caller wants JSON.
        _ if path == "api" || path.starts_with("api/") => not_found(path),
        _ => match Dashboard::get("index.html") {
            Some(page) => file_response("index.html", page, known),
            None => page_without_dashboard(),
        },
    };
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_FRAME_OPTIONS, "DENY"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
    ] {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

fn file_response(path: &str, file: rust_embed::EmbeddedFile, known: Option<&str>) -> Response {
    let tag = format!("\"{}\"", secret::hex(&file.metadata.sha256_hash()[..16]));
    // Names under assets/ carry a hash of their content; the page that names them must be asked for every time.
    let caching = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let head = [
        (CONTENT_TYPE, content_type(path).to_owned()),
        (CACHE_CONTROL, caching.to_owned()),
        (ETAG, tag.clone()),
    ];
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    let body = match file.data {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    };
    (head, body).into_response()
}

fn not_found(path: &str) -> Response {
    let body = serde_json::json!({ "detail": format!("there is nothing at /{path}") });
    (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
}

fn page_without_dashboard() -> Response {
    // Its style stands in the page itself, which the policy of the dashboard would refuse.
    let head = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ];
    (head, PAGE).into_response()
}

/// What a bundler puts into `dist`; anything else is offered as a download.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("txt") => "text/plain; charset=utf-8",
        Some("webmanifest") => "application/manifest+json",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Faultwire</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 16px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto 0; padding: 0 1.5rem; }
  h1 { font-size: 1.5rem; line-height: 1.2; }
  code, pre { font: 14px/1.5 ui-monospace, monospace; }
  pre { padding: .75rem 1rem; border: 1px solid #8885; border-radius: .5rem; overflow-x: auto; }
  p.more { opacity: .75; }
</style>
</head>
<body>
<h1>Faultwire is running, without its dashboard</h1>
<p>This binary was built without Node, so it takes, groups and stores errors and answers the JSON API, but has no
pages to show. To add them, run one of these in the source folder:</p>
<pre>cargo xtask up</pre>
<p>or</p>
<pre>cd collector/dashboard
npm ci &amp;&amp; npm run build
cargo build --release -p faultwire-collector</pre>
<p class="more">The API is described at <a href="/api/v1/openapi.json"><code>/api/v1/openapi.json</code></a>;
<code>faultwire token create --data DIR</code> prints a token for it.</p>
</body>
</html>
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request as HttpRequest;
    use tower::ServiceExt;

    async fn get(path: &str) -> Response {
        let request = HttpRequest::get(path).body(Body::empty()).unwrap();
        router::<()>()
            .with_state(())
            .oneshot(request)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn every_page_path_is_a_page_with_a_policy() {
        for path in ["/", "/projects/1/issues", "/issues/5?query=is%3Aresolved"] {
            let response = get(path).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
            assert_eq!(response.headers()[X_FRAME_OPTIONS], "DENY");
            assert!(response.headers().contains_key(CONTENT_SECURITY_POLICY));
        }
    }

    #[tokio::test]
    async fn unknown_assets_and_api_paths_are_not_pages() {
        for path in ["/assets/index-0000.js", "/api/v1/nothing", "/api"] {
            let response = get(path).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        }
    }

    #[tokio::test]
    async fn other_methods_are_refused() {
        let request = HttpRequest::post("/").body(Body::empty()).unwrap();
        let response = router::<()>()
            .with_state(())
            .oneshot(request)
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn the_page_without_a_dashboard_says_how_to_add_it() {
        for command in ["cargo xtask up", "npm ci", "npm run build"] {
            assert!(PAGE.contains(command), "{command}");
        }
    }
}
