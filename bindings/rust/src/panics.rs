//! Panics: captured by a hook in front of the one that was there, durable before the process dies.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::{EventId, active, event};

thread_local! {
    /// A panic inside the hook must not call it again.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// How many [`catch_panics`] this thread is in, and what the hook captured last.
    static CAUGHT: RefCell<(usize, EventId)> = const { RefCell::new((0, EventId::none())) };
}

/// A panic that [`catch_panics`] caught.
pub struct Caught {
    event: EventId,
    payload: Box<dyn Any + Send>,
}

impl Caught {
    /// The event it was captured as; nothing if panics are not captured.
    ///
    /// ```
    /// let caught = faultwire::catch_panics(|| panic!("on purpose")).unwrap_err();
    /// assert!(caught.event().is_none(), "there is no client in this example");
    /// ```
    pub fn event(&self) -> &EventId {
        &self.event
    }

    /// What was panicked with, for [`std::panic::resume_unwind`].
    ///
    /// ```
    /// let caught = faultwire::catch_panics(|| panic!("on purpose")).unwrap_err();
    /// assert!(caught.into_payload().is::<&str>());
    /// ```
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        self.payload
    }
}

impl fmt::Debug for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caught")
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

/// Runs `work` and turns its panic into an error, for a loop or a server that has to go on.
///
/// The panic is captured at level error: nobody died of it. State that `work` had half changed when it panicked stays as
/// it is, so hand in only what may be thrown away.
///
/// ```
/// let answer = faultwire::catch_panics(|| "four".parse::<u32>().expect("a number"));
/// assert!(answer.is_err(), "and the loop goes on");
/// ```
pub fn catch_panics<R>(work: impl FnOnce() -> R) -> Result<R, Caught> {
    let enter = |by: isize| {
        let _ = CAUGHT.try_with(|caught| {
            let mut caught = caught.borrow_mut();
            caught.0 = caught.0.saturating_add_signed(by);
        });
    };
    enter(1);
    let result = catch_unwind(AssertUnwindSafe(work));
    enter(-1);
    result.map_err(|payload| Caught {
        event: CAUGHT
            .try_with(|caught| std::mem::take(&mut caught.borrow_mut().1))
            .unwrap_or_default(),
        payload,
    })
}

/// Adds the hook, once per process.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            capture(info);
            before(info);
        }));
    });
}

fn capture(info: &PanicHookInfo<'_>) {
    // A defect on one of the SDK's own threads is caught and counted there; reporting it would feed on itself.
    // The same holds for a panic in the code of the app that a capture runs: a hook, an error's text.
    if faultwire_native::on_sdk_thread()
        || event::is_capturing()
        || INSIDE
            .try_with(|inside| inside.replace(true))
            .unwrap_or(true)
    {
        return;
    }
    active::with(|active, scope| {
        if active.captures_panics {
            let is_caught = CAUGHT.try_with(|caught| caught.borrow().0 > 0);
            let is_caught = is_caught.unwrap_or(false);
            let id = event::panic(active, scope, message_of(info), is_caught);
            if is_caught {
                let _ = CAUGHT.try_with(|caught| caught.borrow_mut().1 = id);
            }
        }
    });
    let _ = INSIDE.try_with(|inside| inside.set(false));
}

fn message_of(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a text").to_owned()
}
