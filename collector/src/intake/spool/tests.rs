//! What the spool promises, tried on real files: order, durability across restarts, torn tails, full and failing disks.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use bytes::Bytes;
use faultwire_protocol::id::EventId;

use super::*;

fn event(number: u64) -> Record {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    id[15] = 1;
    let payload = format!(
        "{{\"message\":\"event {number} {}\"}}",
        "x".repeat((number % 7) as usize * 100)
    );
    Record::event(
        1,
        number,
        EventId::from_bytes(id).unwrap(),
        Bytes::from(payload),
    )
}

fn open(dir: &Path) -> Arc<Spool> {
    open_limited(
        dir,
        SpoolLimits {
            linger: Duration::ZERO,
            ..SpoolLimits::default()
        },
    )
}

fn open_limited(dir: &Path, limits: SpoolLimits) -> Arc<Spool> {
    Spool::open(dir, limits, Arc::new(Metrics::new())).unwrap()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn append(spool: &Spool, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        wait(spool.append(event(number))).unwrap();
    }
}

/// Everything that can be read now, as event numbers, with the last position.
fn drain(spool: &Spool) -> (Vec<u64>, Option<Position>) {
    let (mut numbers, mut last) = (Vec::new(), None);
    while spool.stats().records > numbers.len() as u64 {
        let batch = spool.next_batch(3, usize::MAX).unwrap();
        assert!(!batch.records.is_empty() && batch.records.len() <= 3);
        for record in &batch.records {
            assert_eq!(
                record,
                &event(record.received_ms),
                "a record came back changed"
            );
            numbers.push(record.received_ms);
        }
        last = Some(batch.position);
    }
    (numbers, last)
}

fn segments(dir: &Path) -> usize {
    segment::list(dir).unwrap().len()
}

#[test]
fn records_come_out_in_order_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    append(&spool, 0..10);
    let (numbers, position) = drain(&spool);
    assert_eq!(numbers, (0..10).collect::<Vec<_>>());
    spool.commit(position.unwrap()).unwrap();
    assert_eq!(spool.stats().records, 0);
    drop(spool);
    assert_eq!(
        drain(&open(dir.path())).0,
        Vec::<u64>::new(),
        "committed records do not come again"
    );
}

#[test]
fn records_that_were_not_committed_come_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    append(&spool, 0..6);
    let first = spool.next_batch(2, usize::MAX).unwrap();
    spool.commit(first.position).unwrap();
    spool.next_batch(2, usize::MAX).unwrap();
    drop(spool);
    let spool = open(dir.path());
    append(&spool, 6..8);
    assert_eq!(spool.stats().records, 6);
    assert_eq!(drain(&spool).0, [2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_batch_stops_at_its_bytes_but_holds_at_least_one_record() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    append(&spool, 0..3);
    assert_eq!(spool.next_batch(100, 1).unwrap().records.len(), 1);
    assert_eq!(spool.next_batch(0, usize::MAX).unwrap().records.len(), 1);
}

#[test]
fn a_waiting_reader_wakes_up_for_a_record_and_for_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let reader = std::thread::spawn({
        let spool = spool.clone();
        move || {
            let mut numbers = Vec::new();
            while let Some(batch) = spool.next_batch(10, usize::MAX) {
                numbers.extend(batch.records.iter().map(|record| record.received_ms));
            }
            numbers
        }
    });
    append(&spool, 0..5);
    spool.close();
    assert_eq!(
        reader.join().unwrap(),
        [0, 1, 2, 3, 4],
        "closing lets the reader run dry first"
    );
    assert_eq!(wait(spool.append(event(9))), Err(SpoolError::Closed));
}

#[test]
fn one_thread_may_commit_while_another_one_waits() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let (send, receive) = std::sync::mpsc::channel();
    let reader = std::thread::spawn({
        let spool = spool.clone();
        move || {
            while let Some(batch) = spool.next_batch(10, usize::MAX) {
                send.send(batch.position).unwrap();
            }
        }
    });
    for number in 0..5 {
        append(&spool, [number]);
        // By now the reader waits in next_batch again, or soon will.
        spool.commit(receive.recv().unwrap()).unwrap();
    }
    assert_eq!(spool.stats().records, 0);
    spool.close();
    reader.join().unwrap();
}

