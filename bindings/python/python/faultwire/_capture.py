"""From a raised thing to the core: build event JSON, let the hook see it, hand it over.

Nothing in here raises into the app. What the app gets back is the event id, or None when nothing was taken (no DSN,
closed, or dropped by sampling or a hook).
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from ._native import current_stack, describe, from_json, to_json
from ._state import client, current
from ._warn import warn_once, words

if TYPE_CHECKING:
    from typing import Any, Optional, Union

    from typing_extensions import Unpack

    from ._state import Client, Link
    from ._types import CaptureContext, Event, Hint, Level, MessageContext

#: Where an exception that was reported keeps the id it got: middleware, logger and crash handler may all see the same
#: one. On the object, because built-in exceptions cannot be referenced weakly.
_MARK = "__faultwire_event_id__"


class _PerThread(threading.local):
    #: True while this thread builds an event or a hook judges it.
    busy = False


_thread = _PerThread()

#: True from `atexit` on: the worker may get no time any more, so every event is made durable at once.
_exiting = False


def capture_durably_from_now_on() -> None:
    """Makes every later capture durable before it returns."""
    global _exiting
    _exiting = True


def is_busy() -> bool:
    """Whether this thread is inside the SDK right now."""
    return _thread.busy


def _may_begin(to: Client) -> bool:
    """Whether an event may be built now. One that comes up while another is built or judged is counted as dropped: it
    would be judged by a hook that made it, or go on for ever."""
    if not to.enabled:
        return False
    if _thread.busy:
        warn_once("something was reported inside before_send or a __repr__ that was being read; it was dropped")
        to.native.reject("before_send")
        return False
    return True


def capture_exception(error: Any = None, **context: Unpack[CaptureContext]) -> Optional[str]:
    """Reports an exception, by default the one being handled; or anything else.

    The same exception object is reported once; later calls answer the first id. `error` may be an exception, or what
    `sys.exc_info()` gives.
    """
    return capture_raised(error, "generic", True, context, frame=sys._getframe(1))


def capture_raised(
    raised: Any,
    kind: str,
    handled: bool,
    context: CaptureContext,
    *,
    fatal: bool = False,
    frame: Any = None,
    hint: Optional[Hint] = None,
    members: tuple[str, ...] = (),
) -> Optional[str]:
    """`capture_exception` for the SDK's own integrations. With `fatal` the event is on disk when this returns.

    `members` are further members of the event as JSON text.
    """
    to = client()
    if not _may_begin(to):
        return None
    _thread.busy = True
    try:
        if raised is None:
            raised = sys.exc_info()[1]
        elif type(raised) is tuple and len(raised) == 3 and _is_exception(raised[1]):
            raised = raised[1]
        earlier = _reported(raised)
        if earlier is not None:
            if fatal:
                # The first report may still be on its way to the disk, and the process is about to die.
                to.native.flush(to.shutdown_timeout_ms)
            return earlier
        link = current()
        exceptions, properties = describe(raised, kind, handled, to.with_locals, frame)
        parts = [f'"exception":{{"values":{exceptions or "[]"}}}', *members]
        if issubclass(type(raised), (dict, list, tuple)):
            # No exception: its words are few, so it travels along.
            context = {**context, "extra": {"thrown": raised, **(context.get("extra") or {})}}
        json = _event(parts, context, properties, to, link)
        if hint is None:
            hint = {}
        if _is_exception(raised):
            hint.setdefault("exc_info", (type(raised), raised, raised.__traceback__))
        event_id = _deliver(json, fatal, hint, to, link)
        if event_id is not None:
            _mark(raised, event_id)
        return event_id
    except Exception as error:
        warn_once(f"an exception could not be reported ({words(error)})")
        return None
    finally:
        _thread.busy = False


def capture_message(
    message: str, level: Optional[Level] = None, **context: Unpack[MessageContext]
) -> Optional[str]:
    """Reports a text, by default at level `info`."""
    parts = [f'"message":{to_json(message)}']
    if client().attach_stacktrace:
        frames = current_stack(sys._getframe(1), client().with_locals)
        parts.append(f'"threads":{{"values":[{{"current":true,"stacktrace":{{"frames":{frames}}}}}]}}')
    return capture_parts(parts, {**context, "level": level or "info"}, {})


def capture_parts(parts: list[str], context: CaptureContext, hint: Hint) -> Optional[str]:
    """Reports an event made of members as JSON text."""
    to = client()
    if not _may_begin(to):
        return None
    _thread.busy = True
    try:
        link = current()
        return _deliver(_event(parts, context, None, to, link), False, hint, to, link)
    except Exception as error:
        warn_once(f"a message could not be reported ({words(error)})")
        return None
    finally:
        _thread.busy = False


def capture_event(event: Event, hint: Optional[Hint] = None) -> Optional[str]:
    """Reports an event that the app built itself, in the protocol's shape."""
    to = client()
    if not _may_begin(to):
        return None
    if not issubclass(type(event), dict):
        warn_once("capture_event needs a dict; the call was ignored")
        return None
    _thread.busy = True
    try:
        return _deliver(to_json(event, True), False, hint or {}, to, current())
    except Exception as error:
        warn_once(f"an event could not be reported ({words(error)})")
        return None
    finally:
        _thread.busy = False


