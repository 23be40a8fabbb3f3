//! The request on an event.
//!
//! Kept as it came and described only when something is captured: a request that goes well costs a copy of its header
//! map. Headers, cookies and query travel to the core as they are; its scrubber decides what stays.

use faultwire::{Object, Value};
use http::request::Parts;
use http::{HeaderMap, Method, Uri, header};

/// What came in, without the body.
pub(crate) struct Seen {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Seen {
    pub(crate) fn new(parts: &Parts) -> Seen {
        Seen {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
        }
    }

    /// `GET /orders/{id}`.
    pub(crate) fn transaction(&self, route: Option<&str>) -> String {
        format!("{} {}", self.method, route.unwrap_or(self.uri.path()))
    }

    /// The protocol's `request`.
    pub(crate) fn describe(&self) -> Value<'static> {
        let mut request = Object::new();
        request.insert("method", self.method.as_str().to_owned());
        request.insert("url", self.url());
        if let Some(query) = self.uri.query().filter(|query| !query.is_empty()) {
            request.insert("query_string", query.to_owned());
        }
        let mut headers = Object::new();
        for name in self.headers.keys().take(MOST_HEADERS) {
            let values = self.headers.get_all(name).iter();
            let texts: Vec<_> = values
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect();
            headers.insert(name.as_str().to_owned(), texts.join(","));
        }
        if !headers.is_empty() {
            request.insert("headers", Value::Object(headers));
        }
        Value::Object(request)
    }

    /// Servers see only the path; the host is what the client asked for.
    fn url(&self) -> String {
        let host = self.headers.get(header::HOST);
        let authority = self
            .uri
            .authority()
            .map(|authority| authority.as_str())
            .or_else(|| host.and_then(|host| host.to_str().ok()));
        match authority {
            Some(authority) => {
                let scheme = self.uri.scheme_str().unwrap_or("http");
                format!("{scheme}://{authority}{}", self.uri.path())
            }
            None => self.uri.path().to_owned(),
        }
    }
}

const MOST_HEADERS: usize = 100;

#[cfg(test)]
mod tests {
    use faultwire::object;

    use super::*;

    fn seen(request: http::request::Builder) -> Seen {
        Seen::new(&request.body(()).expect("a request").into_parts().0)
    }

    #[test]
    fn a_request_is_told_as_it_came() {
        let request = http::Request::post("/orders/7?full=1")
            .header("host", "shop.example")
            .header("accept", "text/html")
            .header("accept", "text/plain");
        let expected = object([
            ("method", Value::from("POST")),
            ("url", "http://shop.example/orders/7".into()),
            ("query_string", "full=1".into()),
            (
                "headers",
                object([("host", "shop.example"), ("accept", "text/html,text/plain")]),
            ),
        ]);
        assert_eq!(seen(request).describe().to_string(), expected.to_string());
    }

    #[test]
    fn a_request_without_a_host_has_a_path() {
        assert_eq!(seen(http::Request::get("/cart")).url(), "/cart");
        assert_eq!(
            seen(http::Request::get("https://a.example/cart")).url(),
            "https://a.example/cart"
        );
        assert_eq!(
            seen(http::Request::get("/cart")).transaction(None),
            "GET /cart"
        );
    }
}
