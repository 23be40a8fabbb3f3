//! Runs the function vectors: `core/vectors/functions/NAME.json`, a list of `{name, input, expect}`.
//!
//! `UPDATE=1 cargo test -p faultwire-protocol --test vectors` rewrites every `expect`; review the diff. The same files run
//! in the WASM build, which proves that both sides agree.

// A test is a driver: it reads files and its environment.
#![allow(clippy::disallowed_methods)]

mod functions;

use faultwire_protocol::json::{self, Object, Value};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/functions")
}

#[test]
fn function_vectors_hold() {
    let update = std::env::var_os("UPDATE").is_some();
    let (mut cases, mut failures) = (0, Vec::new());
    for (name, function) in functions::ALL {
        let path = folder().join(name).with_extension("json");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut list =
            json::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for case in list
            .as_array_mut()
            .expect("a vector file is a list")
            .iter_mut()
        {
            let case = case.as_object_mut().expect("a case is an object");
            let actual = function(case.get("input").expect("a case has an input")).into_owned();
            cases += 1;
            if update {
                case.insert("expect", actual);
            } else if case.get("expect") != Some(&actual) {
                let expect = case.get("expect").map(Value::to_string).unwrap_or_default();
                failures.push(format!(
                    "{name}: {}\n  expect {expect}\n  actual {actual}",
                    case.str("name").unwrap_or("?")
                ));
            }
        }
        if update {
            std::fs::write(&path, pretty(&list)).expect("the vector folder can be written");
        }
    }
    println!("{cases} vectors, {} failures", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cases >= 120, "only {cases} vectors found");
}

#[test]
fn every_vector_file_has_a_runner() {
    for entry in std::fs::read_dir(folder()).expect("the vector folder exists") {
        let path = entry.expect("the folder can be read").path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        assert!(
            functions::ALL.iter().any(|(known, _)| *known == name),
            "no function runs {}",
            path.display()
        );
    }
}

/// One case after the other, each part on its own line, so that a diff shows what changed.
fn pretty(list: &Value<'_>) -> String {
    let case = |case: &Object<'_>| {
        let parts: Vec<String> = case
            .iter()
            .map(|(key, value)| format!("    {}: {value}", Value::from(key)))
            .collect();
        format!("  {{\n{}\n  }}", parts.join(",\n"))
    };
    let cases: Vec<String> = list
        .as_array()
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_object)
        .map(case)
        .collect();
    format!("[\n{}\n]\n", cases.join(",\n"))
}
