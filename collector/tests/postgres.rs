//! What only a data base server can do to a collector: it goes away and comes back, loses an answer, refuses, is shared.

#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test names its line"
)]

mod common;
mod store_suite;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use common::postgres::{Database, PASSWORD, PASSWORD_ENCODED, Server, USER, url};
use common::{Collector, wait_until};
use faultwire_collector::store::postgres::PostgresStore;
use faultwire_collector::store::{Batch, ErrorKind, OutcomeCount, Saved, Store};
use store_suite::{T0, event, filter, project};

fn batch(numbers: std::ops::Range<u64>) -> Batch {
    let events = numbers.map(|n| event(1, n, &format!("f{}", n % 5)));
    Batch {
        events: events.collect(),
        outcomes: vec![OutcomeCount {
            project_id: 1,
            hour_ms: T0,
            category: "error".to_owned(),
            outcome: "client_discard".to_owned(),
            reason: "sample_rate".to_owned(),
            quantity: 10,
        }],
        ..Batch::default()
    }
}

/// Events counted in issues, events in the account, and what else the account holds.
fn totals(store: &dyn Store) -> (u64, u64, Vec<(String, u64)>) {
    let issues = store.issues(&filter(1), T0).unwrap();
    let totals = store.outcome_totals().unwrap();
    let discarded = totals.discarded.into_iter().map(|row| (row.1, row.2));
    (
        issues.iter().map(|issue| issue.events).sum(),
        totals.digested,
        discarded.collect(),
    )
}

fn sampled(times: u64) -> Vec<(String, u64)> {
    vec![("sample_rate".to_owned(), times * 10)]
}

#[test]
fn a_restarted_server_is_not_noticed() {
    let Some(mut server) = Server::or_skip("a_restarted_server_is_not_noticed") else {
        return;
    };
    let database = Database::create(server.port);
    let store = PostgresStore::open(&database.url).unwrap();
    project(&store, 1);
    store.save_batch(&batch(0..20)).unwrap();
    // Several idle connections, all of which die.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| store.project(1, T0).unwrap());
        }
    });
    for restart in [Server::down, Server::crash] {
        restart(&mut server);
        server.up();
        assert_eq!(store.issues(&filter(1), T0).unwrap().len(), 5);
    }
    server.crash();
    server.up();
    let saved = store.save_batch(&batch(10..30)).unwrap();
    assert!(saved[..10].iter().all(|one| *one == Saved::Duplicate));
    assert!(
        saved[10..]
            .iter()
            .all(|one| matches!(one, Saved::Existing(_)))
    );
    let (counted, digested, _) = totals(&store);
    assert_eq!((counted, digested), (30, 30));
}

#[test]
fn an_absent_server_is_named_at_once_and_used_again() {
    let Some(mut server) = Server::or_skip("an_absent_server_is_named_at_once_and_used_again")
    else {
        return;
    };
    let database = Database::create(server.port);
    let store = PostgresStore::open(&database.url).unwrap();
    project(&store, 1);
    server.down();
    let error = store.save_batch(&batch(0..5)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let began = Instant::now();
    for _ in 0..1000 {
        let error = store.key("00000000000000000000000000000000").unwrap_err();
        let text = error.to_string();
        let place = format!("127.0.0.1:{}", server.port);
        assert!(text.contains(&place) && text.contains("refused"), "{text}");
        assert!(!text.contains(PASSWORD), "{text}");
    }
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    server.up();
    wait_until("the pause after the failure to end", || {
        store.save_batch(&batch(0..5)).ok()
    });
    assert_eq!(totals(&store), (5, 5, sampled(1)));
}

/// What the relay does when the client commits.
const PASS: u8 = 0;
/// The server gets the commit; the connection is cut before its answer comes back.
const CUT_AFTER: u8 = 1;
/// The connection is cut before the server gets the commit.
const CUT_BEFORE: u8 = 2;
/// As [`CUT_AFTER`], and afterwards nobody is let in.
const CUT_AND_CLOSE: u8 = 3;
const CLOSED: u8 = 4;

/// Stands between store and server, and cuts the line at a commit.
struct Relay {
    port: u16,
    mode: Arc<AtomicU8>,
}

impl Relay {
    fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mode = Arc::new(AtomicU8::new(PASS));
        let shared = mode.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.load(Ordering::SeqCst) == CLOSED {
                    continue;
                }
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                let mode = shared.clone();
                std::thread::spawn(move || relay(client, server, &mode));
            }
        });
        Self { port, mode }
    }
}

