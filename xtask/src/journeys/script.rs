//! A journey's file, and the scripts that a runner gets of it: placeholders filled in, repetitions written out, one script
//! for each process.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

/// One file of `core/vectors/journeys`. Its fields are described in the README there.
pub struct Journey {
    pub name: String,
    path: PathBuf,
    text: String,
    /// Hosts that cannot play it, with the reason.
    pub absent: BTreeMap<String, String>,
    pub server: Vec<Value>,
    steps: Vec<Value>,
    expect: Value,
    /// Hosts for which something else is expected: `{"why", "expect"}`.
    differs: Map<String, Value>,
}

/// What one process has to do.
#[derive(Debug, PartialEq)]
pub struct Script {
    /// JSON text: a list of steps.
    pub text: String,
    /// The process kills itself at the end.
    pub dies: bool,
}

/// What stands for this place in a script.
pub struct Places<'a> {
    pub server: SocketAddr,
    pub queue: &'a Path,
    /// Whether the host's strings can hold half a surrogate pair.
    pub lone_surrogates: bool,
}

/// All journeys, by name.
pub fn all(folder: &Path) -> Result<Vec<Journey>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    paths.sort();
    paths.into_iter().map(Journey::load).collect()
}

impl Journey {
    fn load(path: PathBuf) -> Result<Self> {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::parse(&name, path.clone(), text).with_context(|| format!("journey {name}"))
    }

    fn parse(name: &str, path: PathBuf, text: String) -> Result<Self> {
        let tree: Map<String, Value> = serde_json::from_str(&text)?;
        if let Some(odd) = tree.keys().find(|key| !FIELDS.contains(&key.as_str())) {
            bail!(
                "{odd} is no field of a journey; it has {}",
                FIELDS.join(", ")
            );
        }
        let list = |field: &str| tree.get(field).and_then(Value::as_array).cloned();
        let texts = tree.get("absent").and_then(Value::as_object);
        let absent = texts
            .into_iter()
            .flatten()
            .map(|(host, why)| (host.clone(), why.as_str().unwrap_or_default().to_owned()));
        if !tree.get("story").is_some_and(Value::is_string) {
            bail!("it needs a story: what happens, and what must come of it");
        }
        Ok(Self {
            name: name.to_owned(),
            path,
            absent: absent.collect(),
            server: list("server").unwrap_or_default(),
            steps: list("steps").context("it needs a list of steps")?,
            expect: tree.get("expect").cloned().unwrap_or(Value::Null),
            differs: tree
                .get("differs")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            text,
        })
    }

    /// What must come of it on `host`: the common expectation, with the sections of its own in their place.
    pub fn expected(&self, host: &str) -> Value {
        let mut expected = self.expect.clone();
        let own = self
            .differs
            .get(host)
            .and_then(|own| own["expect"].as_object());
        if let Some(sections) = expected.as_object_mut() {
            for (name, section) in own.into_iter().flatten() {
                if section.as_array().is_some_and(Vec::is_empty) {
                    sections.remove(name);
                } else {
                    sections.insert(name.clone(), section.clone());
                }
            }
        }
        expected
    }

    /// Why `host` does something else than the others; `None` if it does not.
    pub fn differs(&self, host: &str) -> Option<&str> {
        self.differs
            .get(host)
            .map(|own| own["why"].as_str().unwrap_or(""))
    }

    /// Makes `seen` the expectation of `host`: the sections that differ from the common one, if the file says that it differs.
    pub fn expect(&mut self, host: &str, seen: Value) {
        let Some(own) = self.differs.get_mut(host) else {
            self.expect = seen;
            return;
        };
        let sections = SECTIONS
            .iter()
            .filter(|name| seen.get(name) != self.expect.get(name));
        let sections = sections.map(|name| {
            let section = seen.get(name).cloned().unwrap_or_else(|| json!([]));
            ((*name).to_owned(), section)
        });
        own["expect"] = Value::Object(sections.collect());
    }

