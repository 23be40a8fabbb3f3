//! Reading a password without showing it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::Context as _;

/// Reads one line from standard input; on a terminal with `prompt` and without echo.
pub fn read(prompt: &str) -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    let hidden = if stdin.is_terminal() {
        eprint!("{prompt}");
        std::io::stderr()
            .flush()
            .context("the terminal cannot be written")?;
        Some(Hidden::begin())
    } else {
        None
    };
    let mut line = String::new();
    stdin
        .lock()
        .read_line(&mut line)
        .context("the password cannot be read from standard input")?;
    if hidden.is_some() {
        drop(hidden);
        eprintln!();
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The terminal shows nothing while this lives.
struct Hidden {
    before: Option<libc::termios>,
}

impl Hidden {
    fn begin() -> Self {
        // SAFETY: termios is plain data for which zeros are a valid value; both calls get a valid pointer to it and
        // the descriptor of standard input, and report failure by their result.
        unsafe {
            let mut settings: libc::termios = std::mem::zeroed();
            if libc::tcgetattr(libc::STDIN_FILENO, &raw mut settings) != 0 {
                return Hidden { before: None };
            }
            let before = settings;
            settings.c_lflag &= !libc::ECHO;
            if libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const settings) != 0 {
                return Hidden { before: None };
            }
            Hidden {
                before: Some(before),
            }
        }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // SAFETY: `before` was filled by tcgetattr for the same descriptor.
            unsafe {
                libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, before);
            }
        }
    }
}
