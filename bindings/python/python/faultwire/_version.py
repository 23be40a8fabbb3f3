"""The version of the package; the same as the crate's."""

VERSION = "0.1.0"
