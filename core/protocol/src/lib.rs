//! The Sentry envelope protocol as pure functions over bytes: envelopes, events, scrubbing, trimming, grouping.
//!
//! SDK and collector share this crate, so that both sides agree on every rule. It must not know about clocks, randomness,
//! files, sockets, threads or options; time is an argument, and no input of any kind makes it panic. "Protocol §n" in the
//! documentation names a section of the protocol reference.

pub mod auth;
pub mod dsn;
pub mod envelope;
pub mod event;
pub mod fingerprint;
pub mod id;
pub mod json;
mod meta;
pub mod rate_limit;
pub mod reply;
pub mod scrub;
pub mod stack;
pub mod time;
pub mod trim;
