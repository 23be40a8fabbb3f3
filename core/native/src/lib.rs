//! The native driver of the SDK engine.
//!
//! `faultwire-core` decides; this crate does: one worker thread a client, a queue on disk, HTTP, source lines and the
//! clock. Language bindings (Rust, Node, Python) see only [`Client`] and [`Scope`]; everything crosses as JSON text or
//! scalars (design decision 5), nothing here ever calls back into the host (decision 6).

mod books;
mod client;
mod clock;
mod disk;
mod driver;
mod fork;
mod ids;
mod inbox;
mod log;
mod own_thread;
mod payloads;
mod queue_dir;
mod runtime;
mod setup;
mod signal;
mod source;
mod transport;
mod worker;

pub use client::{Client, Scope, Sdk, Settings};
pub use faultwire_protocol::json;
pub use own_thread::is_own as on_sdk_thread;
