//! What every store must do, as functions over `&dyn Store`.

#![allow(dead_code, reason = "each test file uses its part")]

use faultwire_collector::store::payload::{Packer, unpack};
use faultwire_collector::store::{
    Batch, DigestedEvent, ErrorKind, EventFilter, EventsOf, IssueFilter, IssueSort, IssueStatus,
    Level, NewAttachment, NewProject, OutcomeCount, PoisonEvent, Saved, Store, secret,
};

pub const HOUR_MS: u64 = 3_600_000;
/// Some hour, exactly.
pub const T0: u64 = 498_700 * HOUR_MS;

/// Creates a project with this id.
pub fn project(store: &dyn Store, id: u64) {
    let new = NewProject {
        name: format!("Project {id}"),
        id: Some(id),
        ..NewProject::default()
    };
    assert_eq!(store.create_project(new).unwrap().id, id);
}

pub fn id(n: u64) -> [u8; 16] {
    let mut id = [0xa5; 16];
    id[8..].copy_from_slice(&n.to_be_bytes());
    id
}

/// Event `n` of a project, in the issue with this fingerprint, `n` seconds after [`T0`].
pub fn event(project_id: u64, n: u64, fingerprint: &str) -> DigestedEvent {
    DigestedEvent {
        project_id,
        event_id: id(n),
        received_ms: T0 + n * 1000,
        timestamp_ms: T0 + n * 1000,
        fingerprint: fingerprint.to_owned(),
        grouping_version: "v1".to_owned(),
        grouping_parts: vec!["exception E".to_owned(), format!("frame {fingerprint}")],
        kind: "E".to_owned(),
        value: format!("value of {fingerprint}"),
        title: format!("E: value of {fingerprint}"),
        culprit: format!("app.js in {fingerprint}"),
        level: Level::Error,
        platform: "node".to_owned(),
        handled: Some(true),
        release: None,
        environment: None,
        user: None,
        user_hash: None,
        tags: Vec::new(),
        payload: pack(&format!("{{\"n\":{n}}}")),
        attachments: Vec::new(),
    }
}

fn pack(text: &str) -> Vec<u8> {
    Packer::new().unwrap().pack(text.as_bytes())
}

fn save(store: &dyn Store, events: Vec<DigestedEvent>) -> Vec<Saved> {
    store
        .save_batch(&Batch {
            events,
            ..Batch::default()
        })
        .unwrap()
}

/// All unresolved issues of a project, last seen first.
pub fn filter(project_id: u64) -> IssueFilter {
    IssueFilter {
        project_id,
        status: IssueStatus::Unresolved,
        level: None,
        release: None,
        environment: None,
        words: Vec::new(),
        sort: IssueSort::LastSeen,
        after: None,
        limit: 100,
    }
}

fn found(store: &dyn Store, filter: &IssueFilter) -> Vec<u64> {
    store
        .issues(filter, T0)
        .unwrap()
        .iter()
        .map(|issue| issue.id)
        .collect()
}

pub fn projects_and_keys(store: &dyn Store) {
    let first = store
        .create_project(NewProject {
            name: " Web Store ".into(),
            ..NewProject::default()
        })
        .unwrap();
    assert_eq!(
        (first.id, first.name.as_str(), first.slug.as_str()),
        (1, "Web Store", "web-store")
    );
    assert_eq!(first.public_key.len(), 32);
    let key = store.key(&first.public_key).unwrap().unwrap();
    assert_eq!((key.project_id, key.active), (1, true));
    assert_eq!(store.key("00000000000000000000000000000000").unwrap(), None);

    let moved = store
        .create_project(NewProject {
            name: "Web Store".into(),
            id: Some(42),
            public_key: Some("9C1D5F0A7B3E4C2D8F6A1B0C3D2E4F5A".into()),
            platform: Some("node".into()),
        })
        .unwrap();
    assert_eq!((moved.id, moved.slug.as_str()), (42, "web-store-2"));
    assert_eq!(
        store
            .key("9c1d5f0a7b3e4c2d8f6a1b0c3d2e4f5a")
            .unwrap()
            .unwrap()
            .project_id,
        42
    );

    let listed: Vec<u64> = store
        .projects(None, 10, T0)
        .unwrap()
        .iter()
        .map(|p| p.project.id)
        .collect();
    assert_eq!(listed, [1, 42]);
    assert_eq!(store.projects(Some(1), 10, T0).unwrap()[0].project, moved);
    assert_eq!(store.projects(None, 1, T0).unwrap().len(), 1);
    assert_eq!(store.project(7, T0).unwrap(), None);
}

