//! Source lines around a stack frame, read from the files of the running app.
//!
//! Runs on the worker thread only: reading a file may block. What it promises: only regular files are opened (a FIFO or
//! a device would hang the worker), nothing above [`MAX_FILE_BYTES`] is read, and the answers kept in memory stay within
//! [`CACHE_BYTES`]. A file that changes while the process runs is answered from the first reading: the running code is
//! the old text.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The text of one line and its neighbours, as a frame shows them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Lines {
    /// Up to [`CONTEXT_LINES`] lines before, oldest first.
    pub(crate) pre: Vec<String>,
    /// The line itself.
    pub(crate) line: String,
    /// Up to [`CONTEXT_LINES`] lines after.
    pub(crate) post: Vec<String>,
}

/// Reads and remembers source lines.
#[derive(Debug, Default)]
pub(crate) struct SourceReader {
    answers: HashMap<String, HashMap<u32, Answer>>,
    bytes: usize,
    clock: u64,
}

#[derive(Debug)]
struct Answer {
    used: u64,
    bytes: usize,
    lines: Option<Lines>,
}

impl SourceReader {
    /// The lines around `line` (counted from 1) of `path`, an absolute path or a `file:` URL. The line itself comes
    /// whole, so that the engine can cut a minified one around the column; its neighbours are cut at
    /// [`MAX_NEIGHBOUR_BYTES`]. `None` when there is nothing to show: relative path, no such line, not a text file.
    pub(crate) fn read(&mut self, path: &str, line: u32) -> Option<Lines> {
        self.clock += 1;
        if let Some(answer) = self
            .answers
            .get_mut(path)
            .and_then(|file| file.get_mut(&line))
        {
            answer.used = self.clock;
            return answer.lines.clone();
        }
        let lines = local_path(path).and_then(|file| read_lines(&file, line));
        self.remember(path, line, lines.clone());
        lines
    }

    fn remember(&mut self, path: &str, line: u32, lines: Option<Lines>) {
        let text = lines.as_ref().map_or(0, |l| {
            l.line.len()
                + l.pre
                    .iter()
                    .chain(&l.post)
                    .map(|s| s.len() + size_of::<String>())
                    .sum::<usize>()
        });
        let bytes = text + path.len() + ENTRY_OVERHEAD;
        if bytes > CACHE_BYTES {
            return;
        }
        if self.bytes + bytes > CACHE_BYTES {
            self.forget_older_half();
        }
        self.bytes += bytes;
        let answer = Answer {
            used: self.clock,
            bytes,
            lines,
        };
        self.answers
            .entry(path.to_owned())
            .or_default()
            .insert(line, answer);
    }

    /// Halving at once instead of one by one keeps the cost of an insertion constant on average.
    fn forget_older_half(&mut self) {
        let mut ages: Vec<u64> = self
            .answers
            .values()
            .flat_map(|file| file.values().map(|a| a.used))
            .collect();
        ages.sort_unstable();
        let Some(&limit) = ages.get(ages.len() / 2) else {
            return;
        };
        for file in self.answers.values_mut() {
            file.retain(|_, answer| answer.used > limit);
        }
        self.answers.retain(|_, file| !file.is_empty());
        self.bytes = self
            .answers
            .values()
            .flat_map(|file| file.values().map(|a| a.bytes))
            .sum();
    }
}

/// The local file behind a frame's path, or `None` for everything that is not an absolute path on this machine.
fn local_path(path: &str) -> Option<PathBuf> {
    let path = match path.strip_prefix("file://") {
        Some(rest) => {
            let rest = rest.strip_prefix("localhost").unwrap_or(rest);
            let rest = rest.split(['?', '#']).next().unwrap_or(rest);
            let decoded = percent_decode(rest)?;
            // `file:///C:/app.js`: the slash before a drive letter belongs to the URL, not to the path.
            match decoded.as_bytes() {
                [b'/', drive, b':', ..] if cfg!(windows) && drive.is_ascii_alphabetic() => {
                    PathBuf::from(&decoded[1..])
                }
                _ => PathBuf::from(decoded),
            }
        }
        None => PathBuf::from(path),
    };
    (path.is_absolute() && !is_secret_or_device(&path)).then_some(path)
}

