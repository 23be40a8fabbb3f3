//! The one place that reads a clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use faultwire_protocol::time::{Millis, Now};

/// What time it is: monotonic milliseconds since the first call in this process, and Unix time.
pub(crate) fn now() -> Now {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Now {
        mono: Millis(millis(start().elapsed())),
        wall: Millis(millis(wall)),
    }
}

/// Monotonic time only.
pub(crate) fn mono() -> Millis {
    Millis(millis(start().elapsed()))
}

/// How long from now until `deadline` on the monotonic clock; zero if it has passed.
pub(crate) fn until(deadline: Millis) -> Duration {
    Duration::from_millis(deadline.0.saturating_sub(mono().0))
}

/// The monotonic time `millis` from now; saturates.
pub(crate) fn after(millis: u64) -> Millis {
    Millis(mono().0.saturating_add(millis))
}

fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
