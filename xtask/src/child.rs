//! A program that outlives the step that started it: the collector, the example shop. Stopped politely, and always.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::run::{Tool, tail};

/// A running program. Dropping it stops it, so that no error path leaves one behind.
pub struct Running {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts `tool` and waits until it prints a line that contains `ready`; returns that line too. Both its streams go to `log`.
    pub fn start(
        name: &str,
        tool: &Tool,
        log: &Path,
        ready: &str,
        limit: Duration,
    ) -> Result<(Self, String)> {
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let errors = file
            .try_clone()
            .with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = tool
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(errors))
            .spawn()
            .with_context(|| format!("{name} does not start ({})", tool.line()))?;
        let stdout = child
            .stdout
            .take()
            .context("the child has no standard output")?;
        let mut running = Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        };
        let (lines, seen) = mpsc::channel();
        thread::spawn(move || copy_lines(stdout, file, &lines));
        let deadline = Instant::now() + limit;
        loop {
            match seen.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(ready) => return Ok((running, line)),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => bail!(
                    "{name} did not say that it is ready within {} s; what it said:\n{}",
                    limit.as_secs(),
                    running.said()
                ),
                Err(RecvTimeoutError::Disconnected) => {
                    let status = running
                        .child
                        .wait()
                        .with_context(|| format!("cannot wait for {name}"))?;
                    bail!(
                        "{name} ended with {status} instead of starting; what it said:\n{}",
                        running.said()
                    );
                }
            }
        }
    }

    /// Some status if the program has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The last lines that the program printed.
    pub fn said(&self) -> String {
        tail(&fs::read_to_string(&self.log).unwrap_or_default(), 30)
    }

    /// Asks the program to end, and makes it end if it has not after ten seconds. True if it went by itself.
    pub fn stop(&mut self) -> bool {
        if self.ended().is_some() {
            return true;
        }
        self.ask_to_end();
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if self.ended().is_some() {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        crate::run::say(&format!(
            "  {} did not end within 10 s after SIGTERM; killing it",
            self.name
        ));
        let _ = self.child.kill();
        let _ = self.child.wait();
        false
    }

    #[cfg(unix)]
    fn ask_to_end(&mut self) {
        // The shell's builtin: std can only kill, and a slim container may have no kill program.
        let ask = Tool::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]);
        let _ = ask.command().stderr(Stdio::null()).status();
    }

    #[cfg(not(unix))]
    fn ask_to_end(&mut self) {
        let _ = self.child.kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Copies a stream into the log and hands its lines on for as long as somebody listens.
fn copy_lines(stream: impl Read, mut log: File, lines: &mpsc::Sender<String>) {
    use std::io::Write;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        // A full disk must not stop the reader: the child would block on a full pipe.
        let _ = writeln!(log, "{line}");
        let _ = lines.send(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        (folder, path)
    }

    #[test]
    fn it_waits_for_the_ready_line_and_stops_politely() {
        let (_folder, path) = log();
        let script = "echo warming up; echo ready on port 7; trap 'exit 0' TERM; while :; do sleep 0.05; done";
        let tool = Tool::new("sh").args(["-c", script]);
        let (mut running, line) = Running::start(
            "a server",
            &tool,
            &path,
            "ready on",
            Duration::from_secs(20),
        )
        .unwrap();
        assert_eq!(line, "ready on port 7");
        assert!(running.ended().is_none());
        assert!(running.stop(), "it ended on SIGTERM");
        assert!(running.said().contains("warming up"));
    }

    #[test]
    fn a_program_that_ends_early_is_quoted() {
        let (_folder, path) = log();
        let tool = Tool::new("sh").args(["-c", "echo 'port 9000 is taken' >&2; exit 2"]);
        let error =
            Running::start("a server", &tool, &path, "ready", Duration::from_secs(20)).err();
        let text = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(
            text.contains("port 9000 is taken") && text.contains("exit status: 2"),
            "{text}"
        );
    }
}
