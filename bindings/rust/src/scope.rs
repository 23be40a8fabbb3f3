//! The facts that go onto every event captured while they are set.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use faultwire_native::json::{Object, Value};

use crate::{Breadcrumb, EventId, Level, active};

/// Tags, user, contexts and breadcrumbs. Got from [`crate::configure_scope`] and [`crate::with_scope`].
///
/// ```
/// faultwire::configure_scope(|scope| scope.set_tag("region", "eu-west"));
/// ```
#[derive(Clone)]
pub struct Scope {
    inner: faultwire_native::Scope,
    request: Arc<Mutex<Option<Describe>>>,
    /// Shared by a request's scope and the copies made while it is served.
    last_event: Arc<Mutex<EventId>>,
}

/// Tells about the request under way, in the protocol's words.
type Describe = Arc<dyn Fn() -> Value<'static> + Send + Sync>;

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
        Scope {
            inner,
            request: Arc::default(),
            last_event: Arc::default(),
        }
    }

    pub(crate) fn native(&self) -> &faultwire_native::Scope {
        &self.inner
    }

    /// What `request` of an event is made of. Called where there is time, on the worker.
    pub(crate) fn describes_request(&self) -> impl FnOnce(&mut Object<'static>) + Send + 'static {
        let describe = lock(&self.request).clone();
        move |event| {
            let request = describe.and_then(|describe| {
                // An event without its request is better than none.
                catch_unwind(AssertUnwindSafe(|| describe())).ok()
            });
            if let Some(request) = request {
                event.insert("request", request);
            }
        }
    }

    pub(crate) fn remember(&self, id: &EventId) {
        if !id.is_none() {
            *lock(&self.last_event) = id.clone();
        }
    }

    /// The scope that is current here, itself and not a copy; `None` before [`crate::init`].
    ///
    /// ```
    /// let _guard = faultwire::init(faultwire::Options::default());
    /// faultwire::Scope::current().unwrap().set_tag("region", "eu-west");
    /// ```
    pub fn current() -> Option<Scope> {
        active::with(|_, scope| scope.clone())
    }

    /// A scope for a unit of work that begins here, such as a request: it knows what the thread that called
    /// [`crate::init`] has set, and nothing that other work left behind on this thread. `None` before [`crate::init`].
    ///
    /// ```
    /// let _guard = faultwire::init(faultwire::Options::default());
    /// faultwire::set_tag("region", "eu-west");
    /// let request = faultwire::Scope::isolated().unwrap();
    /// request.set_tag("request", "42");
    /// request.run(|| faultwire::capture_message("in eu-west, of request 42", faultwire::Level::Info));
    /// ```
    pub fn isolated() -> Option<Scope> {
        active::global().map(|scope| Scope::new(scope.inner.fork()))
    }

    /// A copy: what it is told from now on stays with it.
    ///
    /// ```
    /// faultwire::configure_scope(|scope| scope.fork().set_tag("seen", "by nobody"));
    /// ```
    pub fn fork(&self) -> Scope {
        Scope {
            inner: self.inner.fork(),
            request: Arc::new(Mutex::new(lock(&self.request).clone())),
            last_event: self.last_event.clone(),
        }
    }

    /// Runs `work` with this scope, itself and not a copy, as the current one. For a future see
    /// [`crate::BindScope::in_scope`].
    ///
    /// ```
    /// let _guard = faultwire::init(faultwire::Options::default());
    /// let job = faultwire::Scope::isolated().unwrap();
    /// job.run(|| faultwire::set_tag("job", "mail"));
    /// ```
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        let _until_the_end = active::enter(self, active::epoch());
        work()
    }

    /// The id of the last event that was captured with this scope or a copy of it; nothing if there was none.
    ///
    /// ```
    /// faultwire::configure_scope(|scope| assert!(scope.last_event().is_none()));
    /// ```
    pub fn last_event(&self) -> EventId {
        lock(&self.last_event).clone()
    }

    /// Sets what tells about the request under way: an object with `method`, `url`, `query_string` and `headers`.
    ///
    /// `describe` is called only when something is captured, on the SDK's own thread unless there is a hook. It hands
    /// over everything as it came; secrets are removed by the same rules as everywhere else.
    ///
    /// ```
    /// faultwire::configure_scope(|scope| {
    ///     scope.set_request(|| faultwire::object([("method", "GET"), ("url", "http://localhost/cart")]));
    /// });
    /// ```
    pub fn set_request(&self, describe: impl Fn() -> Value<'static> + Send + Sync + 'static) {
        *lock(&self.request) = Some(Arc::new(describe));
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
        *lock(&self.request) = None;
    }

    fn put(&self, kind: &str, key: &str, value: Value<'_>) {
        self.inner.set(kind, key, &value.to_string());
    }
}

/// What a panic left behind is whole: every change under the lock is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
