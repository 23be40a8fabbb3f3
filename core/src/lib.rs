//! The engine of the Faultwire SDK: what happens between "an error was caught" and "this request must be made".
//!
//! It is sans-IO. Nothing here reads a clock, rolls a die, opens a file or a socket, or starts a thread: time
//! ([`faultwire_protocol::time::Now`]) and a seed are arguments, and what is to be done in the world comes out as data
//! that a driver carries out. That is what lets a browser and a native thread run the same code, and a 72-hour outage
//! run in a test in milliseconds.
//!
//! ```text
//! host --capture--> engine --envelope--> outbox --Output--> driver --(disk, HTTP, timer)--+
//!                                           ^------------------ Input --------------------+
//! ```
//!
//! Invariant of this crate: it knows no host language and no driver.

pub mod breadcrumbs;
pub mod engine;
pub mod envelope;
pub mod loss;
pub mod options;
pub mod outbox;
mod pipeline;
pub mod scope;
pub mod segment;
