//! What can go wrong in a store, in the kinds a caller can act on.

use std::fmt;

/// Result of a store operation.
pub type Result<T> = std::result::Result<T, Error>;

/// A failed store operation: a kind to act on, a sentence for people, the cause underneath.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What should be created exists already (a project id, a public key).
    Conflict,
    /// The request itself makes no sense (an empty name, a key of the wrong shape).
    Invalid,
    /// The data base refuses the data itself: trying the same again will not help.
    Refused,
    /// The data base could not do it now: disk full, locked, damaged. The message names the step.
    Unavailable,
}

impl Error {
    /// Something exists already; `message` names it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Conflict,
            message: message.into(),
            source: None,
        }
    }

    /// The input is wrong; `message` names the part and what is wanted.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Invalid,
            message: message.into(),
            source: None,
        }
    }

    /// The back end refuses what it was given in `step`, and always will.
    pub fn refused(
        step: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self {
            kind: ErrorKind::Refused,
            message: step.into(),
            source: Some(Box::new(source)),
        }
    }

    /// The back end failed while doing `step`.
    pub fn unavailable(
        step: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self {
            kind: ErrorKind::Unavailable,
            message: step.into(),
            source: Some(Box::new(source)),
        }
    }

    /// The kind to act on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