pub fn project_input_is_checked(store: &dyn Store) {
    project(store, 42);
    let taken = store.project(42, T0).unwrap().unwrap().project.public_key;
    let new = |name: &str, id: Option<u64>, key: Option<&str>| NewProject {
        name: name.to_owned(),
        id,
        public_key: key.map(str::to_owned),
        platform: None,
    };
    for (wrong, kind) in [
        (new("", None, None), ErrorKind::Invalid),
        (new(&"x".repeat(101), None, None), ErrorKind::Invalid),
        (new("x", Some(0), None), ErrorKind::Invalid),
        (new("x", Some(1 << 53), None), ErrorKind::Invalid),
        (new("x", None, Some("short")), ErrorKind::Invalid),
        (new("x", None, Some(&"g".repeat(32))), ErrorKind::Invalid),
        (new("x", Some(42), None), ErrorKind::Conflict),
        (new("x", None, Some(&taken)), ErrorKind::Conflict),
    ] {
        let error = store.create_project(wrong.clone()).unwrap_err();
        assert_eq!(error.kind(), kind, "{wrong:?}: {error}");
    }
    assert_eq!(store.projects(None, 10, T0).unwrap().len(), 1);
}

pub fn a_batch_counts_exactly(store: &dyn Store) {
    project(store, 1);
    let saved = save(
        store,
        vec![event(1, 1, "a"), event(1, 2, "a"), event(1, 3, "b")],
    );
    let (a, b) = match saved[..] {
        [
            Saved::NewIssue(a),
            Saved::Existing(again),
            Saved::NewIssue(b),
        ] if a == again => (a, b),
        _ => panic!("{saved:?}"),
    };
    assert_eq!(save(store, vec![event(1, 4, "a")]), [Saved::Existing(a)]);
    let issue = store.issue(a, T0).unwrap().unwrap();
    assert_eq!(
        (issue.events, issue.number, issue.project_slug.as_str()),
        (3, 1, "project-1")
    );
    assert_eq!(
        (issue.first_seen_ms, issue.last_seen_ms),
        (T0 + 1000, T0 + 4000)
    );
    assert_eq!(issue.created_ms, T0 + 1000);
    assert_eq!(issue.title, "E: value of a");
    assert_eq!(store.issue(b, T0).unwrap().unwrap().number, 2);
    let extras = store.issue_extras(a, T0).unwrap().unwrap();
    assert_eq!(extras.grouping_version, "v1");
    assert_eq!(extras.grouping_parts, ["exception E", "frame a"]);
    assert_eq!(extras.latest_event_id, Some(secret::hex(&id(4))));
    assert_eq!(store.issue(99, T0).unwrap(), None);
    assert_eq!(store.issue_extras(99, T0).unwrap(), None);

    let overview = store.project(1, T0).unwrap().unwrap();
    assert_eq!(overview.unresolved_issues, 2);
    assert_eq!(overview.project.first_event_ms, Some(T0 + 1000));
    assert_eq!(
        overview.project.platform.as_deref(),
        Some("node"),
        "taken from the first event"
    );
    assert_eq!(store.outcome_totals().unwrap().digested, 4);
}

