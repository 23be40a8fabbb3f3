//! A one-time answer from the worker to a waiting thread of the host.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// Given once, seen by everyone who waits.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    answer: Mutex<Option<bool>>,
    given: Condvar,
}

impl Signal {
    /// Gives the answer; a second one changes nothing.
    pub(crate) fn give(&self, answer: bool) {
        self.answer
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .get_or_insert(answer);
        self.given.notify_all();
    }

    /// The answer, or `None` if it does not come within `timeout`.
    pub(crate) fn wait(&self, timeout: Duration) -> Option<bool> {
        let answer = self
            .answer
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let waited = self
            .given
            .wait_timeout_while(answer, timeout, |answer| answer.is_none());
        *waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn the_first_answer_counts_and_everyone_sees_it() {
        let signal = Arc::new(Signal::default());
        assert_eq!(signal.wait(Duration::ZERO), None);
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let signal = signal.clone();
                std::thread::spawn(move || signal.wait(Duration::from_secs(60)))
            })
            .collect();
        signal.give(true);
        signal.give(false);
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Some(true));
        }
    }
}
