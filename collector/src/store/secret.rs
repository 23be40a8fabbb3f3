//! Random secrets and the hashes under which they are stored. Tokens and session cookies carry 256
//! random bits, so a plain SHA-256 is enough to make a stolen data base useless for logging in; the
//! admin password, which people choose, gets argon2id.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use sha2::{Digest, Sha256};

use super::{Error, Result};

/// Fewest characters of the admin password.
pub const MIN_PASSWORD: usize = 8;
/// Most bytes of the admin password: argon2 reads all of them, so a stranger must not choose how many.
pub const MAX_PASSWORD: usize = 1024;

/// The form in which the admin password is stored (PHC text, argon2id, random salt). Takes some 20 ms and
/// 19 MB on purpose. Invalid: too short or too long.
pub fn hash_password(password: &str) -> Result<String> {
    if password.chars().count() < MIN_PASSWORD || password.len() > MAX_PASSWORD {
        return Err(Error::invalid(format!(
            "password must have at least {MIN_PASSWORD} characters and at most {MAX_PASSWORD} bytes"
        )));
    }
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Error::unavailable("hash the admin password", error))
}

/// Whether `password` is the one behind `hash`. A damaged hash fits nothing.
pub fn password_fits(password: &str, hash: &str) -> bool {
    password.len() <= MAX_PASSWORD
        && PasswordHash::new(hash).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        })
}

/// A fresh API token: `fwt_` and 64 hexadecimal digits. The prefix lets secret scanners find leaks.
pub fn token() -> Result<String> {
    Ok(format!("fwt_{}", hex(&random::<32>()?)))
}

/// A fresh session cookie: 64 hexadecimal digits.
pub fn session() -> Result<String> {
    Ok(hex(&random::<32>()?))
}

/// A fresh public key of a DSN: 32 lowercase hexadecimal digits, the form that every SDK accepts.
/// Source: protocol section 1.1.
pub fn public_key() -> Result<String> {
    Ok(hex(&random::<16>()?))
}

/// The form in which tokens and cookies are stored and looked up.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Lowercase hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::unavailable("draw random bytes for a secret", error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_fit_their_own_hash_only() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(password_fits("correct horse", &hash));
        assert!(!password_fits("correct horsf", &hash));
        assert!(!password_fits("correct horse", "damaged"));
        assert!(hash_password("short").is_err());
        assert!(hash_password(&"x".repeat(MAX_PASSWORD + 1)).is_err());
    }

    #[test]
    fn secrets_differ_and_have_their_shape() {
        let (one, two) = (token().unwrap(), token().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 4 + 64);
        assert_ne!(hash(&one), hash(&two));
        assert_eq!(public_key().unwrap().len(), 32);
    }
}
