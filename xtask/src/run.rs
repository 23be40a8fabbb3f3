//! Running other programs: one line when a step starts, a sign of life while it works, one line when it ends.
//!
//! A step's output goes to a log file under `.faultwire/logs` and is shown only when the step fails (its last lines) or when
//! `--verbose` asks for all of it. What a person reads is therefore the list of steps, not four tools' chatter.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::paths;

/// A program to run as one step.
#[derive(Clone)]
pub struct Tool {
    program: OsString,
    args: Vec<OsString>,
    dir: PathBuf,
    env: Vec<(OsString, OsString)>,
    limit: Option<Duration>,
}

impl Tool {
    /// A program found on the PATH or named by its full path; runs in the root of the repository.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            dir: paths::root(),
            env: Vec::new(),
            limit: None,
        }
    }

    /// The cargo that runs this program.
    pub fn cargo() -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = dir.as_ref().to_owned();
        self
    }

    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Ends the step as a failure if it takes longer: a test that hangs must not hold a CI machine for hours.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The same program as a plain `Command`, for children that outlive a step.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.dir);
        // What `cargo run` told *us* about our own package must not reach a child: build scripts that watch these variables
        // would see a change at every call and build their C code again.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| is_about_us(&name.to_string_lossy()))
        {
            command.env_remove(name);
        }
        for (name, value) in &self.env {
            command.env(name, value);
        }
        command
    }

    /// Runs quietly and returns its standard output if it ended well. For probes such as `node --version`.
    pub fn ask(&self) -> Option<String> {
        let output = self
            .command()
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs with the terminal's own streams: for reports that a person asked to read, such as a benchmark.
    pub fn show(&self) -> Result<()> {
        let status = self
            .command()
            .status()
            .with_context(|| format!("{} does not start", self.line()))?;
        if status.success() {
            Ok(())
        } else {
            bail!("{} ended with {status}", self.line())
        }
    }

    /// Runs as a step called `title`; returns both streams as they came. A failure carries the last lines of them.
    pub fn step(&self, title: &str) -> Result<String> {
        let (status, text) = self.watch(title)?;
        if status.success() {
            return Ok(text);
        }
        let said = excerpt(&readable(&text));
        bail!(
            "{title} failed: {} ended with {status}; it said:\n{said}\n(all of it: {})",
            self.line(),
            log_path(title).display()
        )
    }

    fn watch(&self, title: &str) -> Result<(ExitStatus, String)> {
        let log_path = log_path(title);
        if let Some(folder) = log_path.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let log = File::create(&log_path)
            .with_context(|| format!("cannot write {}", log_path.display()))?;
        let mut child = self
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{title}: {} does not start", self.line()))?;
        let step = Step::begin(title);
        let collected = Arc::new(Mutex::new((String::new(), log)));
        let readers = [
            child
                .stdout
                .take()
                .map(|stream| read_lines(stream, &step, &collected)),
            child
                .stderr
                .take()
                .map(|stream| read_lines(stream, &step, &collected)),
        ];
        let deadline = self.limit.map(|limit| (limit, Instant::now() + limit));
        let status = loop {
            let Some((limit, deadline)) = deadline else {
                break child.wait();
            };
            match child.try_wait() {
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
                Ok(None) => {
                    let _ = child.kill();
                    step.end(false);
                    // Its own children may still hold the pipes, so the readers are left to end by themselves.
                    let said = excerpt(&readable(&lock(&collected).0));
                    bail!(
                        "{title} took longer than {} s and was killed; it said:\n{said}",
                        limit.as_secs()
                    );
                }
                Ok(Some(status)) => break Ok(status),
                Err(error) => break Err(error),
            }
        };
        let status = status.with_context(|| format!("{title}: cannot wait for {}", self.line()))?;
        for reader in readers.into_iter().flatten() {
            reader
                .join()
                .map_err(|_| anyhow!("{title}: reading its output failed"))?;
        }
        let text = lock(&collected).0.clone();
        step.end(status.success());
        Ok((status, text))
    }

    /// The command line as a person would type it.
    pub fn line(&self) -> String {
        let mut words = vec![
            Path::new(&self.program)
                .file_name()
                .unwrap_or(&self.program)
                .to_string_lossy()
                .into_owned(),
        ];
        words.extend(
            self.args
                .iter()
                .map(|arg| arg.to_string_lossy().into_owned()),
        );
        format!("`{}`", words.join(" "))
    }
}

