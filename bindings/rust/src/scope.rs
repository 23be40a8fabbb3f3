//! The facts that go onto every event captured while they are set.

use std::borrow::Cow;

use faultwire_native::json::Value;

use crate::{Breadcrumb, Level};

/// Tags, user, contexts and breadcrumbs. Got from [`crate::configure_scope`] and [`crate::with_scope`].
///
/// ```
/// faultwire::configure_scope(|scope| scope.set_tag("region", "eu-west"));
/// ```
#[derive(Clone)]
pub struct Scope {
    inner: faultwire_native::Scope,
}

/// Who is affected. Fields the app sets are kept as they are, also without `sendDefaultPii`.
///
/// ```
/// let user = faultwire::User { id: Some("7".into()), email: Some("ann@example.com".into()), ..Default::default() };
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The app's own id.
    pub id: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Login name.
    pub username: Option<String>,
    /// Network address; `{{auto}}` lets the server fill it in.
    pub ip_address: Option<String>,
}

impl Scope {
    pub(crate) fn new(inner: faultwire_native::Scope) -> Scope {
        Scope { inner }
    }

    pub(crate) fn native(&self) -> &faultwire_native::Scope {
        &self.inner
    }

    pub(crate) fn fork(&self) -> Scope {
        Scope {
            inner: self.inner.fork(),
        }
    }

    /// Sets a tag: a short value to search and filter by.
    ///
    /// ```
    /// faultwire::configure_scope(|scope| scope.set_tag("region", "eu-west"));
    /// ```
    pub fn set_tag(&self, key: &str, value: &str) {
        self.put("tag", key, Value::from(value));
    }

    /// Removes a tag.
    ///
    /// ```
    /// faultwire::configure_scope(|scope| scope.remove_tag("region"));
    /// ```
    pub fn remove_tag(&self, key: &str) {
        self.put("tag", key, Value::Null);
    }

    /// Sets who is affected; `None` removes the user.
    ///
    /// ```
    /// faultwire::configure_scope(|scope| scope.set_user(None));
    /// ```
    pub fn set_user(&self, user: Option<User>) {
        let value = user.map(|user| {
            let fields = [
                ("id", user.id),
                ("email", user.email),
                ("username", user.username),
                ("ip_address", user.ip_address),
            ];
            let given = fields
                .into_iter()
                .filter_map(|(key, value)| Some((key, Value::from(value?))));
            Value::Object(given.collect())
        });
        self.put("user", "", value.unwrap_or_default());
    }

    /// Sets a named group of facts; it has to be an object.
    ///
    /// ```
    /// faultwire::configure_scope(|scope| scope.set_context("order", faultwire::object([("items", 3)])));
    /// ```
    pub fn set_context(&self, name: &str, value: Value<'_>) {
        self.put("context", name, value);
    }

    /// Sets a single fact of any shape.
    ///
    /// ```
    /// faultwire::configure_scope(|scope| scope.set_extra("attempt", 3));
    /// ```
    pub fn set_extra<'a>(&self, key: &str, value: impl Into<Value<'a>>) {
        self.put("extra", key, value.into());
    }

    /// Sets the level of all events, except crashes.
    ///
    /// ```
    /// faultwire::configure_scope(|scope| scope.set_level(faultwire::Level::Warning));
    /// ```
    pub fn set_level(&self, level: Level) {
        self.put("level", "", Value::from(level.as_str()));
    }

    /// Sets what the app is doing, such as the route of a request.
    ///
    /// ```
    /// faultwire::configure_scope(|scope| scope.set_transaction("GET /cart"));
    /// ```
    pub fn set_transaction(&self, name: &str) {
        self.put("transaction", "", Value::from(name));
    }

    /// Sets by what events are grouped; `{{ default }}` stands for what the server would take.
    ///
    /// ```
    /// faultwire::configure_scope(|scope| scope.set_fingerprint(&["{{ default }}", "tenant-7"]));
    /// ```
    pub fn set_fingerprint(&self, parts: &[&str]) {
        let parts: Vec<Value<'_>> = parts
            .iter()
            .map(|part| Value::String(Cow::Borrowed(part)))
            .collect();
        self.put("fingerprint", "", Value::Array(parts));
    }

    /// Adds a breadcrumb.
    ///
    /// ```
    /// faultwire::configure_scope(|scope| scope.add_breadcrumb(faultwire::Breadcrumb::new("cart loaded")));
    /// ```
    pub fn add_breadcrumb(&self, breadcrumb: Breadcrumb) {
        breadcrumb.add_to(&self.inner);
    }

    /// Forgets everything, breadcrumbs included.
    ///
    /// ```
    /// faultwire::configure_scope(|scope| scope.clear());
    /// ```
    pub fn clear(&self) {
        self.inner.clear();
    }

    fn put(&self, kind: &str, key: &str, value: Value<'_>) {
        self.inner.set(kind, key, &value.to_string());
    }
}
