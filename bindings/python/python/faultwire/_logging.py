"""Log records: breadcrumbs from INFO, events from ERROR.

`Logger.callHandlers` is wrapped instead of adding a handler to the root logger: a handler there would turn
`logging.basicConfig()` into a no-op, silence the last-resort output, and miss every logger that does not propagate.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ._capture import capture_parts, capture_raised, is_busy
from ._native import plain_text, to_json
from ._scope import record_here
from ._state import client
from ._warn import warn_once, words

if TYPE_CHECKING:
    from typing import Any

_events = False
_breadcrumbs = False
_found: Any = None

#: What every record has; the rest came with `extra=`.
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def watch(events: bool, breadcrumbs: bool) -> None:
    """Starts watching, or changes what is watched."""
    global _events, _breadcrumbs, _found
    _events, _breadcrumbs = events, breadcrumbs
    if (events or breadcrumbs) and _found is None:
        _found = logging.Logger.callHandlers
        logging.Logger.callHandlers = _call_handlers  # type: ignore[method-assign]


def unwatch() -> None:
    """Stops watching. The wrapper goes, unless the app has wrapped it in turn."""
    global _events, _breadcrumbs, _found
    _events = _breadcrumbs = False
    if logging.Logger.callHandlers is _call_handlers:
        logging.Logger.callHandlers = _found  # type: ignore[method-assign]
        _found = None


def _call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
    if record.levelno >= logging.INFO and client().enabled and not _is_ours(record.name) and not is_busy():
        try:
            _watch_record(record)
        except Exception as error:
            warn_once(f"a log record could not be read ({words(error)})")
    _found(self, record)


def _watch_record(record: logging.LogRecord) -> None:
    try:
        text = record.getMessage()
    except Exception:
        # The handlers will say what is wrong with it.
        text = plain_text(record.msg, 1_024)
    extra = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
    level = _level(record.levelno)
    if _events and record.levelno >= logging.ERROR:
        _capture(record, text, level, extra)
    if _breadcrumbs:
        crumb: dict[str, Any] = {
            "category": record.name,
            "level": level,
            "message": text,
            "timestamp": record.created,
        }
        if extra:
            crumb["data"] = extra
        record_here(None, {"log_record": record}, crumb)


def _capture(record: logging.LogRecord, text: str, level: Any, extra: dict[str, Any]) -> None:
    template = plain_text(record.msg, 8_192)
    entry = f'"message":{to_json(template)},"formatted":{to_json(text)}'
    if record.args:
        args = list(record.args) if isinstance(record.args, tuple) else record.args
        entry += f',"params":{to_json(args)}'
    members = [f'"logger":{to_json(record.name)}', f'"logentry":{{{entry}}}']
    hint = {"log_record": record}
    context: Any = {"level": level}
    if extra:
        context["extra"] = extra
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    if error is not None:
        # asyncio's own words about a task that nobody awaited.
        kind, handled = ("asyncio", False) if record.name == "asyncio" else ("logging", True)
        capture_raised(error, kind, handled, context, hint=hint, members=tuple(members))
    else:
        capture_parts(members, context, hint)


def _level(number: int) -> str:
    if number >= logging.CRITICAL:
        return "fatal"
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info"


def _is_ours(name: str) -> bool:
    return name == "faultwire" or name.startswith("faultwire.")
