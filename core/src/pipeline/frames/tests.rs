use super::*;
use crate::engine::SourceLines;

fn tree(text: &str) -> Value<'_> {
    json::parse(text).expect("test event is JSON")
}

fn options(text: &str) -> Options {
    let (options, warnings) = Options::from_json(text, &|_| None);
    assert_eq!(warnings, []);
    options
}

const STACK: &str = r"TypeError: x\n    at pay (/app/shop/cart.js:12:7)\n    at Layer.handle (/app/node_modules/express/router.js:95:5)";

#[test]
fn stack_texts_become_frames_in_all_shapes_of_the_list() {
    let exception = format!(r#"{{"type":"TypeError","value":"x","stack":"{STACK}"}}"#);
    for list in [
        format!(r#"{{"values":[{exception}]}}"#),
        format!("[{exception}]"),
        exception,
    ] {
        let text = format!(r#"{{"exception":{list}}}"#);
        let mut event = tree(&text);
        parse_stacks(event.make_object(), false);
        let out = event.to_string();
        assert!(!out.contains("\"stack\""), "{out}");
        let mut functions = Vec::new();
        each(event.make_object(), |frame| {
            functions.push(frame.str("function").unwrap_or_default().to_owned())
        });
        assert_eq!(functions, ["Layer.handle", "pay"], "{out}");
    }
}

#[test]
fn frames_of_the_host_win_over_the_text_and_odd_stacks_vanish() {
    let mut event = tree(
        r#"{"exception":{"values":[{"stack":"Error\n    at a (/a.js:1:1)","stacktrace":{"frames":[{"function":"own"}]}},{"stack":7},null]}}"#,
    );
    parse_stacks(event.make_object(), false);
    assert_eq!(
        event.to_string(),
        r#"{"exception":{"values":[{"stacktrace":{"frames":[{"function":"own"}]}},{},null]}}"#
    );
}

#[test]
fn stack_of_a_message_is_attached_only_on_demand() {
    let text = format!(r#"{{"message":"hi","stack":"{STACK}"}}"#);
    let mut event = tree(&text);
    parse_stacks(event.make_object(), false);
    assert_eq!(event.to_string(), r#"{"message":"hi"}"#);
    let mut event = tree(&text);
    parse_stacks(event.make_object(), true);
    assert!(
        event
            .to_string()
            .contains(r#""threads":{"values":[{"current":true,"stacktrace":{"frames":[{"#)
    );
}

#[test]
fn include_wins_over_exclude_and_both_over_the_parser() {
    let options = options(
        r#"{"inAppInclude":["/app/node_modules/@shop/","app.core"],"inAppExclude":["/app/","app."]}"#,
    );
    let cases = [
        (
            r#"{"abs_path":"/app/node_modules/@shop/x.js","in_app":false}"#,
            Some(true),
        ),
        (r#"{"abs_path":"/app/x.js","in_app":true}"#, Some(false)),
        (r#"{"module":"app.core.pay"}"#, Some(true)),
        (r#"{"module":"app.other"}"#, Some(false)),
        (r#"{"module":"my.app.core"}"#, None),
        (r#"{"abs_path":"/lib/x.js","in_app":false}"#, Some(false)),
    ];
    for (text, expected) in cases {
        let mut frame = tree(text);
        mark_in_app(frame.make_object(), &options);
        assert_eq!(
            frame.get("in_app").and_then(Value::as_bool),
            expected,
            "{text}"
        );
    }
}

/// Gives lines that name the place they were asked for.
#[derive(Default)]
struct Files(Vec<String>);

impl Sources for Files {
    fn lines(&mut self, path: &str, line: u32) -> Option<SourceLines> {
        self.0.push(format!("{path}:{line}"));
        (path != "/missing.js").then(|| SourceLines {
            pre: vec!["before".to_owned()],
            line: format!("{path}:{line}"),
            post: vec!["after".to_owned()],
        })
    }
}

#[test]
fn lines_go_to_own_frames_and_to_the_one_that_threw() {
    let mut event = tree(
        r#"{"exception":{"values":[{"stacktrace":{"frames":[
            {"abs_path":"/app/a.js","lineno":1,"in_app":true},
            {"abs_path":"/app/node_modules/b.js","lineno":2,"in_app":false},
            {"abs_path":"https://cdn.example/c.js","lineno":3,"in_app":true},
            {"abs_path":"/missing.js","lineno":4,"in_app":true},
            {"abs_path":"/app/has.js","lineno":5,"context_line":"own"},
            {"abs_path":"/app/node_modules/threw.js","lineno":6,"in_app":false}]}}]}}"#,
    );
    let mut files = Files::default();
    each_stack(event.make_object(), |frames| {
        add_source_lines(frames, &mut files)
    });
    assert_eq!(
        files.0,
        [
            "/app/node_modules/threw.js:6",
            "/missing.js:4",
            "/app/a.js:1"
        ]
    );
    let mut lines = Vec::new();
    each(event.make_object(), |frame| {
        lines.push(frame.str("context_line").unwrap_or("-").to_owned())
    });
    assert_eq!(
        lines,
        [
            "/app/a.js:1",
            "-",
            "-",
            "-",
            "own",
            "/app/node_modules/threw.js:6"
        ]
    );
}

#[test]
fn long_lines_keep_the_part_around_the_column() {
    let line = format!("{}HERE{}", "é".repeat(5000), "z".repeat(5000));
    let column = line.find("HERE").expect("is there") + 1;
    let Value::String(cut) = snip(line, Some(column)) else {
        panic!("a string")
    };
    assert!(
        cut.contains("HERE") && cut.starts_with('…') && cut.ends_with('…') && cut.len() < 220,
        "{cut}"
    );
    assert_eq!(snip("short".to_owned(), Some(99)), Value::from("short"));
    let Value::String(end) = snip("y".repeat(300), Some(usize::MAX)) else {
        panic!("a string")
    };
    assert!(end.starts_with('…') && end.ends_with('y'));
}

#[test]
fn deep_stacks_keep_both_ends() {
    let mut frames: Vec<Value<'_>> = (0..5000u32)
        .map(|i| json::object([("lineno", i64::from(i))]))
        .collect();
    cap(&mut frames);
    let line = |index: usize| frames[index].get("lineno").and_then(Value::as_u64);
    assert_eq!(
        (frames.len(), line(49), line(50), line(249)),
        (250, Some(49), Some(4800), Some(4999))
    );
    let mut few: Vec<Value<'_>> = vec![Value::Null; 250];
    cap(&mut few);
    assert_eq!(few.len(), 250);
}