pub fn the_same_event_twice_counts_once(store: &dyn Store) {
    project(store, 1);
    let mut tagged = event(1, 1, "a");
    tagged.tags = vec![("os".into(), "linux".into())];
    tagged.user_hash = Some([1; 16]);
    // Twice in one batch, again in a later one, and again with another fingerprint.
    let saved = save(store, vec![tagged.clone(), tagged.clone()]);
    let [Saved::NewIssue(issue), Saved::Duplicate] = saved[..] else {
        panic!("{saved:?}")
    };
    assert_eq!(save(store, vec![tagged.clone()]), [Saved::Duplicate]);
    tagged.fingerprint = "other".into();
    assert_eq!(save(store, vec![tagged]), [Saved::Duplicate]);

    let stored = store.issue(issue, T0).unwrap().unwrap();
    assert_eq!((stored.events, stored.users), (1, 1));
    assert_eq!(
        store.issue_extras(issue, T0).unwrap().unwrap().tags[0].total,
        1
    );
    assert_eq!(
        store.project(1, T0).unwrap().unwrap().unresolved_issues,
        1,
        "no empty issue"
    );
    let totals = store.outcome_totals().unwrap();
    assert_eq!(totals.digested, 1);
    assert_eq!(
        totals.discarded,
        [("error".to_owned(), "duplicate".to_owned(), 3)]
    );
}

pub fn one_id_in_two_projects_is_two_events(store: &dyn Store) {
    project(store, 1);
    project(store, 2);
    let saved = save(store, vec![event(1, 1, "a"), event(2, 1, "a")]);
    let [Saved::NewIssue(one), Saved::NewIssue(two)] = saved[..] else {
        panic!("{saved:?}")
    };
    assert_ne!(one, two);
    assert_eq!(store.event_projects(id(1)).unwrap(), [1, 2]);
    assert_eq!(store.event_projects(id(2)).unwrap(), [0; 0]);
    assert_eq!(
        store.event(2, id(1)).unwrap().unwrap().summary.issue_id,
        two
    );
    assert_eq!(
        store.issue(two, T0).unwrap().unwrap().number,
        1,
        "numbers run within a project"
    );
}

pub fn late_events_move_the_beginning_not_the_end(store: &dyn Store) {
    project(store, 1);
    let at = |n: u64, release: &str, level: Level| {
        let mut event = event(1, n, "a");
        event.release = Some(release.to_owned());
        event.level = level;
        event.handled = Some(level != Level::Fatal);
        event
    };
    save(store, vec![at(50, "2.0", Level::Warning)]);
    save(
        store,
        vec![
            at(10, "1.0", Level::Fatal),
            at(60, "3.0", Level::Error),
            at(55, "2.5", Level::Fatal),
        ],
    );
    let issue = store.issue(1, T0).unwrap().unwrap();
    assert_eq!(
        (issue.first_seen_ms, issue.last_seen_ms),
        (T0 + 10_000, T0 + 60_000)
    );
    assert_eq!(
        (
            issue.first_release.as_deref(),
            issue.last_release.as_deref()
        ),
        (Some("1.0"), Some("3.0"))
    );
    assert_eq!(
        (issue.level, issue.handled),
        (Level::Error, Some(true)),
        "of the newest event"
    );
}

