//! Credentials that can be told by their form: tokens with known beginnings, JWT, PEM blocks, `Bearer` and `Basic`.

use super::super::text::Found;
use super::{Rule, at, before, is_word};
use memchr::{memchr2_iter, memmem};

/// Tokens are at least this long without a dot or other break.
pub(super) const MIN_RUN: usize = 16;

/// Finds tokens of cloud and service vendors, and JWT.
pub(super) fn tokens(bytes: &[u8], found: &mut Vec<Found>) {
    let mut start = 0;
    while start < bytes.len() {
        if !is_word(bytes[start]) {
            start += 1;
            continue;
        }
        let length = bytes[start..]
            .iter()
            .position(|&byte| !is_word(byte))
            .unwrap_or(bytes.len() - start);
        let mut end = start + length;
        if length >= MIN_RUN {
            // The beginning may stand behind a name that was glued on: `key-sk_live_...`, `id_ghp_...`.
            for at in word_starts(&bytes[start..end]) {
                if let Some((token_end, rule)) = token(bytes, start + at, end) {
                    end = token_end;
                    found.push(Found {
                        start: start + at,
                        end,
                        rule,
                    });
                    break;
                }
            }
        } else if bytes[start..end].starts_with(b"ya29") || bytes[start..end] == *b"SG" {
            // The two whose first part is short.
            if let Some(token_end) = dotted(bytes, start, end) {
                end = token_end;
                found.push(Found {
                    start,
                    end,
                    rule: Rule::Token,
                });
            }
        }
        start = end;
    }
}

/// Where a token may begin inside a run: at its start and after each `_` and `-`.
fn word_starts(run: &[u8]) -> impl Iterator<Item = usize> {
    let inner = run
        .iter()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, b'_' | b'-'))
        .map(|(at, _)| at + 1);
    std::iter::once(0).chain(inner)
}

/// Whether a token begins at `start` in a run that goes to `run_end`; returns where it ends.
fn token(bytes: &[u8], start: usize, run_end: usize) -> Option<(usize, Rule)> {
    let rest = &bytes[start..run_end];
    if rest.len() < 8 {
        return None;
    }
    if rest.starts_with(b"eyJ") {
        return jwt(bytes, start, run_end).map(|end| (end, Rule::Jwt));
    }
    let known = PREFIXES
        .iter()
        .find(|(prefix, ..)| rest.starts_with(prefix.as_bytes()))?;
    let (prefix, min, alphabet) = known;
    let body = &rest[prefix.len()..];
    let matching = body
        .iter()
        .take_while(|&&byte| alphabet.allows(byte))
        .count();
    // `AKIA` and the like are fixed in length: more of the same alphabet is some other word.
    let fits = matching >= *min
        && !(*alphabet == Alphabet::Upper
            && body
                .get(*min)
                .is_some_and(|byte| byte.is_ascii_alphanumeric()));
    fits.then_some((start + prefix.len() + matching, Rule::Token))
}

/// Three base64url parts; the first two are JSON objects and so begin with `eyJ`. An encrypted token has five.
fn jwt(bytes: &[u8], start: usize, run_end: usize) -> Option<usize> {
    if run_end - start < 10 || at(bytes, run_end) != b'.' {
        return None;
    }
    let mut end = run_end;
    let mut parts = 1;
    while parts < 5 && at(bytes, end) == b'.' {
        let length = bytes[end + 1..]
            .iter()
            .position(|&byte| !is_word(byte))
            .unwrap_or(bytes.len() - end - 1);
        if length == 0 && parts > 1 {
            break;
        }
        if parts == 1 && length < 4 {
            return None;
        }
        end += 1 + length;
        parts += 1;
    }
    (parts >= 2).then_some(end)
}

/// `SG.xxx.yyy` and `ya29.xxx`: the end of a dotted token with enough in it.
fn dotted(bytes: &[u8], start: usize, run_end: usize) -> Option<usize> {
    if at(bytes, run_end) != b'.' {
        return None;
    }
    let rest = &bytes[run_end..];
    let length = rest
        .iter()
        .position(|&byte| !is_word(byte) && byte != b'.')
        .unwrap_or(rest.len());
    let end = run_end + length;
    (end - start >= 24 && rest[..length].iter().any(u8::is_ascii_digit)).then_some(end)
}

/// Finds what follows in URLs whose path is the secret, as in webhooks.
pub(super) fn paths(bytes: &[u8], found: &mut Vec<Found>) {
    for place in SECRET_PATHS {
        for start in memmem::find_iter(bytes, place).map(|at| at + place.len()) {
            let is_path = |byte: u8| is_word(byte) || matches!(byte, b'/' | b':');
            let length = bytes[start..]
                .iter()
                .position(|&byte| !is_path(byte))
                .unwrap_or(bytes.len() - start);
            if length >= MIN_RUN {
                found.push(Found {
                    start,
                    end: start + length,
                    rule: Rule::Token,
                });
            }
        }
    }
}

const SECRET_PATHS: [&[u8]; 3] = [
    b"hooks.slack.com/services/",
    b"/api/webhooks/",
    b"api.telegram.org/bot",
];

