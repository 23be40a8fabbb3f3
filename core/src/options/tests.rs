use super::*;

const DSN: &str = "https://0123456789abcdef0123456789abcdef@errors.example/1";

fn no_env(_: &str) -> Option<String> {
    None
}

fn read(text: &str) -> (Options, Vec<String>) {
    let (options, warnings) = Options::from_json(text, &no_env);
    (
        options,
        warnings.into_iter().map(|warning| warning.0).collect(),
    )
}

#[test]
fn every_default_is_of_its_kind_and_range() {
    let options = Options::default();
    assert!(options.enabled && options.send_client_reports);
    assert_eq!(options.environment.as_deref(), Some("production"));
    assert_eq!((options.sample_rate, options.max_breadcrumbs), (1.0, 100));
    assert_eq!(
        (options.max_queue_bytes, options.max_parallel_requests),
        (256 << 20, 32)
    );
    assert_eq!(
        (
            options.flush_timeout,
            options.shutdown_timeout,
            options.max_queue_age
        ),
        (2000, 2000, 2_592_000)
    );
    // Reading the table's own defaults as given values changes nothing and warns of nothing.
    let rows: Vec<String> = TABLE
        .iter()
        .map(|row| format!("\"{}\":{}", row.name, row.default))
        .collect();
    let (read_back, warnings) = read(&format!("{{{}}}", rows.join(",")));
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(read_back, options);
    assert_eq!(options.outbox(), crate::outbox::Config::default());
}

#[test]
fn both_spellings_of_every_name_are_taken() {
    let (camel, _) = read(&format!(
        r#"{{"dsn":"{DSN}","maxBreadcrumbs":5,"inAppInclude":["shop"],"sendDefaultPii":true}}"#
    ));
    let (snake, warnings) = read(&format!(
        r#"{{"dsn":"{DSN}","max_breadcrumbs":5,"in_app_include":["shop"],"send_default_pii":true}}"#
    ));
    assert_eq!(camel, snake);
    assert_eq!(warnings, Vec::<String>::new());
    assert!(camel.is_active() && camel.max_breadcrumbs == 5);
}

#[test]
fn each_warning_names_the_option_the_given_and_the_used() {
    let cases = [
        (
            r#"{"sampleRate":"half"}"#,
            "option `sampleRate`: expected a number between 0 and 1, got a string; 1 is used",
        ),
        (
            r#"{"sampleRate":7}"#,
            "option `sampleRate`: 7 is not between 0 and 1; 1 is used",
        ),
        (
            r#"{"maxBreadcrumbs":-3}"#,
            "option `maxBreadcrumbs`: -3 is not between 0 and 1000; 0 is used",
        ),
        (
            r#"{"maxBreadcrumbs":1e99}"#,
            "option `maxBreadcrumbs`: 1e99 is not between 0 and 1000; 1000 is used",
        ),
        (
            r#"{"debug":"yes"}"#,
            "option `debug`: expected true or false, got a string; false is used",
        ),
        (
            r#"{"release":{}}"#,
            "option `release`: expected a string, got an object; it is ignored",
        ),
        (
            r#"{"ignoreErrors":["a",1]}"#,
            "option `ignoreErrors`: expected a list of strings, got a number in it; the readable part is used",
        ),
        (
            r#"{"dsn":"http://host/1"}"#,
            "option `dsn`: the dsn has no valid public key before the @; nothing will be sent",
        ),
        (
            r#"{"dsn":5}"#,
            "option `dsn`: expected a string, got a number; nothing will be sent",
        ),
        (
            r#"{"enviroment":"x"}"#,
            "option `enviroment` is unknown and ignored; did you mean `environment`?",
        ),
        (
            r#"{"in_app_includes":[]}"#,
            "option `in_app_includes` is unknown and ignored; did you mean `inAppInclude`?",
        ),
        (
            r#"{"tracesSampleRate":1}"#,
            "option `tracesSampleRate` is unknown and ignored",
        ),
        (
            "[]",
            "options are a list instead of an object; the defaults are used",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text).1, [expected], "{text}");
    }
    assert!(read("{").1[0].starts_with("options are not valid JSON"));
}

#[test]
fn wrong_dsn_disables_and_never_shows_its_key() {
    let (options, warnings) = read(r#"{"dsn":"ftp://topsecret:alsosecret@host/1"}"#);
    assert!(!options.is_active());
    assert!(!warnings[0].contains("secret"), "{warnings:?}");
    assert!(!read("{}").0.is_active());
    assert_eq!(read(r#"{"dsn":""}"#).1, Vec::<String>::new());
}

#[test]
fn environment_is_weaker_than_code_and_ours_stronger_than_theirs() {
    let env = |name: &str| match name {
        "FAULTWIRE_DSN" => Some(DSN.to_owned()),
        "SENTRY_DSN" => Some("not read".to_owned()),
        "SENTRY_RELEASE" => Some("env@1".to_owned()),
        "SENTRY_ENVIRONMENT" => Some("staging".to_owned()),
        "FAULTWIRE_SAMPLE_RATE" => Some("lots".to_owned()),
        "FAULTWIRE_DEBUG" => Some("on".to_owned()),
        _ => None,
    };
    let (options, warnings) =
        Options::from_json(r#"{"release":"code@2","environment":null}"#, &env);
    assert_eq!(options.release.as_deref(), Some("code@2"));
    assert_eq!(options.environment.as_deref(), Some("staging"));
    assert!(options.is_active() && options.debug);
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        warnings[0].0,
        "environment variable FAULTWIRE_SAMPLE_RATE: expected a number between 0 and 1, got a string; 1 is used"
    );
}

#[test]
fn typescript_has_one_documented_member_per_option() {
    let text = typescript();
    for row in TABLE {
        assert!(
            text.contains(&format!("\n  {}?: ", row.name)),
            "{}",
            row.name
        );
        assert!(
            row.doc.ends_with('.') && !row.doc.contains("*/"),
            "{}",
            row.name
        );
    }
    assert!(text.contains(
        "Range: 0 to 1. Default: 1. Environment: FAULTWIRE_SAMPLE_RATE, SENTRY_SAMPLE_RATE."
    ));
}

#[test]
fn python_has_one_documented_key_per_option_but_the_dsn() {
    let text = python();
    assert!(text.contains("\n    max_queue_bytes: int\n    \"\"\"Size of the queue"));
    assert!(text.contains(" Default: False.") && !text.contains("\n    dsn: "));
    assert_eq!(text.matches("\n    \"\"\"").count(), TABLE.len());
    assert!(
        TABLE
            .iter()
            .all(|row| !row.doc.contains("\"\"\"") && !row.doc.contains('\\'))
    );
}
