//! What the driver says on its own: warnings always, the rest with option `debug`.
//!
//! It goes to stderr, because a Rust thread never calls into the host (design decision 6). No line ever carries a
//! payload, a DSN or a header value.

use std::fmt::Display;

/// Prefix of every line, the same as hosts give to [`crate::Client::warnings`].
const PREFIX: &str = "faultwire: ";

/// Where to write, and how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    debug: bool,
}

impl Log {
    pub(crate) fn new(debug: bool) -> Log {
        Log { debug }
    }

    /// Something a person should change.
    pub(crate) fn warn(self, text: impl Display) {
        write_line(format_args!("{PREFIX}{text}"));
    }

    /// Something that helps to see what the driver does.
    pub(crate) fn debug(self, text: impl Display) {
        if self.debug {
            write_line(format_args!("{PREFIX}[debug] {text}"));
        }
    }
}

/// Unlike `eprintln!`, a closed stderr is no reason to panic.
fn write_line(line: std::fmt::Arguments<'_>) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