#[test]
fn a_reader_that_has_caught_up_waits_for_company_but_not_for_long() {
    let dir = tempfile::tempdir().unwrap();
    let hour = SpoolLimits {
        linger: Duration::from_secs(3600),
        ..SpoolLimits::default()
    };
    let spool = open_limited(dir.path(), hour);
    append(&spool, 0..10);
    assert_eq!(
        spool.next_batch(10, usize::MAX).unwrap().records.len(),
        10,
        "a full batch does not wait"
    );
    append(&spool, [10]);
    let reader = std::thread::spawn({
        let spool = spool.clone();
        move || {
            spool
                .next_batch(10, usize::MAX)
                .map(|batch| batch.records.len())
        }
    });
    append(&spool, [11]);
    spool.close();
    assert_eq!(
        reader.join().unwrap(),
        Some(2),
        "closing ends the wait at once"
    );

    let dir = tempfile::tempdir().unwrap();
    let spool = open_limited(dir.path(), SpoolLimits::default());
    append(&spool, [0]);
    assert_eq!(spool.next_batch(10, usize::MAX).unwrap().records.len(), 1);
}

#[test]
fn a_stopped_reader_gets_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    append(&spool, 0..5);
    spool.stop_reading();
    assert!(spool.next_batch(10, usize::MAX).is_none());
    drop(spool);
    assert_eq!(drain(&open(dir.path())).0, [0, 1, 2, 3, 4]);
}

#[test]
fn concurrent_appends_share_a_group_and_all_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..500)
            .map(|number| {
                let spool = spool.clone();
                tokio::spawn(async move { spool.append(event(number)).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    });
    let mut numbers = drain(&spool).0;
    numbers.sort_unstable();
    assert_eq!(numbers, (0..500).collect::<Vec<_>>());
}

#[test]
fn finished_segments_are_deleted_once_committed() {
    let dir = tempfile::tempdir().unwrap();
    let limits = SpoolLimits {
        max_bytes: 1 << 20,
        segment_bytes: 2000,
        linger: Duration::ZERO,
    };
    let spool = open_limited(dir.path(), limits);
    append(&spool, 0..60);
    let before = segments(dir.path());
    assert!(before > 3, "the test needs several segments, has {before}");
    let (numbers, position) = drain(&spool);
    assert_eq!(numbers.len(), 60);
    spool.commit(position.unwrap()).unwrap();
    assert!(
        segments(dir.path()) <= 1,
        "at most the one being written is left"
    );
}

#[test]
fn a_large_segment_that_was_read_gives_its_space_back() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    // Does not compress: digits of a congruential generator.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(600_000)
    .collect();
    let mut record = event(0);
    record.payload = Bytes::from(noise);
    for _ in 0..10 {
        wait(spool.append(record.clone())).unwrap();
    }
    let batch = spool.next_batch(100, usize::MAX).unwrap();
    assert_eq!(batch.records.len(), 10);
    spool.commit(batch.position).unwrap();
    assert_eq!(segments(dir.path()), 0);
    assert_eq!(spool.stats(), SpoolStats::default());
    append(&spool, 1..4);
    assert_eq!(drain(&spool).0, [1, 2, 3]);
    drop(spool);
    assert_eq!(drain(&open(dir.path())).0, [1, 2, 3]);
}

/// Appending, reading and committing at once, with segments retired all the time: nothing is lost or doubled.
#[test]
fn retiring_segments_under_load_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let limits = SpoolLimits {
        max_bytes: 1 << 30,
        segment_bytes: 3000,
        linger: Duration::ZERO,
    };
    let spool = open_limited(dir.path(), limits);
    let reader = std::thread::spawn({
        let spool = spool.clone();
        move || {
            let mut numbers = Vec::new();
            while let Some(batch) = spool.next_batch(16, usize::MAX) {
                numbers.extend(batch.records.iter().map(|record| record.received_ms));
                spool.commit(batch.position).unwrap();
            }
            numbers
        }
    });
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let spool = &spool;
            scope.spawn(move || append(spool, (0..200).map(|number| thread * 1000 + number)));
        }
    });
    spool.close();
    let mut numbers = reader.join().unwrap();
    numbers.sort_unstable();
    let expected: Vec<u64> = (0..4)
        .flat_map(|thread| (0..200).map(move |n| thread * 1000 + n))
        .collect();
    assert_eq!(numbers, expected);
}

