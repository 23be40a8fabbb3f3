//! Knowing that the process was forked.
//!
//! A forked child has the memory of its parent but none of its threads: the worker is gone, and the queue directory
//! still belongs to the parent. Every use of a runtime compares [`generation`] with the one it was made in; a child
//! sees a new number and starts a runtime of its own. The count is raised by a handler that runs in the child right
//! after `fork`, which costs each later look one relaxed load (asking for the process id would cost a system call).

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

static GENERATION: AtomicU64 = AtomicU64::new(0);
static WATCH: Once = Once::new();

/// How many forks lie between the first client's process and this one.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// Starts counting; later calls do nothing.
pub(crate) fn watch() {
    WATCH.call_once(|| {
        #[cfg(unix)]
        // SAFETY: the handler only raises an atomic, which is allowed in the child of a threaded process.
        unsafe {
            libc::pthread_atfork(None, None, Some(raise));
        }
    });
}

#[cfg(unix)]
unsafe extern "C" fn raise() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Closes a file descriptor inherited from the parent, so that a lock ends with the parent and not with its last child.
#[cfg(unix)]
pub(crate) fn close_inherited(fd: i32) {
    // SAFETY: called only in a forked child, for a descriptor whose owning object lies in the dead worker's memory and
    // is never dropped there, so nothing else closes it.
    unsafe {
        libc::close(fd);
    }
}

#[cfg(not(unix))]
pub(crate) fn close_inherited(_fd: i32) {}
