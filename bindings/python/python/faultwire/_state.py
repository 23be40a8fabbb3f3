"""What one process knows: the client of the last `init`, and which scope is current where."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, Optional, Union

    from ._native import NativeClient, NativeScope
    from ._types import BeforeBreadcrumb, BeforeSend

    #: Reads the HTTP request being served, when something is captured: members of the event as JSON text.
    RequestReader = Callable[[bool], list[str]]


class NoScope:
    """The scope before `init`, after `close` and without a native module."""

    def fork(self) -> NoScope:
        return self

    def clear(self) -> None: ...

    def set(self, kind: str, key: str, json: str) -> None: ...

    def breadcrumb(self, crumb: dict[str, Any]) -> None: ...

    def capture(self, event_json: str, fatal: bool) -> str:
        return ""

    def prepare(self, event_json: str) -> Optional[str]:
        return None


class NoClient:
    """The client before `init`, after `close` and without a native module."""

    def warnings(self) -> list[str]:
        return []

    def enabled(self) -> bool:
        return False

    def settings(self) -> tuple[int, int, bool, bool]:
        return (0, 0, False, False)

    def scope(self) -> NoScope:
        return NoScope()

    def submit(self, prepared_json: str, fatal: bool) -> None: ...

    def reject(self, reason: str) -> None: ...

    def flush(self, timeout_ms: float) -> bool:
        return True

    def close(self, timeout_ms: float) -> bool:
        return True

    def stats(self) -> str:
        return '{"captured":0,"recovered":0,"delivered":0,"queued":0,"lost":{}}'


class Client:
    """One client and what belongs to it."""

    __slots__ = (
        "native",
        "enabled",
        "before_send",
        "before_breadcrumb",
        "with_locals",
        "flush_timeout_ms",
        "shutdown_timeout_ms",
        "attach_stacktrace",
        "send_default_pii",
        "root",
    )

    def __init__(
        self,
        native: Union[NativeClient, NoClient],
        before_send: Optional[BeforeSend] = None,
        before_breadcrumb: Optional[BeforeBreadcrumb] = None,
        with_locals: bool = True,
    ) -> None:
        self.native = native
        #: Asked once: an event of a disabled client should cost nothing.
        self.enabled = native.enabled()
        self.before_send = before_send
        self.before_breadcrumb = before_breadcrumb
        self.with_locals = with_locals
        settings = native.settings()
        self.flush_timeout_ms, self.shutdown_timeout_ms, self.attach_stacktrace, self.send_default_pii = settings
        self.root = Link(self, native.scope(), None, None)


class Link:
    """One scope in force. `parent` is the scope around it up to the isolation scope, which has none."""

    __slots__ = ("client", "native", "parent", "request", "last_event_id")

    def __init__(
        self,
        client: Client,
        native: Union[NativeScope, NoScope],
        parent: Optional[Link],
        request: Optional[RequestReader],
    ) -> None:
        self.client = client
        self.native = native
        self.parent = parent
        self.request = request
        #: Of the isolation scope: the id of the last event captured under it.
        self.last_event_id: Optional[str] = None

    def isolation(self) -> Link:
        """The isolation scope around this one."""
        link = self
        while link.parent is not None:
            link = link.parent
        return link

    def outwards(self) -> Iterator[Link]:
        """This scope and those around it, innermost first."""
        link: Optional[Link] = self
        while link is not None:
            yield link
            link = link.parent


NONE = Client(NoClient())

_client = NONE
_current: ContextVar[Optional[Link]] = ContextVar("faultwire", default=None)


def client() -> Client:
    """The client in force; a disabled one before `init` and after `close`."""
    return _client


def set_client(new: Client) -> None:
    """Puts a client in force."""
    global _client
    _client = new


def current() -> Link:
    """The innermost scope in force here. A scope of an earlier client counts as none: its data went with that client."""
    link = _current.get()
    return link if link is not None and link.client is _client else _client.root


def inner_link() -> Link:
    """A scope inside the one in force, for `new_scope`."""
    outer = current()
    return Link(outer.client, outer.native.fork(), outer, outer.request)


def isolated_link(request: Optional[RequestReader] = None) -> Link:
    """An isolation scope of its own, for one request or task."""
    outer = current()
    return Link(outer.client, outer.native.fork(), None, request or outer.request)


def enter(link: Link) -> Any:
    """Puts `link` in force, also for every task that starts from here. The answer is for `leave`."""
    return _current.set(link)


def leave(token: Any) -> None:
    """Ends what `enter` began."""
    try:
        _current.reset(token)
    except ValueError:
        # The block ends in another context than it began in: a generator closed by the garbage collector, say. There is
        # nothing to restore here.
        pass