pub fn status_follows_decisions_and_events(store: &dyn Store) {
    project(store, 1);
    save(store, vec![event(1, 1, "a"), event(1, 2, "b")]);
    assert!(
        store
            .set_issue_status(1, IssueStatus::Resolved, T0 + 10_000)
            .unwrap()
    );
    assert!(
        store
            .set_issue_status(2, IssueStatus::Ignored, T0 + 10_000)
            .unwrap()
    );
    assert!(
        !store
            .set_issue_status(99, IssueStatus::Ignored, T0)
            .unwrap()
    );
    assert_eq!(store.project(1, T0).unwrap().unwrap().unresolved_issues, 0);

    let status = |issue| {
        let issue = store.issue(issue, T0).unwrap().unwrap();
        (issue.status, issue.regressed_ms)
    };
    // Happened before the decision, arrived after it.
    assert_eq!(save(store, vec![event(1, 5, "a")]), [Saved::Existing(1)]);
    assert_eq!(status(1), (IssueStatus::Resolved, None));
    assert_eq!(
        save(store, vec![event(1, 20, "a"), event(1, 21, "a")]),
        [Saved::Regressed(1), Saved::Existing(1)]
    );
    assert_eq!(status(1), (IssueStatus::Unresolved, Some(T0 + 20_000)));
    assert_eq!(save(store, vec![event(1, 22, "b")]), [Saved::Existing(2)]);
    assert_eq!(status(2), (IssueStatus::Ignored, None));
    assert!(
        store
            .set_issue_status(1, IssueStatus::Resolved, T0 + 30_000)
            .unwrap()
    );
    assert_eq!(status(1), (IssueStatus::Resolved, None));
}

pub fn users_are_distinct_over_batches(store: &dyn Store) {
    project(store, 1);
    let by = |n: u64, fingerprint: &str, user: Option<u8>| {
        let mut event = event(1, n, fingerprint);
        event.user_hash = user.map(|user| [user; 16]);
        event
    };
    save(
        store,
        vec![
            by(1, "a", Some(1)),
            by(2, "a", Some(1)),
            by(3, "a", Some(2)),
            by(4, "a", None),
        ],
    );
    save(
        store,
        vec![
            by(5, "a", Some(2)),
            by(6, "a", Some(3)),
            by(7, "b", Some(1)),
        ],
    );
    let users = |issue| store.issue(issue, T0).unwrap().unwrap().users;
    assert_eq!((users(1), users(2)), (3, 1));
}

pub fn tags_are_bounded(store: &dyn Store) {
    project(store, 1);
    let events = (0..700).map(|n| {
        let mut event = event(1, n, "a");
        event.tags = vec![
            ("os".into(), if n % 3 == 0 { "linux" } else { "mac" }.into()),
            ("order".into(), n.to_string()),
            (format!("made-up-{n}"), "x".into()),
        ];
        event
    });
    for chunk in events.collect::<Vec<_>>().chunks(250) {
        save(store, chunk.to_vec());
    }
    let tags = store.issue_extras(1, T0).unwrap().unwrap().tags;
    assert!(tags.len() <= 110, "{} keys", tags.len());
    let tag = |key: &str| tags.iter().find(|tag| tag.key == key).unwrap();
    assert_eq!(tag("os").total, 700);
    assert_eq!(
        tag("os").values,
        [("mac".to_owned(), 466), ("linux".to_owned(), 234)]
    );
    assert_eq!((tag("order").total, tag("order").values.len()), (700, 10));
}

pub fn trends_have_their_length(store: &dyn Store) {
    project(store, 1);
    let at = |n: u64, hours_ago: u64| {
        let mut event = event(1, n, "a");
        event.timestamp_ms = T0 - hours_ago * HOUR_MS;
        event
    };
    save(
        store,
        vec![
            at(1, 0),
            at(2, 0),
            at(3, 1),
            at(4, 23),
            at(5, 24),
            at(6, 24 * 29),
            at(7, 24 * 40),
        ],
    );
    let trend = store.issue(1, T0).unwrap().unwrap().trend_24h;
    let mut expected = vec![0; 24];
    (expected[23], expected[22], expected[0]) = (2, 1, 1);
    assert_eq!(trend, expected);
    assert_eq!(store.project(1, T0).unwrap().unwrap().events_24h, expected);
    let days = store.issue_extras(1, T0).unwrap().unwrap().trend_30d;
    assert_eq!((days.len(), days.iter().sum::<u64>()), (30, 6), "{days:?}");
    assert_eq!(
        store
            .issue(1, T0 + 24 * HOUR_MS)
            .unwrap()
            .unwrap()
            .trend_24h,
        vec![0; 24]
    );
    assert_eq!(
        store.issue(1, 0).unwrap().unwrap().trend_24h.len(),
        24,
        "a clock at the epoch"
    );
}

