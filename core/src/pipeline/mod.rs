//! What is done to an event between the capture and the queue, and in which order.
//!
//! | step | where | protocol §6.3 |
//! |---|---|---|
//! | enabled | calling thread | 1 |
//! | sampling, when no hook is registered | calling thread | 6, moved |
//! | parse, id, time | worker; calling thread with a hook | – |
//! | ignoreErrors | " | 2 |
//! | scope, then the client's defaults | " | 3 |
//! | stack text to frames, in-app marks | " | – |
//! | hook | calling thread, in the host | 4 |
//! | sampling, when a hook is registered | worker | 6 |
//! | source lines | worker | – |
//! | scrub | worker | – |
//! | trim | worker | – |
//! | fingerprint, envelope | worker | 7 |
//!
//! Two choices need a reason.
//!
//! *Sampling.* The reference sides with its documentation: sample after the hook (protocol §10). With a hook we do.
//! Without one the result is the same but for one count — an ignored event may be booked as `sample_rate` — and
//! deciding first spares the calling thread the hand-over (design decision 7). The decision is a function of the event
//! id, so it costs no parse, needs no generator, and comes out equal wherever it is made.
//!
//! *Scrub before trim.* A secret cut in half by trimming no longer looks like one, and half a private key is still a
//! leak. The price is scrubbing a large event whole, on a thread where nobody waits.

pub(crate) mod depth;
mod frames;
mod ignore;

pub(crate) use ignore::IgnoreList;

use crate::engine::Sources;
use crate::options::Options;
use faultwire_protocol::event::Event;
use faultwire_protocol::id::EventId;
use faultwire_protocol::json::{Object, Value};
use faultwire_protocol::time::Now;
use faultwire_protocol::trim;

/// Makes the event's id and time certain. A time set by the host stays; the id is the client's to give.
pub(crate) fn identify(event: &mut Object<'_>, id: EventId, now: Now) {
    event.insert("event_id", id.to_string());
    let time = event.entry("timestamp");
    if time.is_null() {
        *time = Value::from(now.wall.as_seconds());
    }
}

/// Fills in what the client knows and neither the event nor the scope says.
pub(crate) fn add_defaults<'a>(
    event: &mut Object<'a>,
    options: &'a Options,
    platform: &'a str,
    sdk: Value<'a>,
) {
    let texts = [
        ("platform", Some(platform)),
        ("release", options.release.as_deref()),
        ("environment", options.environment.as_deref()),
        ("dist", options.dist.as_deref()),
        ("server_name", options.server_name.as_deref()),
    ];
    for (key, text) in texts {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            set_if_missing(event, key, Value::from(text));
        }
    }
    set_if_missing(event, "sdk", sdk);
}

/// Turns stack texts into frames and marks which frames are the app's own.
pub(crate) fn make_frames(event: &mut Object<'_>, options: &Options) {
    frames::parse_stacks(event, options.attach_stacktrace);
    frames::each(event, |frame| frames::mark_in_app(frame, options));
}

/// Makes sure of what the server cannot do without in an event that a hook gave back. What else the hook removed stays
/// removed: putting it back would undo the hook.
pub(crate) fn complete_hooked<'a>(event: &mut Object<'a>, options: &Options, platform: &'a str) {
    set_if_missing(event, "platform", Value::from(platform));
    frames::parse_stacks(event, options.attach_stacktrace);
}

/// Adds source lines to the frames that are worth them.
pub(crate) fn add_sources(event: &mut Object<'_>, sources: &mut dyn Sources) {
    frames::each_stack(event, |stack| frames::add_source_lines(stack, sources));
}

/// Cuts texts and frames to their own limits and the whole event to [`MAX_EVENT_BYTES`]; the event always survives.
pub(crate) fn cut(event: &mut Value<'_>, options: &Options) {
    if let Some(event) = event.as_object_mut() {
        frames::each_stack(event, frames::cap);
    }
    depth::limit(event, depth::MAX_EVENT_DEPTH, options.max_value_length);
    trim::trim(event, MAX_EVENT_BYTES);
}

/// Whether this is an exception or an event of level error, and whether the process died of it.
pub(crate) fn priority(event: &Value<'_>, fatal: bool) -> crate::outbox::Priority {
    use crate::outbox::Priority;
    use faultwire_protocol::event::Level;
    let view = Event::new(event);
    let level = event.get("level").and_then(Level::parse);
    match level {
        _ if fatal => Priority::Fatal,
        Some(Level::Fatal) => Priority::Fatal,
        Some(Level::Error) => Priority::Error,
        _ if view.exceptions().next().is_some() => Priority::Error,
        _ => Priority::Low,
    }
}

fn set_if_missing<'a>(event: &mut Object<'a>, key: &'static str, value: Value<'a>) {
    let place = event.entry(key);
    if place.is_null() {
        *place = value;
    }
}

/// Servers of this protocol accept 1 MiB per event (protocol §1.12); a little is left for their own additions.
pub(crate) const MAX_EVENT_BYTES: usize = 1_000_000;
