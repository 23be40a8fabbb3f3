//! Measures what the calls of the engine cost: `cargo run --release -p faultwire-core --example costs`.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a stopwatch needs a clock"
)]

use faultwire_core::breadcrumbs::Crumb;
use faultwire_core::engine::{Capture, Engine, NoSources, Outcome, SdkInfo};
use faultwire_core::options::Options;
use faultwire_core::outbox::{Config, Input, Outbox, Output, ReplyHeaders};
use faultwire_core::scope::Scope;
use faultwire_protocol::id::EventId;
use faultwire_protocol::time::{Millis, Now};
use std::hint::black_box;
use std::time::Instant;

const NOW: Now = Now {
    mono: Millis(1),
    wall: Millis(1_762_000_000_000),
};

fn main() {
    let dsn = r#"{"dsn":"https://0123456789abcdef0123456789abcdef@errors.example/1"}"#;
    let started = Instant::now();
    let (options, _) = Options::from_json(dsn, &|_| None);
    let sdk = SdkInfo {
        name: "faultwire.bench".into(),
        version: "0".into(),
        platform: "node".into(),
    };
    let (engine, _) = Engine::new(options, sdk);
    println!(
        "options and engine      {:>10.1} µs once",
        started.elapsed().as_secs_f64() * 1e6
    );

    let fifty = scope(&engine);
    let mut scope = fifty.fork();
    measure("breadcrumb", 200_000, || scope.breadcrumb(crumb()));
    measure("breadcrumb after a fork", 20_000, || {
        black_box(scope.fork());
        let mut fork = scope.fork();
        fork.breadcrumb(crumb());
    });
    measure("fork", 200_000, || {
        black_box(scope.fork());
    });
    measure("set tag", 100_000, || {
        scope.set("tag", "route", "\"/checkout\"").expect("valid")
    });
    measure("admit", 1_000_000, || {
        black_box(engine.admit(EventId::from_random([7; 16])));
    });

    let event = event();
    println!("event of {} bytes from the host", event.len());
    let capture = Capture {
        event_json: event,
        scope: fifty,
        id: EventId::from_random([7; 16]),
        now: NOW,
        fatal: false,
    };
    let first = Instant::now();
    let Outcome::Ready(ready) = engine.capture(&capture, &mut NoSources) else {
        panic!("dropped")
    };
    println!(
        "first capture           {:>10.1} µs once, payload {} bytes",
        first.elapsed().as_secs_f64() * 1e6,
        ready.payload.len()
    );
    measure("capture (worker)", 2_000, || {
        black_box(engine.capture(&capture, &mut NoSources));
    });
    measure("seal", 20_000, || {
        black_box(faultwire_core::envelope::seal(
            &ready.payload,
            NOW.wall,
            None,
        ));
    });

    let mut outbox = Outbox::new(Config::default(), 1);
    let mut key = 0;
    measure("outbox: one event through", 50_000, || {
        key += 1;
        let mut entry = ready.entry(key, 10_000);
        entry.event_id = EventId::from_random(u128::from(key).to_be_bytes());
        outbox.handle(NOW, Input::Enqueue(entry));
        outbox.handle(NOW, Input::Stored { key });
        while let Some(output) = outbox.poll() {
            if let Output::Send { job, .. } = output {
                outbox.handle(
                    NOW,
                    Input::Reply {
                        job,
                        status: 200,
                        headers: ReplyHeaders::default(),
                    },
                );
            }
        }
    });
    let mut backlog = Outbox::new(Config::default(), 1);
    let mut key = 0;
    measure("outbox: queued, 50,000 deep", 50_000, || {
        key += 1;
        let mut entry = ready.entry(key, 1_000);
        entry.event_id = EventId::from_random(u128::from(key).to_be_bytes());
        backlog.handle(NOW, Input::Enqueue(entry));
        backlog.handle(NOW, Input::Stored { key });
    });
}

fn measure(what: &str, times: u32, mut call: impl FnMut()) {
    let started = Instant::now();
    for _ in 0..times {
        call();
    }
    let each = started.elapsed().as_secs_f64() * 1e6 / f64::from(times);
    println!("{what:<24}{each:>10.3} µs");
}

fn crumb() -> Crumb {
    let data = r#"{"method":"GET","url":"https://shop.example/api/cart","status_code":200}"#;
    Crumb::new(
        1_762_000_000_123.0,
        "fetch",
        "info",
        "GET https://shop.example/api/cart",
        Some(data),
    )
}

/// 50 breadcrumbs and 10 tags, as in the shared targets.
fn scope(engine: &Engine) -> Scope {
    let mut scope = engine.scope();
    for _ in 0..50 {
        scope.breadcrumb(crumb());
    }
    for i in 0..10 {
        scope
            .set("tag", &format!("tag-{i}"), &format!("\"value {i}\""))
            .expect("valid");
    }
    scope
        .set("user", "", r#"{"id":"4711","plan":"pro"}"#)
        .expect("valid");
    scope
}

/// A TypeError with a stack text of 20 frames.
fn event() -> String {
    let frames: String = (0..20)
        .map(|i| {
            format!(
                "\\n    at handler{i} (/srv/shop/src/routes/checkout{i}.js:{}:{})",
                i * 7 + 3,
                i + 5
            )
        })
        .collect();
    format!(
        r#"{{"level":"error","exception":{{"values":[{{"type":"TypeError","value":"Cannot read properties of undefined (reading 'total')","mechanism":{{"type":"generic","handled":true}},"stack":"TypeError: Cannot read properties of undefined (reading 'total'){frames}"}}]}}}}"#
    )
}
