//! Flush and close: who waits for the queue, and when each gets an answer.
//!
//! Every flush and close is answered exactly once, at its deadline at the latest. A flush covers what was queued before it,
//! so that a busy app cannot keep it waiting with new events; a close covers everything. A close ends the client when it is over, for
//! whatever reason; then all others are answered with it, closes last, because a driver stops listening after `Closed`.

use super::index::Storage;
use super::{Input, Loss, Millis, Now, Outbox, Output};

/// A flush or a close that has not been answered.
#[derive(Debug)]
pub(super) struct Wait {
    token: u64,
    pub(super) deadline: Millis,
    /// Entries with a smaller sequence number have to leave.
    before: u64,
    close: bool,
}

impl Outbox {
    pub(super) fn wait(&mut self, token: u64, deadline: Millis, close: bool, now: Now) {
        self.waits.push(Wait {
            token,
            deadline,
            // A close covers what is captured while it lasts, too: nobody comes after it.
            before: if close {
                u64::MAX
            } else {
                self.index.next_seq()
            },
            close,
        });
        self.retry.nudge(now.mono);
    }

    pub(super) fn answer_waits(&mut self, now: Now) {
        let mut closing = false;
        let mut waits = std::mem::take(&mut self.waits);
        waits.retain(|wait| {
            if !self.is_over(wait, now) {
                return true;
            }
            closing |= wait.close;
            if !wait.close {
                let drained = !self.index.any_before(wait.before);
                self.outputs.push_back(Output::Flushed {
                    token: wait.token,
                    drained,
                });
            }
            wait.close
        });
        self.waits = waits;
        if closing {
            self.close(now);
        }
    }

    /// Whether waiting longer cannot help: everything left, the deadline is here, or nothing can happen before it.
    fn is_over(&self, wait: &Wait, now: Now) -> bool {
        if wait.deadline <= now.mono {
            return true;
        }
        if !self.index.any_before(wait.before) && self.jobs.values().all(|job| job.seq.is_some()) {
            // Losses still to be reported are worth waiting for if a request in flight will make room for them soon.
            let room_soon = !self.jobs.is_empty() && self.retry.waiting_until(now.mono).is_none();
            return self.reports.due().is_none() || !room_soon;
        }
        let next = [self.next_attempt(now), self.index.next_wake()]
            .into_iter()
            .flatten()
            .min();
        let idle = self.jobs.is_empty() && !self.index.any_storing_before(wait.before);
        idle && next.is_none_or(|next| next > wait.deadline)
    }

    /// Ends the client: counts what cannot survive the process, answers everyone, falls silent.
    fn close(&mut self, now: Now) {
        for seq in self.index.all(|entry| entry.storage != Storage::Durable) {
            self.give_up(seq, Loss::NetworkError, now);
        }
        for (_, job) in std::mem::take(&mut self.jobs) {
            self.reports.give_back(job.report, now);
        }
        let drained = self.index.len() == 0;
        let (closes, flushes): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waits)
            .into_iter()
            .partition(|w| w.close);
        for Wait { token, before, .. } in flushes {
            let drained = !self.index.any_before(before);
            self.outputs.push_back(Output::Flushed { token, drained });
        }
        for Wait { token, .. } in closes {
            self.outputs.push_back(Output::Closed { token, drained });
        }
        self.closed = true;
    }

    /// After `Closed` only the books go on: late captures are counted, late questions answered.
    pub(super) fn handle_closed(&mut self, input: Input) {
        let drained = self.index.len() == 0;
        match input {
            Input::Enqueue(_) => {
                self.ledger.captured += 1;
                self.ledger.lose(Loss::QueueOverflow, 1);
            }
            Input::Lost { loss, quantity, .. } => {
                self.ledger.captured += quantity;
                self.ledger.lose(loss, quantity);
            }
            Input::Flush { token, .. } => {
                self.outputs.push_back(Output::Flushed { token, drained })
            }
            Input::Close { token, .. } => self.outputs.push_back(Output::Closed { token, drained }),
            _ => {}
        }
    }
}