pub fn filters_and_orders(store: &dyn Store) {
    project(store, 1);
    project(store, 2);
    let with = |n: u64, fingerprint: &str, level: Level, tags: &[(&str, &str)]| {
        let mut event = event(1, n, fingerprint);
        event.level = level;
        event.tags = tags
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        event.user_hash = (n > 20).then_some([7; 16]);
        event
    };
    save(
        store,
        vec![
            with(
                1,
                "cart",
                Level::Error,
                &[("release", "1.0"), ("environment", "prod")],
            ),
            with(
                30,
                "Straße",
                Level::Fatal,
                &[("release", "2.0"), ("environment", "prod")],
            ),
            with(20, "cart", Level::Error, &[("release", "2.0")]),
            with(10, "login", Level::Warning, &[("environment", "test")]),
        ],
    );
    let (cart, street, login) = (1, 2, 3);
    let base = filter(1);
    for (sort, expected) in [
        (IssueSort::LastSeen, [street, cart, login]),
        (IssueSort::FirstSeen, [street, login, cart]),
        (IssueSort::Events, [cart, login, street]),
        (IssueSort::Users, [street, login, cart]),
    ] {
        assert_eq!(
            found(
                store,
                &IssueFilter {
                    sort,
                    ..base.clone()
                }
            ),
            expected,
            "{sort:?}"
        );
    }
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    for (filter, expected) in [
        (
            IssueFilter {
                level: Some(Level::Warning),
                ..base.clone()
            },
            &[login][..],
        ),
        (
            IssueFilter {
                release: Some("2.0".into()),
                ..base.clone()
            },
            &[street, cart],
        ),
        (
            IssueFilter {
                environment: Some("prod".into()),
                release: Some("1.0".into()),
                ..base.clone()
            },
            &[cart],
        ),
        (
            IssueFilter {
                words: words(&["STRASSE"]),
                ..base.clone()
            },
            &[],
        ),
        (
            IssueFilter {
                words: words(&["straße", "app.js"]),
                ..base.clone()
            },
            &[street],
        ),
        (
            IssueFilter {
                words: words(&["VALUE", "cart"]),
                ..base.clone()
            },
            &[cart],
        ),
        (
            IssueFilter {
                words: words(&["%"]),
                ..base.clone()
            },
            &[],
        ),
        (
            IssueFilter {
                status: IssueStatus::Resolved,
                ..base.clone()
            },
            &[],
        ),
        (
            IssueFilter {
                project_id: 2,
                ..base.clone()
            },
            &[],
        ),
        (
            IssueFilter {
                limit: 1,
                ..base.clone()
            },
            &[street],
        ),
    ] {
        assert_eq!(found(store, &filter), expected, "{filter:?}");
    }
}

pub fn pages_hold_every_row_once_while_rows_arrive(store: &dyn Store) {
    project(store, 1);
    // Many equal sort values: only the id tells those issues apart.
    let events = (0..50).map(|n| DigestedEvent {
        timestamp_ms: T0 + n / 10,
        ..event(1, n, &format!("f{n}"))
    });
    save(store, events.collect());
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .issues(
                &IssueFilter {
                    limit: 7,
                    after,
                    ..filter(1)
                },
                T0,
            )
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.last_seen_ms, last.id));
        seen.extend(page.iter().map(|issue| issue.id));
        // A new issue on top must not push old ones onto the next page.
        let n = 1000 + seen.len() as u64;
        save(store, vec![event(1, n, &format!("new{n}"))]);
    }
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=50).collect::<Vec<_>>());

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let of = EventsOf::Project(1);
        let page = store
            .events(&EventFilter {
                of,
                after,
                limit: 9,
            })
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.timestamp_ms, last.key));
        seen.extend(page.iter().map(|event| event.id.clone()));
    }
    let count = seen.len();
    seen.dedup();
    assert_eq!((count, seen.len()), (58, 58));
}