#[test]
fn a_full_spool_refuses_and_takes_again_after_digest_made_room() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open_limited(
        dir.path(),
        SpoolLimits {
            max_bytes: 20_000,
            segment_bytes: 2000,
            linger: Duration::ZERO,
        },
    );
    let mut taken = 0;
    let refused = loop {
        match wait(spool.append(event(taken))) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 1000, "the limit never held");
    };
    assert!(matches!(refused, SpoolError::Full(time) if time > Duration::ZERO));
    assert!(spool.stats().bytes <= 20_000);
    let (numbers, position) = drain(&spool);
    assert_eq!(
        numbers,
        (0..taken).collect::<Vec<_>>(),
        "what was acknowledged is there"
    );
    spool.commit(position.unwrap()).unwrap();
    append(&spool, taken..taken + 5);
}

#[test]
fn a_small_limit_never_locks_itself_up() {
    // The segment being written counts too; it has to be finished and freed long before it fills the limit.
    let dir = tempfile::tempdir().unwrap();
    let spool = open_limited(
        dir.path(),
        SpoolLimits {
            max_bytes: 20_000,
            segment_bytes: 1 << 30,
            linger: Duration::ZERO,
        },
    );
    for number in 0..300 {
        wait(spool.append(event(number))).unwrap_or_else(|error| panic!("event {number}: {error}"));
        let batch = spool.next_batch(1, usize::MAX).unwrap();
        spool.commit(batch.position).unwrap();
    }
}

/// Every length at which a crash may have cut the file: what was whole before the cut is read, nothing else, and the
/// spool goes on.
#[test]
fn a_tail_torn_at_every_byte_is_survived() {
    let source = tempfile::tempdir().unwrap();
    let spool = open(source.path());
    append(&spool, 0..4);
    drop(spool);
    let name = segment::path(Path::new(""), segment::list(source.path()).unwrap()[0]);
    let bytes = fs::read(source.path().join(&name)).unwrap();
    let mut ends = vec![segment::HEADER as usize];
    while let record::Frame::Whole { size, .. } = record::frame(&bytes[*ends.last().unwrap()..]) {
        ends.push(ends.last().unwrap() + size);
    }
    assert_eq!(ends.len(), 5);
    for cut in 0..=bytes.len() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(&name), &bytes[..cut]).unwrap();
        let whole = ends
            .iter()
            .filter(|end| **end <= cut)
            .count()
            .saturating_sub(1) as u64;
        let spool = open(dir.path());
        assert_eq!(spool.stats().records, whole, "cut at {cut}");
        append(&spool, [whole]);
        assert_eq!(
            drain(&spool).0,
            (0..=whole).collect::<Vec<_>>(),
            "cut at {cut}"
        );
    }
}

#[test]
fn garbage_behind_the_last_record_is_left_out() {
    for garbage in [&[0; 4096][..], &[0xff; 100], b"fwspool\x01"] {
        let dir = tempfile::tempdir().unwrap();
        let spool = open(dir.path());
        append(&spool, 0..3);
        drop(spool);
        let path = segment::path(dir.path(), segment::list(dir.path()).unwrap()[0]);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(garbage);
        fs::write(&path, bytes).unwrap();
        assert_eq!(drain(&open(dir.path())).0, [0, 1, 2]);
    }
}

/// The steps of a commit are: cursor, deletion of finished segments. A crash in between leaves both.
#[test]
fn a_crash_between_cursor_and_deletion_repeats_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let limits = SpoolLimits {
        max_bytes: 1 << 20,
        segment_bytes: 2000,
        linger: Duration::ZERO,
    };
    let spool = open_limited(dir.path(), limits.clone());
    append(&spool, 0..30);
    let names: Vec<_> = segment::list(dir.path()).unwrap();
    let kept: Vec<_> = names
        .iter()
        .map(|n| fs::read(segment::path(dir.path(), *n)).unwrap())
        .collect();
    let (_, position) = drain(&spool);
    spool.commit(position.unwrap()).unwrap();
    drop(spool);
    for (number, bytes) in names.iter().zip(kept) {
        fs::write(segment::path(dir.path(), *number), bytes).unwrap();
    }
    let spool = open_limited(dir.path(), limits);
    assert_eq!(spool.stats().records, 0);
    append(&spool, [30]);
    assert_eq!(drain(&spool).0, [30]);
}

#[test]
fn a_lost_cursor_repeats_but_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    append(&spool, 0..5);
    let batch = spool.next_batch(3, usize::MAX).unwrap();
    spool.commit(batch.position).unwrap();
    drop(spool);
    fs::write(dir.path().join("cursor"), b"garbage").unwrap();
    assert_eq!(drain(&open(dir.path())).0, [0, 1, 2, 3, 4]);
}

