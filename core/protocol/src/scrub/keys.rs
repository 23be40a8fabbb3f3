//! Which names promise a secret: `password`, `apiKey`, `X-Auth-Token`, `db.passwd`, but not `author` or `tokenizer`.
//!
//! A name is cut into lower-case words at separators and at the humps of camel case, so that `APIKey`, `api_key` and
//! `API-KEY` are the same two words. Then a few rules look at the words and at the name without separators. Most names
//! contain no telling syllable at all and leave after one table look-up a byte.

/// How sure a name makes us that its value is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sensitivity {
    /// The name says nothing.
    None,
    /// Values are secrets in data, but the word also occurs in prose (`unexpected token: x`).
    Weak,
    /// Values are secrets wherever they stand.
    Strong,
}

/// Judges a name under the built-in rules.
pub(crate) fn sensitivity(name: &str) -> Sensitivity {
    // Longer names are texts that somebody used as a key; the value detectors look at those.
    if name.len() < 3 || name.len() > MAX_NAME_BYTES || !has_telling_syllable(name.as_bytes()) {
        return Sensitivity::None;
    }
    let words = Words::of(name);
    classify(&words)
}

/// The name in the form in which team rules are compared: lower case without separators.
pub(crate) fn joined(name: &str) -> String {
    name.chars()
        .filter(|char| char.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn classify(words: &Words) -> Sensitivity {
    let joined = words.joined.as_str();
    let Some(last) = words.last() else {
        return Sensitivity::None;
    };
    if BENIGN_ENDINGS.contains(&last) || BENIGN_NAMES.contains(&joined) {
        return Sensitivity::None;
    }
    if STRONG_PARTS.iter().any(|part| joined.contains(part))
        || STRONG_ENDINGS.iter().any(|ending| joined.ends_with(ending))
        || STRONG_NAMES.contains(&joined)
        || words.any(|word| STRONG_WORDS.contains(&word))
        || last == "pass" && (words.count() == 1 || words.any(|word| PASS_OWNERS.contains(&word)))
        || matches!(last, "key" | "keys") && words.any(|word| KEY_KINDS.contains(&word))
    {
        return Sensitivity::Strong;
    }
    // A count of tokens is no token; language models made that the commoner meaning of the plural.
    let token = joined.ends_with("token")
        || joined.ends_with("tokens") && !words.any(|word| COUNTED.contains(&word));
    let session = words.any(|word| word == "session")
        && (words.count() == 1 || SESSION_ENDINGS.contains(&last))
        || matches!(last, "session" | "sessions") && !words.any(|word| COUNTED.contains(&word));
    let auth = matches!(last, "auth" | "oauth") || matches!(joined, "authheader" | "authdata");
    if token
        || session
        || auth
        || WEAK_WORDS.contains(&last)
        || matches!(last, "cookie" | "cookies")
    {
        return Sensitivity::Weak;
    }
    Sensitivity::None
}

/// Whether three letters in a row begin one of the parts that the rules look for.
fn has_telling_syllable(name: &[u8]) -> bool {
    let mut window = 0;
    for &byte in name {
        let code = CODES[usize::from(byte)];
        // Separators inside a word, as in `pass-wd`, are not seen through; nobody writes that.
        window = (window << 5 | usize::from(code)) & 0x7fff;
        if SYLLABLES[window / 64] >> (window % 64) & 1 == 1 {
            return true;
        }
    }
    false
}

/// A name cut into lower-case words.
struct Words {
    joined: String,
    /// Ends of the words in `joined`.
    ends: Vec<usize>,
}

impl Words {
    fn of(name: &str) -> Words {
        let mut words = Words {
            joined: String::with_capacity(name.len()),
            ends: Vec::with_capacity(4),
        };
        let mut previous = ' ';
        let mut chars = name.chars().peekable();
        while let Some(char) = chars.next() {
            if !char.is_alphanumeric() {
                words.end();
            } else {
                let hump = char.is_uppercase()
                    && (previous.is_lowercase()
                        || previous.is_ascii_digit()
                        || chars.peek().is_some_and(|next| next.is_lowercase()));
                if hump {
                    words.end();
                }
                words.joined.extend(char.to_lowercase());
            }
            previous = char;
        }
        words.end();
        words
    }

    fn end(&mut self) {
        if self.joined.len() > self.ends.last().copied().unwrap_or(0) {
            self.ends.push(self.joined.len());
        }
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.ends.iter().enumerate().map(|(index, &end)| {
            let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.joined[start..end]
        })
    }

    fn any(&self, test: impl FnMut(&str) -> bool) -> bool {
        self.iter().any(test)
    }

    fn last(&self) -> Option<&str> {
        self.iter().next_back()
    }

    fn count(&self) -> usize {
        self.ends.len()
    }
}

const MAX_NAME_BYTES: usize = 80;

/// Anywhere in the name, also across words. German, French, Spanish, Dutch and Polish words for password included.
const STRONG_PARTS: [&str; 27] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "motdepasse",
    "contrasena",
    "contraseña",
    "wachtwoord",
    "haslo",
    "apikey",
    "privatekey",
    "secretkey",
    "secretaccess",
    "accesskey",
    "accesstoken",
    "refreshtoken",
    "credential",
    "authorization",
    "csrf",
    "xsrf",
    "sessionid",
    "sessid",
    "connectionstring",
    "creditcard",
    "cardnumber",
];

/// At the end of the name, so that `secretary` is no secret.
const STRONG_ENDINGS: [&str; 6] = ["secret", "secrets", "pwd", "jwt", "authtoken", "setcookie"];

/// The whole name, joined.
const STRONG_NAMES: [&str; 16] = [
    "ccnum",
    "ccnumber",
    "pin",
    "pincode",
    "cardpin",
    "socialsecuritynumber",
    "twofactor",
    "mfacode",
    "authcode",
    "onetimecode",
    "xamzsignature",
    "awsaccesskeyid",
    "cookieheader",
    "aspxauth",
    "connectsid",
    "awsalb",
];

/// As one word of the name.
const STRONG_WORDS: [&str; 16] = [
    "secret", "secrets", "pwd", "jwt", "otp", "totp", "2fa", "cvv", "cvv2", "cvc", "ssn", "iban",
    "creds", "senha", "mdp", "bearer",
];

/// `db_pass` is a password, `boarding_pass` is not.
const PASS_OWNERS: [&str; 18] = [
    "db", "database", "user", "usr", "smtp", "mail", "mysql", "pg", "postgres", "redis", "mongo",
    "ftp", "ssh", "admin", "root", "http", "proxy", "login",
];

/// What a key must be to be a secret one; `primary_key`, `cache_key` and `public_key` are not.
const KEY_KINDS: [&str; 14] = [
    "api",
    "secret",
    "private",
    "access",
    "encryption",
    "signing",
    "account",
    "master",
    "ssh",
    "auth",
    "service",
    "shared",
    "aes",
    "hmac",
];

/// Beside `token` or `session` these make a number of them.
const COUNTED: [&str; 16] = [
    "max",
    "min",
    "total",
    "num",
    "number",
    "count",
    "prompt",
    "completion",
    "input",
    "output",
    "used",
    "usage",
    "cached",
    "reasoning",
    "limit",
    "active",
];

const SESSION_ENDINGS: [&str; 6] = ["id", "ids", "key", "token", "cookie", "data"];

/// As the last word of the name.
const WEAK_WORDS: [&str; 8] = [
    "sid",
    "saml",
    "samlresponse",
    "sso",
    "sig",
    "credentials",
    "nonce",
    "verifier",
];

/// A name that ends so speaks about a secret without being one.
const BENIGN_ENDINGS: [&str; 34] = [
    "count", "length", "len", "size", "type", "kind", "strength", "attempts", "policy", "required",
    "enabled", "expired", "expires", "expiry", "ttl", "age", "level", "status", "url", "uri",
    "endpoint", "method", "provider", "error", "errors", "field", "label", "valid", "changed",
    "at", "in", "limit", "name", "scope",
];

/// Names that the rules would take but that every runtime or SDK uses for something else.
const BENIGN_NAMES: [&str; 3] = ["oldpwd", "credentialsmode", "sessionsampling"];

/// Letters as 1 to 26, the digit 2 as 27, everything else as 0.
static CODES: [u8; 256] = {
    let mut codes = [0; 256];
    let mut letter = 0;
    while letter < 26 {
        codes[b'a' as usize + letter] = letter as u8 + 1;
        codes[b'A' as usize + letter] = letter as u8 + 1;
        letter += 1;
    }
    codes[b'2' as usize] = 27;
    codes
};

/// The set of three-letter beginnings of everything above, one bit each.
static SYLLABLES: [u64; 512] = {
    let mut set = [0u64; 512];
    let mut index = 0;
    while index < BEGINNINGS.len() {
        let name = BEGINNINGS[index].as_bytes();
        let code = (CODES[name[0] as usize] as usize) << 10
            | (CODES[name[1] as usize] as usize) << 5
            | CODES[name[2] as usize] as usize;
        set[code / 64] |= 1 << (code % 64);
        index += 1;
    }
    set
};

const BEGINNINGS: [&str; 46] = [
    "pas", "pwd", "sec", "tok", "aut", "coo", "ses", "sid", "key", "cre", "csr", "xsr", "jwt",
    "car", "cvv", "cvc", "ssn", "otp", "pin", "mfa", "2fa", "bea", "sig", "iba", "sam", "sso",
    "mdp", "sen", "ken", "con", "wac", "has", "mot", "pri", "acc", "ref", "ccn", "soc", "two",
    "one", "xam", "aws", "asp", "non", "ver", "api",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_reachable_through_the_prefilter() {
        let parts = STRONG_PARTS
            .iter()
            .chain(&STRONG_ENDINGS)
            .chain(&STRONG_NAMES)
            .chain(&STRONG_WORDS)
            .chain(&WEAK_WORDS);
        for part in parts.filter(|part| part.is_ascii()) {
            assert!(has_telling_syllable(part.as_bytes()), "{part}");
        }
    }

    #[test]
    fn secrets_are_known_in_every_spelling() {
        for name in [
            "password",
            "PASSWORD",
            "userPassword",
            "user-password",
            "new_password",
            "passwd",
            "mysql_pwd",
            "secret",
            "clientSecret",
            "client_secret",
            "appsecret",
            "SECRET_KEY",
            "token",
            "accessToken",
            "access_token",
            "csrfToken",
            "X-CSRF-Token",
            "XSRF-TOKEN",
            "authenticity_token",
            "api_key",
            "apiKey",
            "API-KEY",
            "APIKey",
            "x-api-key",
            "ApiKey",
            "authorization",
            "Authorization",
            "Proxy-Authorization",
            "cookie",
            "Set-Cookie",
            "session",
            "sessionId",
            "session_id",
            "PHPSESSID",
            "JSESSIONID",
            "connect.sid",
            "user_session",
            "private_key",
            "privateKey",
            "ssh_key",
            "aws_access_key_id",
            "credentials",
            "auth",
            "basic_auth",
            "jwt",
            "id_jwt",
            "cvv",
            "card_number",
            "cardNumber",
            "iban",
            "ssn",
            "otp",
            "pin",
            "db_pass",
            "pass",
            "PGPASSWORD",
            "connection_string",
            "passphrase",
            "Passwort",
            "contraseña",
            "AccountKey",
            "SharedAccessKey",
            "x-amz-security-token",
            "dbPasswd",
            "2fa",
        ] {
            assert_ne!(sensitivity(name), Sensitivity::None, "{name}");
        }
    }

    #[test]
    fn false_friends_stay() {
        for name in [
            "author",
            "authors",
            "authored_by",
            "keyboard",
            "key",
            "keys",
            "tokenizer",
            "tokenize",
            "max_tokens",
            "prompt_tokens",
            "token_count",
            "totalTokens",
            "token_type",
            "secretary",
            "passenger",
            "passed",
            "pass_count",
            "boarding_pass",
            "compass",
            "bypass",
            "monkey",
            "primary_key",
            "cache_key",
            "public_key",
            "session_count",
            "active_sessions",
            "obsession",
            "authenticated",
            "auth_method",
            "function",
            "filename",
            "module",
            "type",
            "level",
            "release",
            "event_id",
            "trace_id",
            "span_id",
            "design",
            "assignment",
            "inside",
            "opinion",
            "pinned",
            "shipping",
            "spin",
            "sidebar",
            "consideration",
            "cardinality",
            "card",
            "discard",
            "password_length",
            "email",
            "address",
            "accept",
            "Accept-Language",
            "Content-Type",
            "nested",
            "context",
            "connection",
            "cookie_consent",
            "OLDPWD",
        ] {
            assert_eq!(sensitivity(name), Sensitivity::None, "{name}");
        }
    }
}
