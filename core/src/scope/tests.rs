use super::*;

fn merged(scope: &Scope, event: &str) -> String {
    let mut event = json::parse(event).expect("test event is JSON");
    scope.merge_into(event.make_object(), Millis(5_000));
    event.to_string()
}

fn error(kind: &str, key: &str, json: &str) -> String {
    let mut scope = Scope::new(100);
    let error = scope.set(kind, key, json).expect_err("must be refused");
    assert_eq!(
        merged(&scope, "{}"),
        "{}",
        "a refused value must leave nothing behind"
    );
    error.to_string()
}

#[test]
fn event_wins_key_by_key_and_scope_level_wins() {
    let mut scope = Scope::new(100);
    for (kind, key, json) in [
        ("tag", "region", r#""eu""#),
        ("tag", "shard", "7"),
        ("user", "", r#"{"id":"1","name":"Ann"}"#),
        ("user", "plan", r#""pro""#),
        ("extra", "cart", r#"{"items":[1,2]}"#),
        ("context", "os", r#"{"name":"Linux"}"#),
        ("request", "url", r#""https://shop.example/""#),
        ("level", "", r#""warning""#),
        ("transaction", "", r#""GET /cart""#),
        ("fingerprint", "", r#"["a"]"#),
    ] {
        scope.set(kind, key, json).expect("valid");
    }
    assert_eq!(
        merged(
            &scope,
            r#"{"level":"error","tags":{"region":"us"},"user":{"id":"2"},"contexts":{"os":{"name":"Mine"}},"transaction":"T","fingerprint":["b"]}"#
        ),
        concat!(
            r#"{"level":"warning","tags":{"region":"us","shard":"7"},"user":{"id":"2","name":"Ann","plan":"pro"},"#,
            r#""contexts":{"os":{"name":"Mine"}},"transaction":"T","fingerprint":["b"],"#,
            r#""request":{"url":"https://shop.example/"},"extra":{"cart":{"items":[1,2]}}}"#
        )
    );
    assert_eq!(
        merged(&scope, r#"{"tags":[["region","us"]]}"#).split_once("\"user\"").map(|(tags, _)| tags.to_owned()),
        Some(r#"{"tags":[["region","us"],["shard","7"]],"level":"warning","transaction":"GET /cart","fingerprint":["a"],"#.to_owned())
    );
}

#[test]
fn null_removes_and_clear_forgets() {
    let mut scope = Scope::new(100);
    scope.set("tag", "a", "true").expect("valid");
    scope.set("user", "", r#"{"id":"1"}"#).expect("valid");
    scope
        .set("user", "", r#"{"email":"a@b.example"}"#)
        .expect("valid");
    assert_eq!(
        merged(&scope, "{}"),
        r#"{"tags":{"a":"true"},"user":{"email":"a@b.example"}}"#
    );
    scope.set("tag", "a", "null").expect("valid");
    scope.set("user", "", "null").expect("valid");
    assert_eq!(merged(&scope, "{}"), "{}");
    assert_eq!(scope.data.bytes, 0);
    scope.breadcrumb(Crumb::new(1.0, "c", "info", "m", None));
    scope.clear();
    assert_eq!(merged(&scope, "{}"), "{}");
}

#[test]
fn forks_do_not_see_each_other() {
    let mut parent = Scope::new(2);
    parent.set("tag", "who", r#""parent""#).expect("valid");
    parent.breadcrumb(Crumb::new(1000.0, "", "", "before", None));
    let mut child = parent.fork();
    child.set("tag", "who", r#""child""#).expect("valid");
    child.breadcrumb(Crumb::new(2000.0, "", "", "child", None));
    parent.breadcrumb(Crumb::new(3000.0, "", "", "parent", None));
    let parent = merged(&parent, "{}");
    let child = merged(&child, "{}");
    assert!(
        parent.contains(r#""who":"parent""#)
            && parent.contains("before")
            && !parent.contains("child"),
        "{parent}"
    );
    assert!(
        child.contains(r#""who":"child""#) && child.contains("before") && !child.contains("parent"),
        "{child}"
    );
}

#[test]
fn errors_name_the_fact_and_what_was_expected() {
    assert_eq!(
        error("tag", "x", "[1]"),
        "tag `x`: expected a string, a number or a boolean"
    );
    assert_eq!(
        error("context", "os", "1"),
        "context `os`: expected an object"
    );
    assert_eq!(error("user", "", "[]"), "user: expected an object");
    assert_eq!(
        error("level", "", r#""loud""#),
        "level: expected fatal, error, warning, info or debug"
    );
    assert_eq!(
        error("fingerprint", "", "[1]"),
        "fingerprint: expected a list of strings"
    );
    assert!(
        error("color", "x", "1")
            .starts_with("color `x`: unknown kind, expected one of tag, user, extra")
    );
    assert!(error("extra", "cart", "{broken").starts_with("extra `cart`: not valid JSON: "));
}

#[test]
fn budgets_hold_for_one_value_and_for_all() {
    let long = format!("\"{}\"", "x".repeat(MAX_VALUE_BYTES));
    assert_eq!(
        error("extra", "big", &long),
        format!(
            "extra `big`: {} bytes exceed the limit of 65536 bytes for one value",
            MAX_VALUE_BYTES + 2
        )
    );
    let mut scope = Scope::new(0);
    let value = format!("\"{}\"", "x".repeat(60_000));
    let accepted = (0..100)
        .take_while(|i| scope.set("extra", &i.to_string(), &value).is_ok())
        .count();
    assert_eq!(accepted, MAX_SCOPE_BYTES / 60_004);
    scope
        .set("extra", "0", "1")
        .expect("replacing a large value with a small one makes room");
    scope.set("extra", "more", &value).expect("room was made");
    assert!(scope.data.bytes <= MAX_SCOPE_BYTES);
}
