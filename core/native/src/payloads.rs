//! The envelopes that wait to be sent, as far as they are in memory.
//!
//! What is safe on disk is kept here only while it fits a small budget; the rest is read back when its turn comes, so
//! that a backlog of a gigabyte costs the host nothing. What the disk refused has no other place: the outbox bounds it.

use std::collections::HashMap;
use std::sync::Arc;

/// Payloads by queue key.
#[derive(Debug, Default)]
pub(crate) struct Payloads {
    held: HashMap<u64, Held>,
    spare_bytes: usize,
}

#[derive(Debug)]
struct Held {
    payload: Arc<[u8]>,
    on_disk: bool,
}

impl Payloads {
    /// Holds a payload that is on disk too, if there is room; the oldest stay, because they are sent first.
    pub(crate) fn cache(&mut self, key: u64, payload: Vec<u8>) {
        if self.spare_bytes + payload.len() <= CACHE_BYTES {
            self.spare_bytes += payload.len();
            self.held.insert(
                key,
                Held {
                    payload: payload.into(),
                    on_disk: true,
                },
            );
        }
    }

    /// Holds a payload that exists nowhere else.
    pub(crate) fn keep(&mut self, key: u64, payload: Vec<u8>) {
        self.held.insert(
            key,
            Held {
                payload: payload.into(),
                on_disk: false,
            },
        );
    }

    /// The payload, if it is here.
    pub(crate) fn get(&self, key: u64) -> Option<Arc<[u8]>> {
        self.held.get(&key).map(|held| held.payload.clone())
    }

    /// Forgets it.
    pub(crate) fn remove(&mut self, key: u64) {
        if let Some(held) = self.held.remove(&key) {
            if held.on_disk {
                self.spare_bytes -= held.payload.len();
            }
            if self.held.is_empty() {
                self.held.shrink_to(64);
            }
        }
    }
}

/// About 300 events of 12 KB: what a fast sink drains without a read.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_what_only_lives_here_is_kept() {
        let mut payloads = Payloads::default();
        for key in 0..10 {
            payloads.cache(key, vec![0; CACHE_BYTES / 4]);
        }
        assert!(
            payloads.get(3).is_some() && payloads.get(4).is_none(),
            "the oldest stay"
        );
        payloads.keep(99, vec![1; CACHE_BYTES]);
        assert!(payloads.get(99).is_some());
        payloads.remove(0);
        payloads.cache(10, vec![0; 10]);
        assert!(payloads.get(10).is_some(), "room comes back");
        for key in 0..=99 {
            payloads.remove(key);
        }
        assert_eq!(payloads.spare_bytes, 0);
    }
}
