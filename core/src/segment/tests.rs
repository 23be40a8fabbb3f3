use super::*;

/// Three puts, a remove and a report: every kind, an empty payload, an empty meta, and a mark inside a payload.
fn sample() -> (Vec<u8>, Vec<usize>) {
    let mut bytes = file_header().to_vec();
    let mut ends = Vec::new();
    let parts: [(Kind, u64, &[u8], &[u8]); 5] = [
        (Kind::Put, 1, b"meta one", b"{\"event_id\":\"1\"}\n{}\n"),
        (Kind::Put, u64::MAX, b"", "grüße".as_bytes()),
        (Kind::Remove, 1, b"", b""),
        (Kind::Put, 3, b"m", &[0, 1, 2, 0xF5, b'F', b'W', 0xF5]),
        (Kind::Report, 0, b"", b"[]"),
    ];
    for (kind, key, meta, payload) in parts {
        bytes.extend(encode_record(kind, key, meta, payload).expect("parts are small"));
        ends.push(bytes.len());
    }
    (bytes, ends)
}

#[test]
fn whole_file_comes_back_as_written() {
    let (bytes, ends) = sample();
    let found = recover(&bytes);
    assert_eq!(found.damage, []);
    assert_eq!(found.valid_len, bytes.len());
    assert_eq!(found.records.len(), ends.len());
    let first = found.records[0];
    assert_eq!(
        (first.kind, first.key, first.meta),
        (Kind::Put, 1, &b"meta one"[..])
    );
    assert_eq!(first.payload, b"{\"event_id\":\"1\"}\n{}\n");
    assert_eq!(found.report(), Some(&b"[]"[..]));
    let live: Vec<u64> = found.live().iter().map(|record| record.key).collect();
    assert_eq!(live, [u64::MAX, 3]);
}

#[test]
fn truncation_at_every_byte_keeps_all_records_before_it() {
    let (bytes, ends) = sample();
    let whole = recover(&bytes).records;
    for len in 0..bytes.len() {
        let cut = &bytes[..len];
        let found = recover(cut);
        let expected = ends.iter().filter(|end| **end <= len).count();
        assert_eq!(found.records[..], whole[..expected], "cut at {len}");
        let last_end = ends.iter().rev().find(|end| **end <= len).copied();
        let header = if len >= FILE_HEADER_LEN {
            FILE_HEADER_LEN
        } else {
            0
        };
        assert_eq!(found.valid_len, last_end.unwrap_or(header), "cut at {len}");
        // A cut between two records is a file closed in good order; any other cut is one torn tail and nothing else.
        let clean = len == found.valid_len;
        let damage: Vec<_> = found.damage.iter().map(|damage| damage.kind).collect();
        assert_eq!(
            damage,
            if clean {
                vec![]
            } else {
                vec![DamageKind::TornTail]
            },
            "cut at {len}"
        );
    }
}

#[test]
fn every_flip_of_every_bit_costs_at_most_the_record_it_hits() {
    let (bytes, ends) = sample();
    let whole = recover(&bytes)
        .records
        .iter()
        .map(|r| (r.offset, r.key, r.payload.to_vec()))
        .collect::<Vec<_>>();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let found = recover(&flipped);
            let hit = ends
                .iter()
                .position(|end| at < *end)
                .filter(|_| at >= FILE_HEADER_LEN);
            let expected: Vec<_> = whole
                .iter()
                .enumerate()
                .filter(|(i, _)| Some(*i) != hit)
                .map(|(_, r)| r.clone())
                .collect();
            let got: Vec<_> = found
                .records
                .iter()
                .map(|r| (r.offset, r.key, r.payload.to_vec()))
                .collect();
            assert_eq!(got, expected, "byte {at} bit {bit}");
            assert!(
                !found.damage.is_empty(),
                "byte {at} bit {bit} went unnoticed"
            );
            assert!(found.valid_len <= bytes.len());
        }
    }
}

#[test]
fn every_byte_value_in_every_place_is_survived() {
    let (bytes, _) = sample();
    let whole = recover(&bytes).records.len();
    for at in 0..bytes.len() {
        for value in 0..=255 {
            let mut changed = bytes.clone();
            changed[at] = value;
            assert!(
                recover(&changed).records.len() + 1 >= whole,
                "byte {at} = {value}"
            );
        }
    }
}

#[test]
fn newer_format_is_left_alone() {
    let mut bytes = file_header_of(VERSION + 1).to_vec();
    bytes.extend(encode_record(Kind::Put, 1, b"", b"x").expect("small"));
    let found = recover(&bytes);
    assert_eq!(found.records, []);
    assert_eq!(found.damage[0].kind, DamageKind::NewerVersion(VERSION + 1));
}

#[test]
fn huge_claimed_length_is_damage_and_not_an_allocation() {
    let mut bytes = file_header().to_vec();
    let start = bytes.len();
    bytes.extend_from_slice(&MARK);
    bytes.push(1);
    bytes.extend_from_slice(&7u64.to_le_bytes());
    bytes.extend_from_slice(&u32::MAX.to_le_bytes());
    bytes.extend_from_slice(&u32::MAX.to_le_bytes());
    let crc = crc32fast::hash(&bytes[start..]);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend(encode_record(Kind::Put, 8, b"", b"after").expect("small"));
    let found = recover(&bytes);
    assert_eq!(found.records.iter().map(|r| r.key).collect::<Vec<_>>(), [8]);
}

#[test]
fn oversized_parts_are_refused_when_writing() {
    assert_eq!(
        encode_record(Kind::Put, 1, b"", &vec![0; MAX_PART_LEN + 1]),
        None
    );
}

#[test]
fn append_cut_short_by_a_full_disk_hides_nothing_that_follows() {
    let cut = encode_record(Kind::Put, 1, b"meta", &[b'x'; 500]).expect("small");
    let next = encode_record(Kind::Put, 2, b"", &[b'y'; 2000]).expect("small");
    for written in 1..cut.len() {
        let mut bytes = file_header().to_vec();
        bytes.extend(&cut[..written]);
        bytes.extend(&next);
        let found = recover(&bytes);
        assert_eq!(
            found.records.iter().map(|r| r.key).collect::<Vec<_>>(),
            [2],
            "cut after {written} bytes"
        );
        assert_eq!(found.damage.len(), 1);
        assert_eq!(found.valid_len, bytes.len());
    }
}

proptest::proptest! {
    /// Any damage at all: nothing panics, and nothing comes back that was not written.
    #[test]
    fn damaged_segments_never_invent_records(
        payloads in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..200), 1..8),
        wounds in proptest::collection::vec((proptest::num::usize::ANY, 0..4u8, proptest::num::u8::ANY), 0..12),
    ) {
        let mut bytes = file_header().to_vec();
        for (key, payload) in payloads.iter().enumerate() {
            bytes.extend(encode_record(Kind::Put, key as u64, b"meta", payload).expect("small"));
        }
        for (place, kind, byte) in wounds {
            let at = place % bytes.len().max(1);
            match kind {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, byte),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                _ if at < bytes.len() => bytes[at] = byte,
                _ => {}
            }
        }
        let found = recover(&bytes);
        proptest::prop_assert!(found.valid_len <= bytes.len());
        let mut last = None;
        for record in found.records {
            proptest::prop_assert!(last < Some(record.offset));
            last = Some(record.offset);
            proptest::prop_assert_eq!(Some(record.payload), payloads.get(record.key as usize).map(Vec::as_slice));
        }
    }
}
