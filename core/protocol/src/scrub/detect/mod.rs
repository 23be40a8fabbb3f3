//! What secrets and personal data look like inside a text.
//!
//! Hand-written scanners instead of regular expressions: nothing to compile at the first event, no table in the WASM
//! bundle, and native and browser agree because they run the same code. One pass over the bytes notes which kinds of
//! characters occur; each detector runs only if its own are among them.

mod codes;
mod network;
mod numbers;
mod pairs;

pub(super) use pairs::is_harmless;

use super::text::Found;

/// Which rule found something; the text is the rule's name in `_meta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The name of a key or of a `name=value` pair.
    Key,
    /// A team's own key name.
    TeamKey,
    Card,
    Iban,
    Jwt,
    /// A credential with a known beginning, such as `ghp_` or `AKIA`.
    Token,
    Pem,
    /// `Bearer` and `Basic` credentials.
    Auth,
    /// User and password in a URL or connection string.
    UrlAuth,
    Email,
    Ip,
    /// A cookie's value.
    Cookie,
}

impl Rule {
    pub const fn name(self) -> &'static str {
        match self {
            Rule::Key => "@key",
            Rule::TeamKey => "@team-key",
            Rule::Card => "@creditcard",
            Rule::Iban => "@iban",
            Rule::Jwt => "@jwt",
            Rule::Token => "@token",
            Rule::Pem => "@pemkey",
            Rule::Auth => "@auth",
            Rule::UrlAuth => "@urlauth",
            Rule::Email => "@email",
            Rule::Ip => "@ip",
            Rule::Cookie => "@cookie",
        }
    }
}

/// What to look for in a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan {
    /// E-mail and IP addresses too.
    pub personal: bool,
    /// IP addresses may be meant; false where four numbers are a version.
    pub addresses: bool,
    /// The text is source code: a name with something unquoted behind it is an expression, not a secret.
    pub code: bool,
}

/// Finds everything that must go, in no particular order and possibly overlapping.
pub(crate) fn all(text: &str, scan: Scan) -> Vec<Found> {
    let mut found = Vec::new();
    if text.len() < MIN_BYTES {
        return found;
    }
    let bytes = text.as_bytes();
    let traits = Traits::of(bytes);
    if traits.has(SIGN) || traits.has(DASH) && traits.has(BLANK) {
        pairs::find(text, scan.code, &mut found);
    }
    if !scan.code {
        pairs::elements(text, &mut found);
    }
    if traits.longest_run >= codes::MIN_RUN {
        codes::tokens(bytes, &mut found);
        codes::paths(bytes, &mut found);
    }
    if traits.has(BLANK) && text.len() >= 12 {
        codes::schemes(bytes, &mut found);
    }
    if traits.has(DASH) && traits.has(UPPER) {
        codes::pem(bytes, &mut found);
    }
    if traits.digits >= 12 {
        numbers::cards(bytes, &mut found);
    }
    if traits.digits >= 8 && traits.has(UPPER) {
        numbers::ibans(bytes, &mut found);
    }
    if traits.has(AT) {
        network::url_credentials(bytes, &mut found);
        if scan.personal {
            network::emails(bytes, &mut found);
        }
    }
    if scan.personal && scan.addresses {
        if traits.has(DOT) && traits.digits >= 4 {
            network::ipv4(bytes, &mut found);
        }
        if traits.has(SIGN) && traits.digits >= 1 {
            network::ipv6(text, &mut found);
        }
    }
    found
}

/// Whether the text of a JSON number is a card number. Only the commonest lengths, for ids are numbers too.
pub(super) fn is_card_number(text: &str) -> bool {
    if !matches!(text.len(), 15 | 16) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let digits: Vec<u8> = text.bytes().map(|byte| byte - b'0').collect();
    numbers::is_card(&digits)
}

/// The characters of a text in short.
struct Traits {
    kinds: u8,
    digits: usize,
    /// Longest run of letters, digits, `_` and `-`.
    longest_run: usize,
}

impl Traits {
    fn of(bytes: &[u8]) -> Traits {
        let (mut kinds, mut digits, mut run, mut longest_run) = (0, 0, 0, 0);
        for &byte in bytes {
            let kind = KINDS[usize::from(byte)];
            kinds |= kind;
            digits += usize::from(kind & DIGIT != 0);
            run = if kind & WORD != 0 { run + 1 } else { 0 };
            longest_run = longest_run.max(run);
        }
        Traits {
            kinds,
            digits,
            longest_run,
        }
    }

    fn has(&self, kinds: u8) -> bool {
        self.kinds & kinds != 0
    }
}

const WORD: u8 = 1;
const DIGIT: u8 = 2;
const UPPER: u8 = 4;
/// A colon or an equals sign.
const SIGN: u8 = 8;
const AT: u8 = 16;
const DOT: u8 = 32;
const DASH: u8 = 64;
const BLANK: u8 = 128;

/// Nothing shorter holds a secret together with what gives it away; `pwd=ab` is six bytes.
const MIN_BYTES: usize = 6;

static KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let char = byte as u8;
        if char.is_ascii_alphanumeric() || char == b'_' || char == b'-' {
            kinds[byte] |= WORD;
        }
        if char.is_ascii_digit() {
            kinds[byte] |= DIGIT;
        }
        if char.is_ascii_uppercase() {
            kinds[byte] |= UPPER;
        }
        byte += 1;
    }
    kinds[b':' as usize] |= SIGN;
    kinds[b'=' as usize] |= SIGN;
    kinds[b'@' as usize] |= AT;
    kinds[b'.' as usize] |= DOT;
    kinds[b'-' as usize] |= DASH;
    kinds[b' ' as usize] |= BLANK;
    kinds
};

/// Letters, digits, `_` and `-`.
fn is_word(byte: u8) -> bool {
    KINDS[usize::from(byte)] & WORD != 0
}

/// The byte before `at`; a blank at the start.
fn before(bytes: &[u8], at: usize) -> u8 {
    at.checked_sub(1).map_or(b' ', |at| bytes[at])
}

/// The byte at `at`; a blank at the end.
fn at(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(b' ')
}
