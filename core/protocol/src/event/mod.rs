//! Events: typed, read-only views over the JSON tree, and the coercions that make foreign events regular.
//!
//! The tree stays the truth. Views read it in any of the shapes SDKs send, so they work before and after [`normalize`];
//! nothing is copied until a title or culprit is asked for.

mod normalize;
mod title;
mod view;

pub use normalize::normalize;
pub use view::{Event, Exception, Frame, Level, Stacktrace, entries, pairs};