fn relay(mut client: TcpStream, mut server: TcpStream, mode: &AtomicU8) {
    let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let answering = std::thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 65536];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let bytes = &buffer[..length];
        let cut = bytes.windows(6).any(|word| word == b"COMMIT");
        let now = mode.load(Ordering::SeqCst);
        if cut && now != PASS {
            // The client hears nothing from here on.
            client.shutdown(Shutdown::Both).unwrap();
            if now != CUT_BEFORE {
                server.write_all(bytes).unwrap();
            }
            mode.store(
                if now == CUT_AND_CLOSE { CLOSED } else { PASS },
                Ordering::SeqCst,
            );
            // The server answers or ends the transaction, then sees the end.
            let _ = server.shutdown(Shutdown::Write);
            break;
        }
        if server.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Write);
    let _ = answering.join();
}

#[test]
fn a_commit_whose_answer_is_lost_is_neither_lost_nor_doubled() {
    let Some(server) = Server::or_skip("a_commit_whose_answer_is_lost_is_neither_lost_nor_doubled")
    else {
        return;
    };
    let database = Database::create(server.port);
    let relay = Relay::start(server.port);
    let through = database
        .url
        .replace(&format!(":{}/", server.port), &format!(":{}/", relay.port));
    let store = PostgresStore::open(&format!("{through}?sslmode=disable")).unwrap();
    project(&store, 1);

    relay.mode.store(CUT_AFTER, Ordering::SeqCst);
    let saved = store.save_batch(&batch(0..10)).unwrap();
    assert!(!saved.contains(&Saved::Duplicate), "{saved:?}");
    assert_eq!(totals(&store), (10, 10, sampled(1)), "it was committed");

    relay.mode.store(CUT_BEFORE, Ordering::SeqCst);
    let saved = store.save_batch(&batch(10..20)).unwrap();
    assert!(!saved.contains(&Saved::Duplicate), "{saved:?}");
    assert_eq!(
        totals(&store),
        (20, 20, sampled(2)),
        "it was rolled back and done again"
    );

    // Committed, but the server cannot be asked: the digest will come again with the same batch.
    relay.mode.store(CUT_AND_CLOSE, Ordering::SeqCst);
    let next = batch(20..30);
    let error = store.save_batch(&next).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(
        store.save_batch(&next).unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    relay.mode.store(PASS, Ordering::SeqCst);
    let saved = wait_until("the pause after the failure to end", || {
        store.save_batch(&next).ok()
    });
    assert!(!saved.contains(&Saved::Duplicate), "{saved:?}");
    assert_eq!(totals(&store), (30, 30, sampled(3)));

    // The account's rows that travel alone as well.
    relay.mode.store(CUT_AFTER, Ordering::SeqCst);
    store.add_outcomes(&batch(0..0).outcomes).unwrap();
    assert_eq!(totals(&store), (30, 30, sampled(4)));
}

#[test]
fn several_collectors_digest_into_one_data_base() {
    let Some(database) = Database::or_skip("several_collectors_digest_into_one_data_base") else {
        return;
    };
    let stores: Vec<_> = (0..3)
        .map(|_| PostgresStore::open(&database.url).unwrap())
        .collect();
    project(&stores[0], 1);
    project(&stores[0], 2);
    let start = Barrier::new(stores.len());
    let fresh: usize = std::thread::scope(|scope| {
        let (start, threads): (_, Vec<_>) = (&start, stores.iter().enumerate().collect());
        let threads: Vec<_> = threads
            .into_iter()
            .map(|(nth, store)| {
                scope.spawn(move || {
                    start.wait();
                    let mut fresh = 0;
                    for round in 0..15_u64 {
                        // Each event reaches two of the three, in opposite orders of projects.
                        let numbers = (round * 20)..(round * 20 + 20);
                        let mine = numbers.filter(|n| n % 3 != nth as u64);
                        let mut events: Vec<_> = mine
                            .map(|n| {
                                let mut event = event(1 + n % 2, n, &format!("f{}", n % 40));
                                event.tags = vec![("os".into(), format!("v{}", n % 4))];
                                event.user_hash = Some([(n % 9) as u8; 16]);
                                event
                            })
                            .collect();
                        if nth == 1 {
                            events.reverse();
                        }
                        let batch = Batch {
                            events,
                            ..Batch::default()
                        };
                        let saved = store.save_batch(&batch).unwrap();
                        fresh += saved.iter().filter(|one| **one != Saved::Duplicate).count();
                    }
                    fresh
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(fresh, 300, "each event was new to one of them");
    let store = &stores[0];
    for id in [1, 2] {
        let issues = store.issues(&filter(id), T0).unwrap();
        assert_eq!(issues.iter().map(|issue| issue.events).sum::<u64>(), 150);
        let mut numbers: Vec<u64> = issues.iter().map(|issue| issue.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=20).collect::<Vec<_>>(), "no gap, none twice");
        for issue in issues {
            let tags = store.issue_extras(issue.id, T0).unwrap().unwrap().tags;
            assert_eq!(tags[0].total, issue.events);
            assert_eq!(
                tags[0].values.iter().map(|v| v.1).sum::<u64>(),
                issue.events
            );
        }
    }
}

#[test]
fn several_servers_migrate_an_empty_data_base_once() {
    let Some(database) = Database::or_skip("several_servers_migrate_an_empty_data_base_once")
    else {
        return;
    };
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        for id in 1..=4 {
            let (start, url) = (&start, &database.url);
            scope.spawn(move || {
                start.wait();
                project(&PostgresStore::open(url).unwrap(), id);
            });
        }
    });
    let mut raw = database.raw();
    let applied: i64 = raw
        .query_one("SELECT COUNT(*) FROM faultwire_migrations", &[])
        .unwrap()
        .get(0);
    let projects: i64 = raw
        .query_one("SELECT COUNT(*) FROM projects", &[])
        .unwrap()
        .get(0);
    assert_eq!((applied, projects), (1, 4));

    raw.batch_execute("INSERT INTO faultwire_migrations VALUES (99, 0)")
        .unwrap();
    let error = PostgresStore::open(&database.url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("schema version 99"), "{error}");
}

#[test]
fn an_interrupted_migration_leaves_nothing() {
    let Some(database) = Database::or_skip("an_interrupted_migration_leaves_nothing") else {
        return;
    };
    let mut raw = database.raw();
    // In the way of the migration's last table.
    raw.batch_execute("CREATE TABLE tokens (in_the_way int)")
        .unwrap();
    let error = PostgresStore::open(&database.url).unwrap_err().to_string();
    assert!(
        error.contains("migrate") && error.contains("tokens"),
        "{error}"
    );
    let tables: i64 = raw
        .query_one(
            "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(tables, 1, "only the one in the way");
    raw.batch_execute("DROP TABLE tokens").unwrap();
    PostgresStore::open(&database.url).unwrap();
}

#[test]
fn a_batch_that_fails_leaves_nothing() {
    let Some(database) = Database::or_skip("a_batch_that_fails_leaves_nothing") else {
        return;
    };
    let store = PostgresStore::open(&database.url).unwrap();
    project(&store, 1);
    let mut raw = database.raw();
    raw.batch_execute("ALTER TABLE outcomes ADD CONSTRAINT refuse CHECK (quantity < 3)")
        .unwrap();
    let error = store.save_batch(&batch(0..20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("refuse"), "{error}");
    assert_eq!(totals(&store), (0, 0, vec![]));
    raw.batch_execute("ALTER TABLE outcomes DROP CONSTRAINT refuse")
        .unwrap();
    store.save_batch(&batch(0..20)).unwrap();
    assert_eq!(totals(&store), (20, 20, sampled(1)));
}

#[test]
fn texts_that_postgresql_cannot_hold_are_kept_as_far_as_it_can() {
    let Some(database) =
        Database::or_skip("texts_that_postgresql_cannot_hold_are_kept_as_far_as_it_can")
    else {
        return;
    };
    let store = PostgresStore::open(&database.url).unwrap();
    project(&store, 1);
    let mut odd = event(1, 1, "a");
    odd.title = "nul \0 here".to_owned();
    odd.tags = vec![
        ("t\0".into(), "v\0".into()),
        ("t\u{fffd}".into(), "v\u{fffd}".into()),
    ];
    let saved = store.save_batch(&Batch {
        events: vec![odd],
        ..Batch::default()
    });
    assert_eq!(saved.unwrap(), [Saved::NewIssue(1)]);
    let mut wanted = filter(1);
    wanted.words = vec!["nul \0".to_owned()];
    assert_eq!(
        store.issues(&wanted, T0).unwrap()[0].title,
        "nul \u{fffd} here"
    );
    assert_eq!(store.key("\0").unwrap(), None);
}

#[test]
fn lists_are_drawn_from_their_indexes() {
    let Some(database) = Database::or_skip("lists_are_drawn_from_their_indexes") else {
        return;
    };
    let store = PostgresStore::open(&database.url).unwrap();
    project(&store, 1);
    for round in 0..8_u64 {
        let events = (0..500).map(|n| event(1, round * 500 + n, &format!("f{round}-{n}")));
        let batch = Batch {
            events: events.collect(),
            ..Batch::default()
        };
        store.save_batch(&batch).unwrap();
    }
    let mut raw = database.raw();
    raw.batch_execute("ANALYZE").unwrap();
    let mut plan = |sql: &str| {
        let rows = raw.query(&format!("EXPLAIN {sql}"), &[]).unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        lines.join("\n")
    };
    for (column, index) in [
        ("last_seen_ms", "issues_by_last_seen"),
        ("first_seen_ms", "issues_by_first_seen"),
        ("events", "issues_by_events"),
        ("users", "issues_by_users"),
    ] {
        let plan = plan(&format!(
            "SELECT * FROM issues i JOIN projects p ON p.id = i.project_id
             WHERE i.project_id = 1 AND i.status = 0 AND (i.{column}, i.id) < (9000000000000, 3000)
             ORDER BY i.{column} DESC, i.id DESC LIMIT 25"
        ));
        assert!(
            plan.contains(index) && !plan.contains("Sort"),
            "{column}: {plan}"
        );
    }
    for (column, index) in [
        ("issue_id", "events_by_issue"),
        ("project_id", "events_by_project"),
    ] {
        let plan = plan(&format!(
            "SELECT * FROM events WHERE {column} = 1 AND (timestamp_ms, key) < (9000000000000, 3000)
             ORDER BY timestamp_ms DESC, key DESC LIMIT 25"
        ));
        assert!(
            plan.contains(index) && !plan.contains("Sort"),
            "{column}: {plan}"
        );
    }
}

#[test]
fn what_is_wrong_with_the_address_is_one_sentence() {
    let Some(server) = Server::or_skip("what_is_wrong_with_the_address_is_one_sentence") else {
        return;
    };
    let port = server.port;
    let database = Database::create(port);
    let name = database.url.rsplit('/').next().unwrap();
    let mut raw = database.raw();
    raw.batch_execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
        .unwrap();
    raw.batch_execute("CREATE DATABASE old TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
        .unwrap();
    raw.batch_execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        .unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let place = format!("127.0.0.1:{port}");
    let cases = [
        (
            url(nobody, "shop"),
            vec!["`shop`", "refused", "start PostgreSQL"],
        ),
        (
            url(port, name).replace(PASSWORD_ENCODED, "wrong-s3cr3t"),
            vec![name, &place, USER, "password"],
        ),
        (
            url(port, name).replace(USER, "stranger"),
            vec![name, &place, "stranger"],
        ),
        (
            url(port, "absent"),
            vec!["`absent`", &place, "CREATE DATABASE \"absent\""],
        ),
        (url(port, "old"), vec!["`old`", &place, "LATIN1", "UTF8"]),
        (
            format!("postgres://guest:guest@{place}/{name}"),
            vec![name, &place, "migrate", "permission", "CREATE"],
        ),
        (
            format!("{}?sslmode=require", url(port, name)),
            vec![name, &place, "TLS"],
        ),
        (
            format!("postgres://{USER}:{PASSWORD}@{place}/{name}"),
            vec!["percent-encoded"],
        ),
        ("mysql://u:s3cr3t@h/db".to_owned(), vec!["postgres://"]),
    ];
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    for (url, words) in cases {
        for (args, by_argument) in [
            (vec!["project", "create", "x", "--data", data], true),
            (
                vec!["serve", "--listen", "127.0.0.1:0", "--data", data],
                false,
            ),
        ] {
            let output = if by_argument {
                common::run(&[&args[..], &["--database-url", &url]].concat())
            } else {
                common::run_on(Some(&url), &args)
            };
            assert_eq!(output.status.code(), Some(1), "{url}");
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8(said).unwrap();
            let sentence = said.lines().last().unwrap_or_default();
            assert!(sentence.starts_with("faultwire: "), "{said}");
            for word in &words {
                assert!(sentence.contains(word), "`{word}` is missing in: {said}");
            }
            for secret in [PASSWORD, PASSWORD_ENCODED, "s3cr3t", "w?rd"] {
                assert!(!said.contains(secret), "{said}");
            }
        }
    }
}

#[test]
fn tls_is_spoken_and_verified_when_asked() {
    let test = "tls_is_spoken_and_verified_when_asked";
    let Some(mut server) = Server::or_skip(test) else {
        return;
    };
    let certificate = server.folder().join("data/server.crt");
    let key = server.folder().join("data/server.key");
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ])
        .args([
            "-days",
            "2",
            "-subj",
            "/CN=test",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .arg("-out")
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        println!("skipped: {test}: openssl is absent");
        return;
    }
    let authority = tempfile::NamedTempFile::new().unwrap();
    std::fs::copy(&certificate, authority.path()).unwrap();
    server.give(&certificate);
    server.give(&key);
    server.down();
    server.configure("ssl=on");
    server.up();
    let database = Database::create(server.port);
    let by_name = database.url.replace("127.0.0.1", "localhost");
    let encrypted = |url: &str| {
        let store = PostgresStore::open(url)?;
        let rows = database
            .raw()
            .query(
                "SELECT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
                 WHERE a.application_name = 'faultwire' AND a.datname = current_database()",
                &[],
            )
            .unwrap();
        drop(store);
        assert!(!rows.is_empty());
        Ok::<_, faultwire_collector::store::Error>(rows.iter().all(|row| row.get(0)))
    };
    assert!(!encrypted(&format!("{}?sslmode=disable", database.url)).unwrap());
    assert!(encrypted(&database.url).unwrap(), "prefer is the default");
    assert!(encrypted(&format!("{}?sslmode=require", database.url)).unwrap());
    let verified = format!(
        "sslmode=verify-full&sslrootcert={}",
        authority.path().display()
    );
    assert!(encrypted(&format!("{by_name}?{verified}")).unwrap());
    // Another name than the certificate's; an authority that did not sign it.
    for wrong in [
        format!("{}?{verified}", database.url),
        format!("{by_name}?sslmode=verify-full"),
    ] {
        let error = encrypted(&wrong).unwrap_err().to_string();
        assert!(error.contains("certificate"), "{error}");
        assert!(!error.contains(PASSWORD), "{error}");
    }
}

/// The whole program: the data base goes away under it and comes back.
#[test]
fn intake_goes_on_into_the_spool_while_the_data_base_is_away() {
    let Some(mut server) =
        Server::or_skip("intake_goes_on_into_the_spool_while_the_data_base_is_away")
    else {
        return;
    };
    let database = Database::create(server.port);
    let mut collector = Collector::start_on(Some(database.url.clone()), Some(database), &[]);
    let post = |collector: &Collector, n: u32| {
        let id = format!("{n:08x}a1b2c3d4e5f60718a1b2c3d4");
        let body = format!(
            "{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\"}}\n{{\"message\":\"order failed\"}}"
        );
        let reply = collector.post_envelope(body.as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.text());
    };
    let ready = |collector: &Collector| collector.send("GET", "/readyz", &[], b"");
    for n in 0..20 {
        post(&collector, n);
    }
    assert_eq!(ready(&collector).status, 200);
    server.crash();
    for n in 20..60 {
        post(&collector, n);
    }
    let answer = ready(&collector);
    assert_eq!(answer.status, 503);
    let text = answer.text();
    assert!(text.contains("refused"), "{text}");
    assert!(
        !text.contains("127.0.0.1") && !text.contains(PASSWORD),
        "{text}"
    );
    let shown = collector.get("/api/v1/projects").status;
    assert!((500..600).contains(&shown), "{shown}");
    server.up();
    wait_until("the collector to be ready again", || {
        (ready(&collector).status == 200).then_some(())
    });
    collector.wait_until_digested();
    server.down();
    for n in 60..80 {
        post(&collector, n);
    }
    // A stop in the meantime loses nothing either.
    collector.stop();
    server.up();
    collector.restart();
    collector.wait_until_digested();
    let stats = || collector.get("/api/v1/stats").json();
    let stats = wait_until("the account to be written", || {
        let stats = stats();
        (stats["digested"] == 80).then_some(stats)
    });
    assert_eq!(stats["discarded"], serde_json::json!([]), "{stats}");
    let issues = collector.get("/api/v1/projects/42/issues").json();
    assert_eq!(issues["items"][0]["count"], 80, "{issues}");
    let log = std::fs::read_to_string(collector.data().join("test.log")).unwrap();
    for secret in [PASSWORD, PASSWORD_ENCODED] {
        assert!(!log.contains(secret), "a password is in the log");
    }
}
