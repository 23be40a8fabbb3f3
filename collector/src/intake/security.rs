//! Reports of browsers about their content security policy, made into events.
//!
//! Source: protocol.md sections 1.10 and 3.14. Bodies come as `{"csp-report": {…}}` or as a Reporting API array of
//! `{"type": "csp-violation", "body": {…}}`; names in kebab or camel case.

use axum::http::StatusCode;
use faultwire_protocol::json::{Object, Value};

use super::reply::Refusal;

/// Makes one event of every policy violation in `report`. Other report types in an array are left out.
/// An error when there is none at all.
pub fn events(
    report: &Value<'_>,
    release: Option<&str>,
    environment: Option<&str>,
) -> Result<Vec<String>, Refusal> {
    let bodies: Vec<&Value<'_>> = match report {
        Value::Array(entries) => entries.iter().filter_map(violation).collect(),
        single => single
            .get("csp-report")
            .or_else(|| violation(single))
            .into_iter()
            .collect(),
    };
    let events: Vec<String> = bodies
        .into_iter()
        .filter_map(|body| event(body, release, environment))
        .collect();
    if events.is_empty() {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "the report holds no content security policy violation",
        )
        .cause("expected {\"csp-report\":{…}} or [{\"type\":\"csp-violation\",\"body\":{…}}]")
        .reason("security_report"));
    }
    Ok(events)
}

fn violation<'a, 'b>(entry: &'a Value<'b>) -> Option<&'a Value<'b>> {
    (entry.get("type")?.as_str()? == "csp-violation")
        .then(|| entry.get("body"))
        .flatten()
}

/// None when the report names no directive.
fn event(body: &Value<'_>, release: Option<&str>, environment: Option<&str>) -> Option<String> {
    let text = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| body.get(name)?.as_str())
            .filter(|text| !text.is_empty())
    };
    let directive = text(&["effective-directive", "effectiveDirective"])
        .or_else(|| text(&["violated-directive", "violatedDirective"]))?
        .split_ascii_whitespace()
        .next()?;
    let blocked = text(&["blocked-uri", "blockedURL", "blockedURI"]).unwrap_or("unknown");
    let document = text(&["document-uri", "documentURL", "documentURI"]);
    let message = match blocked {
        "self" | "inline" | "" => format!("Blocked inline '{directive}'"),
        "eval" | "wasm-eval" => format!("Blocked {blocked} '{directive}'"),
        url => format!("Blocked '{directive}' from '{}'", host(url)),
    };

    let mut csp = Object::new();
    csp.insert("effective_directive", directive);
    for (name, spellings) in FIELDS {
        if let Some(value) = spellings
            .iter()
            .find_map(|name| body.get(name))
            .filter(|value| !value.is_null())
        {
            csp.insert(*name, value.borrowed());
        }
    }
    let mut event = Object::new();
    event.insert("logger", "csp");
    event.insert("platform", "other");
    event.insert("level", "error");
    event.insert("culprit", directive);
    let mut logentry = Object::new();
    logentry.insert("formatted", message);
    event.insert("logentry", Value::Object(logentry));
    if let Some(document) = document {
        let mut request = Object::new();
        request.insert("url", document);
        event.insert("request", Value::Object(request));
    }
    if let Some(release) = release {
        event.insert("release", release);
    }
    if let Some(environment) = environment {
        event.insert("environment", environment);
    }
    let mut tags = Object::new();
    tags.insert("effective-directive", directive);
    tags.insert("blocked-host", host(blocked));
    event.insert("tags", Value::Object(tags));
    event.insert("csp", Value::Object(csp));
    Some(Value::Object(event).to_string())
}

/// The host of a URL, or the text itself when it is none.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

const FIELDS: &[(&str, &[&str])] = &[
    ("blocked_uri", &["blocked-uri", "blockedURL", "blockedURI"]),
    (
        "document_uri",
        &["document-uri", "documentURL", "documentURI"],
    ),
    (
        "violated_directive",
        &["violated-directive", "violatedDirective"],
    ),
    ("original_policy", &["original-policy", "originalPolicy"]),
    ("referrer", &["referrer"]),
    ("status_code", &["status-code", "statusCode"]),
    ("source_file", &["source-file", "sourceFile"]),
    ("line_number", &["line-number", "lineNumber"]),
    ("column_number", &["column-number", "columnNumber"]),
    ("script_sample", &["script-sample", "sample"]),
    ("disposition", &["disposition"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use faultwire_protocol::json::parse;

    fn messages(report: &str) -> Vec<String> {
        events(&parse(report).unwrap(), Some("1.2"), None)
            .unwrap()
            .iter()
            .map(|event| {
                let event = parse(event).unwrap();
                assert_eq!(event.get("release").unwrap().as_str(), Some("1.2"));
                event
                    .path(&["logentry", "formatted"])
                    .unwrap()
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    }

    #[test]
    fn both_body_forms_become_events() {
        let old = r#"{"csp-report":{"document-uri":"https://shop.example.com/cart","violated-directive":"script-src 'self'","blocked-uri":"https://evil.example.net/x.js?y"}}"#;
        assert_eq!(
            messages(old),
            ["Blocked 'script-src' from 'evil.example.net'"]
        );
        let new = r#"[
            {"type":"csp-violation","body":{"documentURL":"https://a/","effectiveDirective":"style-src-elem","blockedURL":"inline","lineNumber":7}},
            {"type":"deprecation","body":{}},
            {"type":"csp-violation","body":{"effectiveDirective":"script-src","blockedURL":"eval"}}]"#;
        assert_eq!(
            messages(new),
            [
                "Blocked inline 'style-src-elem'",
                "Blocked eval 'script-src'"
            ]
        );
    }

    #[test]
    fn fields_keep_their_values_under_one_name() {
        let report = parse(r#"{"csp-report":{"effective-directive":"img-src","blocked-uri":"data","line-number":3,"status-code":200}}"#).unwrap();
        let event = events(&report, None, Some("production")).unwrap().remove(0);
        let event = parse(&event).unwrap();
        assert_eq!(
            event.path(&["csp", "line_number"]).unwrap().as_u64(),
            Some(3)
        );
        assert_eq!(
            event.path(&["csp", "blocked_uri"]).unwrap().as_str(),
            Some("data")
        );
        assert_eq!(
            event.get("environment").unwrap().as_str(),
            Some("production")
        );
    }

    #[test]
    fn a_report_without_a_violation_is_refused() {
        for report in [
            "{}",
            "[]",
            r#"[{"type":"deprecation","body":{}}]"#,
            r#"{"csp-report":{}}"#,
            "[1]",
            "null",
        ] {
            let refusal = events(&parse(report).unwrap(), None, None).unwrap_err();
            assert_eq!(refusal.status, StatusCode::BAD_REQUEST, "{report}");
        }
    }
}
