//! `cargo xtask test`: every test of every part, with one table at the end that hides nothing.
//!
//! All Rust code is built once, by one cargo call with one feature set, and the test programs that it names are run from here,
//! part by part. `cargo test -p X` in turn would resolve features anew for each package and build half the libraries twice.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::demo::{self, Demo, Plan};
use crate::results::{
    Program, counted, in_short, node_passed, pytest_passed, skips, test_programs, vitest_passed,
};
use crate::run::{Tool, say};
use crate::{check, journeys, needs, paths, products, python, shots, table, up};

#[derive(clap::Args)]
pub struct Args {
    /// Parts to run. Default: all of them.
    #[arg(value_enum)]
    parts: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, clap::ValueEnum)]
pub enum Part {
    /// Formatting, lints, dependency edges and what else `cargo xtask check` does.
    Check,
    /// All Rust code and its test programs, as far as the other parts need them. Comes by itself.
    Build,
    /// The task runner's own tests.
    Xtask,
    /// protocol, core and native.
    Core,
    /// The Rust SDK.
    Rust,
    /// The examples in the documentation of all crates.
    Docs,
    /// The Node SDK.
    Node,
    /// The dashboard: types, unit tests, build, a person's first hour with it in Chromium.
    Dashboard,
    /// The collector, with the requests recorded from other vendors' SDKs.
    Collector,
    /// The collector on PostgreSQL: what only a data base server can do, and the tests of API, digest, recordings and durability
    /// once more on it.
    Postgres,
    /// The whole road: `up` on fresh data, the example's issues, pictures of the dashboard.
    Up,
    /// The browser SDK.
    Wasm,
    /// The Python SDK.
    Python,
    /// The Kotlin and Swift SDKs.
    Mobile,
    /// The same script of calls in every language.
    Journeys,
}

/// What became of a part.
#[derive(Default)]
struct Outcome {
    /// Counted single tests, where the part counts them.
    passed: u64,
    /// What was left out, each with its reason.
    skipped: Vec<String>,
    note: String,
    /// Nothing of the part was run.
    absent: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    let mut parts = if args.parts.is_empty() {
        <Part as clap::ValueEnum>::value_variants().to_vec()
    } else {
        args.parts.clone()
    };
    if parts.iter().any(|part| !part.packages().is_empty()) {
        parts.push(Part::Build);
    }
    parts.sort_unstable();
    parts.dedup();
    let mut workbench = Workbench::new(&parts);
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    let mut left_out = Vec::new();
    for part in parts {
        say(&format!("\n{}", name(part)));
        let begun = Instant::now();
        let (result, note) = match workbench.run(part) {
            Ok(outcome) => {
                if outcome.absent {
                    say(&format!("  skipped: {}", outcome.note));
                }
                left_out.extend(
                    outcome
                        .skipped
                        .iter()
                        .map(|line| format!("  skipped: {}: {line}", name(part))),
                );
                (
                    if outcome.absent { "skipped" } else { "ok" },
                    outcome.text(),
                )
            }
            Err(error) => {
                say(&format!("{error:#}"));
                failures.push(name(part));
                ("FAILED", in_short(&format!("{error:#}")))
            }
        };
        rows.push(vec![
            name(part),
            result.to_owned(),
            format!("{:.1}", begun.elapsed().as_secs_f64()),
            note,
        ]);
    }
    println!(
        "\n{}",
        table::render(&["part", "result", "seconds", "what"], &rows)
    );
    for line in left_out {
        println!("{line}");
    }
    println!("  {:.0} s in all", started.elapsed().as_secs_f64());
    if failures.is_empty() {
        return Ok(());
    }
    bail!(
        "{} failed; run one alone with `cargo xtask test PART`",
        failures.join(", ")
    )
}

impl Outcome {
    fn absent(reason: &str) -> Self {
        Self {
            skipped: vec![reason.to_owned()],
            note: reason.to_owned(),
            absent: true,
            ..Self::default()
        }
    }

    fn text(&self) -> String {
        let mut words = Vec::new();
        if self.passed > 0 {
            words.push(format!("{} tests", self.passed));
        }
        if !self.note.is_empty() {
            words.push(self.note.clone());
        }
        if !self.absent && !self.skipped.is_empty() {
            words.push(format!("{} skipped, named below", self.skipped.len()));
        }
        words.join(", ")
    }
}

