//! Fresh event ids.

use std::sync::atomic::{AtomicU64, Ordering};

use faultwire_protocol::id::EventId;

use crate::clock;

/// A random id. Drawn from the system each time (0.3 µs): a buffer of random bytes would be copied by `fork`, and two
/// processes would give the same ids.
pub(crate) fn event_id() -> EventId {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Before the kernel's generator is ready, or in a sandbox that forbids it: time, process and count differ.
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed) << 32 | u64::from(std::process::id());
        bytes[..8].copy_from_slice(&clock::now().wall.0.to_le_bytes());
        bytes[8..].copy_from_slice(&count.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    }
    EventId::from_random(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_differ() {
        assert_ne!(super::event_id(), super::event_id());
    }
}
