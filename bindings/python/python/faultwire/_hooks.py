"""The ends of things: uncaught exceptions of the process, of threads and of asyncio, forks, exit.

The rule is that Python behaves as if the SDK were not there: each hook reports, then calls the one it found. A hook
that the app sets later wins and may call ours.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import TYPE_CHECKING

from ._capture import capture_durably_from_now_on, capture_raised
from ._scope import print_warnings
from ._state import client

if TYPE_CHECKING:
    from typing import Any

_watching = False
_exit_watched = False
#: The hooks that were there, by name; ours call them to the end of the process.
_earlier: dict[str, Any] = {}
_in_place: set[str] = set()


def watch() -> None:
    """Starts reporting what no code catches. Once per process, whatever the number of `init` calls."""
    global _watching
    _watching = True
    _take(sys, "excepthook", _on_uncaught)
    _take(threading, "excepthook", _on_thread_died)
    _take(sys, "unraisablehook", _on_unraisable)
    _watch_asyncio()


def unwatch() -> None:
    """Stops, and puts back what was found, unless the app has put something of its own on top."""
    global _watching
    _watching = False
    _give_back(sys, "excepthook", _on_uncaught)
    _give_back(threading, "excepthook", _on_thread_died)
    _give_back(sys, "unraisablehook", _on_unraisable)


def _take(module: Any, name: str, ours: Any) -> None:
    key = f"{module.__name__}.{name}"
    # One that the app has wrapped stays where it is: taking the place again would make the two call each other for ever.
    if key not in _in_place:
        _earlier[key] = getattr(module, name)
        setattr(module, name, ours)
        _in_place.add(key)


def _give_back(module: Any, name: str, ours: Any) -> None:
    key = f"{module.__name__}.{name}"
    if getattr(module, name) is ours:
        setattr(module, name, _earlier[key])
        _in_place.discard(key)


def _on_uncaught(kind: Any, error: Any, traceback: Any) -> None:
    # Ctrl-C is a wish, and a mistake at a prompt is not the app's.
    if _watching and not issubclass(kind, KeyboardInterrupt) and not hasattr(sys, "ps1"):
        capture_raised(error, "excepthook", False, {"level": "fatal"}, fatal=True)
    _earlier["sys.excepthook"](kind, error, traceback)


def _on_thread_died(args: Any) -> None:
    if _watching and args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        capture_raised(args.exc_value, "threading", False, {"level": "error"})
    _earlier["threading.excepthook"](args)


def _on_unraisable(args: Any) -> None:
    # While the interpreter goes down, half of what such an exception speaks of is gone already.
    if _watching and args.exc_value is not None and not sys.is_finalizing():
        capture_raised(args.exc_value, "unraisablehook", False, {"level": "error"})
    _earlier["sys.unraisablehook"](args)


def _watch_asyncio() -> None:
    """Reports what reaches a loop's exception handler, before that handler. The app's own handler keeps its place.

    asyncio takes 30 ms to import, so an app that has not done so yet is not made to: the module is met when it comes.
    """
    module = sys.modules.get("asyncio.base_events")
    if module is not None:
        _wrap_loop(module)
    elif not any(isinstance(finder, _AsyncioFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AsyncioFinder())  # type: ignore[arg-type]


def _wrap_loop(module: Any) -> None:
    loop = getattr(module, "BaseEventLoop", None)
    found = getattr(loop, "call_exception_handler", None)
    if found is None or getattr(found, "faultwire", False):
        return

    def call_exception_handler(self: Any, context: Any) -> Any:
        error = context.get("exception") if isinstance(context, dict) else None
        if _watching and isinstance(error, Exception):
            capture_raised(error, "asyncio", False, {"level": "error"})
        return found(self, context)

    call_exception_handler.faultwire = True  # type: ignore[attr-defined]
    loop.call_exception_handler = call_exception_handler  # type: ignore[union-attr]


class _AsyncioFinder:
    """Stands in the import path until asyncio is imported, and then leaves."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "asyncio.base_events":
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)  # type: ignore[arg-type]
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                self._wrap(spec)
                return spec
        return None

    def _wrap(self, spec: Any) -> None:
        execute = getattr(spec.loader, "exec_module", None)
        if execute is None:
            return

        def exec_module(module: Any) -> None:
            execute(module)
            _wrap_loop(module)

        try:
            spec.loader.exec_module = exec_module
        except Exception:
            # A loader that cannot be changed: what reaches a loop's handler is then reported by the log line of it.
            pass


def watch_exit() -> None:
    """Sees to it that what was captured is on disk, and as far as time allows delivered, when the process ends."""
    global _exit_watched
    if _exit_watched:
        return
    _exit_watched = True
    atexit.register(_on_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)


def _on_exit() -> None:
    capture_durably_from_now_on()
    _flush()


def _flush() -> None:
    to = client()
    if to.enabled:
        # Returns at once if nothing is queued.
        to.native.flush(to.shutdown_timeout_ms)
    print_warnings(to)


def _after_fork() -> None:
    # The core gives the child a worker and a queue of its own at first use. What is left is the end of a child of
    # multiprocessing: it leaves without atexit, but not without multiprocessing's own finalizers.
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(_AT_CHILD_EXIT, _finalize_child)


class _AtChildExit:
    """What multiprocessing keeps by weak reference."""


_AT_CHILD_EXIT = _AtChildExit()


def _finalize_child(_: Any) -> None:
    util: Any = sys.modules["multiprocessing.util"]
    util.Finalize(None, _flush, exitpriority=0)