impl Part {
    /// The crates that cargo must build for it.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Part::Xtask => &["xtask"],
            Part::Core => &["faultwire-protocol", "faultwire-core", "faultwire-native"],
            Part::Rust => &["faultwire", "faultwire-tower", "faultwire-tracing"],
            Part::Node | Part::Collector | Part::Up => &["faultwire-collector", "faultwire-node"],
            Part::Postgres => &["faultwire-collector"],

            Part::Dashboard => &["faultwire-collector"],
            Part::Check | Part::Build | Part::Docs => &[],
            Part::Journeys => &["faultwire", "faultwire-node"],
            Part::Wasm | Part::Python | Part::Mobile => &[],
        }
    }
}

/// What has been built so far, so that no part builds it again.
struct Workbench {
    /// Cargo's choice of packages: all of them, or those that the wanted parts need.
    packages: Vec<String>,
    /// Test programs by the folder of their package; None until cargo has built them.
    programs: Option<BTreeMap<PathBuf, Vec<Program>>>,
    dashboard_built: bool,
    node_built: bool,
    /// The collector's own part is among those wanted.
    with_collector: bool,
}

impl Workbench {
    fn new(parts: &[Part]) -> Self {
        let mut names: Vec<&str> = parts
            .iter()
            .flat_map(|part| part.packages())
            .copied()
            .collect();
        names.sort_unstable();
        names.dedup();
        let is_whole = parts.contains(&Part::Core) && parts.contains(&Part::Collector);
        let some = || {
            names
                .iter()
                .flat_map(|name| ["--package".to_owned(), (*name).to_owned()])
                .collect()
        };
        Self {
            packages: if is_whole {
                vec!["--workspace".to_owned()]
            } else {
                some()
            },
            programs: None,
            dashboard_built: false,
            node_built: false,
            with_collector: parts.contains(&Part::Collector),
        }
    }

    fn run(&mut self, part: Part) -> Result<Outcome> {
        match part {
            Part::Check => check::run().map(|()| Outcome::default()),
            Part::Build => self.build(),
            Part::Xtask => self.rust(&["xtask"]),
            Part::Core => self.rust(&["core/protocol", "core", "core/native"]),
            Part::Rust => self.rust(&[
                "bindings/rust",
                "bindings/rust/tower",
                "bindings/rust/tracing",
            ]),
            Part::Docs => docs(),
            Part::Node => self.node(),
            Part::Dashboard => self.dashboard(),
            Part::Collector => self.collector(),
            Part::Postgres => self.postgres(),
            Part::Up => self.up(),
            Part::Wasm => Ok(Outcome::absent(
                "the browser SDK is not written yet; ARCHITECTURE.md has its plan",
            )),
            Part::Python => {
                let done = python::test(TEST_LIMIT)?;
                Ok(Outcome {
                    passed: pytest_passed(&done),
                    skipped: skips(&done),
                    note: "types, stubs, the wheel".to_owned(),
                    ..Outcome::default()
                })
            }
            Part::Mobile => Ok(Outcome::absent(
                "the mobile SDKs are not written yet; ARCHITECTURE.md has their plan",
            )),
            Part::Journeys => self.journeys(),
        }
    }

    fn build(&mut self) -> Result<Outcome> {
        let build = Tool::cargo()
            .args([
                "build",
                "--all-targets",
                "--message-format=json-render-diagnostics",
            ])
            .args(&self.packages)
            .step("all Rust code and its tests")?;
        let programs = test_programs(&build);
        let note = format!(
            "{} test programs",
            programs.values().map(Vec::len).sum::<usize>()
        );
        self.programs = Some(programs);
        Ok(Outcome {
            note,
            ..Outcome::default()
        })
    }

    fn programs(&self) -> Result<&BTreeMap<PathBuf, Vec<Program>>> {
        self.programs
            .as_ref()
            .context("not run: the Rust code does not build")
    }

    /// Runs the test programs of the packages in these folders.
    fn rust(&mut self, folders: &[&str]) -> Result<Outcome> {
        self.rust_programs(folders, |_| true, &[])
    }

