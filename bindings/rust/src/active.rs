//! Which client and which scope are current.
//!
//! The client belongs to the process, the scope to the thread. A thread notices a new client by its epoch, one relaxed
//! load per call, and then starts afresh with a copy of that client's global scope.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use faultwire_native::Client;

use crate::Scope;
use crate::options::BeforeSend;

static CURRENT: RwLock<Option<Arc<Active>>> = RwLock::new(None);
static EPOCH: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static THREAD: RefCell<Thread> = const { RefCell::new(Thread { epoch: 0, active: None, scopes: Vec::new() }) };
}

/// A client and what the binding knows about it.
pub(crate) struct Active {
    pub(crate) client: Client,
    pub(crate) before_send: Option<BeforeSend>,
    pub(crate) captures_panics: bool,
    pub(crate) stack_on_messages: bool,
}

struct Thread {
    epoch: u64,
    active: Option<Arc<Active>>,
    /// The last one is current. Empty only while there is no client.
    scopes: Vec<Scope>,
}

/// Makes `active` the client of the process. The calling thread works on its global scope.
pub(crate) fn replace(active: Arc<Active>) {
    let scope = Scope::new(active.client.scope());
    *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = Some(active.clone());
    let epoch = EPOCH.fetch_add(1, Ordering::Release) + 1;
    let _ = THREAD.try_with(|thread| {
        *thread.borrow_mut() = Thread {
            epoch,
            active: Some(active),
            scopes: vec![scope],
        }
    });
}

/// Calls `use_them` with the current client and scope; `None` if there is no client. Nothing is borrowed meanwhile, so
/// `use_them` may call back into the SDK.
pub(crate) fn with<R>(use_them: impl FnOnce(&Active, &Scope) -> R) -> Option<R> {
    let found = THREAD.try_with(|thread| {
        let mut thread = thread.borrow_mut();
        thread.refresh();
        thread.active.clone().zip(thread.scopes.last().cloned())
    });
    let (active, scope) = match found {
        Ok(found) => found?,
        // The thread's locals are gone already: a capture in a destructor still counts, with the global scope.
        Err(_) => {
            let active = current()?;
            let scope = Scope::new(active.client.scope());
            (active, scope)
        }
    };
    Some(use_them(&active, &scope))
}

/// Puts a copy of the current scope on top until the result is dropped.
pub(crate) fn push() -> Pushed {
    push_with(|top| top.fork())
}

/// Puts `scope` itself on top until the result is dropped. A scope of an earlier client is replaced by a copy of the
/// current one: what it captured would go to a client that has ended.
pub(crate) fn enter(scope: &Scope, epoch: u64) -> Pushed {
    let is_current = EPOCH.load(Ordering::Acquire) == epoch;
    push_with(|top| {
        if is_current {
            scope.clone()
        } else {
            top.fork()
        }
    })
}

/// Which client is current: the number changes with every `init`.
pub(crate) fn epoch() -> u64 {
    EPOCH.load(Ordering::Acquire)
}

/// The scope that every thread's first one is a copy of; `None` if there is no client.
pub(crate) fn global() -> Option<Scope> {
    current().map(|active| Scope::new(active.client.scope()))
}

fn push_with(next: impl FnOnce(&Scope) -> Scope) -> Pushed {
    let depth = THREAD.try_with(|thread| {
        let mut thread = thread.borrow_mut();
        thread.refresh();
        let scope = next(thread.scopes.last()?);
        thread.scopes.push(scope);
        Some((thread.epoch, thread.scopes.len()))
    });
    Pushed {
        place: depth.ok().flatten(),
    }
}

/// See [`push`].
pub(crate) struct Pushed {
    /// Epoch and depth it was pushed at.
    place: Option<(u64, usize)>,
}

impl Drop for Pushed {
    fn drop(&mut self) {
        let Some((epoch, depth)) = self.place else {
            return;
        };
        let _ = THREAD.try_with(|thread| {
            let mut thread = thread.borrow_mut();
            // Another client may have begun meanwhile; its scopes are not ours to take.
            if thread.epoch == epoch {
                thread.scopes.truncate(depth - 1);
            }
        });
    }
}

impl Thread {
    fn refresh(&mut self) {
        let epoch = EPOCH.load(Ordering::Acquire);
        if self.epoch != epoch {
            self.epoch = epoch;
            self.active = current();
            self.scopes = self
                .active
                .iter()
                .map(|active| Scope::new(active.client.scope().fork()))
                .collect();
        }
    }
}

fn current() -> Option<Arc<Active>> {
    CURRENT
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}
