"""Error tracking for Python: what the app reports is on disk before anything else happens to it.

`faultwire.init(dsn)` and nothing more reports uncaught exceptions, logged errors and what `capture_exception` is given.
What is not in `__all__` is not part of the package's promise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._capture import capture_event, capture_exception, capture_message, last_event_id
from ._init import close, flush, init, is_enabled, stats
from ._scope import (
    TOP_LEVEL,
    Scope,
    get_current_scope,
    get_global_scope,
    get_isolation_scope,
    isolation_scope,
    new_scope,
    record_here,
)
from ._version import VERSION

if TYPE_CHECKING:
    from typing import Any, Mapping, Optional

    from ._types import Breadcrumb, Hint, Level, TagValue

__version__ = VERSION

__all__ = [
    "VERSION",
    "Scope",
    "add_breadcrumb",
    "capture_event",
    "capture_exception",
    "capture_message",
    "close",
    "flush",
    "get_current_scope",
    "get_global_scope",
    "get_isolation_scope",
    "init",
    "is_enabled",
    "isolation_scope",
    "last_event_id",
    "new_scope",
    "set_context",
    "set_extra",
    "set_extras",
    "set_level",
    "set_tag",
    "set_tags",
    "set_user",
    "stats",
]


def add_breadcrumb(crumb: Optional[Breadcrumb] = None, hint: Optional[Hint] = None, **fields: Any) -> None:
    """Records something that happened, as a dict or as keywords: `add_breadcrumb(category="cart", message="1 x teapot")`.

    The newest `max_breadcrumbs` travel with an event.
    """
    record_here(crumb, hint, fields)


def set_tag(key: str, value: TagValue) -> None:
    """Sets a tag for the request or task being served; outside of one, for the process. None removes it."""
    TOP_LEVEL.set_tag(key, value)


def set_tags(tags: Mapping[str, TagValue]) -> None:
    """Sets several tags."""
    TOP_LEVEL.set_tags(tags)


def set_user(user: Optional[Mapping[str, Any]]) -> None:
    """Says who is affected. None forgets it."""
    TOP_LEVEL.set_user(user)


def set_context(name: str, context: Optional[Mapping[str, Any]]) -> None:
    """Attaches a named mapping. None removes it."""
    TOP_LEVEL.set_context(name, context)


def set_extra(key: str, value: Any) -> None:
    """Attaches a value of any shape. None removes it."""
    TOP_LEVEL.set_extra(key, value)


def set_extras(extras: Mapping[str, Any]) -> None:
    """Attaches several values."""
    TOP_LEVEL.set_extras(extras)


def set_level(level: Optional[Level]) -> None:
    """Overrides the level of events captured in this request or task. None stops that."""
    TOP_LEVEL.set_level(level)
