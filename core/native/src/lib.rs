//! The native driver of the SDK engine.
//!
//! `faultwire-core` decides; this crate does: one worker thread a client, a queue on disk, HTTP, source lines and the
//! clock. Language bindings (Rust, Node, Python) see only [`Client`] and [`Scope`]; everything crosses as JSON text or
//! scalars (design decision 5), nothing here ever calls back into the host (decision 6).

mod client;
mod books;
mod clock;
mod disk;
mod driver;
mod fork;
mod inbox;
mod log;
mod own_thread;
mod payloads;
mod queue_dir;
mod signal;
mod source;
mod transport;

pub use client::{Client, Scope, Sdk};
