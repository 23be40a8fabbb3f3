//! The two calls that wait. They run on libuv's thread pool, so that the event loop goes on.

use faultwire_native::Client;
use napi::{Env, Result, Task};

use crate::guard::guard;

/// What to wait for.
#[derive(Clone, Copy)]
pub enum WaitFor {
    /// Everything queued is delivered.
    Flush,
    /// The same, and the client stops.
    Close,
}

/// One bounded wait on a client.
pub struct Wait {
    client: Client,
    what: WaitFor,
    timeout_ms: u64,
}

impl Wait {
    /// `timeout_ms` comes from JavaScript: a negative number or NaN means "do not wait", infinity is a day.
    pub fn new(client: Client, what: WaitFor, timeout_ms: f64) -> Self {
        Self {
            client,
            what,
            timeout_ms: timeout_ms.clamp(0.0, LONGEST_MS) as u64,
        }
    }

    /// Waits on this thread; whether everything was delivered in time.
    pub fn run(&self) -> bool {
        guard(|| match self.what {
            WaitFor::Flush => self.client.flush(self.timeout_ms),
            WaitFor::Close => self.client.close(self.timeout_ms),
        })
    }
}

impl Task for Wait {
    type Output = bool;
    type JsValue = bool;

    fn compute(&mut self) -> Result<bool> {
        Ok(self.run())
    }

    fn resolve(&mut self, _env: Env, drained: bool) -> Result<bool> {
        Ok(drained)
    }
}

/// A wait longer than a day is a mistake in units; the pool thread must come back.
const LONGEST_MS: f64 = 86_400_000.0;
