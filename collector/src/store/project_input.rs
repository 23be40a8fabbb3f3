//! What a new project may be called and which keys it may have; the same for every back end.

use super::{Error, NewProject, Result, secret};

/// JavaScript, and thus half of the SDKs, cannot tell larger numbers apart.
const MAX_ID: u64 = (1 << 53) - 1;
const MAX_NAME: usize = 100;

/// A new project whose parts have been checked.
pub(super) struct Checked {
    /// Without blanks around it.
    pub(super) name: String,
    pub(super) id: Option<u64>,
    /// 32 lowercase hexadecimal digits, made up if none was given.
    pub(super) public_key: String,
    pub(super) platform: Option<String>,
}

/// Checks what a person typed. Invalid: the name is empty or too long, the id or the key has the wrong form.
pub(super) fn check(new: NewProject) -> Result<Checked> {
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::invalid(format!(
            "project name must have 1 to {MAX_NAME} characters"
        )));
    }
    if new.id.is_some_and(|id| id == 0 || id > MAX_ID) {
        return Err(Error::invalid(format!(
            "project id must be between 1 and {MAX_ID}"
        )));
    }
    let public_key = match new.public_key {
        None => secret::public_key()?,
        Some(key) => {
            let key = key.to_ascii_lowercase();
            if key.len() != 32 || !key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(Error::invalid(format!(
                    "public key `{key}` must be 32 hexadecimal digits"
                )));
            }
            key
        }
    };
    Ok(Checked {
        name,
        id: new.id,
        public_key,
        platform: new.platform,
    })
}

/// The conflict of a key that is in use.
pub(super) fn key_taken(public_key: &str, owner: u64) -> Error {
    Error::conflict(format!(
        "public key {public_key} belongs to project {owner} already"
    ))
}

/// The conflict of an id that is in use.
pub(super) fn id_taken(id: u64) -> Error {
    Error::conflict(format!("project {id} exists already"))
}

/// The name's slugs in the order of preference: the plain one, then with a number after it. Never ends.
pub(super) fn slugs(name: &str) -> impl Iterator<Item = String> {
    let base = slug(name);
    std::iter::once(base.clone()).chain((2_u64..).map(move |number| format!("{base}-{number}")))
}

fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(40);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "project".to_owned()
    } else {
        slug.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{slug, slugs};

    #[test]
    fn slugs_are_short_and_plain() {
        for (name, expected) in [
            ("Shop", "shop"),
            ("  Web — Store (EU) ", "web-store-eu"),
            ("注文", "project"),
            (&"a-".repeat(50), &"a-".repeat(20)[..39]),
        ] {
            assert_eq!(slug(name), expected);
        }
        let first: Vec<_> = slugs("Shop").take(3).collect();
        assert_eq!(first, ["shop", "shop-2", "shop-3"]);
    }
}