/// A disk with room for so many bytes; the write that finds no room puts half of it down, as real ones do.
struct SmallDisk(Arc<AtomicI64>);

impl Disk for SmallDisk {
    fn write(&self, file: &mut fs::File, bytes: &[u8]) -> io::Result<()> {
        let left = self.0.fetch_sub(bytes.len() as i64, Ordering::SeqCst) - bytes.len() as i64;
        if left < 0 {
            FileDisk.write(file, &bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        FileDisk.write(file, bytes)
    }

    fn sync(&self, file: &fs::File) -> io::Result<()> {
        FileDisk.sync(file)
    }
}

#[test]
fn a_full_disk_refuses_keeps_what_was_acknowledged_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let room = Arc::new(AtomicI64::new(1000));
    let disk = Box::new(SmallDisk(room.clone()));
    let spool = Spool::open_on(
        dir.path(),
        SpoolLimits::default(),
        Arc::new(Metrics::new()),
        disk,
    )
    .unwrap();
    let mut acknowledged = Vec::new();
    for number in 0..20 {
        match wait(spool.append(event(number))) {
            Ok(()) => acknowledged.push(number),
            Err(error) => assert!(matches!(error, SpoolError::Full(_)), "{error}"),
        }
        if number == 15 {
            room.store(1_000_000, Ordering::SeqCst);
        }
    }
    assert!(
        acknowledged.len() > 4 && acknowledged.len() < 20,
        "{acknowledged:?}"
    );
    assert!(
        acknowledged.ends_with(&[16, 17, 18, 19]),
        "it recovers by itself"
    );
    drop(spool);
    assert_eq!(
        drain(&open(dir.path())).0,
        acknowledged,
        "half-written groups leave no trace"
    );
}

/// A disk whose every third sync fails.
struct FlakyDisk(AtomicUsize);

impl Disk for FlakyDisk {
    fn write(&self, file: &mut fs::File, bytes: &[u8]) -> io::Result<()> {
        FileDisk.write(file, bytes)
    }

    fn sync(&self, file: &fs::File) -> io::Result<()> {
        if self.0.fetch_add(1, Ordering::SeqCst) % 3 == 2 {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        FileDisk.sync(file)
    }
}

#[test]
fn a_failed_sync_is_never_acknowledged_and_a_new_segment_begins() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Box::new(FlakyDisk(AtomicUsize::new(0)));
    let spool = Spool::open_on(
        dir.path(),
        SpoolLimits::default(),
        Arc::new(Metrics::new()),
        disk,
    )
    .unwrap();
    let mut acknowledged = Vec::new();
    for number in 0..9 {
        match wait(spool.append(event(number))) {
            Ok(()) => acknowledged.push(number),
            Err(error) => assert!(matches!(error, SpoolError::Io(_)), "{error}"),
        }
    }
    assert_eq!(acknowledged, [0, 1, 3, 4, 6, 7]);
    assert_eq!(drain(&spool).0, acknowledged);
    assert!(segments(dir.path()) >= 3);
    drop(spool);
    assert_eq!(drain(&open(dir.path())).0, acknowledged);
}

#[test]
fn a_disk_that_is_really_full_is_survived() {
    // Needs a small file system of its own, which only root can mount.
    let dir = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
        .arg(dir.path())
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        eprintln!(
            "skipped: a_disk_that_is_really_full_is_survived: a tmpfs cannot be mounted here"
        );
        return;
    }
    struct Unmount<'a>(&'a Path);
    impl Drop for Unmount<'_> {
        fn drop(&mut self) {
            let _ = std::process::Command::new("umount")
                .arg("-l")
                .arg(self.0)
                .status();
        }
    }
    let unmount = Unmount(dir.path());
    let filler = dir.path().join("filler");
    fs::write(&filler, vec![0; 200 * 1024]).unwrap();
    let folder = dir.path().join("spool");
    let spool = open(&folder);
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for number in 0..2000 {
        match wait(spool.append(event(number))) {
            Ok(()) => acknowledged.push(number),
            Err(SpoolError::Full(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        if refused == 3 {
            let _ = fs::remove_file(&filler);
        }
        if refused > 3 {
            // Full once more: it must also start like this.
            break;
        }
    }
    assert!(refused >= 3, "the disk never filled up");
    assert!(acknowledged.len() > 1);
    drop(spool);
    assert_eq!(drain(&open(&folder)).0, acknowledged);
    drop(unmount);
}