pub fn neighbours_and_payloads(store: &dyn Store) {
    project(store, 1);
    let long = "x".repeat(100_000);
    let mut big = event(1, 3, "a");
    big.payload = pack(&format!("{{\"long\":\"{long}\"}}"));
    big.user = Some("mara".to_owned());
    // 4 and 5 share an instant with 3: the order of arrival decides.
    let same = |n: u64| DigestedEvent {
        timestamp_ms: T0 + 3000,
        ..event(1, n, "a")
    };
    save(
        store,
        vec![
            event(1, 2, "a"),
            big,
            same(4),
            event(1, 9, "b"),
            same(5),
            event(1, 1, "a"),
        ],
    );
    let neighbours = |n: u64| {
        let event = store.event(1, id(n)).unwrap().unwrap();
        (event.previous_event_id, event.next_event_id)
    };
    let hex = |n: u64| Some(secret::hex(&id(n)));
    assert_eq!(neighbours(1), (None, hex(2)));
    assert_eq!(neighbours(3), (hex(2), hex(4)));
    assert_eq!(neighbours(4), (hex(3), hex(5)));
    assert_eq!(neighbours(5), (hex(4), None));
    assert_eq!(neighbours(9), (None, None), "another issue");
    assert_eq!(store.latest_event(1).unwrap(), Some((1, id(5))));
    assert_eq!(store.latest_event(99).unwrap(), None);

    let event = store.event(1, id(3)).unwrap().unwrap();
    assert_eq!(event.payload, format!("{{\"long\":\"{long}\"}}"));
    assert_eq!(event.summary.user.as_deref(), Some("mara"));
    assert_eq!(store.event(2, id(3)).unwrap(), None);
    let listed = store
        .events(&EventFilter {
            of: EventsOf::Issue(1),
            after: None,
            limit: 10,
        })
        .unwrap();
    let listed: Vec<_> = listed.iter().map(|event| Some(event.id.clone())).collect();
    assert_eq!(listed, [hex(5), hex(4), hex(3), hex(2), hex(1)]);
}

pub fn attachments_belong_to_their_event(store: &dyn Store) {
    project(store, 1);
    let mut with = event(1, 1, "a");
    let file = |name: &str, bytes: &[u8]| NewAttachment {
        filename: name.to_owned(),
        content_type: "text/plain".to_owned(),
        size: bytes.len() as u64,
        packed: Packer::new().unwrap().pack(bytes),
    };
    with.attachments = vec![file("a.txt", b"first\n"), file("empty", b"")];
    save(store, vec![with, event(1, 2, "a")]);
    let listed = store.event(1, id(1)).unwrap().unwrap().attachments;
    assert_eq!(
        listed
            .iter()
            .map(|f| (f.filename.as_str(), f.size))
            .collect::<Vec<_>>(),
        [("a.txt", 6), ("empty", 0)]
    );
    let (file, bytes) = store.attachment(1, id(1), listed[0].id).unwrap().unwrap();
    assert_eq!(
        (file.content_type.as_str(), bytes.as_slice()),
        ("text/plain", &b"first\n"[..])
    );
    assert_eq!(
        store.attachment(1, id(1), listed[1].id).unwrap().unwrap().1,
        b""
    );
    assert_eq!(
        store.attachment(1, id(2), listed[0].id).unwrap(),
        None,
        "of another event"
    );
    assert!(
        store
            .event(1, id(2))
            .unwrap()
            .unwrap()
            .attachments
            .is_empty()
    );
}

