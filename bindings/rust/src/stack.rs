//! The stack of the calling thread: walked there, looked up elsewhere.
//!
//! Walking costs about a microsecond a frame and has to happen at once; names, files and lines take milliseconds the
//! first time and can wait for the worker.

use std::path::Path;

use backtrace::{Backtrace, BacktraceSymbol};
use faultwire_native::json::{Object, Value, object};

/// Addresses of the frames of one thread, newest first.
pub(crate) struct Stack {
    trace: Backtrace,
    /// Walked in a panic hook: what is newer than the panic itself is of no interest.
    panicking: bool,
}

/// One function on the stack, inlined ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Frame {
    function: String,
    path: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    address: usize,
}

impl Stack {
    /// Walks the stack of this thread.
    pub(crate) fn walk() -> Stack {
        Stack {
            trace: Backtrace::new_unresolved(),
            panicking: false,
        }
    }

    /// Walks the stack of this thread, from inside a panic hook.
    pub(crate) fn walk_panic() -> Stack {
        Stack {
            trace: Backtrace::new_unresolved(),
            panicking: true,
        }
    }

    /// Looks up the symbols and gives `{"frames":[…]}`, oldest first; `None` if there is nothing to show.
    pub(crate) fn into_frames(mut self) -> Option<Value<'static>> {
        self.trace.resolve();
        let mut newest_first = Vec::new();
        for frame in self.trace.frames() {
            let address = frame.ip() as usize;
            // Without symbols (a stripped binary) the address is all there is, and the server may know more.
            if frame.symbols().is_empty() {
                let function = String::new();
                newest_first.push(Frame {
                    function,
                    path: None,
                    line: None,
                    column: None,
                    address,
                });
            }
            newest_first.extend(frame.symbols().iter().map(|symbol| read(symbol, address)));
        }
        let frames: Vec<Value<'static>> = own_part(&newest_first, self.panicking)
            .iter()
            .rev()
            .map(to_value)
            .collect();
        (!frames.is_empty()).then(|| object([("frames", Value::Array(frames))]))
    }
}

fn read(symbol: &BacktraceSymbol, address: usize) -> Frame {
    Frame {
        // The alternate form leaves the hash at the end out.
        function: symbol
            .name()
            .map(|name| format!("{name:#}"))
            .unwrap_or_default(),
        path: symbol
            .filename()
            .map(|path| path.to_string_lossy().into_owned()),
        line: symbol.lineno(),
        column: symbol.colno(),
        address,
    }
}

/// Without the frames of the SDK and the panic machinery at the new end and those of the runtime at the old end.
fn own_part(newest_first: &[Frame], panicking: bool) -> &[Frame] {
    // Above it lie the hooks: ours, and those of the app around it.
    let begins_panic = |frame: &Frame| {
        PANIC_ENTRIES
            .iter()
            .any(|name| frame.function.contains(name))
    };
    let entry = newest_first
        .iter()
        .position(begins_panic)
        .filter(|_| panicking);
    let newest_first = &newest_first[entry.map_or(0, |entry| entry + 1)..];
    let start = newest_first
        .iter()
        .position(|frame| !is_machinery(frame))
        .unwrap_or(0);
    let rest = &newest_first[start..];
    let end = rest
        .iter()
        .position(|frame| frame.function.contains("__rust_begin_short_backtrace"));
    let part = &rest[..end.unwrap_or(rest.len())];
    if part.is_empty() { newest_first } else { part }
}

/// An inlined function is named without its path by most debug information, so the file has to tell, too.
fn is_machinery(frame: &Frame) -> bool {
    let named = MACHINERY
        .iter()
        .any(|prefix| plain(&frame.function).starts_with(prefix));
    let ours = frame.path.as_ref().is_some_and(|path| {
        OWN_SOURCES.iter().any(|own| path.starts_with(own))
            // The macros of a logger call through these before they reach us.
            || is_library(path) && ["/tracing-", "/faultwire-"].iter().any(|name| path.contains(name))
    });
    named || ours || frame.path.as_deref().is_some_and(is_standard_library)
}

fn is_standard_library(path: &str) -> bool {
    path.starts_with("/rustc/") || path.replace('\\', "/").contains("/rustlib/src/")
}

/// Whether the source is that of a dependency.
fn is_library(path: &str) -> bool {
    let slashes = path.replace('\\', "/");
    ["/.cargo/registry/", "/.cargo/git/", "/registry/src/"]
        .iter()
        .any(|part| slashes.contains(part))
}

fn to_value(frame: &Frame) -> Value<'static> {
    let mut value = Object::new();
    if !frame.function.is_empty() {
        value.insert("function", frame.function.clone());
    }
    if let Some(path) = &frame.path {
        let name = Path::new(path)
            .file_name()
            .map_or_else(|| path.clone(), |name| name.to_string_lossy().into_owned());
        value.insert("filename", name);
        value.insert("abs_path", path.clone());
    }
    let numbers = [("lineno", frame.line), ("colno", frame.column)];
    for (key, number) in numbers {
        if let Some(number) = number.filter(|n| *n > 0) {
            value.insert(key, number);
        }
    }
    value.insert("instruction_addr", format!("{:#x}", frame.address));
    value.insert("in_app", is_in_app(frame));
    Value::Object(value)
}

