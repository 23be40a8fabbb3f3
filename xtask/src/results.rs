//! What other tools' output says: which test programs cargo built, how many tests passed, what was skipped and why.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

/// One test program that cargo built: a crate's unit tests, or one file of its tests folder.
pub struct Program {
    pub name: String,
    pub path: PathBuf,
}

/// The test programs among cargo's messages, by the folder of their package.
pub fn test_programs(messages: &str) -> BTreeMap<PathBuf, Vec<Program>> {
    let mut programs: BTreeMap<PathBuf, Vec<Program>> = BTreeMap::new();
    for line in messages.lines().filter(|line| line.starts_with('{')) {
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let (Some(path), true) = (
            message["executable"].as_str(),
            message["profile"]["test"] == true,
        ) else {
            continue;
        };
        let Some(folder) = message["manifest_path"]
            .as_str()
            .and_then(|path| PathBuf::from(path).parent().map(PathBuf::from))
        else {
            continue;
        };
        let target = message["target"]["name"].as_str().unwrap_or_default();
        let kind = message["target"]["kind"][0].as_str().unwrap_or_default();
        let name = if kind == "test" {
            format!("{target} tests")
        } else {
            format!("{target} unit tests ({kind})")
        };
        programs.entry(folder).or_default().push(Program {
            name,
            path: path.into(),
        });
    }
    programs
}

/// Adds up libtest's `test result: ok. 12 passed; 0 failed; …` lines.
pub fn counted(text: &str, word: &str) -> u64 {
    let results = text
        .lines()
        .filter(|line| line.starts_with("test result: "));
    let of = |line: &str| {
        line.split_once(word)
            .and_then(|(before, _)| before.rsplit(' ').next()?.parse::<u64>().ok())
    };
    results.filter_map(of).sum()
}

/// node:test ends with `# pass 12` (TAP) or `ℹ pass 12` (spec); several files may each end so.
pub fn node_passed(text: &str) -> u64 {
    let of = |line: &str| {
        line.trim_start_matches(['#', 'ℹ', ' '])
            .strip_prefix("pass ")?
            .trim()
            .parse::<u64>()
            .ok()
    };
    text.lines().filter_map(of).sum()
}

/// pytest ends with `73 passed, 1 skipped in 17.00s`.
pub fn pytest_passed(text: &str) -> u64 {
    let of = |line: &str| {
        let (before, _) = line.split_once(" passed")?;
        let is_summary = line.contains(" in ") && line.trim_end_matches(['=', ' ']).ends_with('s');
        is_summary.then(|| before.rsplit([' ', '=']).next()?.parse::<u64>().ok())?
    };
    text.lines().filter_map(of).sum()
}

/// vitest ends with `Tests  12 passed (12)`.
pub fn vitest_passed(text: &str) -> u64 {
    let of = |line: &str| {
        let rest = line.trim().strip_prefix("Tests ")?;
        rest.split_once(" passed")?
            .0
            .rsplit([' ', '|'])
            .next()?
            .parse::<u64>()
            .ok()
    };
    text.lines().filter_map(of).sum()
}

/// The first sentence of a failure, for the table: without the command line and what it printed.
pub fn in_short(cause: &str) -> String {
    let line = cause.lines().next().unwrap_or_default();
    line.split(": `")
        .next()
        .unwrap_or(line)
        .chars()
        .take(90)
        .collect()
}

/// What tests left out, by the house's convention: a line `skipped: NAME: WHY`.
pub fn skips(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("skipped: ").map(str::to_owned))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_every_test_tool_are_counted() {
        let libtest = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured\nnoise 5 passed\ntest result: ok. 3 passed; 0 failed";
        assert_eq!(counted(libtest, " passed"), 15);
        assert_eq!(node_passed("# tests 9\n# pass 8\n# fail 1\n"), 8);
        assert_eq!(node_passed("ℹ tests 4\nℹ pass 4\n"), 4);
        assert_eq!(
            vitest_passed(" Test Files  6 passed (6)\n      Tests  31 passed (31)\n"),
            31
        );
        assert_eq!(
            vitest_passed("      Tests  1 failed | 30 passed (31)\n"),
            30
        );
        assert_eq!(vitest_passed("nothing"), 0);
        assert_eq!(pytest_passed("73 passed, 1 skipped in 16.95s"), 73);
        assert_eq!(pytest_passed("=== 1 failed, 72 passed in 9.00s ==="), 72);
        assert_eq!(pytest_passed("E  2 passed the gate"), 0);
    }

    #[test]
    fn a_failure_is_told_in_one_line() {
        assert_eq!(
            in_short(
                "crash tests failed: `crash-1 --show-output` ended with exit status: 101; it said:\nmuch"
            ),
            "crash tests failed"
        );
        assert_eq!(in_short("node is missing"), "node is missing");
        assert_eq!(in_short(""), "");
    }

    #[test]
    fn skips_are_named_once() {
        let text = "skipped: fixtures: ../shared is absent\nok\n  skipped: fixtures: ../shared is absent\nskipped: b: c\n";
        assert_eq!(skips(text), ["b: c", "fixtures: ../shared is absent"]);
    }

    #[test]
    fn test_programs_are_found_among_the_messages_of_cargo() {
        let messages = concat!(
            "   Compiling something\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/r/core/Cargo.toml","target":{"kind":["lib"],"name":"faultwire_core"},"profile":{"test":true},"executable":"/t/core-1"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/r/core/Cargo.toml","target":{"kind":["test"],"name":"tapes"},"profile":{"test":true},"executable":"/t/tapes-1"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/r/collector/Cargo.toml","target":{"kind":["bin"],"name":"faultwire"},"profile":{"test":false},"executable":"/t/faultwire"}"#,
            "\n",
        );
        let found = test_programs(messages);
        assert_eq!(found.len(), 1, "a plain binary is not a test");
        let names: Vec<&str> = found[&PathBuf::from("/r/core")]
            .iter()
            .map(|program| program.name.as_str())
            .collect();
        assert_eq!(names, ["faultwire_core unit tests (lib)", "tapes tests"]);
    }
}
