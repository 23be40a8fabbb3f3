//! Which paths are intake's.
//!
//! Everything before `/api/` is ignored, so that a server behind a sub-path needs no setting: a DSN with the path
//! `/errors` posts to `/errors/api/7/envelope/` (protocol.md section 1.1). A slash at the end may be missing; a
//! redirect would lose the body in some SDKs.

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/api/{project}/envelope/`
    Envelope,
    /// `/api/{project}/store/` and `/api/store/`
    Store,
    /// `/api/{project}/security/` and `/api/{project}/csp-report/`
    Security,
    /// `/api/{project}/nel/`: network error logging, dropped.
    NetworkErrors,
    /// `POST /api/v1/events`: plain JSON.
    Events,
    /// Another path below a project; an SDK feature this server does not have.
    Unknown,
}

impl Endpoint {
    /// The name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Endpoint::Envelope => "envelope",
            Endpoint::Store => "store",
            Endpoint::Security => "security",
            Endpoint::NetworkErrors => "nel",
            Endpoint::Events => "events",
            Endpoint::Unknown => "unknown",
        }
    }
}

/// Splits a path into the endpoint and the project as written. None: the path is not intake's.
///
/// `/api/v1/…` is the API of this server except for `/api/v1/events` itself, and `/api/0/…` the upload API that
/// other tools look for; neither is intake.
pub fn parse(path: &str) -> Option<(Endpoint, Option<&str>)> {
    // The last `/api/`: a sub-path may itself contain the word.
    let (before, rest) = match path.rfind("/api/") {
        Some(at) => (
            &path[..at],
            path[at + "/api/".len()..].trim_end_matches('/'),
        ),
        None => return None,
    };
    match rest {
        "store" => return Some((Endpoint::Store, None)),
        "v1/events" => return Some((Endpoint::Events, None)),
        _ => {}
    }
    let (project, name) = rest.split_once('/')?;
    let endpoint = match name {
        "envelope" => Endpoint::Envelope,
        "store" => Endpoint::Store,
        "security" | "csp-report" => Endpoint::Security,
        "nel" => Endpoint::NetworkErrors,
        // Below a sub-path anything else may be another program's business, and so may words that are no project.
        _ if before.is_empty() && is_number(project) && project != "0" => Endpoint::Unknown,
        _ => return None,
    };
    (project != "v1").then_some((endpoint, Some(project)))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart() {
        let cases = [
            ("/api/42/envelope/", Some((Endpoint::Envelope, Some("42")))),
            ("/api/42/envelope", Some((Endpoint::Envelope, Some("42")))),
            (
                "/errors/api/7/envelope/",
                Some((Endpoint::Envelope, Some("7"))),
            ),
            (
                "/api/tools/api/7/store/",
                Some((Endpoint::Store, Some("7"))),
            ),
            ("/api/store/", Some((Endpoint::Store, None))),
            ("/sub/api/store", Some((Endpoint::Store, None))),
            ("/api/7/security/", Some((Endpoint::Security, Some("7")))),
            ("/api/7/csp-report", Some((Endpoint::Security, Some("7")))),
            ("/api/7/nel/", Some((Endpoint::NetworkErrors, Some("7")))),
            ("/api/v1/events", Some((Endpoint::Events, None))),
            ("/api/v1/events/", Some((Endpoint::Events, None))),
            (
                "/api/shop/envelope/",
                Some((Endpoint::Envelope, Some("shop"))),
            ),
            ("/api/7/minidump/", Some((Endpoint::Unknown, Some("7")))),
            ("/api/0/organizations/", None),
            ("/api/v1/events/4f2b0c7a9d1e4a58b7a6f0e2c3d4e5f6", None),
            ("/api/v1/projects", None),
            ("/api/v1/store", None),
            ("/issues/3", None),
            ("/", None),
            ("", None),
        ];
        for (path, expected) in cases {
            assert_eq!(parse(path), expected, "{path}");
        }
    }
}