/// Whether the frame is the app's own code: not the standard library, not a dependency from a registry.
fn is_in_app(frame: &Frame) -> bool {
    let library = LIBRARIES
        .iter()
        .any(|prefix| plain(&frame.function).starts_with(prefix));
    let foreign = |path: &String| is_standard_library(path) || is_library(path);
    let elsewhere = frame.path.as_ref().is_some_and(foreign);
    !frame.function.is_empty() && !library && !elsewhere
}

/// `<alloc::boxed::Box<T> as …>::call` is code of `alloc`.
fn plain(function: &str) -> &str {
    function.trim_start_matches(['<', '&'])
}

/// What stands between the app's line and the walk of its stack: the SDK itself and the way of a panic to its hook.
const MACHINERY: &[&str] = &[
    "backtrace::",
    "faultwire::",
    "faultwire_native::",
    "faultwire_tracing::",
    "tracing::",
    "tracing_core::",
    "tracing_subscriber::",
    // A logger looks up in a thread local who listens.
    "std::thread::local::",
    "std::panicking::",
    "std::sys::backtrace::",
    "core::panicking::",
    "core::option::",
    "core::result::",
    "alloc::boxed::Box",
    "__rustc::rust_begin_unwind",
    "rust_begin_unwind",
];
/// Where a panic enters the standard library's machinery.
const PANIC_ENTRIES: &[&str] = &["rust_begin_unwind", "std::panicking::begin_panic"];
const OWN_SOURCES: &[&str] = &[
    concat!(env!("CARGO_MANIFEST_DIR"), "/src/"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/tracing/src/"),
];
const LIBRARIES: &[&str] = &[
    "std::",
    "core::",
    "alloc::",
    "backtrace::",
    "faultwire::",
    "faultwire_tower::",
    "faultwire_tracing::",
    "axum::",
    "hyper::",
    "tokio::",
    "tower::",
    "futures",
    "tracing::",
    "tracing_core::",
    "tracing_subscriber::",
    "log::",
    "anyhow::",
    "rayon",
    "_start",
    "__libc_start",
    "main",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, path: &str) -> Frame {
        Frame {
            function: function.into(),
            path: Some(path.into()),
            line: Some(3),
            column: None,
            address: 16,
        }
    }

    #[test]
    fn only_the_apps_own_part_is_shown() {
        let stack = [
            frame("backtrace::capture::Backtrace::create", ""),
            frame("faultwire::capture_error", ""),
            frame("shop::pay", "/src/shop/pay.rs"),
            frame(
                "<alloc::boxed::Box<F> as core::ops::function::FnOnce<A>>::call_once",
                "",
            ),
            frame("shop::main", "/src/shop/main.rs"),
            frame("std::sys::backtrace::__rust_begin_short_backtrace", ""),
            frame("std::rt::lang_start", ""),
        ];
        let names: Vec<&str> = own_part(&stack, false)
            .iter()
            .map(|f| f.function.as_str())
            .collect();
        let expected = [
            "shop::pay",
            "<alloc::boxed::Box<F> as core::ops::function::FnOnce<A>>::call_once",
            "shop::main",
        ];
        assert_eq!(names, expected);
        assert_eq!(
            own_part(&stack[..2], false).len(),
            2,
            "a stack of nothing else is better than none"
        );
    }

    #[test]
    fn hooks_around_a_panic_are_left_out() {
        let stack = [
            frame("faultwire::panics::capture", ""),
            frame("shop::my_hook", "/src/shop/main.rs"),
            frame("std::panicking::rust_panic_with_hook", ""),
            frame("rust_begin_unwind", ""),
            frame("core::panicking::panic_fmt", ""),
            frame("expect<u32>", "/rustc/abc/library/core/src/option.rs"),
            frame("shop::checkout", "/src/shop/main.rs"),
        ];
        let names: Vec<&str> = own_part(&stack, true)
            .iter()
            .map(|f| f.function.as_str())
            .collect();
        assert_eq!(names, ["shop::checkout"]);
    }

    #[test]
    fn in_app_is_what_the_team_wrote() {
        assert!(is_in_app(&frame("shop::pay", "/src/shop/pay.rs")));
        assert!(!is_in_app(&frame(
            "core::fmt::write",
            "/rustc/abc/library/core/src/fmt/mod.rs"
        )));
        assert!(!is_in_app(&frame(
            "serde_json::de",
            "/home/a/.cargo/registry/src/x/serde_json/de.rs"
        )));
        assert!(!is_in_app(&frame(
            "<core::option::Option<T>>::map",
            "/src/x.rs"
        )));
    }

    #[test]
    fn this_very_function_is_found() {
        let mut stack = Stack::walk();
        stack.trace.resolve();
        let symbols = stack
            .trace
            .frames()
            .iter()
            .flat_map(|frame| frame.symbols().iter().map(|symbol| read(symbol, 0)));
        let here: Vec<Frame> = symbols
            .filter(|f| f.function.contains("this_very_function_is_found"))
            .collect();
        assert!(
            here[0].path.as_ref().unwrap().starts_with(OWN_SOURCES[0]),
            "{here:?}"
        );
        assert!(is_machinery(&here[0]) && here[0].line.is_some());
    }
}
