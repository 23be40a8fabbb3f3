//! When to try again, and how many requests at a time the server has earned.
//!
//! Back-off belongs to the outbox, not to an event: when the network is down it is down for all, and ten thousand queued
//! events must not mean ten thousand timers. A failure starts an *outage*: nothing is sent until the back-off ends, then
//! one request goes out as a probe. Only the answer to a request that was sent after the failure ends the outage;
//! stragglers from before it say nothing about now. After it the window grows by one with every answer, so it doubles
//! with every round trip until it reaches the cap.

use super::rng::Rng;
use faultwire_protocol::time::Millis;

/// The state of the connection to one server.
#[derive(Debug)]
pub(super) struct Retry {
    rng: Rng,
    first: u64,
    longest: u64,
    max_window: usize,
    window: usize,
    /// Failures in a row; 0 means that no outage is on.
    failures: u32,
    /// Counts failures that started or prolonged an outage, and limits; a job remembers the epoch it was sent in.
    epoch: u64,
    until: Millis,
    last_failure: Millis,
    /// The server named the time itself, so that nobody may shorten it.
    told: bool,
}

impl Retry {
    pub(super) fn new(seed: u64, first: u64, longest: u64, max_window: usize) -> Retry {
        let max_window = max_window.max(1);
        Retry {
            rng: Rng::new(seed),
            first,
            longest,
            max_window,
            window: START_WINDOW.min(max_window),
            failures: 0,
            epoch: 0,
            until: Millis(0),
            last_failure: Millis(0),
            told: false,
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How many requests of the current epoch may be in flight now; 0 while backing off.
    pub(super) fn window(&self, now: Millis) -> usize {
        if self.waiting_until(now).is_some() {
            0
        } else {
            self.window
        }
    }

    /// When the back-off ends; `None` if it is over or there is none.
    pub(super) fn waiting_until(&self, now: Millis) -> Option<Millis> {
        (self.failures > 0 && self.until > now).then_some(self.until)
    }

    /// An answer that shows the server at work arrived for a request of `epoch`.
    pub(super) fn answered(&mut self, epoch: u64) {
        if epoch == self.epoch {
            self.failures = 0;
            self.told = false;
            self.window = (self.window + 1).min(self.max_window);
        }
    }

    /// No answer, or an overloaded server, for a request of `epoch`. `wait` is what `Retry-After` demanded, in
    /// milliseconds. Requests that fail together count as one failure.
    pub(super) fn failed(&mut self, epoch: u64, wait: Option<u64>, now: Millis) {
        if epoch == self.epoch {
            self.epoch += 1;
            self.failures = self.failures.saturating_add(1);
            self.window = 1;
            self.last_failure = now;
            let backoff = self.delay(self.failures);
            self.until = now.plus(backoff);
            self.told = false;
        }
        if let Some(wait) = wait {
            // A tenth more at most, so that a fleet that was told one time does not come back as one.
            let until = now.plus(wait).plus(self.rng.below(wait / 10 + 1));
            if self.failures > 0 && until > self.until {
                self.until = until;
                self.told = true;
            }
        }
    }

    /// The server limited us: it works, so there is no outage, but one request alone shall find out whether the limit is
    /// over. Answers to requests from before the limit say nothing about that.
    pub(super) fn limited(&mut self, epoch: u64) {
        if epoch == self.epoch {
            self.answered(epoch);
            self.epoch += 1;
            self.window = 1;
        }
    }

    /// Someone waits for the queue (flush, close) or the platform says that the network is back: probe soon. Never
    /// sooner than the first back-off step after the last failure, and never against a time the server named.
    pub(super) fn nudge(&mut self, now: Millis) {
        if self.failures > 0 && !self.told {
            self.until = self.until.min(now.max(self.last_failure.plus(self.first)));
        }
    }

    /// Back-off before attempt `n + 1` after `n` failures: doubling from `first` to `longest`, of which a random part
    /// between half and all is taken.
    pub(super) fn delay(&mut self, failures: u32) -> u64 {
        let doublings = failures.saturating_sub(1).min(32);
        let full = self.first.saturating_mul(1 << doublings).min(self.longest);
        full / 2 + self.rng.below(full - full / 2 + 1)
    }
}

/// Requests before anything is known about the server: enough to empty a small queue at exit in one round trip, few
/// enough not to stampede a server that just came back with all its clients.
const START_WINDOW: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn retry() -> Retry {
        Retry::new(1, 1_000, 300_000, 32)
    }

    #[test]
    fn delay_doubles_within_jitter_up_to_the_longest() {
        let mut retry = retry();
        for failures in 1..60 {
            let full = (1_000u64 << (failures - 1).min(20)).min(300_000);
            for _ in 0..50 {
                let delay = retry.delay(failures);
                assert!(
                    (full / 2..=full).contains(&delay),
                    "{failures} failures: {delay}"
                );
            }
        }
    }

    #[test]
    fn requests_that_fail_together_are_one_failure() {
        let mut retry = retry();
        for _ in 0..4 {
            retry.failed(0, None, Millis(10));
        }
        assert_eq!(retry.failures, 1);
        assert_eq!(retry.window(Millis(10)), 0);
        assert_eq!(retry.window(Millis(1_010)), 1);
    }

    #[test]
    fn stragglers_do_not_end_an_outage_but_the_probe_does() {
        let mut retry = retry();
        retry.failed(0, None, Millis(0));
        retry.answered(0);
        assert_eq!(retry.window(Millis(100)), 0);
        let probe = retry.epoch();
        retry.answered(probe);
        assert_eq!(retry.window(Millis(100)), 2);
    }

    #[test]
    fn named_time_is_obeyed_and_not_shortened() {
        let mut retry = retry();
        retry.failed(0, Some(20_000), Millis(0));
        retry.nudge(Millis(5_000));
        let until = retry.waiting_until(Millis(5_000)).expect("still waiting");
        assert!((20_000..=22_000).contains(&until.0), "{until:?}");
    }

    #[test]
    fn nudge_shortens_a_long_back_off_but_does_not_hammer() {
        let mut retry = retry();
        for _ in 0..9 {
            retry.failed(retry.epoch(), None, Millis(0));
        }
        retry.nudge(Millis(1));
        assert_eq!(retry.waiting_until(Millis(1)), Some(Millis(1_000)));
        retry.nudge(Millis(2_000));
        assert_eq!(retry.window(Millis(2_000)), 1);
    }
}
