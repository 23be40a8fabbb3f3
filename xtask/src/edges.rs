//! Who may depend on whom. Reads the resolved dependency graph, so that a feature, a rename or a path cannot hide an edge.
//!
//! `protocol` <- `core` <- `native` <- `bindings/*`, and `protocol` <- `collector`. Nothing imports a binding, nothing imports
//! the task runner. The sans-IO crates may use only the few libraries named here: a new one is a decision, and the person who
//! takes it adds the name to this file in the same commit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{Context, Result};
use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand};

use crate::paths;

/// Which crates of ours each crate of ours may name in its manifest, in any table.
const ALLOWED: &[(&str, &[&str])] = &[
    ("faultwire-protocol", &[]),
    ("faultwire-core", &["faultwire-protocol"]),
    (
        "faultwire-native",
        &["faultwire-protocol", "faultwire-core"],
    ),
    ("faultwire", &["faultwire-native"]),
    // Integrations of the Rust SDK, a crate each: who does not use tower does not build it.
    ("faultwire-tower", &["faultwire"]),
    ("faultwire-tracing", &["faultwire"]),
    ("faultwire-node", &["faultwire-native"]),
    ("faultwire-python", &["faultwire-native"]),
    // The collector never imports the SDK engine. It may come to use the finished Rust SDK for its own errors.
    ("faultwire-collector", &["faultwire-protocol"]),
    ("xtask", &[]),
];

/// Crates without I/O (design decision 2), and the foreign libraries they may name outside their tests.
const PURE: &[(&str, &[&str])] = &[
    ("faultwire-protocol", &["memchr"]),
    // regex: the user of `ignoreErrors` writes patterns.
    ("faultwire-core", &["crc32fast", "regex"]),
];

/// What must not appear anywhere below a pure crate, whoever brings it in.
const IMPURE: &[&str] = &[
    "async-std",
    "chrono",
    "getrandom",
    "hyper",
    "libc",
    "mio",
    "nix",
    "rand",
    "rayon",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "time",
    "tokio",
    "ureq",
    "uuid",
];

/// One package of the graph: whom it names, by package name. Test dependencies stand apart.
#[derive(Debug, Default, Clone)]
pub struct Package {
    pub ours: bool,
    pub normal: BTreeSet<String>,
    pub tests: BTreeSet<String>,
}

/// Package name to package. Several versions of one library are folded into one entry: the rules speak of names.
pub type Graph = BTreeMap<String, Package>;

