//! The native addon under `@faultwire/node`: opaque client and scope objects, JSON text for payloads, scalars for the
//! small hot calls (design decision 5). TypeScript finds the current scope and turns errors into event JSON; every
//! decision after that is the core's.
//!
//! Guarantees: no call throws into JavaScript because of what was captured, and no panic crosses the boundary (see
//! [`guard`]). Rust threads never call into JavaScript, so there is no thread-safe function here and nothing that keeps
//! the event loop alive except a `flush` or `close` the app is waiting for.

mod client;
mod guard;
mod plain_error;
mod scope;
mod tasks;

pub use client::NativeClient;
pub use scope::NativeScope;