/// A stack text can be forged by whoever controls an error's text (an error relayed from a remote peer, for example).
/// Such a "frame" must not become a way to read keys, environment files or the kernel's views of this process.
fn is_secret_or_device(path: &Path) -> bool {
    if ["/proc", "/sys", "/dev"]
        .iter()
        .any(|root| path.starts_with(root))
    {
        return true;
    }
    let hidden = path
        .file_name()
        .and_then(|n| n.to_str())
        .is_none_or(|name| name.starts_with('.'));
    let secret = path.extension().and_then(|e| e.to_str()).is_some_and(|e| {
        ["pem", "key", "p12", "pfx", "crt", "env", "jks", "keystore"].contains(&e)
    });
    hidden || secret
}

fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(out).ok()
}

fn read_lines(path: &Path, line: u32) -> Option<Lines> {
    let text = read_text(path)?;
    let target = usize::try_from(line).ok()?.checked_sub(1)?;
    let first = target.saturating_sub(CONTEXT_LINES);
    let mut found = Lines::default();
    let mut seen_target = false;
    for (number, raw) in text
        .split(|&b| b == b'\n')
        .enumerate()
        .skip(first)
        .take(target - first + CONTEXT_LINES + 1)
    {
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        if number == target {
            found.line = String::from_utf8_lossy(raw).into_owned();
            seen_target = true;
        } else if number < target {
            found.pre.push(neighbour(raw));
        } else {
            found.post.push(neighbour(raw));
        }
    }
    // The empty piece after a final line feed is not a line.
    if text.last() == Some(&b'\n')
        && found.post.last().is_some_and(String::is_empty)
        && found.post.len() < CONTEXT_LINES
    {
        found.post.pop();
    }
    seen_target.then_some(found)
}

fn read_text(path: &Path) -> Option<Vec<u8>> {
    // Asked before opening: opening a FIFO or a tape has effects of its own.
    if !is_readable_text(&std::fs::metadata(path).ok()?) {
        return None;
    }
    let mut file = open_without_waiting(path)?;
    // And again on what was opened: the name may have been given to something else in between.
    let metadata = file.metadata().ok()?;
    if !is_readable_text(&metadata) {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).ok()?);
    file.by_ref()
        .take(MAX_FILE_BYTES)
        .read_to_end(&mut bytes)
        .ok()?;
    (!bytes[..bytes.len().min(8192)].contains(&0)).then_some(bytes)
}

fn is_readable_text(metadata: &std::fs::Metadata) -> bool {
    metadata.is_file() && metadata.len() <= MAX_FILE_BYTES
}

#[cfg(unix)]
fn open_without_waiting(path: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .ok()
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> Option<File> {
    OpenOptions::new().read(true).open(path).ok()
}

fn neighbour(raw: &[u8]) -> String {
    // A character cut in half becomes a replacement mark, which the engine's own cut at 200 bytes never shows.
    String::from_utf8_lossy(&raw[..raw.len().min(MAX_NEIGHBOUR_BYTES)]).into_owned()
}

const CONTEXT_LINES: usize = 5;
/// More than the engine shows, and little enough that the neighbours of a line in a bundle cost nothing.
const MAX_NEIGHBOUR_BYTES: usize = 1024;
/// Bundles above this are minified: their lines say nothing without a source map, which the collector applies.
const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024;
/// About a thousand frames: more than the distinct frames of any running fault storm seen in the recorded fixtures.
const CACHE_BYTES: usize = 1024 * 1024;
const ENTRY_OVERHEAD: usize = 96;

#[cfg(test)]
mod tests;
