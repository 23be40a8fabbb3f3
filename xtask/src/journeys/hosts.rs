//! The languages that play journeys, and how their runners are started.

use std::path::Path;

use crate::paths;
use crate::run::Tool;

/// A language that can play journeys.
pub struct Host {
    /// As journeys name it in `absent` and `differs`.
    pub name: &'static str,
    /// Its runner.
    pub tool: Tool,
    /// Whether its strings can hold half a surrogate pair.
    pub lone_surrogates: bool,
}

/// All of them. The packages have been built; `rust` is the runner among the test programs of the Rust SDK, `python` the
/// interpreter that has the wheel.
pub fn hosts(rust: &Path, python: Tool) -> Vec<Host> {
    let node = paths::at("bindings/node");
    vec![
        Host {
            name: "rust",
            // Frames name source files from the package's folder on.
            tool: Tool::new(rust).dir(paths::at("bindings/rust")),
            lone_surrogates: false,
        },
        Host {
            name: "node",
            tool: Tool::new("node").arg("test/journeys.mjs").dir(node),
            lone_surrogates: true,
        },
        Host {
            name: "python",
            tool: python
                .arg("tests/journeys.py")
                .dir(paths::at("bindings/python")),
            lone_surrogates: true,
        },
    ]
}
