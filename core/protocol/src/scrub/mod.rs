//! Removes secrets and personal data from events, before they are written or sent. Source: design §4.
//!
//! Secrets go everywhere: in messages and exception values, tags, URLs, headers, variables, map keys, JSON inside texts.
//! In a text only the found part is replaced; the value of a sensitive key goes as a whole. E-mail and IP addresses go
//! unless [`ScrubOptions::send_default_pii`] is set, except under `user`, which an application fills on purpose. Each
//! removal leaves a remark in `_meta`: where, by which rule, how long the original was.
//!
//! Scrubbing is idempotent: a second run finds nothing, because placeholders match no rule.

mod detect;
mod keys;
mod places;
mod text;
mod walk;

use crate::json::Value;
use std::borrow::Cow;

/// What to remove beyond secrets, which always go.
#[derive(Clone, Debug, Default)]
pub struct ScrubOptions {
    /// Keep e-mail and IP addresses.
    pub send_default_pii: bool,
    /// Further parts of key names whose values go; case, `_`, `-` and word style do not matter.
    pub extra_keys: Vec<String>,
    /// Key names that never count as sensitive, compared the same way but as a whole.
    pub safe_keys: Vec<String>,
}

/// What a removed text becomes.
pub const PLACEHOLDER: &str = "[Filtered]";

/// A set of rules. Making one costs nothing, and neither does the first event: there is nothing to compile.
#[derive(Clone, Debug, Default)]
pub struct Scrubber {
    options: ScrubOptions,
}

impl Scrubber {
    /// Takes the rules.
    pub fn new(options: ScrubOptions) -> Scrubber {
        Scrubber { options }
    }

    /// Scrubs an event in place, raw or normalized, and returns how many removals were made.
    pub fn scrub(&self, event: &mut Value<'_>) -> usize {
        walk::Walk::new(&self.options).event(event)
    }

    /// Scrubs one text that stands by itself, such as a log line.
    pub fn scrub_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let scan = detect::Scan {
            personal: !self.options.send_default_pii,
            addresses: true,
            code: false,
        };
        match text::scrub(text, scan) {
            Some(scrubbed) => Cow::Owned(scrubbed.text),
            None => Cow::Borrowed(text),
        }
    }
}
