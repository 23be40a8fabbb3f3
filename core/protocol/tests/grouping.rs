//! How well fingerprint v1 finds causes in the labelled sets, by BCubed. A drop below the figures of its documentation fails.

// A test is a driver: it reads files and its environment.
#![allow(clippy::disallowed_methods)]

use faultwire_protocol::{fingerprint, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

type Key = (String, String);

/// Project, group and label of each event.
fn assign(set: &str) -> Option<Vec<(String, String, String)>> {
    let shared = std::env::var_os("FAULTWIRE_SHARED").map(PathBuf::from);
    let shared =
        shared.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let folder = shared.join("fixtures/grouping");
    let Ok(packed) = std::fs::read(folder.join(format!("{set}.events.jsonl.gz"))) else {
        println!("skipped: grouping {set}: ../shared is absent");
        return None;
    };
    let mut events = String::new();
    flate2::read::MultiGzDecoder::new(packed.as_slice())
        .read_to_string(&mut events)
        .expect("the set unpacks");
    let labels = std::fs::read_to_string(folder.join(format!("{set}.labels.jsonl")))
        .expect("labels beside events");
    let field = |value: &json::Value<'_>, name: &str| {
        value
            .get(name)
            .and_then(json::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let labels: BTreeMap<String, String> = labels
        .lines()
        .map(|line| json::parse(line).expect("a label is json"))
        .map(|line| (field(&line, "id"), field(&line, "label")))
        .collect();
    let rows = events.lines().map(|line| {
        let line = json::parse(line).expect("an event is json");
        let group = fingerprint::v1::compute(line.get("event").expect("a line has an event")).hash;
        (
            field(&line, "project"),
            group,
            labels[&field(&line, "id")].clone(),
        )
    });
    Some(rows.collect())
}

/// BCubed precision and recall over all events, and the F1 averaged over projects.
fn measure(rows: &[(String, String, String)]) -> (f64, f64, f64) {
    let mut groups: BTreeMap<Key, f64> = BTreeMap::new();
    let mut labels: BTreeMap<Key, f64> = BTreeMap::new();
    let mut cells: BTreeMap<(Key, String), f64> = BTreeMap::new();
    for (project, group, label) in rows {
        *groups.entry((project.clone(), group.clone())).or_default() += 1.0;
        *labels.entry((project.clone(), label.clone())).or_default() += 1.0;
        *cells
            .entry(((project.clone(), group.clone()), label.clone()))
            .or_default() += 1.0;
    }
    let mut projects: BTreeMap<&str, (f64, f64, f64)> = BTreeMap::new();
    for (project, group, label) in rows {
        let group = (project.clone(), group.clone());
        let cell = cells[&(group.clone(), label.clone())];
        let sums = projects.entry(project).or_default();
        sums.0 += cell / groups[&group];
        sums.1 += cell / labels[&(project.clone(), label.clone())];
        sums.2 += 1.0;
    }
    let f1 = |(precision, recall, count): &(f64, f64, f64)| {
        2.0 * (precision / count) * (recall / count) / ((precision + recall) / count)
    };
    let macro_f1 = projects.values().map(f1).sum::<f64>() / projects.len() as f64;
    let total = rows.len() as f64;
    let (precision, recall) = projects.values().fold((0.0, 0.0), |sum, project| {
        (sum.0 + project.0, sum.1 + project.1)
    });
    (precision / total, recall / total, macro_f1)
}

fn check(set: &str, least_precision: f64, least_f1: f64) {
    let Some(rows) = assign(set) else { return };
    let (precision, recall, macro_f1) = measure(&rows);
    println!(
        "{set}: macro F1 {macro_f1:.3}, precision {precision:.3}, recall {recall:.3}, {} events",
        rows.len()
    );
    assert!(
        precision >= least_precision,
        "{set}: precision fell to {precision:.3}"
    );
    assert!(
        macro_f1 >= least_f1,
        "{set}: macro F1 fell to {macro_f1:.3}"
    );
}

#[test]
fn causes_of_the_dev_set_are_found() {
    check("dev", 0.95, 0.81);
}

#[test]
fn causes_of_the_java_set_are_found() {
    check("d4j", 0.92, 0.90);
}
