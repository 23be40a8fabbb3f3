//! The bounded channel between the threads of the host and the worker.
//!
//! Guarantees: [`Inbox::push`] never waits for the worker and never blocks longer than the copy of one pointer; what
//! does not fit comes back to the caller, who counts it. Urgent messages overtake the others; within a lane the order
//! is kept. Control messages (weight 0) always fit, or a flush could fail exactly when it matters.
//!
//! Waking a sleeping thread is the dearest part of a hand-over: 25 to 85 µs on a virtual machine, where everything else
//! together is 4. A consumer that has just worked therefore naps ([`Wait::Nap`]): it looks again by itself within the
//! time-out, and ordinary messages do not wake it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// How a message is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Before everything in the ordinary lane: fatal events, answers of the server.
    Urgent,
    /// In order of arrival.
    Ordinary,
}

/// How a consumer waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Every message ends the wait.
    Sleep,
    /// Only urgent and control messages end the wait; the others are found when it is over.
    Nap,
}

/// A bounded queue with many producers and one consumer.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    state: Mutex<State<T>>,
    wake: Condvar,
    max_bytes: usize,
    max_count: usize,
}

#[derive(Debug)]
struct State<T> {
    urgent: VecDeque<(T, usize)>,
    ordinary: VecDeque<(T, usize)>,
    bytes: usize,
    /// How the consumer waits, if it does: only then does a producer pay for waking it.
    waiting: Option<Wait>,
    closed: bool,
}

impl<T> Inbox<T> {
    /// An empty inbox that holds at most `max_count` weighted messages of `max_bytes` together.
    pub(crate) fn new(max_bytes: usize, max_count: usize) -> Inbox<T> {
        let state = State {
            urgent: VecDeque::new(),
            ordinary: VecDeque::new(),
            bytes: 0,
            waiting: None,
            closed: false,
        };
        Inbox {
            state: Mutex::new(state),
            wake: Condvar::new(),
            max_bytes,
            max_count,
        }
    }

    /// Hands over `message` of about `weight` bytes; 0 marks a control message. Gives it back if there is no room for
    /// it or the consumer has gone.
    pub(crate) fn push(&self, message: T, weight: usize, lane: Lane) -> Result<(), T> {
        let mut state = self.lock();
        let full = weight > 0
            && (state.bytes + weight > self.max_bytes
                || state.urgent.len() + state.ordinary.len() >= self.max_count);
        // An urgent message is the crash itself: the bound on bytes may be passed by it, by at most one a thread.
        if state.closed || (full && lane == Lane::Ordinary) {
            return Err(message);
        }
        state.bytes += weight;
        match lane {
            Lane::Urgent => state.urgent.push_back((message, weight)),
            Lane::Ordinary => state.ordinary.push_back((message, weight)),
        }
        let wake = match state.waiting {
            Some(Wait::Sleep) => true,
            Some(Wait::Nap) => weight == 0 || lane == Lane::Urgent,
            None => false,
        };
        if wake {
            state.waiting = None;
        }
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// The next message, without waiting.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        let (message, weight) = match state.urgent.pop_front() {
            Some(urgent) => urgent,
            None => state.ordinary.pop_front()?,
        };
        state.bytes -= weight;
        if state.ordinary.is_empty() && state.ordinary.capacity() > KEEP_CAPACITY {
            state.ordinary.shrink_to(KEEP_CAPACITY);
        }
        Some(message)
    }

    /// Waits until there is a message or `timeout` has passed.
    pub(crate) fn wait(&self, timeout: Duration, how: Wait) {
        let mut state = self.lock();
        if state.urgent.is_empty() && state.ordinary.is_empty() && !timeout.is_zero() {
            state.waiting = Some(how);
            state = self
                .wake
                .wait_timeout(state, timeout)
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .0;
            state.waiting = None;
        }
    }

    /// Weighted bytes that wait now.
    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Refuses everything from now on and returns what was still waiting.
    pub(crate) fn close(&self) -> Vec<T> {
        let mut state = self.lock();
        state.closed = true;
        state.bytes = 0;
        let urgent = std::mem::take(&mut state.urgent);
        let ordinary = std::mem::take(&mut state.ordinary);
        urgent
            .into_iter()
            .chain(ordinary)
            .map(|(message, _)| message)
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

const KEEP_CAPACITY: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn urgent_messages_overtake_and_order_is_kept() {
        let inbox = Inbox::new(100, 10);
        for (message, lane) in [
            (1, Lane::Ordinary),
            (2, Lane::Ordinary),
            (3, Lane::Urgent),
            (4, Lane::Urgent),
        ] {
            inbox.push(message, 1, lane).unwrap();
        }
        let order: Vec<i32> = std::iter::from_fn(|| inbox.pop()).collect();
        assert_eq!(order, [3, 4, 1, 2]);
    }

    #[test]
    fn what_does_not_fit_comes_back() {
        let inbox = Inbox::new(10, 3);
        inbox.push("a", 6, Lane::Ordinary).unwrap();
        assert_eq!(
            inbox.push("b", 6, Lane::Ordinary),
            Err("b"),
            "too many bytes"
        );
        inbox.push("fatal", 6, Lane::Urgent).unwrap();
        inbox.push("flush", 0, Lane::Ordinary).unwrap();
        assert_eq!(
            inbox.push("c", 1, Lane::Ordinary),
            Err("c"),
            "too many messages"
        );
        while inbox.pop().is_some() {}
        assert_eq!(inbox.bytes(), 0);
        inbox.push("c", 10, Lane::Ordinary).unwrap();
    }

    #[test]
    fn a_closed_inbox_gives_back_what_waited_and_refuses_the_rest() {
        let inbox = Inbox::new(10, 10);
        inbox.push(1, 1, Lane::Ordinary).unwrap();
        inbox.push(2, 1, Lane::Urgent).unwrap();
        assert_eq!(inbox.close(), [2, 1]);
        assert_eq!(inbox.push(3, 0, Lane::Urgent), Err(3));
        assert_eq!(inbox.pop(), None);
    }

    #[test]
    fn a_waiting_consumer_is_woken() {
        let inbox = Arc::new(Inbox::new(10, 10));
        let producer = inbox.clone();
        let thread = std::thread::spawn(move || producer.push(5, 1, Lane::Ordinary).unwrap());
        while inbox.bytes() == 0 {
            // Far longer than the test may take: only a wake-up ends it early.
            inbox.wait(Duration::from_secs(60), Wait::Sleep);
        }
        thread.join().unwrap();
        assert_eq!(inbox.pop(), Some(5));
    }

    #[test]
    fn a_napping_consumer_finds_ordinary_messages_late_and_is_woken_by_others() {
        let inbox = Arc::new(Inbox::new(10, 10));
        for (weight, lane) in [(0, Lane::Ordinary), (1, Lane::Urgent)] {
            let producer = inbox.clone();
            let thread = std::thread::spawn(move || producer.push(5, weight, lane).unwrap());
            while inbox.lock().urgent.is_empty() && inbox.lock().ordinary.is_empty() {
                inbox.wait(Duration::from_secs(60), Wait::Nap);
            }
            thread.join().unwrap();
            assert_eq!(inbox.pop(), Some(5));
        }
        inbox.lock().waiting = Some(Wait::Nap);
        inbox.push(6, 1, Lane::Ordinary).unwrap();
        assert_eq!(inbox.lock().waiting, Some(Wait::Nap), "nobody was woken");
        inbox.wait(Duration::from_secs(60), Wait::Nap);
        assert_eq!(inbox.pop(), Some(6), "and what is there is not waited for");
    }
}
