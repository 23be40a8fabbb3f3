//! Plays one script of a journey (see `core/vectors/README.md`): makes its calls and prints what they return.

use faultwire::{Breadcrumb, EventId, Guard, Level, Options, Scope, User, Value};
use std::time::{Duration, Instant};
use std::{error, fmt};

/// Type, message, cause.
struct Described(String, String, Option<Box<Described>>);
impl fmt::Debug for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}
impl error::Error for Described {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.2.as_deref().map(|cause| cause as _)
    }
}

fn main() {
    let Some(path) = std::env::var_os("FAULTWIRE_JOURNEY") else {
        return println!("skipped: journeys: `cargo xtask test journeys` plays them");
    };
    let script = std::fs::read_to_string(path).expect("a readable script");
    let script = faultwire_native::json::parse(&script).expect("JSON");
    run(&script.into_owned(), &mut Vec::new());
}

fn run(steps: &Value<'static>, guards: &mut Vec<Guard>) {
    for step in steps.as_array().expect("a list") {
        let (call, with) = parts(step);
        let (begin, limit) = (Instant::now(), with.as_u64().unwrap_or(0));
        let timed = |done: bool| {
            let took = begin.elapsed().as_millis();
            println!(r#"{{"{call}":{done},"ms":{took},"limit":{limit}}}"#);
        };
        let id = |id: EventId| match id.is_none() {
            true => println!(r#"{{"id":null}}"#),
            false => println!(r#"{{"id":"{id}"}}"#),
        };
        let guard = || guards.last().expect("init came first");
        match call {
            "init" => guards.push(faultwire::init(options(with))),
            "withScope" => faultwire::with_scope(
                |scope| list(with, "set").iter().for_each(|step| set(scope, step)),
                || run(with.get("steps").expect("steps"), guards),
            ),
            "captureException" => {
                let error: &(dyn error::Error + 'static) = &described(with);
                id(faultwire::capture_error(error));
            }
            "captureMessage" => {
                let level = with.get("level").map_or(Level::Info, level);
                id(faultwire::capture_message(text(with, "text"), level));
            }
            "flush" => timed(guard().flush(Duration::from_millis(limit))),
            "close" => timed(guard().close(Duration::from_millis(limit))),
            "stats" => println!(r#"{{"stats":{}}}"#, guard().stats()),
            "isEnabled" => println!(r#"{{"isEnabled":{}}}"#, guard().enabled()),
            "die" => std::process::abort(),
            _ => faultwire::configure_scope(|scope| set(scope, step)).unwrap_or_default(),
        }
    }
}

fn set(scope: &Scope, step: &Value<'static>) {
    let (call, with) = parts(step);
    let (key, value) = (
        text(with, "key"),
        with.get("value").cloned().unwrap_or_default(),
    );
    match call {
        "setTag" => match value.as_str() {
            Some(text) => scope.set_tag(key, text),
            None => scope.remove_tag(key),
        },
        "setUser" => {
            let field = |name| Some(with.get(name)?.as_str()?.to_owned());
            let (id, email) = (field("id"), field("email"));
            let (username, ip_address) = (field("username"), field("ip_address"));
            scope.set_user((!with.is_null()).then_some(User {
                id,
                email,
                username,
                ip_address,
            }));
        }
        "setContext" => scope.set_context(key, value),
        "setExtra" => scope.set_extra(key, value),
        "setLevel" => scope.set_level(level(with)),
        "setTransaction" => scope.set_transaction(with.as_str().expect("a text")),
        "setFingerprint" => {
            let parts = with.as_array().expect("a list").iter();
            scope.set_fingerprint(&parts.filter_map(Value::as_str).collect::<Vec<_>>());
        }
        "addBreadcrumb" => {
            let mut crumb = Breadcrumb::new(text(with, "message")).category(text(with, "category"));
            for (key, value) in with
                .get("data")
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(|d| d.iter())
            {
                crumb = crumb.data(key, value.clone());
            }
            if let Some(given) = with.get("level") {
                crumb = crumb.level(level(given));
            }
            scope.add_breadcrumb(crumb);
        }
        other => panic!("no such call: {other}"),
    }
}

fn options(with: &Value<'static>) -> Options {
    let mut options = Options::default().capture_panics(false);
    for (name, value) in with.as_object().expect("an object").iter() {
        let value = value.clone();
        options = match name {
            "beforeSend" => options.before_send(move |event| hook(&value, event)),
            _ => options.set(name, value),
        };
    }
    options
}

fn hook(with: &Value<'static>, mut event: Value<'static>) -> Option<Value<'static>> {
    let json = event.to_string();
    let names = |key| {
        with.get(key)
            .and_then(Value::as_str)
            .is_some_and(|part| json.contains(part))
    };
    assert!(!names("throw"), "the hook throws");
    let set = with.get("set").and_then(Value::as_object);
    for (key, value) in set.into_iter().flat_map(|set| set.iter()) {
        event.as_object_mut()?.insert(key.to_owned(), value.clone());
    }
    (!names("drop")).then_some(event)
}

fn described(with: &Value<'_>) -> Described {
    let cause = with.get("cause").map(|cause| Box::new(described(cause)));
    Described(
        text(with, "type").to_owned(),
        text(with, "message").to_owned(),
        cause,
    )
}

fn level(name: &Value<'_>) -> Level {
    match name.as_str() {
        Some("debug") => Level::Debug,
        Some("info") => Level::Info,
        Some("warning") => Level::Warning,
        Some("fatal") => Level::Fatal,
        _ => Level::Error,
    }
}

fn parts<'a>(step: &'a Value<'static>) -> (&'a str, &'a Value<'static>) {
    step.as_object()
        .and_then(|step| step.iter().next())
        .expect("a call")
}
fn text<'a>(with: &'a Value<'_>, key: &str) -> &'a str {
    with.get(key).and_then(Value::as_str).unwrap_or("")
}
fn list<'a>(with: &'a Value<'static>, key: &str) -> &'a [Value<'static>] {
    with.get(key).and_then(Value::as_array).unwrap_or_default()
}