    /// Runs some of them, by their names, with further environment.
    fn rust_programs(
        &mut self,
        folders: &[&str],
        is_wanted: impl Fn(&str) -> bool,
        environment: &[(&str, &str)],
    ) -> Result<Outcome> {
        let programs = self.programs()?;
        let mut outcome = Outcome::default();
        let mut failures = Vec::new();
        for folder in folders {
            let folder = paths::at(folder);
            let programs = programs.get(&folder).into_iter().flatten();
            // The player of journeys tests nothing by itself; part `journeys` starts it.
            let programs = programs.filter(|program| program.name != JOURNEYS);
            for program in programs.filter(|program| is_wanted(&program.name)) {
                let mut tool = Tool::new(&program.path)
                    .arg("--show-output")
                    .dir(&folder)
                    .env("CARGO_MANIFEST_DIR", &folder)
                    .limit(TEST_LIMIT);
                for (name, value) in environment {
                    tool = tool.env(name, value);
                }
                match tool.step(&program.name) {
                    Ok(done) => {
                        outcome.passed += counted(&done, " passed");
                        outcome.skipped.extend(skips(&done));
                    }
                    Err(error) => failures.push(format!("{error:#}")),
                }
            }
        }
        if failures.is_empty() {
            Ok(outcome)
        } else {
            bail!("{}", failures.join("\n\n"))
        }
    }

    fn dashboard(&mut self) -> Result<Outcome> {
        needs::NODE.ensure()?;
        let folder = paths::at("collector/dashboard");
        needs::npm_packages(&folder, "the dashboard")?;
        let npm = || needs::npm().dir(&folder).limit(TEST_LIMIT);
        npm().args(["run", "check"]).step("dashboard: types")?;
        let tests = npm()
            .arg("test")
            .env("NO_COLOR", "1")
            .env("CI", "1")
            .step("dashboard: unit tests")?;
        self.build_dashboard()?;
        let mut outcome = Outcome {
            passed: vitest_passed(&tests),
            note: "types, build".to_owned(),
            ..Outcome::default()
        };
        self.programs()?;
        match needs::CHROMIUM.ensure() {
            Ok(chromium) => {
                let collector = paths::collector("debug");
                Tool::new("node")
                    .args(["shots/journey.mjs", "--chromium", &chromium, "--binary"])
                    .arg(collector)
                    .dir(&folder)
                    .limit(TEST_LIMIT)
                    .step("dashboard: a journey in Chromium")?;
                outcome.note.push_str(", a journey in Chromium");
            }
            Err(error) => outcome
                .skipped
                .push(format!("the journey in Chromium: {error:#}")),
        }
        Ok(outcome)
    }

    fn build_dashboard(&mut self) -> Result<()> {
        if !self.dashboard_built {
            products::dashboard()?;
            self.dashboard_built = true;
        }
        Ok(())
    }

    fn build_node(&mut self) -> Result<()> {
        self.programs()?;
        if !self.node_built {
            products::node_package("debug")?;
            self.node_built = true;
        }
        Ok(())
    }

    fn node(&mut self) -> Result<Outcome> {
        needs::NODE.ensure()?;
        self.build_node()?;
        products::example("node-express")?;
        let npm = needs::npm()
            .dir(paths::at("bindings/node"))
            .limit(TEST_LIMIT);
        // The tests of process death count what arrived at the real collector.
        let npm = npm.env("FAULTWIRE_COLLECTOR", paths::collector("debug"));
        let done = npm.args(["test", "--", "--no-build"]).step("node: tests")?;
        Ok(Outcome {
            passed: node_passed(&done),
            skipped: skips(&done),
            ..Outcome::default()
        })
    }

    fn collector(&mut self) -> Result<Outcome> {
        // Its tests start real Node programs with our SDK.
        needs::NODE.ensure()?;
        self.build_node()?;
        // Where it cannot be had, the tests that need it say so by name.
        let absent = needs::POSTGRES.ensure().err();
        if let Some(error) = absent {
            say(&format!("  {error:#}"));
        }
        self.rust(&["collector"])
    }

