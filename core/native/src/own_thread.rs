//! Knowing whether the current thread is one of ours.
//!
//! A host's panic hook runs on every thread that panics. If that is the worker, a fatal capture would wait for the
//! thread it runs on; a sender reporting its own trouble would feed itself. Both look here first.

use std::cell::Cell;

thread_local! {
    static OWN: Cell<bool> = const { Cell::new(false) };
}

/// Marks the current thread as one of ours, for its whole life.
pub(crate) fn mark() {
    OWN.with(|own| own.set(true));
}

/// Whether the current thread is one of the SDK's own. A host's panic hook asks before it captures. False also while the thread's locals are being destroyed.
pub fn is_own() -> bool {
    OWN.try_with(Cell::get).unwrap_or(false)
}
