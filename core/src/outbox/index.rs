//! What is queued, in the order it leaves: entries, the order of sending, and the order of giving up.
//!
//! An entry is in exactly one [`State`]. Three ordered sets are views of it and are only ever changed together, in
//! `link` and `unlink`: the lanes (what may be sent, one lane per category because rate limits are per category), the
//! sleepers (what waits for a time) and the removables (what the caps may take). An entry in flight is in none of
//! them: its fate is the server's to decide, and giving it up meanwhile would count it twice.

use super::Entry;
use faultwire_protocol::id::EventId;
use faultwire_protocol::time::Millis;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Whether the bytes of an entry survive the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    /// The driver has not answered yet.
    Storing,
    /// On disk.
    Durable,
    /// The disk refused it: it lives in the driver's memory.
    Volatile,
}

/// Where an entry stands on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Waits for the driver to store it.
    Storing,
    /// May be sent.
    Ready,
    /// Failed this many times since anything passed: goes after all that did not.
    Parked(u32),
    /// Must not be sent before this time.
    Sleeping(Millis),
    /// A request is out.
    InFlight,
}

/// The order of sending: fewest failures, highest priority, oldest, first come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    parked: u32,
    priority: Reverse<super::Priority>,
    expires: Millis,
    seq: u64,
}

/// All entries of one outbox.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By sequence number, which is the order of arrival.
    entries: BTreeMap<u64, Entry>,
    seq_of_key: BTreeMap<u64, u64>,
    ids: BTreeSet<EventId>,
    lanes: BTreeMap<String, BTreeSet<Rank>>,
    sleepers: BTreeSet<(Millis, u64)>,
    removable: BTreeSet<(super::Priority, Millis, u64)>,
    removable_volatile: BTreeSet<(super::Priority, Millis, u64)>,
    expiry: BTreeSet<(Millis, u64)>,
    storing: BTreeSet<u64>,
    next_seq: u64,
    bytes: u64,
    volatile_bytes: u64,
}

impl Index {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn volatile_bytes(&self) -> u64 {
        self.volatile_bytes
    }

    pub(super) fn contains_key(&self, key: u64) -> bool {
        self.seq_of_key.contains_key(&key)
    }

    pub(super) fn contains_id(&self, id: EventId) -> bool {
        self.ids.contains(&id)
    }

    pub(super) fn seq_of(&self, key: u64) -> Option<u64> {
        self.seq_of_key.get(&key).copied()
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Entry> {
        self.entries.get(&seq)
    }

    /// The next sequence number: everything queued so far has a smaller one.
    pub(super) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Whether an entry older than `seq` is still here.
    pub(super) fn any_before(&self, seq: u64) -> bool {
        self.entries.keys().next().is_some_and(|first| *first < seq)
    }

    /// Whether an entry older than `seq` waits for the driver to store it.
    pub(super) fn any_storing_before(&self, seq: u64) -> bool {
        self.storing.iter().next().is_some_and(|first| *first < seq)
    }

    /// Adds an entry under a key that is not in use; gives its sequence number.
    pub(super) fn insert(&mut self, entry: Entry) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.bytes += entry.bytes;
        self.seq_of_key.insert(entry.key, seq);
        self.ids.insert(entry.event_id);
        self.link(seq, &entry);
        self.entries.insert(seq, entry);
        seq
    }

    pub(super) fn remove(&mut self, seq: u64) -> Option<Entry> {
        let entry = self.entries.remove(&seq)?;
        self.unlink(seq, &entry);
        self.bytes -= entry.bytes;
        self.seq_of_key.remove(&entry.key);
        self.ids.remove(&entry.event_id);
        Some(entry)
    }

    /// Changes an entry in place; its place in all orders follows.
    pub(super) fn change(&mut self, seq: u64, change: impl FnOnce(&mut Entry)) {
        if let Some(mut entry) = self.entries.remove(&seq) {
            self.unlink(seq, &entry);
            change(&mut entry);
            self.link(seq, &entry);
            self.entries.insert(seq, entry);
        }
    }

    /// The entry to send next among the categories that are `open`.
    pub(super) fn first_to_send(&self, open: impl Fn(&str) -> bool) -> Option<u64> {
        let heads = self
            .lanes
            .iter()
            .filter(|(category, _)| open(category))
            .filter_map(|(_, lane)| lane.first());
        heads.min().map(|rank| rank.seq)
    }

    /// The categories that have something to send.
    pub(super) fn waiting_categories(&self) -> impl Iterator<Item = &str> {
        self.lanes.keys().map(String::as_str)
    }