    /// The same calls in every language that has a runner.
    fn journeys(&mut self) -> Result<Outcome> {
        needs::NODE.ensure()?;
        self.build_node()?;
        let rust = self.programs()?.get(&paths::at("bindings/rust"));
        let rust = rust
            .into_iter()
            .flatten()
            .find(|program| program.name == JOURNEYS)
            .context("cargo built no player of journeys in bindings/rust")?;
        let hosts = journeys::hosts(&rust.path, python::installed()?);
        let played = journeys::play(&hosts)?;
        println!("\n{}", played.table);
        for difference in &played.differences {
            println!("  {difference}");
        }
        if !played.failures.is_empty() {
            let count = played.failures.len();
            bail!(
                "{count} journeys failed\n\n{}",
                played.failures.join("\n\n")
            );
        }
        Ok(Outcome {
            passed: played.passed,
            skipped: played.skipped,
            ..Outcome::default()
        })
    }

    /// What the collector's part leaves out: the same tests once more, on the other store.
    fn postgres(&mut self) -> Result<Outcome> {
        if let Err(error) = needs::POSTGRES.ensure() {
            return Ok(Outcome::absent(&format!("{error:#}")));
        }
        let own = [&ON_BOTH_STORES[..], &["store", "postgres", "both_stores"]].concat();
        // Those of PostgreSQL's own have run with the collector's part, if that was wanted.
        let wanted = if self.with_collector {
            &ON_BOTH_STORES[..]
        } else {
            &own[..]
        };
        let is_wanted = |name: &str| {
            let mut wanted = wanted.iter();
            wanted.any(|one| name == format!("{one} tests"))
        };
        let environment = ("FAULTWIRE_TEST_STORE", "postgres");
        self.rust_programs(&["collector"], is_wanted, &[environment])
    }

    /// The promise of the README, kept twice: on fresh data, and again on the data of the first run.
    fn up(&mut self) -> Result<Outcome> {
        needs::NODE.ensure()?;
        self.programs()?;
        self.build_dashboard()?;
        self.build_node()?;
        let data = paths::state().join("test-up");
        demo::forget(&data)?;
        let plan = Plan {
            data,
            port: Some(0),
        };
        let mut passwords = Vec::new();
        for round in 1..=2_u64 {
            let mut demo = Demo::start(&plan)?;
            let shown =
                up::fail_and_watch(&demo, &[products::example("node-express")?], Instant::now())?;
            let is_exact = shown.issues == up::ISSUES && shown.events == shown.reported;
            if !is_exact {
                bail!(
                    "round {round}: {} failures became {} events in {} issues; each must be counted once, each fault be one issue ({})",
                    shown.reported,
                    shown.events,
                    shown.issues,
                    up::ISSUES
                );
            }
            passwords.push(demo.password.clone());
            demo.stop()?;
        }
        if passwords[0] != passwords[1] {
            bail!("the second start forgot the password of the first");
        }
        let mut outcome = Outcome {
            note: "demo twice on one data folder".to_owned(),
            ..Outcome::default()
        };
        match needs::CHROMIUM.ensure() {
            Ok(_) => {
                let pictures = shots::take(&paths::at("shots"))?;
                outcome
                    .note
                    .push_str(&format!(", {} pictures", pictures.len()));
            }
            Err(error) => outcome.skipped.push(format!("pictures: {error:#}")),
        }
        Ok(outcome)
    }
}

fn docs() -> Result<Outcome> {
    let done = Tool::cargo()
        .args(["test", "--workspace", "--doc"])
        .limit(TEST_LIMIT)
        .step("examples in the documentation")?;
    Ok(Outcome {
        passed: counted(&done, " passed"),
        ..Outcome::default()
    })
}

fn name(part: Part) -> String {
    format!("{part:?}").to_lowercase()
}

/// The Rust SDK's player of journeys among the test programs.
const JOURNEYS: &str = "journeys tests";
/// Test programs of the collector that run on either store.
const ON_BOTH_STORES: [&str; 4] = ["api", "digest", "durability", "recorded"];
/// A test program that takes longer hangs.
const TEST_LIMIT: Duration = Duration::from_secs(10 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_alone_asks_cargo_for_its_packages_only() {
        assert_eq!(
            Workbench::new(&[Part::Dashboard]).packages,
            ["--package", "faultwire-collector"]
        );
        assert_eq!(
            Workbench::new(<Part as clap::ValueEnum>::value_variants()).packages,
            ["--workspace"]
        );
    }
}