    /// Writes the file anew; what the author wrote, before the line with `"expect"`, stays as it is.
    pub fn save(&self) -> Result<()> {
        let kept = match self.text.find("\n\"expect\":") {
            Some(at) => self.text[..at].to_owned(),
            None => {
                let open = self.text.trim_end().trim_end_matches('}').trim_end();
                format!("{},", open.trim_end_matches(','))
            }
        };
        let mut text = format!("{kept}\n\"expect\": {}", laid_out(&self.expect, 0));
        if !self.differs.is_empty() {
            text.push_str(",\n\"differs\": ");
            text.push_str(&laid_out(&Value::Object(self.differs.clone()), 0));
        }
        text.push_str("\n}\n");
        fs::write(&self.path, text).with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// The scripts of the journey's processes, in turn.
    pub fn scripts(&self, places: &Places<'_>) -> Result<Vec<Script>> {
        let mut scripts = Vec::new();
        let mut steps = Vec::new();
        for step in &self.steps {
            if step.get("restart").is_some() {
                scripts.push(script(std::mem::take(&mut steps), places));
            } else if let Some(times) = step["times"].as_u64() {
                for number in 1..=times {
                    steps.push(filled(&step["step"], &|text| {
                        text.replace("$N", &number.to_string())
                    }));
                }
            } else {
                steps.push(step.clone());
            }
        }
        scripts.push(script(steps, places));
        let last_words: Vec<bool> = scripts.iter().map(|script| script.dies).collect();
        if last_words.last() == Some(&true) {
            bail!("nothing can be seen of a death without a restart after it");
        }
        Ok(scripts)
    }
}

fn script(steps: Vec<Value>, places: &Places<'_>) -> Script {
    let dsn = |host: &str| format!("http://{PUBLIC_KEY}@{host}/{PROJECT}");
    let fill = |text: &str| {
        text.replace("$DSN", &dsn(&places.server.to_string()))
            .replace("$NOBODY", &dsn(NOBODY))
            .replace("$QUEUE", &places.queue.to_string_lossy())
    };
    let mut steps: Vec<Value> = steps.iter().map(|step| filled(step, &fill)).collect();
    for step in &mut steps {
        if let Some(options) = step.get_mut("init").and_then(Value::as_object_mut) {
            options.entry("dsn").or_insert_with(|| json!(fill("$DSN")));
            options
                .entry("queueDir")
                .or_insert_with(|| json!(fill("$QUEUE")));
        }
    }
    let dies = steps.last().is_some_and(|step| step.get("die").is_some());
    let surrogate = if places.lone_surrogates {
        r"\ud83d"
    } else {
        r"\ufffd"
    };
    // A Rust string holds no half pair, so it is put into the text.
    let text = Value::Array(steps).to_string().replace("$HALF", surrogate);
    Script { text, dies }
}

/// A copy of `value` with every text passed through `fill`, and `{"repeat":["ab",3]}` written out as `ababab`.
fn filled(value: &Value, fill: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(items) => items.iter().map(|item| filled(item, fill)).collect(),
        Value::Object(fields) => {
            if let Some([Value::String(part), times]) = fields
                .get("repeat")
                .and_then(Value::as_array)
                .map(Vec::as_slice)
            {
                let times = times.as_u64().unwrap_or(0);
                return Value::String(part.repeat(usize::try_from(times).unwrap_or(0)));
            }
            let copied = fields
                .iter()
                .map(|(name, item)| (name.clone(), filled(item, fill)));
            Value::Object(copied.collect())
        }
        other => other.clone(),
    }
}

/// JSON for people: a value that fits stands on one line, a longer one is broken into its parts.
pub fn laid_out(value: &Value, indent: usize) -> String {
    let line = value.to_string();
    if line.len() + indent <= LINE {
        return line;
    }
    let (open, close, parts): (char, char, Vec<String>) = match value {
        Value::Array(items) => {
            let parts = items.iter().map(|item| laid_out(item, indent + 1));
            ('[', ']', parts.collect())
        }
        Value::Object(fields) => {
            let parts = fields
                .iter()
                .map(|(name, item)| format!("{}: {}", json!(name), laid_out(item, indent + 1)));
            ('{', '}', parts.collect())
        }
        _ => return line,
    };
    let margin = " ".repeat(indent + 1);
    let parts = parts.join(&format!(",\n{margin}"));
    format!("{open}\n{margin}{parts}\n{}{close}", " ".repeat(indent))
}