def last_event_id() -> Optional[str]:
    """The id of the last event of this request or task; None if there is none."""
    return current().isolation().last_event_id


def _event(
    parts: list[str], context: CaptureContext, properties: Optional[str], to: Client, link: Link
) -> str:
    """Adds to `parts` what every event has, and closes the object."""
    parts.append(f'"timestamp":{time.time():.6f}')
    given: dict[str, Any] = dict(context)
    contexts = given.pop("contexts", None)
    if properties is not None:
        # What hangs on the exceptions, and beside it what the app gave.
        members = properties[1:-1]
        more = to_json(contexts)[1:-1] if contexts else ""
        parts.append(f'"contexts":{{{members}{"," if more else ""}{more}}}')
    elif contexts is not None:
        parts.append(f'"contexts":{to_json(contexts)}')
    for name, value in given.items():
        if value is not None:
            parts.append(f"{to_json(name)}:{to_json(value)}")
    if link.request is not None:
        # Read now, not when the request arrived: a request that goes well costs nothing. What the app gave comes later
        # in the text and wins.
        parts[:0] = link.request(to.send_default_pii)
    return "{" + ",".join(parts) + "}"


def _deliver(json: str, fatal: bool, hint: Hint, to: Client, link: Link) -> Optional[str]:
    """Hands an event over, through the hook if there is one."""
    durable = fatal or _exiting
    if to.before_send is None:
        event_id: Union[str, None] = link.native.capture(json, durable) or None
    else:
        event_id = _through_hook(to.before_send, json, durable, hint, to, link)
    if event_id is not None:
        link.isolation().last_event_id = event_id
    return event_id


def _through_hook(
    hook: Any, json: str, durable: bool, hint: Hint, to: Client, link: Link
) -> Optional[str]:
    prepared = link.native.prepare(json)
    if prepared is None:
        return None
    event = from_json(prepared)
    event_id: Optional[str] = event.get("event_id")
    try:
        kept = hook(event, hint)
    except Exception as error:
        warn_once(f"before_send raised ({words(error)}); the event was dropped")
        kept = None
    if kept is not None and not isinstance(kept, dict):
        warn_once(f"before_send returned {type(kept).__name__}; it must return the event or None, so the event was dropped")
        kept = None
    if kept is None:
        to.native.reject("before_send")
        return None
    to.native.submit(to_json(kept, True), durable)
    return event_id


def _is_exception(raised: Any) -> bool:
    # By the type alone: isinstance asks the object, and the object may raise.
    return issubclass(type(raised), BaseException)


def _reported(raised: Any) -> Optional[str]:
    if not _is_exception(raised):
        return None
    try:
        mark = raised.__dict__.get(_MARK)
        return mark if isinstance(mark, str) else None
    except Exception:
        return None


def _mark(raised: Any, event_id: str) -> None:
    if _is_exception(raised):
        try:
            # Past a `__setattr__` of the app's own.
            raised.__dict__[_MARK] = event_id
        except Exception:
            pass
