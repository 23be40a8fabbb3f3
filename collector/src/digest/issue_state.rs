//! What happens to an issue's status: pure transitions, applied by every store within the transaction
//! that stores the event or the decision.
//!
//! An issue is unresolved, resolved or ignored. An unresolved one is *new* for its first day, *regressed*
//! for a week after it came back from resolved, else *ongoing*. An event that happened before the issue
//! was resolved (sent late, from a disk queue) never reopens it: it says nothing about the fix.

use crate::store::IssueStatus;

/// How long an issue counts as new after its first event arrived.
pub const NEW_MS: u64 = 24 * 3_600_000;
/// How long an issue counts as regressed.
pub const REGRESSED_MS: u64 = 7 * NEW_MS;

/// The part of an issue that transitions read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The status.
    pub status: IssueStatus,
    /// Since when it has this status.
    pub since_ms: u64,
    /// When it was last reopened by an event; none since a person decided again.
    pub regressed_ms: Option<u64>,
}

/// The finer state of an unresolved issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Substatus {
    /// First seen within the last day.
    New,
    /// Came back after it was resolved.
    Regressed,
    /// Neither.
    Ongoing,
}

impl Substatus {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Regressed => "regressed",
            Self::Ongoing => "ongoing",
        }
    }
}

/// The state of an issue that an event has just opened.
pub fn opened(received_ms: u64) -> State {
    State {
        status: IssueStatus::Unresolved,
        since_ms: received_ms,
        regressed_ms: None,
    }
}

/// The state after an event that happened at `timestamp_ms` and arrived at `received_ms`.
pub fn on_event(state: State, timestamp_ms: u64, received_ms: u64) -> State {
    match state.status {
        IssueStatus::Resolved if timestamp_ms > state.since_ms => State {
            status: IssueStatus::Unresolved,
            since_ms: received_ms,
            regressed_ms: Some(received_ms),
        },
        IssueStatus::Resolved | IssueStatus::Unresolved | IssueStatus::Ignored => state,
    }
}

/// The state after a person set `status` at `now_ms`. Setting the status it has changes nothing: a second
/// click on "resolve" must not hide events that came between the two.
pub fn on_decision(state: State, status: IssueStatus, now_ms: u64) -> State {
    if state.status == status {
        return state;
    }
    State {
        status,
        since_ms: now_ms,
        regressed_ms: None,
    }
}

/// The finer state as of `now_ms` of an issue that was created at `created_ms`; none unless unresolved.
pub fn substatus(state: State, created_ms: u64, now_ms: u64) -> Option<Substatus> {
    if state.status != IssueStatus::Unresolved {
        return None;
    }
    let within = |since: u64, span: u64| now_ms < since.saturating_add(span);
    Some(
        if state
            .regressed_ms
            .is_some_and(|since| within(since, REGRESSED_MS))
        {
            Substatus::Regressed
        } else if within(created_ms, NEW_MS) {
            Substatus::New
        } else {
            Substatus::Ongoing
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use IssueStatus::{Ignored, Resolved, Unresolved};

    const fn state(status: IssueStatus, since_ms: u64, regressed_ms: Option<u64>) -> State {
        State {
            status,
            since_ms,
            regressed_ms,
        }
    }

    #[test]
    fn events() {
        for (name, before, (timestamp, received), after) in [
            (
                "unresolved stays",
                state(Unresolved, 10, None),
                (20, 21),
                state(Unresolved, 10, None),
            ),
            (
                "regressed stays",
                state(Unresolved, 10, Some(10)),
                (20, 21),
                state(Unresolved, 10, Some(10)),
            ),
            (
                "ignored stays",
                state(Ignored, 10, None),
                (20, 21),
                state(Ignored, 10, None),
            ),
            (
                "resolved reopens",
                state(Resolved, 10, None),
                (20, 21),
                state(Unresolved, 21, Some(21)),
            ),
            (
                "late event",
                state(Resolved, 10, None),
                (9, 21),
                state(Resolved, 10, None),
            ),
            (
                "same instant",
                state(Resolved, 10, None),
                (10, 21),
                state(Resolved, 10, None),
            ),
        ] {
            assert_eq!(on_event(before, timestamp, received), after, "{name}");
        }
    }

    #[test]
    fn decisions() {
        for (name, before, to, after) in [
            (
                "resolve",
                state(Unresolved, 10, None),
                Resolved,
                state(Resolved, 50, None),
            ),
            (
                "resolve a regression",
                state(Unresolved, 10, Some(10)),
                Resolved,
                state(Resolved, 50, None),
            ),
            (
                "resolve twice",
                state(Resolved, 10, None),
                Resolved,
                state(Resolved, 10, None),
            ),
            (
                "ignore",
                state(Unresolved, 10, Some(10)),
                Ignored,
                state(Ignored, 50, None),
            ),
            (
                "ignored to resolved",
                state(Ignored, 10, None),
                Resolved,
                state(Resolved, 50, None),
            ),
            (
                "reopen by hand",
                state(Resolved, 10, None),
                Unresolved,
                state(Unresolved, 50, None),
            ),
            (
                "keep a regression",
                state(Unresolved, 10, Some(10)),
                Unresolved,
                state(Unresolved, 10, Some(10)),
            ),
        ] {
            assert_eq!(on_decision(before, to, 50), after, "{name}");
        }
    }

    #[test]
    fn substatuses() {
        let day = NEW_MS;
        for (name, state, created, now, expected) in [
            (
                "new",
                state(Unresolved, 0, None),
                0,
                day - 1,
                Some(Substatus::New),
            ),
            (
                "ongoing",
                state(Unresolved, 0, None),
                0,
                day,
                Some(Substatus::Ongoing),
            ),
            (
                "regressed",
                state(Unresolved, 9 * day, Some(9 * day)),
                0,
                10 * day,
                Some(Substatus::Regressed),
            ),
            (
                "regressed on its first day",
                state(Unresolved, 5, Some(5)),
                0,
                6,
                Some(Substatus::Regressed),
            ),
            (
                "regression wears off",
                state(Unresolved, 9 * day, Some(9 * day)),
                0,
                16 * day,
                Some(Substatus::Ongoing),
            ),
            ("resolved", state(Resolved, 0, None), 0, 1, None),
            ("ignored", state(Ignored, 0, None), 0, 1, None),
            (
                "clock behind",
                state(Unresolved, 100, None),
                100,
                50,
                Some(Substatus::New),
            ),
        ] {
            assert_eq!(substatus(state, created, now), expected, "{name}");
        }
    }
}