pub fn poison_is_kept_once_and_counted(store: &dyn Store) {
    project(store, 1);
    let poison = PoisonEvent {
        project_id: 1,
        event_id: id(1),
        received_ms: T0,
        code: "invalid_json",
        reason: "line 1: no value".to_owned(),
        payload: pack("{"),
    };
    let batch = Batch {
        poison: vec![poison],
        events: vec![event(1, 2, "a")],
        ..Batch::default()
    };
    store.save_batch(&batch).unwrap();
    store.save_batch(&batch).unwrap();
    let totals = store.outcome_totals().unwrap();
    assert_eq!(totals.digested, 1);
    assert!(
        totals
            .discarded
            .contains(&("error".to_owned(), "invalid_json".to_owned(), 1)),
        "{totals:?}"
    );
}

pub fn events_without_a_project_are_counted(store: &dyn Store) {
    project(store, 1);
    assert_eq!(
        save(store, vec![event(9, 1, "a"), event(1, 2, "a")])[0],
        Saved::NoProject
    );
    assert_eq!(store.event_projects(id(1)).unwrap(), [0; 0]);
    let totals = store.outcome_totals().unwrap();
    assert_eq!(
        totals.discarded,
        [("error".to_owned(), "project_id".to_owned(), 1)]
    );
}

pub fn outcomes_add_up(store: &dyn Store) {
    let row =
        |hour: u64, category: &str, outcome: &str, reason: &str, quantity: u64| OutcomeCount {
            project_id: 1,
            hour_ms: T0 + hour * HOUR_MS,
            category: category.to_owned(),
            outcome: outcome.to_owned(),
            reason: reason.to_owned(),
            quantity,
        };
    store
        .add_outcomes(&[
            row(0, "error", "accepted", "", 5),
            row(0, "attachment", "accepted", "", 900),
            row(0, "error", "client_discard", "sample_rate", 40),
            row(0, "error", "rate_limited", "quota", 0),
        ])
        .unwrap();
    store
        .add_outcomes(&[
            row(1, "error", "accepted", "", 2),
            row(0, "error", "client_discard", "sample_rate", 1),
            row(0, "error", "invalid", "sample_rate", 1),
            row(0, "transaction", "filtered", "unsupported", 7),
        ])
        .unwrap();
    let totals = store.outcome_totals().unwrap();
    assert_eq!((totals.accepted, totals.digested), (7, 0));
    let discarded =
        |category: &str, reason: &str, n: u64| (category.to_owned(), reason.to_owned(), n);
    assert_eq!(
        totals.discarded,
        [
            discarded("error", "sample_rate", 42),
            discarded("transaction", "unsupported", 7)
        ]
    );
}

pub fn passwords_logins_and_tokens(store: &dyn Store) {
    assert_eq!(store.admin_password().unwrap(), None);
    assert!(store.put_admin_password("hash one", true).unwrap());
    assert!(!store.put_admin_password("hash two", true).unwrap());
    assert_eq!(store.admin_password().unwrap().as_deref(), Some("hash one"));

    let (one, two) = (secret::hash("one"), secret::hash("two"));
    store.add_session(one, T0, T0 + 1000).unwrap();
    store.add_session(two, T0, T0 + 5000).unwrap();
    let valid = |hash, now| store.session_is_valid(hash, now).unwrap();
    assert!(valid(one, T0 + 999) && !valid(one, T0 + 1000) && valid(two, T0 + 1000));
    store.remove_session(two).unwrap();
    store.remove_session(two).unwrap();
    assert!(!valid(two, T0));
    assert!(store.put_admin_password("hash three", false).unwrap());
    assert!(!valid(one, T0), "a new password ends every login");

    let token = store.create_token("ci").unwrap();
    assert!(store.token_is_valid(secret::hash(&token)).unwrap());
    assert!(!store.token_is_valid(secret::hash("fwt_other")).unwrap());
    assert_eq!(unpack(&pack("kept")).unwrap(), b"kept");
}
