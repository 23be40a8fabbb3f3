//! Which events are the same fault.
//!
//! Every version of the rules is frozen once released: it owns its normalization and reads the JSON tree directly, so that
//! no change elsewhere can move events to other issues. A project moves to a newer version on purpose.

pub mod v1;

/// The identity of a fault under one version of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// 32 lowercase hex digits; equal for events of the same fault.
    pub hash: String,
    /// What went into the hash, for people: `exception TypeError`, `in-app frame checkout in cart`.
    pub parts: Vec<String>,
    /// The version of the rules.
    pub version: &'static str,
}
