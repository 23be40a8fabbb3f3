use super::*;

/// Recovers everything `store` finds; keys count up from 1000.
fn recover_all(store: &mut Store) -> Vec<(u64, String)> {
    let mut key = 1000;
    let mut found = Vec::new();
    while let Some(batch) = store.recover_next(|| {
        key += 1;
        key
    }) {
        found.extend(
            batch
                .events
                .into_iter()
                .map(|e| (e.key, String::from_utf8(e.meta).unwrap())),
        );
    }
    found
}

fn metas(found: &[(u64, String)]) -> Vec<&str> {
    found.iter().map(|(_, meta)| meta.as_str()).collect()
}

fn segment_files(dir: &Path) -> usize {
    segment_numbers(dir).len()
}

#[test]
fn what_was_appended_is_read_back_and_found_again() {
    let root = tempfile::tempdir().unwrap();
    let mut store = Store::open(root.path()).unwrap();
    store.append(1, b"a", b"payload a").unwrap();
    store.append(2, b"b", b"payload b").unwrap();
    store.append(3, b"c", b"").unwrap();
    assert_eq!(store.read(1).as_deref(), Some(&b"payload a"[..]));
    assert_eq!(store.read(3).as_deref(), Some(&b""[..]));
    store.remove(2);
    assert_eq!(store.read(2), None);
    drop(store); // as a kill would: nothing is closed in order

    let mut next = Store::open(root.path()).unwrap();
    let found = recover_all(&mut next);
    assert_eq!(metas(&found), ["a", "c"]);
    assert_eq!(next.read(found[0].0).as_deref(), Some(&b"payload a"[..]));
    next.remove(found[0].0);
    drop(next);

    let mut last = Store::open(root.path()).unwrap();
    assert_eq!(metas(&recover_all(&mut last)), ["c"]);
}

#[test]
fn segments_rotate_and_go_when_their_records_are_removed() {
    let root = tempfile::tempdir().unwrap();
    let mut store = Store::open_with(root.path(), 10_000).unwrap();
    for key in 0..40 {
        store.append(key, b"", &[7; 1000]).unwrap();
    }
    assert!(
        segment_files(store.dir()) >= 4,
        "{}",
        segment_files(store.dir())
    );
    for key in 0..40 {
        store.remove(key);
    }
    assert_eq!(segment_files(store.dir()), 1, "only the active one is left");
    let dir = store.dir().to_owned();
    store.close().unwrap();
    assert_eq!(segment_files(&dir), 0);
}

#[test]
fn a_second_owner_takes_another_directory_and_adopts_after_death() {
    let root = tempfile::tempdir().unwrap();
    let mut first = Store::open(root.path()).unwrap();
    let mut second = Store::open(root.path()).unwrap();
    assert_ne!(first.dir(), second.dir());
    first.append(1, b"from first", b"x").unwrap();
    second.append(1, b"from second", b"y").unwrap();
    assert!(!second.adopt_orphans(), "the first owner lives");
    let orphan = first.dir().to_owned();
    drop(first);
    assert!(second.adopt_orphans());
    let found = recover_all(&mut second);
    assert_eq!(metas(&found), ["from first"]);
    assert_eq!(second.read(found[0].0).as_deref(), Some(&b"x"[..]));
    assert_eq!(
        second.read(1).as_deref(),
        Some(&b"y"[..]),
        "equal keys in two files do not mix"
    );
    assert_eq!(segment_files(&orphan), 0);
    second.remove(found[0].0);
    drop(second);
    let mut third = Store::open(root.path()).unwrap();
    third.adopt_orphans();
    assert_eq!(metas(&recover_all(&mut third)), ["from second"]);
}

#[test]
fn any_torn_tail_loses_only_the_torn_record() {
    let root = tempfile::tempdir().unwrap();
    let mut store = Store::open(root.path()).unwrap();
    store.append(1, b"a", b"first").unwrap();
    let whole = store.segments[&0].len();
    store.append(2, b"b", b"second").unwrap();
    let full = std::fs::read(store.segments[&0].path()).unwrap();
    drop(store);
    for cut in whole as usize..full.len() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("0")).unwrap();
        std::fs::write(segment_path(&root.path().join("0"), 0), &full[..cut]).unwrap();
        let mut store = Store::open(root.path()).unwrap();
        let found = recover_all(&mut store);
        assert_eq!(metas(&found), ["a"], "cut at {cut}");
        // A removal appended behind the torn tail must be found again.
        store.remove(found[0].0);
        drop(store);
        let mut store = Store::open(root.path()).unwrap();
        assert!(recover_all(&mut store).is_empty(), "cut at {cut}");
    }
}

#[test]
fn damage_in_the_middle_is_named_and_skipped() {
    let root = tempfile::tempdir().unwrap();
    let mut store = Store::open(root.path()).unwrap();
    for (key, meta) in [(1, b"a"), (2, b"b"), (3, b"c")] {
        store.append(key, meta, b"some payload").unwrap();
    }
    let path = store.segments[&0].path().to_owned();
    let offset = usize::try_from(store.places[&2].offset).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[offset + 30] ^= 0xff;
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(store.read(2), None, "a damaged payload is never handed out");
    drop(store);
    let mut store = Store::open(root.path()).unwrap();
    let mut key = 10;
    let batch = store.recover_next(|| {
        key += 1;
        key
    });
    let batch = batch.unwrap();
    let metas: Vec<&[u8]> = batch.events.iter().map(|e| e.meta.as_slice()).collect();
    assert_eq!(metas, [b"a", b"c"]);
    assert!(batch.damage.unwrap().contains("unreadable from offset"));
}

#[test]
fn a_newer_format_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("0")).unwrap();
    let path = segment_path(&root.path().join("0"), 3);
    let mut header = segment::file_header().to_vec();
    header[6] = 99;
    // The header's own checksum, recomputed by hand: CRC-32 as in the segment module.
    let crc = crc32(&header[..8]);
    header[8..12].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&path, &header).unwrap();
    let mut store = Store::open(root.path()).unwrap();
    let batch = store.recover_next(|| 1).unwrap();
    assert!(batch.events.is_empty() && batch.damage.is_some());
    assert_eq!(std::fs::read(&path).unwrap(), header);
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

#[test]
fn a_report_survives_until_it_is_recovered() {
    let root = tempfile::tempdir().unwrap();
    let mut store = Store::open(root.path()).unwrap();
    store.keep_report(b"old").unwrap();
    store.keep_report(b"new").unwrap();
    store.close().unwrap();
    let mut store = Store::open(root.path()).unwrap();
    let batch = store.recover_next(|| 1).unwrap();
    assert_eq!(batch.report.as_deref(), Some(&b"new"[..]));
    drop(store);
    let mut store = Store::open(root.path()).unwrap();
    assert_eq!(store.recover_next(|| 1).and_then(|b| b.report), None);
}

#[test]
fn an_unusable_directory_names_itself_and_the_reason() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("not-a-directory");
    std::fs::write(&file, "x").unwrap();
    let error = Store::open(&file.join("queue")).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot create") && error.contains("not-a-directory"),
        "{error}"
    );
    assert!(error.contains("Not a directory"), "{error}");
}

#[cfg(unix)]
#[test]
fn queued_events_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let queue = root.path().join("queue");
    let mut store = Store::open(&queue).unwrap();
    store.append(1, b"", b"personal").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&queue), 0o700);
    assert_eq!(mode(store.dir()), 0o700);
    assert_eq!(mode(store.segments[&0].path()), 0o600);
}
