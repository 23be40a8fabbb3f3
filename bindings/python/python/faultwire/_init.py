"""Beginning and end of a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _hooks, _logging
from ._contexts import host_name
from ._native import NativeClient, from_json, to_json
from ._options import HostOptions
from ._scope import describe_machine, print_warnings
from ._state import NONE, Client, client, set_client
from ._version import VERSION
from ._warn import warn, words

if TYPE_CHECKING:
    from typing import Optional

    from typing_extensions import Unpack

    from ._options import Options
    from ._types import Stats


def init(dsn: Optional[str] = None, **options: Unpack[Options]) -> None:
    """Starts the SDK. Call it once, before the app does its work.

    Wrong options are warnings on standard error, never errors; a second call replaces the first client. No thread is
    started before the first event, so a server may fork after it.
    """
    given = HostOptions({"dsn": dsn, **options})
    if client() is not NONE:
        warn("init was called again; the earlier client is closed and replaced")
        earlier = client()
        set_client(NONE)
        # Zero: its queue is on disk, and the next client takes it over.
        earlier.native.close(0)
    for warning in given.warnings:
        warn(warning)
    if "server_name" not in given.core and "serverName" not in given.core:
        given.core["server_name"] = host_name()
    try:
        native = NativeClient(to_json(given.core, True), VERSION)
    except Exception as error:
        warn(f"{words(error)}; errors are not reported")
        return
    started = Client(native, given.before_send, given.before_breadcrumb, given.flags["include_local_variables"])
    print_warnings(started)
    set_client(started)
    if not started.enabled:
        return
    describe_machine(started.root.native)
    _hooks.watch_exit()
    if given.flags["capture_uncaught"]:
        _hooks.watch()
    _logging.watch(given.flags["capture_logs"], given.flags["log_breadcrumbs"])


def flush(timeout: Optional[float] = None) -> bool:
    """Waits until everything captured so far is delivered; False if `timeout` seconds passed first. The events stay
    queued. By default it waits as long as option `flush_timeout` says. Other threads go on meanwhile."""
    to = client()
    try:
        return to.native.flush(to.flush_timeout_ms if timeout is None else float(timeout) * 1_000)
    except Exception:
        return False
    finally:
        print_warnings(to)


def close(timeout: Optional[float] = None) -> bool:
    """Flushes, then stops the SDK. What could not be delivered in time stays on disk for the next start."""
    to = client()
    _hooks.unwatch()
    _logging.unwatch()
    set_client(NONE)
    try:
        return to.native.close(to.shutdown_timeout_ms if timeout is None else float(timeout) * 1_000)
    except Exception:
        return False
    finally:
        print_warnings(to)


def stats() -> Stats:
    """What became of every event since `init`."""
    found: Stats = from_json(client().native.stats())
    return found


def is_enabled() -> bool:
    """Whether events go anywhere: a client is running and has a usable DSN."""
    return client().enabled
