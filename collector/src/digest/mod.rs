//! From spool to store: parse, normalize, correct the clock, scrub, group, save. Knows no HTTP.

pub mod issue_state;