/// Finds `Bearer xxx` and `Basic xxx`, whatever their case.
pub(super) fn schemes(bytes: &[u8], found: &mut Vec<Found>) {
    for start in memchr2_iter(b'b', b'B', bytes) {
        if before(bytes, start).is_ascii_alphanumeric() {
            continue;
        }
        let rest = &bytes[start..];
        let bearer = rest
            .get(..7)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"bearer "));
        let basic = rest
            .get(..6)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"basic "));
        if !bearer && !basic {
            continue;
        }
        let from = start + if bearer { 7 } else { 6 };
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        let length = bytes[from..]
            .iter()
            .position(|&byte| !is_token(byte))
            .unwrap_or(bytes.len() - from);
        // A full stop belongs to the sentence.
        let length = length
            - bytes[from..from + length]
                .iter()
                .rev()
                .take_while(|&&byte| byte == b'.')
                .count();
        let credential = &bytes[from..from + length];
        if bearer && is_bearer(credential) || basic && is_basic(credential) {
            found.push(Found {
                start: from,
                end: from + length,
                rule: Rule::Auth,
            });
        }
    }
}

/// `bearer token` and `bearer authentication` are prose; a credential is long or not of letters alone.
fn is_bearer(credential: &[u8]) -> bool {
    credential.len() >= 16
        || credential.len() >= 6 && credential.iter().any(|byte| !byte.is_ascii_alphabetic())
}

/// Base64 of `name:password`; `Basic authentication` is not.
fn is_basic(credential: &[u8]) -> bool {
    let decoded = std::str::from_utf8(credential)
        .ok()
        .and_then(crate::auth::decode_base64);
    decoded.is_some_and(|decoded| {
        decoded.len() >= 3
            && decoded.contains(&b':')
            && std::str::from_utf8(&decoded).is_ok_and(|text| !text.contains(char::is_control))
    })
}

/// Finds private keys in PEM form, up to their end line or to the end of a text that was cut.
pub(super) fn pem(bytes: &[u8], found: &mut Vec<Found>) {
    let mut from = 0;
    while let Some(distance) = memmem::find(&bytes[from..], b"-----BEGIN ") {
        let start = from + distance;
        let label = &bytes[start + 11..bytes.len().min(start + 11 + 60)];
        let label_end = memmem::find(label, b"-----").unwrap_or(label.len());
        if memmem::find(&label[..label_end], b"PRIVATE KEY").is_none() {
            from = start + 11;
            continue;
        }
        let end = memmem::find(&bytes[start..], b"-----END ").and_then(|distance| {
            let line = start + distance + 9;
            memmem::find(&bytes[line..], b"-----").map(|distance| line + distance + 5)
        });
        let end = end.unwrap_or(bytes.len());
        found.push(Found {
            start,
            end,
            rule: Rule::Pem,
        });
        from = end;
    }
}

/// What a token consists of behind its prefix.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    /// Capital letters and digits.
    Upper,
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `_` and `-`.
    Word,
}

impl Alphabet {
    fn allows(self, byte: u8) -> bool {
        match self {
            Alphabet::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Alphabet::Alnum => byte.is_ascii_alphanumeric(),
            Alphabet::Word => is_word(byte),
        }
    }
}

/// Published beginnings of secret tokens, with the least length of what follows.
const PREFIXES: [(&str, usize, Alphabet); 41] = [
    ("AKIA", 16, Alphabet::Upper),
    ("ASIA", 16, Alphabet::Upper),
    ("AIza", 30, Alphabet::Word),
    ("GOCSPX-", 20, Alphabet::Word),
    ("ghp_", 30, Alphabet::Alnum),
    ("gho_", 30, Alphabet::Alnum),
    ("ghu_", 30, Alphabet::Alnum),
    ("ghs_", 30, Alphabet::Alnum),
    ("ghr_", 30, Alphabet::Alnum),
    ("github_pat_", 20, Alphabet::Word),
    ("glpat-", 16, Alphabet::Word),
    ("xoxb-", 10, Alphabet::Word),
    ("xoxp-", 10, Alphabet::Word),
    ("xoxa-", 10, Alphabet::Word),
    ("xoxo-", 10, Alphabet::Word),
    ("xoxs-", 10, Alphabet::Word),
    ("xoxr-", 10, Alphabet::Word),
    ("xoxe-", 10, Alphabet::Word),
    ("xapp-", 10, Alphabet::Word),
    ("sk_live_", 10, Alphabet::Alnum),
    ("sk_test_", 10, Alphabet::Alnum),
    ("rk_live_", 10, Alphabet::Alnum),
    ("rk_test_", 10, Alphabet::Alnum),
    ("whsec_", 16, Alphabet::Alnum),
    ("sk-ant-", 16, Alphabet::Word),
    ("sk-proj-", 16, Alphabet::Word),
    ("sk-", 32, Alphabet::Alnum),
    ("npm_", 30, Alphabet::Alnum),
    ("pypi-", 30, Alphabet::Word),
    ("hf_", 30, Alphabet::Alnum),
    ("dop_v1_", 30, Alphabet::Alnum),
    ("shpat_", 24, Alphabet::Alnum),
    ("shpss_", 24, Alphabet::Alnum),
    ("shpca_", 24, Alphabet::Alnum),
    ("sq0csp-", 20, Alphabet::Word),
    ("sq0atp-", 20, Alphabet::Word),
    ("EAAAE", 40, Alphabet::Word),
    ("sntrys_", 20, Alphabet::Word),
    ("lin_api_", 20, Alphabet::Alnum),
    ("dapi", 32, Alphabet::Alnum),
    ("hvs", 60, Alphabet::Word),
];
