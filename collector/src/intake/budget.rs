//! How much of other people's bodies may lie in memory at one time.
//!
//! Without a common bound, a thousand slow or large requests would each be within their own limit and the process
//! still out of memory. A request that finds no room is refused at once with a time to come back: a queue that only
//! grows would make everybody wait and then fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::metrics::gauge::Gauge;

/// The common bound.
pub struct Budget {
    used: AtomicUsize,
    max: usize,
    gauge: Gauge,
}

impl Budget {
    /// A bound of `max` bytes.
    pub fn new(max: usize) -> Arc<Self> {
        Self::observed(max, Gauge::default())
    }

    /// A bound of `max` bytes whose use `gauge` follows.
    pub fn observed(max: usize, gauge: Gauge) -> Arc<Self> {
        Arc::new(Budget {
            used: AtomicUsize::new(0),
            max,
            gauge,
        })
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// The part of one request; given back when dropped.
pub struct Hold {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Hold {
    /// Starts with nothing.
    pub fn new(budget: &Arc<Budget>) -> Self {
        Hold {
            budget: budget.clone(),
            bytes: 0,
        }
    }

    /// Makes the part at least `bytes` large. False when there is no room; the part stays as it was.
    #[must_use]
    pub fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return true;
        }
        let taken = self
            .budget
            .used
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |used| {
                used.checked_add(more).filter(|sum| *sum <= self.budget.max)
            });
        if taken.is_ok() {
            self.bytes += more;
            self.budget.gauge.inc_by(more as i64);
        }
        taken.is_ok()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::AcqRel);
        self.budget.gauge.dec_by(self.bytes as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_shared_and_comes_back() {
        let budget = Budget::new(100);
        let mut first = Hold::new(&budget);
        assert!(first.grow_to(60));
        let mut second = Hold::new(&budget);
        assert!(!second.grow_to(41));
        assert!(second.grow_to(40));
        assert!(first.grow_to(30), "smaller than what is held already");
        assert_eq!(budget.used(), 100);
        drop(first);
        assert_eq!(budget.used(), 40);
        assert!(second.grow_to(100));
    }
}
