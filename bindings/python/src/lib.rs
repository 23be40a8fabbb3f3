//! The native module under the Python package `faultwire`: opaque client and scope objects, JSON text for payloads,
//! scalars for the small hot calls (design decision 5). Python finds the current scope; exceptions, frames and values are
//! turned into event JSON here, because walking them in Rust costs a sixth of walking them in Python. Every decision
//! after that is the core's.
//!
//! Guarantees: no call raises because of what was captured, no panic crosses the boundary (see [`guard`]), nothing that
//! is read of the app grows past its budget (see [`bounded`]). Rust threads never touch the interpreter, so nothing here
//! can wait for the GIL; what waits for a Rust thread gives the GIL up first.

use pyo3::prelude::*;

mod bounded;
mod client;
mod exceptions;
mod foreign;
mod frames;
mod guard;
mod parse;
mod scope;
mod text;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::client::NativeClient;
    #[pymodule_export]
    use super::exceptions::{current_stack, describe};
    #[pymodule_export]
    use super::parse::from_json;
    #[pymodule_export]
    use super::scope::NativeScope;
    #[pymodule_export]
    use super::text::{plain_text, to_json};
}
