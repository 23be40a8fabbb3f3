//! The counts of one client as seen from any thread.
//!
//! The outbox keeps the ledger, on the worker. Between a capture on a host thread and the worker's look at it lies the
//! inbox; what is in there, and what was lost before it got there, is counted here. Everything changes under one lock,
//! so `captured + recovered = delivered + queued + lost` holds in every answer.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use faultwire_core::loss::{Ledger, Loss};

/// Counts shared by the host's threads and the worker.
#[derive(Debug, Default)]
pub(crate) struct Books {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The worker's ledger as last published.
    ledger: Ledger,
    /// Captured, and not yet in the ledger.
    pending: u64,
    /// Lost before the worker saw them, and not yet in the ledger.
    losses: BTreeMap<Loss, u64>,
}

impl Books {
    /// One event is on its way to the worker.
    pub(crate) fn captured(&self) {
        self.lock().pending += 1;
    }

    /// One event was captured and lost on the calling thread. Returns whether it is the first that waits for the
    /// worker, who then has to be told.
    pub(crate) fn lost(&self, loss: Loss) -> bool {
        let mut state = self.lock();
        *state.losses.entry(loss).or_default() += 1;
        state.losses.len() == 1 && state.losses.values().sum::<u64>() == 1
    }

    /// An event counted by [`Books::captured`] was refused on the way.
    pub(crate) fn refused(&self, loss: Loss) {
        let mut state = self.lock();
        state.pending = state.pending.saturating_sub(1);
        *state.losses.entry(loss).or_default() += 1;
    }

    /// Whether anything was captured or lost that the worker does not know yet.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.pending == 0 && state.losses.is_empty()
    }

    /// For the worker: the losses to enter into its ledger. They stay counted here until [`Books::publish`] says that
    /// they are in it.
    pub(crate) fn losses(&self) -> BTreeMap<Loss, u64> {
        self.lock().losses.clone()
    }

    /// For the worker: `ledger` now contains `entered` of the pending events and the losses `settled`.
    pub(crate) fn publish(&self, entered: u64, settled: &BTreeMap<Loss, u64>, ledger: Ledger) {
        let mut state = self.lock();
        state.ledger = ledger;
        state.pending = state.pending.saturating_sub(entered);
        for (loss, quantity) in settled {
            if let Some(count) = state.losses.get_mut(loss) {
                *count = count.saturating_sub(*quantity);
            }
        }
        state.losses.retain(|_, quantity| *quantity > 0);
    }

    /// The balance of this moment.
    pub(crate) fn ledger(&self) -> Ledger {
        let state = self.lock();
        let mut ledger = state.ledger.clone();
        ledger.captured += state.pending;
        ledger.queued += state.pending;
        for (loss, quantity) in &state.losses {
            ledger.captured += quantity;
            *ledger.lost.entry(*loss).or_default() += quantity;
        }
        ledger
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_balance_holds_at_every_step() {
        let books = Books::default();
        let check = |captured, queued, lost| {
            let ledger = books.ledger();
            assert!(ledger.balances(), "{ledger:?}");
            assert_eq!(
                (ledger.captured, ledger.queued, ledger.lost_total()),
                (captured, queued, lost)
            );
        };
        books.captured();
        books.captured();
        check(2, 2, 0);
        assert!(
            books.lost(Loss::SampleRate),
            "the worker has to be told of the first"
        );
        assert!(!books.lost(Loss::SampleRate));
        check(4, 2, 2);
        books.refused(Loss::QueueOverflow);
        check(4, 1, 3);
        let settled = books.losses();
        assert!(!books.lost(Loss::SampleRate), "the worker is told already");
        check(5, 1, 4);
        books.publish(
            1,
            &settled,
            Ledger {
                captured: 4,
                queued: 1,
                lost: settled.clone(),
                ..Ledger::default()
            },
        );
        check(5, 1, 4);
        assert!(!books.is_idle(), "one loss came after the worker's look");
        let settled = books.losses();
        books.publish(0, &settled, books.ledger());
        check(5, 1, 4);
        assert!(books.is_idle());
    }
}
