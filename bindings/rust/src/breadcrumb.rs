//! What happened before an error.

use std::time::{SystemTime, UNIX_EPOCH};

use faultwire_native::json::{Object, Value};

use crate::Level;

/// One thing that happened. The time is that of [`Breadcrumb::new`].
///
/// ```
/// use faultwire::{Breadcrumb, Level};
/// let crumb = Breadcrumb::new("GET /cart").category("http").level(Level::Info).data("status", 200);
/// ```
#[derive(Debug, Clone)]
pub struct Breadcrumb {
    time_ms: f64,
    message: String,
    category: String,
    level: Option<Level>,
    data: Object<'static>,
}

impl Breadcrumb {
    /// A breadcrumb of this moment.
    ///
    /// ```
    /// faultwire::Breadcrumb::new("cart loaded");
    /// ```
    pub fn new(message: impl Into<String>) -> Breadcrumb {
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Breadcrumb {
            time_ms: time.as_secs_f64() * 1000.0,
            message: message.into(),
            category: String::new(),
            level: None,
            data: Object::new(),
        }
    }

    /// Which part of the app it comes from, such as `http` or `db.query`.
    ///
    /// ```
    /// faultwire::Breadcrumb::new("SELECT …").category("db.query");
    /// ```
    pub fn category(mut self, category: impl Into<String>) -> Breadcrumb {
        self.category = category.into();
        self
    }

    /// How much it matters.
    ///
    /// ```
    /// faultwire::Breadcrumb::new("retrying").level(faultwire::Level::Warning);
    /// ```
    pub fn level(mut self, level: Level) -> Breadcrumb {
        self.level = Some(level);
        self
    }

    /// Adds a detail.
    ///
    /// ```
    /// faultwire::Breadcrumb::new("GET /cart").data("status", 200);
    /// ```
    pub fn data(mut self, key: &str, value: impl Into<Value<'static>>) -> Breadcrumb {
        self.data.insert(key.to_owned(), value.into());
        self
    }

    pub(crate) fn add_to(self, scope: &faultwire_native::Scope) {
        let data = (!self.data.is_empty()).then(|| Value::Object(self.data).to_string());
        let level = self.level.map_or("", Level::as_str);
        scope.breadcrumb(
            self.time_ms,
            &self.category,
            level,
            &self.message,
            data.as_deref(),
        );
    }
}

impl From<&str> for Breadcrumb {
    fn from(message: &str) -> Breadcrumb {
        Breadcrumb::new(message)
    }
}