/// A piece of work that is shown while it lasts. Several may run at once.
pub struct Step {
    key: u64,
    title: String,
    started: Instant,
    last_line: Arc<Mutex<String>>,
}

impl Step {
    pub fn begin(title: &str) -> Self {
        let board = board();
        let key = board.next_key.fetch_add(1, Ordering::Relaxed);
        let last_line = Arc::new(Mutex::new(String::new()));
        let started = Instant::now();
        lock(&board.active).push(Active {
            key,
            title: title.to_owned(),
            started,
            shown: started,
            last_line: last_line.clone(),
        });
        board.changed.notify_all();
        say(&format!("  {title} ..."));
        Self {
            key,
            title: title.to_owned(),
            started,
            last_line,
        }
    }

    /// Ends the step.
    pub fn end(self, well: bool) {
        lock(&board().active).retain(|active| active.key != self.key);
        let seconds = self.started.elapsed().as_secs_f64();
        say(&format!(
            "  {}: {} in {seconds:.1} s",
            self.title,
            if well { "done" } else { "FAILED" }
        ));
    }
}

/// Prints one line on standard error, above whatever the live line shows.
pub fn say(line: &str) {
    let clear = if live() { "\r\x1b[2K" } else { "" };
    eprintln!("{clear}{line}");
}

/// Shows all output of all steps (`--verbose`).
pub fn be_verbose() {
    VERBOSE.store(true, Ordering::Relaxed);
}

/// The last `count` lines of a text.
pub fn tail(text: &str, count: usize) -> String {
    let mut kept = VecDeque::with_capacity(count);
    for line in text.lines() {
        if kept.len() == count {
            kept.pop_front();
        }
        kept.push_back(line);
    }
    kept.into_iter().collect::<Vec<_>>().join("\n")
}

/// The beginning and the end of a long text: tools name the cause in the one or in the other.
pub fn excerpt(text: &str) -> String {
    const HEAD: usize = 15;
    const TAIL: usize = 45;
    let count = text.lines().count();
    if count <= HEAD + TAIL {
        return text.trim_end().to_owned();
    }
    let head: Vec<&str> = text.lines().take(HEAD).collect();
    format!(
        "{}\n  [{} lines left out]\n{}",
        head.join("\n"),
        count - HEAD - TAIL,
        tail(text, TAIL)
    )
}

/// A value from a lock, also after another thread panicked while it held it: the lists here are valid between any two instructions.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Active {
    key: u64,
    title: String,
    started: Instant,
    shown: Instant,
    last_line: Arc<Mutex<String>>,
}

/// The steps that run now, and the thread that shows them.
struct Board {
    active: Mutex<Vec<Active>>,
    changed: Condvar,
    next_key: AtomicU64,
}

fn board() -> &'static Board {
    static BOARD: OnceLock<Board> = OnceLock::new();
    static TICKER: OnceLock<()> = OnceLock::new();
    let board = BOARD.get_or_init(|| Board {
        active: Mutex::new(Vec::new()),
        changed: Condvar::new(),
        next_key: AtomicU64::new(0),
    });
    TICKER.get_or_init(|| {
        thread::spawn(|| tick(BOARD.wait()));
    });
    board
}