pub const PUBLIC_KEY: &str = "9c1d5f0a7b3e4c2d8f6a1b0c3d2e4f5a";
pub const PROJECT: &str = "1";
/// Refuses connections: the port is below those that programs of users listen on.
const NOBODY: &str = "127.0.0.1:1";
const FIELDS: [&str; 6] = ["story", "absent", "server", "steps", "expect", "differs"];
/// The sections of an expectation; one that is empty is not written.
pub const SECTIONS: [&str; 4] = ["said", "warnings", "wire", "reports"];
const LINE: usize = 130;

#[cfg(test)]
mod tests {
    use super::*;

    fn journey(text: &str) -> Result<Journey> {
        Journey::parse("test", PathBuf::from("test.json"), text.to_owned())
    }

    fn places() -> Places<'static> {
        Places {
            server: SocketAddr::from(([127, 0, 0, 1], 7)),
            queue: Path::new("/q"),
            lone_surrogates: true,
        }
    }

    #[test]
    fn scripts_are_split_at_restarts_and_written_out() {
        let journey = journey(
            r#"{"story":"","steps":[{"init":{"dsn":"$NOBODY"}},{"times":2,"step":{"captureMessage":{"text":"a $N"}}},{"die":true},
               {"restart":true},{"init":{}},{"captureMessage":{"text":{"repeat":["ab",3]},"level":"$HALF"}}]}"#,
        )
        .unwrap();
        let scripts = journey.scripts(&places()).unwrap();
        assert_eq!(scripts.len(), 2);
        assert!(scripts[0].dies && !scripts[1].dies);
        let first: Value = serde_json::from_str(&scripts[0].text).unwrap();
        assert_eq!(first[0]["init"]["queueDir"], "/q");
        assert!(
            first[0]["init"]["dsn"]
                .as_str()
                .unwrap()
                .ends_with("@127.0.0.1:1/1")
        );
        assert_eq!(first[2]["captureMessage"]["text"], "a 2");
        assert!(
            scripts[1]
                .text
                .contains(r#""level":"\ud83d","text":"ababab""#)
        );
        assert!(scripts[1].text.contains("@127.0.0.1:7/1"));
    }

    #[test]
    fn a_file_that_is_wrong_is_refused() {
        assert!(journey(r#"{"story":"","steps":[],"expct":{}}"#).is_err());
        assert!(journey(r#"{"steps":[]}"#).is_err());
        let dead = journey(r#"{"story":"","steps":[{"die":true}]}"#).unwrap();
        assert!(dead.scripts(&places()).is_err());
    }

    #[test]
    fn a_new_expectation_leaves_the_authors_lines_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.json");
        let head = "{\n\"story\":   \"as typed\",\n\"steps\": []";
        let differs = r#","differs":{"node":{"why":"w","expect":{}}}"#;
        for text in [
            format!("{head},\n\"expect\": {{\"old\":1}}{differs}\n}}\n"),
            format!("{head}{differs}\n}}\n").replace(differs, ""),
        ] {
            let differs = text.contains("differs");
            let common = json!({"said": [1], "wire": [2]});
            let own = json!({"warnings": ["w"], "wire": [2]});
            let mut journey = Journey::parse("j", path.clone(), text).unwrap();
            journey.expect("rust", common.clone());
            if differs {
                journey.expect("node", own.clone());
            }
            journey.save().unwrap();
            let saved = fs::read_to_string(&path).unwrap();
            let beginning = format!("{head},\n\"expect\": {common}");
            assert!(saved.starts_with(&beginning), "{saved}");
            let read = Journey::load(path.clone()).unwrap();
            assert_eq!(read.expected("rust"), common);
            assert_eq!(read.expected("node"), if differs { own } else { common });
            assert_eq!(read.differs("node"), differs.then_some("w"));
        }
    }

    #[test]
    fn long_values_are_broken_into_lines() {
        let long = json!({"a": [1, 2], "b": "x".repeat(LINE)});
        let text = laid_out(&long, 0);
        assert_eq!(text.lines().count(), 4);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), long);
    }
}
