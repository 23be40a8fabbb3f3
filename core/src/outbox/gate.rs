//! Rate limits: what waits, and what is given up.
//!
//! The protocol (§4.2) tells a client to discard limited items and to count them. Decision 8 of the design tells us to
//! lose nothing, and a queue on disk makes that cheap, so this gate *holds*:
//!
//! - an event of a limited category stays queued until the deadline, if the age cap lets it live that long; if not, it
//!   is given up at once as `ratelimit_backoff`, because waiting could only end in the same loss later and with less truth;
//! - an event that the byte cap evicts while its category is limited is counted as `ratelimit_backoff` too: the
//!   limit, not the outage, is what filled the queue;
//! - an event answered with 429 is kept and sent again after the deadline. The official clients discard it, since the
//!   server counted the drop. Our collector answers 429 when it is overloaded and then expects the event again; on a plain
//!   Sentry server the price is one drop too many in its statistics, never an event too many, since event ids
//!   are unique there;
//! - a client report is never limited, so a 429 on a request that carried one means that the report arrived.
//!
//! Limits live in memory and are lost at a restart, as the protocol says; the first answer brings them back.

use super::{Entry, ReplyHeaders};
use faultwire_protocol::rate_limit::{self, RateLimits};
use faultwire_protocol::time::{Millis, Now};

/// The limits that hold now.
#[derive(Debug, Default)]
pub(super) struct Gate {
    limits: RateLimits,
}

impl Gate {
    /// Takes in the headers of any answer; a 413 or a 200 may carry limits too.
    pub(super) fn update(&mut self, headers: &ReplyHeaders, status: u16, now: Now) {
        let headers = rate_limit::ReplyHeaders {
            rate_limits: headers.rate_limits.as_deref(),
            retry_after: headers.retry_after.as_deref(),
        };
        // Unreadable elements are the server's defect; the readable ones apply.
        self.limits.update(headers, status, now);
    }

    /// Until when (monotonic) events of `category` have to wait; `None` if they may go.
    pub(super) fn closed_until(&self, category: &str, now: Now) -> Option<Millis> {
        self.limits.limited(category, now)
    }

    /// Whether the limit on this event ends only after the event's own end.
    pub(super) fn outlasts(&self, entry: &Entry, now: Now) -> bool {
        self.closed_until(&entry.category, now)
            .is_some_and(|until| until >= entry.expires)
    }
}
