//! Bounds guessing of the admin password: ten tries a minute from one address, a hundred from all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);
const PER_ADDRESS: u32 = 10;
/// Many addresses are cheap to come by; this also bounds the memory of the table.
const IN_ALL: u32 = 100;

/// Counts tries in windows of a minute.
#[derive(Default)]
pub(super) struct Throttle {
    window: Mutex<Option<Window>>,
}

struct Window {
    since: Instant,
    tries: u32,
    by_address: HashMap<Option<IpAddr>, u32>,
}

impl Throttle {
    /// Counts a try from `address` at `now`. An error holds the seconds to wait.
    ///
    /// A right password counts like a wrong one: whether it is right is not known before the costly hash,
    /// which the bound also protects.
    pub(super) fn try_now(&self, address: Option<IpAddr>, now: Instant) -> Result<(), u64> {
        let mut guard = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Window {
            since: now,
            tries: 0,
            by_address: HashMap::new(),
        };
        let window = guard.get_or_insert_with(fresh);
        if now.duration_since(window.since) >= WINDOW {
            *window = fresh();
        }
        let left = WINDOW
            .saturating_sub(now.duration_since(window.since))
            .as_secs()
            .max(1);
        if window.tries >= IN_ALL {
            return Err(left);
        }
        let tries = window.by_address.entry(address).or_default();
        if *tries >= PER_ADDRESS {
            return Err(left);
        }
        *tries += 1;
        window.tries += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_a_minute_from_one_address_and_a_hundred_from_all() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let address = |n: u8| Some(IpAddr::from([10, 0, 0, n]));
        for n in 0..10 {
            for _ in 0..10 {
                assert_eq!(throttle.try_now(address(n), start), Ok(()));
            }
        }
        assert_eq!(
            throttle.try_now(address(0), start + Duration::from_secs(20)),
            Err(40)
        );
        assert_eq!(
            throttle.try_now(address(200), start),
            Err(60),
            "the bound over all"
        );
        assert_eq!(
            throttle.try_now(address(0), start + WINDOW),
            Ok(()),
            "a new minute"
        );
    }
}
