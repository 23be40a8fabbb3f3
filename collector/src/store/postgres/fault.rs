//! What PostgreSQL says when something is wrong, as a sentence and as a kind that a caller can act on.

use std::fmt;
use std::io;

use postgres::error::SqlState;

use super::Error;

/// The cause under an [`Error`], in one line and without anything of the URL.
#[derive(Debug)]
pub(super) struct Reason(pub(super) String);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Reason {}

/// A connection that could not be opened.
pub(super) fn unreachable(shown: &str, name: &str, user: &str, error: &postgres::Error) -> Error {
    let why = match (error.code(), io_kind(error)) {
        (Some(code), _) if *code == SqlState::INVALID_PASSWORD => format!(
            "the server does not accept the password of user `{user}`; correct it in the database url"
        ),
        (Some(code), _) if *code == SqlState::INVALID_CATALOG_NAME => format!(
            "there is no such data base; create it with `CREATE DATABASE \"{name}\" ENCODING 'UTF8'`, or correct the database url"
        ),
        (Some(code), _) if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => format!(
            "the server does not let user `{user}` in ({}); create the user, or allow it in pg_hba.conf",
            text(error)
        ),
        (Some(code), _) if *code == SqlState::TOO_MANY_CONNECTIONS => {
            "all its connections are taken; raise max_connections or stop another client".to_owned()
        }
        (Some(code), _) if *code == SqlState::CANNOT_CONNECT_NOW => {
            format!("it is not ready yet ({})", text(error))
        }
        (None, Some(io::ErrorKind::ConnectionRefused)) => {
            "connection refused; start PostgreSQL there, or correct the database url".to_owned()
        }
        (None, Some(io::ErrorKind::NotFound)) => {
            "there is no such socket; start PostgreSQL there, or correct the database url"
                .to_owned()
        }
        (None, Some(io::ErrorKind::TimedOut)) => {
            "no answer in time; is a firewall in between, and is the host right?".to_owned()
        }
        _ => text(error),
    };
    Error::unavailable(format!("{shown} cannot be reached"), Reason(why))
}

/// A statement that failed during `step`.
pub(super) fn failed(step: &str, shown: &str, error: &postgres::Error) -> Error {
    let Some(code) = error.code() else {
        let why = match io_kind(error) {
            None if error.is_closed() => "the server closed the connection".to_owned(),
            _ => text(error),
        };
        // What the client library itself objects to lies in the data; everything else is the connection.
        let is_ours = error.to_string().starts_with("error serializing parameter");
        let step = format!("{step} in {shown}");
        return if is_ours {
            Error::refused(step, Reason(why))
        } else {
            Error::unavailable(step, Reason(why))
        };
    };
    let reason = Reason(format!("{} ({})", text(error), code.code()));
    // Classes of SQLSTATE: 21 and 22 wrong data, 23 constraints, 54 too large. P0001 is raised by a trigger.
    let lies_in_the_data = ["21", "22", "23", "54", "P0"]
        .iter()
        .any(|class| code.code().starts_with(class));
    let step = format!("{step} in {shown}");
    if lies_in_the_data {
        Error::refused(step, reason)
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        let advice = format!(
            "{reason}; make the user of the database url the owner of the data base, or grant it CREATE on the schema"
        );
        Error::unavailable(step, Reason(advice))
    } else {
        Error::unavailable(step, reason)
    }
}

/// Whether the connection is of no further use: it broke, or the server ends it.
pub(super) fn is_lost(error: &postgres::Error) -> bool {
    match error.code() {
        // 08 connection, 57P the server shuts down, was killed or starts.
        Some(code) => code.code().starts_with("08") || code.code().starts_with("57P"),
        None => error.is_closed() || io_kind(error).is_some() || is_protocol(error),
    }
}

/// Whether two transactions met, and this one may simply be done again.
pub(super) fn is_conflict(error: &postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
    })
}

/// An answer that makes no sense: the bytes on the line were cut or mixed up.
fn is_protocol(error: &postgres::Error) -> bool {
    matches!(
        error.to_string().as_str(),
        "unexpected message from server" | "error parsing response from server"
    )
}

fn io_kind(error: &postgres::Error) -> Option<io::ErrorKind> {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        cause = inner.source();
    }
    None
}

/// The server's own words, or the library's with all causes.
fn text(error: &postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return said.message().to_owned();
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
