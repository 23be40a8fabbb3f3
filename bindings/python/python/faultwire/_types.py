"""The words of the wire protocol, as types. Imported by type checkers only: an app does not pay for them at start."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Literal, Optional, TypedDict, Union

Level = Literal["fatal", "error", "warning", "info", "debug"]

TagValue = Union[str, int, float, bool, None]

Event = Dict[str, Any]
"""An event in the protocol's shape, as `capture_event` takes it and `before_send` sees it."""

Hint = Dict[str, Any]
"""What a hook learns beside the event or breadcrumb: `exc_info` for an exception, `log_record` for a log line."""

BeforeSend = Callable[[Event, Hint], Optional[Event]]


class Breadcrumb(TypedDict, total=False):
    """Something that happened before the error."""

    message: str
    category: str
    level: Level
    timestamp: float
    data: Dict[str, Any]


BeforeBreadcrumb = Callable[[Breadcrumb, Hint], Optional[Breadcrumb]]


class User(TypedDict, total=False):
    """Who was affected. One of `id`, `username`, `email`, `ip_address` makes users countable."""

    id: Union[str, int]
    username: str
    email: str
    ip_address: str


class Stats(TypedDict):
    """What became of every event since `init`: `captured + recovered = delivered + queued + sum of lost`."""

    captured: int
    recovered: int
    delivered: int
    queued: int
    lost: Dict[str, int]


class MessageContext(TypedDict, total=False):
    """Data for one event only, on top of what the scopes hold."""

    tags: Dict[str, TagValue]
    extra: Dict[str, Any]
    contexts: Dict[str, Dict[str, Any]]
    user: Dict[str, Any]
    fingerprint: List[str]
    transaction: str


class CaptureContext(MessageContext, total=False):
    """The same, and the level."""

    level: Level
