//! Whose fault a failed request is: the network's or server's as a whole, or that of the one event it carried.
//!
//! The difference matters twice. A failure of the whole must stop everything for a while (see `retry`); a failure of one
//! event must not, or an event that crashes the server's parser would hold up all others for ever. And only an event that
//! fails *on its own* may ever be given up for it.
//!
//! The evidence is what passes in between. An event that failed, then others passed, then it failed again, has a *strike*.
//! From the first strike on its failures are its own, as long as no other event fails too. A plain 500 with a strike
//! is a *refusal*; after [`MAX_REFUSALS`] the event is given up. 502, 503, 504 and silence are never refusals: they
//! are what overload and bad networks look like, and nobody's event is lost to those before its age.

use super::message::Entry;

/// Answers of 500 to one event, with others passing between any two of them, until it is given up. A server that fails
/// half of all requests at random hits one event in a thousand that often, and the waits between stretch over ten minutes.
pub const MAX_REFUSALS: u32 = 10;

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Stop sending for a while.
    Everyone,
    /// Go on, and let this event wait.
    Own,
    /// Go on, without this event.
    Hopeless,
}

/// The evidence.
#[derive(Debug, Default)]
pub(super) struct Blame {
    /// Requests that the server judged, for or against.
    passed: u64,
    /// Who failed since the last of them.
    failed: Failed,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Failed {
    #[default]
    Nobody,
    One(u64),
    Several,
}

impl Blame {
    /// A request came back with a judgement: the network and the server work.
    pub(super) fn passed(&mut self) {
        self.passed += 1;
        self.failed = Failed::Nobody;
    }

    /// The request of this entry failed; `choked` says with a plain 500.
    pub(super) fn judge(&mut self, seq: u64, entry: &mut Entry, choked: bool) -> Fault {
        entry.failures += 1;
        if entry.failed_at.is_some_and(|at| at < self.passed) {
            entry.strikes += 1;
            entry.refusals += u32::from(choked);
        }
        entry.failed_at = Some(self.passed);
        self.failed = match self.failed {
            Failed::Nobody => Failed::One(seq),
            Failed::One(one) if one == seq => Failed::One(seq),
            Failed::One(_) | Failed::Several => Failed::Several,
        };
        if entry.refusals >= MAX_REFUSALS {
            Fault::Hopeless
        } else if entry.strikes > 0 && self.failed == Failed::One(seq) {
            Fault::Own
        } else {
            Fault::Everyone
        }
    }
}
