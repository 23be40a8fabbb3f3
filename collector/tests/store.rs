//! The one suite that every store passes, and what only SQLite has to prove (PostgreSQL's own is in `postgres.rs`).
//!
//! Each test of the suite is a function over `&dyn Store`; a new back end adds one line to `stores!`.

#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test names its line"
)]

#[path = "postgres_support/mod.rs"]
mod postgres_support;
mod store_suite;

use std::sync::{Arc, Barrier};

use faultwire_collector::store::postgres::PostgresStore;
use faultwire_collector::store::sqlite::SqliteStore;
use faultwire_collector::store::{self, Batch, ErrorKind, NewProject, Store, StoreConfig};
use postgres_support::Database;
use store_suite::{event, filter, project};
use tempfile::TempDir;

/// Runs a test of the suite on an empty SQLite store.
fn on_sqlite(test: fn(&dyn Store)) {
    let dir = TempDir::new().unwrap();
    let store = SqliteStore::open(&dir.path().join("faultwire.db")).unwrap();
    test(&store);
}

/// Runs a test of the suite on an empty data base of PostgreSQL, if there is one on this machine.
fn on_postgres(test: fn(&dyn Store)) {
    if let Some(database) = Database::or_skip("the store suite on PostgreSQL") {
        test(&PostgresStore::open(&database.url).unwrap());
    }
}

macro_rules! stores {
    ($($test:ident),* $(,)?) => {
        mod sqlite { $(#[test] fn $test() { super::on_sqlite(super::store_suite::$test); })* }
        mod postgres { $(#[test] fn $test() { super::on_postgres(super::store_suite::$test); })* }
    };
}

stores!(
    projects_and_keys,
    project_input_is_checked,
    a_batch_counts_exactly,
    the_same_event_twice_counts_once,
    one_id_in_two_projects_is_two_events,
    late_events_move_the_beginning_not_the_end,
    status_follows_decisions_and_events,
    users_are_distinct_over_batches,
    tags_are_bounded,
    trends_have_their_length,
    filters_and_orders,
    pages_hold_every_row_once_while_rows_arrive,
    neighbours_and_payloads,
    attachments_belong_to_their_event,
    poison_is_kept_once_and_counted,
    events_without_a_project_are_counted,
    outcomes_add_up,
    passwords_logins_and_tokens,
);

#[test]
fn data_is_there_after_reopening() {
    let dir = TempDir::new().unwrap();
    let config = StoreConfig {
        data_dir: dir.path().to_owned(),
        database_url: None,
    };
    {
        let store = store::open(&config).unwrap();
        project(&*store, 1);
        let events = vec![event(1, 1, "a"), event(1, 2, "b")];
        store
            .save_batch(&Batch {
                events,
                ..Batch::default()
            })
            .unwrap();
    }
    let store = store::open(&config).unwrap();
    assert_eq!(store.issues(&filter(1), 0).unwrap().len(), 2);
    assert_eq!(store.outcome_totals().unwrap().digested, 2);
}

#[test]
fn a_batch_that_fails_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("faultwire.db");
    let store = SqliteStore::open(&path).unwrap();
    project(&store, 1);
    // The second payload cannot be stored, long after the first event and its issue were.
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(
        "CREATE TRIGGER refuse BEFORE INSERT ON event_payloads WHEN NEW.key = 2
         BEGIN SELECT RAISE(ABORT, 'refused by the test'); END",
    )
    .unwrap();
    let batch = Batch {
        events: vec![event(1, 1, "a"), event(1, 2, "b")],
        ..Batch::default()
    };
    let error = store.save_batch(&batch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("refused by the test"), "{error}");
    assert!(store.issues(&filter(1), 0).unwrap().is_empty());
    assert_eq!(store.outcome_totals().unwrap().digested, 0);

    raw.execute_batch("DROP TRIGGER refuse").unwrap();
    store.save_batch(&batch).unwrap();
    assert_eq!(store.issues(&filter(1), 0).unwrap().len(), 2);
}

#[test]
fn a_newer_version_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("faultwire.db");
    drop(SqliteStore::open(&path).unwrap());
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("PRAGMA user_version = 99").unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(error.to_string().contains("schema version 99"), "{error}");
}

#[test]
fn a_file_that_is_no_data_base_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("faultwire.db");
    std::fs::write(
        &path,
        "this is not a data base, but long enough to look like one ".repeat(20),
    )
    .unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("faultwire.db"), "{error}");
}

#[test]
fn several_processes_may_open_a_new_store_at_once() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("faultwire.db");
    let start = Arc::new(Barrier::new(4));
    let threads: Vec<_> = (1..=4)
        .map(|id| {
            let (path, start) = (path.clone(), start.clone());
            std::thread::spawn(move || {
                start.wait();
                project(&SqliteStore::open(&path).unwrap(), id);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.projects(None, 10, 0).unwrap().len(), 4);
}

#[test]
fn reads_go_on_while_a_batch_is_written() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("faultwire.db");
    let store = SqliteStore::open(&path).unwrap();
    project(&store, 1);
    store
        .save_batch(&Batch {
            events: vec![event(1, 1, "a")],
            ..Batch::default()
        })
        .unwrap();
    // Another process holds the write lock for as long as this connection lives.
    let mut raw = rusqlite::Connection::open(&path).unwrap();
    let writing = raw
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .unwrap();
    writing
        .execute("UPDATE issues SET events = 1000", [])
        .unwrap();
    assert_eq!(
        store.issues(&filter(1), 0).unwrap()[0].events,
        1,
        "the committed state"
    );
    writing.commit().unwrap();
    assert_eq!(store.issues(&filter(1), 0).unwrap()[0].events, 1000);
}

#[test]
fn more_readers_than_connections_take_turns() {
    let dir = TempDir::new().unwrap();
    let store = SqliteStore::open(&dir.path().join("faultwire.db")).unwrap();
    project(&store, 1);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert!(store.project(1, 0).unwrap().is_some());
                }
            });
        }
    });
}

#[test]
fn the_log_is_emptied_when_the_store_closes() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("faultwire.db");
    {
        let store = SqliteStore::open(&path).unwrap();
        store
            .create_project(NewProject {
                name: "x".into(),
                ..NewProject::default()
            })
            .unwrap();
    }
    let log = std::fs::metadata(dir.path().join("faultwire.db-wal")).map_or(0, |log| log.len());
    assert_eq!(log, 0);
}