/// On a terminal one line that is redrawn every second; elsewhere a line a step every 15 seconds, so that a CI log shows life.
fn tick(board: &Board) {
    let mut active = lock(&board.active);
    loop {
        let wait = if live() {
            Duration::from_secs(1)
        } else {
            QUIET
        };
        active = board
            .changed
            .wait_timeout(active, wait)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        if live() {
            let parts: Vec<String> = active.iter().map(|step| sign_of_life(step, 40)).collect();
            if !parts.is_empty() {
                eprint!("\r\x1b[2K{}", cut(&format!("  {}", parts.join("; ")), 110));
                let _ = std::io::stderr().flush();
            }
            continue;
        }
        for step in active
            .iter_mut()
            .filter(|step| step.shown.elapsed() >= QUIET)
        {
            step.shown = Instant::now();
            eprintln!("  ... {}", sign_of_life(step, 100));
        }
    }
}

fn sign_of_life(step: &Active, width: usize) -> String {
    let last = cut(lock(&step.last_line).trim(), width);
    let separator = if last.is_empty() { "" } else { ", " };
    format!(
        "{}: {} s{separator}{last}",
        step.title,
        step.started.elapsed().as_secs()
    )
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars()
        .take(width.saturating_sub(1))
        .chain(['…'])
        .collect()
}

fn read_lines(
    stream: impl Read + Send + 'static,
    step: &Step,
    collected: &Arc<Mutex<(String, File)>>,
) -> thread::JoinHandle<()> {
    let (last_line, collected) = (step.last_line.clone(), collected.clone());
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while matches!(reader.read_until(b'\n', &mut bytes), Ok(count) if count > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            bytes.clear();
            {
                let mut held = lock(&collected);
                held.0.push_str(&line);
                held.0.push('\n');
                // The log is a help, not a result: a full disk must not fail the step that it describes.
                let _ = writeln!(held.1, "{line}");
            }
            if VERBOSE.load(Ordering::Relaxed) && !line.starts_with('{') {
                say(&line);
            }
            if !line.trim().is_empty() && !line.starts_with('{') {
                *lock(&last_line) = line;
            }
        }
    })
}

/// Without cargo's JSON messages: they are for this program, not for a person.
fn readable(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with('{'))
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_about_us(name: &str) -> bool {
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_"];
    let names = [
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
    ];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) || names.contains(&name)
}

fn log_path(title: &str) -> PathBuf {
    let slug: String = title
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    paths::state().join("logs").join(format!("{slug}.log"))
}

fn live() -> bool {
    std::io::stderr().is_terminal() && !VERBOSE.load(Ordering::Relaxed)
}

static VERBOSE: AtomicBool = AtomicBool::new(false);
const QUIET: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_last_lines_in_order() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a", 5), "a");
        assert_eq!(tail("", 5), "");
    }

    #[test]
    fn an_excerpt_keeps_both_ends_and_says_what_is_missing() {
        let long: Vec<String> = (1..=100).map(|line| format!("line {line}")).collect();
        let text = excerpt(&long.join("\n"));
        assert!(
            text.starts_with("line 1\n") && text.ends_with("line 100"),
            "{text}"
        );
        assert!(
            text.contains("line 15\n  [40 lines left out]\nline 56"),
            "{text}"
        );
        assert_eq!(excerpt("a\nb\n"), "a\nb");
    }

    #[test]
    fn a_failed_step_shows_what_the_program_said_last() {
        let error = Tool::new("sh")
            .args(["-c", "echo first; echo reason >&2; exit 3"])
            .step("a step that fails");
        let text = error
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            text.contains("reason") && text.contains("exit status: 3"),
            "{text}"
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = Tool::new("no-such-program-here").step("a step that cannot start");
        let text = error
            .err()
            .map(|error| format!("{error:#}"))
            .unwrap_or_default();
        assert!(text.contains("no-such-program-here"), "{text}");
    }

    #[test]
    fn both_streams_of_a_good_step_are_kept() {
        let done = Tool::new("sh")
            .args(["-c", "echo out; echo err >&2"])
            .step("a step that ends well")
            .unwrap();
        assert!(done.contains("out\n") && done.contains("err\n"));
    }

    #[test]
    fn long_lines_are_cut_by_letters() {
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(cut("abc", 3), "abc");
    }
}