    /// All entries that failed since anything was delivered.
    pub(super) fn parked(&self) -> Vec<u64> {
        let first = Rank {
            parked: 1,
            priority: Reverse(super::Priority::Fatal),
            expires: Millis(0),
            seq: 0,
        };
        self.lanes
            .values()
            .flat_map(|lane| lane.range(first..))
            .map(|rank| rank.seq)
            .collect()
    }

    /// The first time at which a sleeper wakes.
    pub(super) fn next_wake(&self) -> Option<Millis> {
        self.sleepers.first().map(|(at, _)| *at)
    }

    /// A sleeper whose time has come.
    pub(super) fn awake(&self, now: Millis) -> Option<u64> {
        self.sleepers
            .first()
            .filter(|(at, _)| *at <= now)
            .map(|(_, seq)| *seq)
    }

    /// The first time at which an entry outlives the age cap.
    pub(super) fn next_expiry(&self) -> Option<Millis> {
        self.expiry.first().map(|(at, _)| *at)
    }

    /// An entry that has outlived the age cap.
    pub(super) fn expired(&self, now: Millis) -> Option<u64> {
        self.expiry
            .first()
            .filter(|(at, _)| *at <= now)
            .map(|(_, seq)| *seq)
    }

    /// All entries that outlive the age cap at `time`, soonest first.
    pub(super) fn expiring_until(&self, time: Millis) -> Vec<u64> {
        self.expiry
            .range(..=(time, u64::MAX))
            .map(|(_, seq)| *seq)
            .collect()
    }

    /// What the byte cap takes next: the oldest of the lowest priority.
    pub(super) fn first_to_give_up(&self) -> Option<u64> {
        self.removable.first().map(|(_, _, seq)| *seq)
    }

    /// The same among entries that live in memory.
    pub(super) fn first_volatile_to_give_up(&self) -> Option<u64> {
        self.removable_volatile.first().map(|(_, _, seq)| *seq)
    }

    /// All sequence numbers for which `matches` holds, oldest arrival first.
    pub(super) fn all(&self, matches: impl Fn(&Entry) -> bool) -> Vec<u64> {
        self.entries
            .iter()
            .filter(|(_, entry)| matches(entry))
            .map(|(seq, _)| *seq)
            .collect()
    }

    /// Adds an entry to the orders its state puts it in. `unlink` is the exact inverse.
    fn link(&mut self, seq: u64, entry: &Entry) {
        match entry.state {
            State::Ready | State::Parked(_) => {
                if !self.lanes.contains_key(&*entry.category) {
                    self.lanes
                        .insert(entry.category.to_string(), BTreeSet::new());
                }
                if let Some(lane) = self.lanes.get_mut(&*entry.category) {
                    lane.insert(rank(seq, entry));
                }
            }
            State::Sleeping(at) => {
                self.sleepers.insert((at, seq));
            }
            State::Storing => {
                self.storing.insert(seq);
            }
            State::InFlight => {}
        }
        if entry.state != State::InFlight {
            self.removable.insert((entry.priority, entry.expires, seq));
            self.expiry.insert((entry.expires, seq));
        }
        if entry.storage == Storage::Volatile {
            self.volatile_bytes += entry.bytes;
            if entry.state != State::InFlight {
                self.removable_volatile
                    .insert((entry.priority, entry.expires, seq));
            }
        }
    }

    fn unlink(&mut self, seq: u64, entry: &Entry) {
        match entry.state {
            State::Ready | State::Parked(_) => {
                if let Some(lane) = self.lanes.get_mut(&*entry.category) {
                    lane.remove(&rank(seq, entry));
                    if lane.is_empty() {
                        self.lanes.remove(&*entry.category);
                    }
                }
            }
            State::Sleeping(at) => {
                self.sleepers.remove(&(at, seq));
            }
            State::Storing => {
                self.storing.remove(&seq);
            }
            State::InFlight => {}
        }
        self.removable.remove(&(entry.priority, entry.expires, seq));
        self.expiry.remove(&(entry.expires, seq));
        if entry.storage == Storage::Volatile {
            self.volatile_bytes -= entry.bytes;
            self.removable_volatile
                .remove(&(entry.priority, entry.expires, seq));
        }
    }
}

fn rank(seq: u64, entry: &Entry) -> Rank {
    let parked = match entry.state {
        State::Parked(failures) => failures.max(1),
        _ => 0,
    };
    Rank {
        parked,
        priority: Reverse(entry.priority),
        expires: entry.expires,
        seq,
    }
}