/// Reads the graph that cargo resolved for the whole workspace, all features on.
pub fn read() -> Result<Graph> {
    let metadata = MetadataCommand::new()
        .manifest_path(paths::at("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .exec()
        .context("cargo metadata failed")?;
    let resolve = metadata
        .resolve
        .as_ref()
        .context("cargo metadata returned no resolved graph")?;
    let mut graph = Graph::new();
    for node in &resolve.nodes {
        let package = graph
            .entry(metadata[&node.id].name.to_string())
            .or_default();
        package.ours |= metadata.workspace_members.contains(&node.id);
        for dependency in &node.deps {
            let name = metadata[&dependency.pkg].name.to_string();
            // Build dependencies count as normal ones: a build script that opens a socket is no better than a crate that does.
            let only_tests = dependency
                .dep_kinds
                .iter()
                .all(|kind| kind.kind == DependencyKind::Development);
            if only_tests {
                &mut package.tests
            } else {
                &mut package.normal
            }
            .insert(name);
        }
    }
    Ok(graph)
}

/// Every forbidden edge, one sentence each. Empty means the graph is as ARCHITECTURE.md draws it.
pub fn violations(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (name, package) in graph.iter().filter(|(_, package)| package.ours) {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| known == name) else {
            found.push(format!("{name} is new in the workspace: give it a line in xtask/src/edges.rs and in ARCHITECTURE.md"));
            continue;
        };
        for dependency in package.normal.union(&package.tests) {
            let ours = graph
                .get(dependency)
                .is_some_and(|dependency| dependency.ours);
            if ours && !allowed.contains(&dependency.as_str()) {
                found.push(format!(
                    "{name} depends on {dependency}, which ARCHITECTURE.md forbids"
                ));
            }
        }
    }
    for (name, libraries) in PURE {
        let Some(package) = graph.get(*name) else {
            continue;
        };
        for dependency in &package.normal {
            let ours = graph
                .get(dependency)
                .is_some_and(|dependency| dependency.ours);
            if !ours && !libraries.contains(&dependency.as_str()) {
                found.push(format!("{name} is sans-IO and may not depend on {dependency}: not in the list of xtask/src/edges.rs"));
            }
        }
        for (impure, path) in reached(graph, name) {
            found.push(format!(
                "{name} is sans-IO and must not reach {impure} ({})",
                path.join(" -> ")
            ));
        }
    }
    found
}

/// The impure packages below `start`, each with a shortest way to it.
fn reached(graph: &Graph, start: &str) -> Vec<(String, Vec<String>)> {
    let mut came_from: BTreeMap<String, String> = BTreeMap::new();
    let mut queue = VecDeque::from([start.to_owned()]);
    let mut found = Vec::new();
    while let Some(name) = queue.pop_front() {
        if IMPURE.contains(&name.as_str()) {
            let mut path = vec![name.clone()];
            while let Some(parent) = path.last().and_then(|last| came_from.get(last)) {
                path.push(parent.clone());
            }
            path.reverse();
            found.push((name.clone(), path));
        }
        for next in graph
            .get(&name)
            .into_iter()
            .flat_map(|package| &package.normal)
        {
            if next != start && !came_from.contains_key(next) {
                came_from.insert(next.clone(), name.clone());
                queue.push_back(next.clone());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        let mut graph = Graph::new();
        for (name, dependencies) in edges {
            let package = graph.entry((*name).to_owned()).or_default();
            package.ours =
                ALLOWED.iter().any(|(known, _)| known == name) || name.starts_with("faultwire");
            package.normal = dependencies.iter().map(|name| (*name).to_owned()).collect();
        }
        graph
    }

    const GOOD: &[(&str, &[&str])] = &[
        ("faultwire-protocol", &["memchr"]),
        ("faultwire-core", &["faultwire-protocol", "crc32fast"]),
        (
            "faultwire-native",
            &["faultwire-core", "faultwire-protocol", "ureq"],
        ),
        ("faultwire", &["faultwire-native"]),
        ("faultwire-collector", &["faultwire-protocol", "tokio"]),
        ("tokio", &["mio"]),
    ];

    fn with(changed: (&str, &[&str])) -> Vec<String> {
        let mut good = graph(GOOD);
        good.extend(graph(&[changed]));
        violations(&good)
    }

    #[test]
    fn the_drawn_graph_passes() {
        assert_eq!(violations(&graph(GOOD)), Vec::<String>::new());
    }

    #[test]
    fn the_collector_may_not_import_the_engine() {
        let found = with((
            "faultwire-collector",
            &["faultwire-protocol", "faultwire-core"],
        ));
        assert_eq!(
            found,
            ["faultwire-collector depends on faultwire-core, which ARCHITECTURE.md forbids"]
        );
    }

    #[test]
    fn the_engine_may_not_import_a_driver_not_even_for_its_tests() {
        let mut changed = graph(GOOD);
        changed
            .entry("faultwire-core".to_owned())
            .or_default()
            .tests
            .insert("faultwire-native".to_owned());
        assert_eq!(
            violations(&changed),
            ["faultwire-core depends on faultwire-native, which ARCHITECTURE.md forbids"]
        );
    }

    #[test]
    fn nothing_may_import_a_binding() {
        let found = with(("faultwire-native", &["faultwire-core", "faultwire"]));
        assert_eq!(
            found,
            ["faultwire-native depends on faultwire, which ARCHITECTURE.md forbids"]
        );
    }

    #[test]
    fn a_pure_crate_may_not_take_an_unlisted_library() {
        let found = with(("faultwire-core", &["faultwire-protocol", "serde_json"]));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("may not depend on serde_json"),
            "{found:?}"
        );
    }

    #[test]
    fn io_is_found_through_a_library_that_hides_it() {
        let mut changed = graph(GOOD);
        changed.extend(graph(&[
            ("memchr", &["quiet-helper"]),
            ("quiet-helper", &["getrandom"]),
        ]));
        let found = violations(&changed);
        let way = "faultwire-protocol is sans-IO and must not reach getrandom (faultwire-protocol -> memchr -> quiet-helper -> getrandom)";
        assert!(found.contains(&way.to_owned()), "{found:?}");
        assert!(
            found
                .iter()
                .any(|line| line.starts_with("faultwire-core is sans-IO")),
            "core is below the same rule: {found:?}"
        );
    }

    #[test]
    fn a_new_crate_needs_a_line_here() {
        let found = with(("faultwire-surprise", &[]));
        assert!(
            found.len() == 1 && found[0].starts_with("faultwire-surprise is new"),
            "{found:?}"
        );
    }

    #[test]
    fn the_real_graph_passes_and_holds_every_crate_of_the_rules() {
        let real = read().unwrap();
        for (name, _) in ALLOWED {
            assert!(
                real.get(*name).is_some_and(|package| package.ours),
                "{name} is in the rules but not in the workspace"
            );
        }
        assert_eq!(violations(&real), Vec::<String>::new());
    }
}
