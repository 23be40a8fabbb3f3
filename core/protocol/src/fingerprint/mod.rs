//! Which events are the same fault. Every version is frozen once released; a project moves to a newer one on purpose.

pub mod v1;

/// The identity of a fault under one version of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// 32 lowercase hex digits; equal for events of the same fault.
    pub hash: String,
    /// What went into the hash, for people: `exception TypeError`, `in-app frame checkout in cart.js`.
    pub parts: Vec<String>,
    /// The version of the rules.
    pub version: &'static str,
}
