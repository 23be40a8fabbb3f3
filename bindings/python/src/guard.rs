//! The wall between a panic and the host's process.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `call` and answers its result, or `T::default()` if it panicked.
///
/// The default is the no-op of each call: an empty event id, `false`, an empty list. Without this wall pyo3 would raise
/// a panic as an exception in the app, and an error reporter that breaks the code it watches is worse than one that
/// misses an event. Unwind safety: the core keeps its state behind locks that treat poisoning as usable, so a half-done
/// call leaves at worst one event unreported.
pub fn guard<T: Default>(call: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_default()
}
