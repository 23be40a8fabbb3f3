//! Trying grouping and scrubbing on files, without a server: the very rules that the server applies.
//!
//! A line is an event, or `{"id", "project", "event"}` as the labelled sets have it. A line that is not JSON is named
//! on standard error and skipped, and the command fails at its end, so that nobody mistakes a partial result for a
//! whole one.

use std::io::{BufRead, BufWriter, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use faultwire_protocol::event::normalize;
use faultwire_protocol::fingerprint;
use faultwire_protocol::json::{self, Object, Value};
use faultwire_protocol::scrub::{ScrubOptions, Scrubber};
use faultwire_protocol::time::Millis;

/// `faultwire group`
pub fn group() -> anyhow::Result<()> {
    let now = now();
    each_line(std::io::stdin().lock(), std::io::stdout().lock(), |line| {
        let mut tree = line;
        let id = ["id", "event_id"]
            .iter()
            .find_map(|name| tree.get(name))
            .cloned()
            .unwrap_or(Value::Null);
        let project = tree
            .get("project")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let mut event = match tree.get_mut("event") {
            Some(event @ Value::Object(_)) => event.take(),
            _ => tree,
        };
        normalize(&mut event, now);
        let hash = fingerprint::v1::compute(&event).hash;
        let mut out = Object::new();
        out.insert("id", id);
        // Groups never cross projects.
        out.insert(
            "group",
            project.map_or(hash.clone(), |project| format!("{project}:{hash}")),
        );
        Value::Object(out).to_string()
    })
}

/// `faultwire scrub`
pub fn scrub(keep_pii: bool) -> anyhow::Result<()> {
    let now = now();
    let scrubber = Scrubber::new(ScrubOptions {
        send_default_pii: keep_pii,
        ..ScrubOptions::default()
    });
    each_line(std::io::stdin().lock(), std::io::stdout().lock(), |line| {
        let mut tree = line;
        let event = match tree.get_mut("event") {
            Some(event @ Value::Object(_)) => event,
            _ => &mut tree,
        };
        normalize(event, now);
        scrubber.scrub(event);
        tree.to_string()
    })
}

fn each_line(
    mut input: impl BufRead,
    output: impl Write,
    mut work: impl FnMut(Value<'_>) -> String,
) -> anyhow::Result<()> {
    let mut output = BufWriter::new(output);
    let (mut bytes, mut number, mut bad) = (Vec::new(), 0, 0);
    loop {
        bytes.clear();
        if input
            .read_until(b'\n', &mut bytes)
            .context("standard input cannot be read")?
            == 0
        {
            break;
        }
        number += 1;
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        match json::parse_bytes(bytes.trim_ascii()) {
            Ok(tree @ Value::Object(_)) => {
                writeln!(output, "{}", work(tree)).context("standard output cannot be written")?;
            }
            Ok(_) => {
                bad += 1;
                eprintln!("line {number}: not a json object");
            }
            Err(error) => {
                bad += 1;
                eprintln!("line {number}: {error}");
            }
        }
    }
    output
        .flush()
        .context("standard output cannot be written")?;
    if bad > 0 {
        bail!("{bad} of {number} lines could not be read; see above");
    }
    Ok(())
}

fn now() -> Millis {
    Millis(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lines_are_skipped_and_fail_the_command() {
        let mut out = Vec::new();
        let input = b"{\"id\":1}\nnonsense\n\n{\"id\":2}".as_slice();
        let result = each_line(input, &mut out, |line| line.get("id").unwrap().to_string());
        assert_eq!(out, b"1\n2\n");
        assert!(result.unwrap_err().to_string().contains("1 of 4"));
    }
}
