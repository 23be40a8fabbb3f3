//! The Faultwire collector: takes what SDKs send, makes it durable, groups it into issues, stores and shows it.
//!
//! One way through the house: `intake` (HTTP to spool) -> `digest` (spool to store) -> `store` -> `api` and `ui`.
//! Intake knows no issue, digest knows no HTTP, the API never waits for either. `server` puts them together, `cli`
//! is what an operator types.

pub mod api;
pub mod cli;
pub mod config;
mod data_lock;
pub mod digest;
pub mod intake;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod ui;
