//! Panics: captured by a hook in front of the one that was there, durable before the process dies.

use std::cell::Cell;
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::Once;

use crate::{active, event};

thread_local! {
    /// A panic inside the hook must not call it again.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
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
    if faultwire_native::on_sdk_thread()
        || INSIDE
            .try_with(|inside| inside.replace(true))
            .unwrap_or(true)
    {
        return;
    }
    active::with(|active, scope| {
        if active.captures_panics {
            event::panic(active, scope, message_of(info));
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
