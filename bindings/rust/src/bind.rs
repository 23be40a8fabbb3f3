//! Scopes that follow a future from thread to thread.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::{Scope, active};

/// Gives a future a scope that is current whenever it runs, on whichever thread that is.
///
/// ```
/// use faultwire::BindScope;
///
/// async fn send_mail() {
///     faultwire::set_tag("step", "smtp"); // stays with this task
/// }
/// // With tokio: `tokio::spawn(send_mail().bind_scope())`.
/// let task = send_mail().bind_scope();
/// ```
pub trait BindScope: Future + Sized {
    /// Runs the future with a copy of the scope that is current now. This is what a spawned sub-task wants: it knows what
    /// its request knows, and keeps what it adds to itself.
    ///
    /// ```
    /// use faultwire::BindScope;
    /// let task = async { faultwire::capture_message("from a sub-task", faultwire::Level::Info) }.bind_scope();
    /// ```
    fn bind_scope(self) -> InScope<Self> {
        self.in_scope(Scope::current().map(|scope| scope.fork()))
    }

    /// Runs the future with `scope`, itself and not a copy. Without one the future runs as it would have.
    ///
    /// ```
    /// use faultwire::{BindScope, Scope};
    /// let job = async { faultwire::set_tag("job", "mail") }.in_scope(Scope::isolated());
    /// ```
    fn in_scope(self, scope: impl Into<Option<Scope>>) -> InScope<Self> {
        InScope {
            scope: scope.into(),
            epoch: active::epoch(),
            future: self,
        }
    }
}

impl<F: Future> BindScope for F {}

pin_project_lite::pin_project! {
    /// A future with a scope of its own, made by [`BindScope`].
    ///
    /// ```
    /// use faultwire::{BindScope, InScope};
    /// let task: InScope<_> = std::future::ready(1).bind_scope();
    /// ```
    #[must_use = "a future does nothing until it is awaited"]
    pub struct InScope<F> {
        scope: Option<Scope>,
        epoch: u64,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _until_it_waits = this
            .scope
            .as_ref()
            .map(|scope| active::enter(scope, *this.epoch));
        this.future.poll(context)
    }
}
