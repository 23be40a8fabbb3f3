"""Scopes: what an event says about where it happened.

The isolation scope belongs to one request or task, an inner scope to one `with new_scope()` block. A fork copies what
the outer scope held at that moment. The top-level setters write to every scope from the innermost up to the isolation
scope, so what they set is on events inside the block and after it; the methods of the `Scope` that `new_scope` hands out
write to that scope alone and end with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._native import plain_text, to_json
from ._state import client, current, enter, inner_link, isolated_link, leave
from ._warn import warn, warn_once, words

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable, Iterable, Mapping, Optional, Sequence

    from ._state import Client, Link, RequestReader
    from ._types import Breadcrumb, Hint, Level, TagValue


class Scope:
    """One scope. Every method returns the scope, so that calls chain; none raises."""

    __slots__ = ("_links",)

    def __init__(self, links: Callable[[], Iterable[Link]]) -> None:
        self._links = links

    def set_tag(self, key: str, value: TagValue) -> Scope:
        """Sets a tag: short, indexed, searchable. None removes it."""
        return self._put("tag", key, value)

    def set_tags(self, tags: Mapping[str, TagValue]) -> Scope:
        """Sets several tags."""
        for key, value in _items(tags):
            self._put("tag", key, value)
        return self

    def set_user(self, user: Optional[Mapping[str, Any]]) -> Scope:
        """Says who is affected. None forgets it."""
        return self._put("user", "", user)

    def set_context(self, name: str, context: Optional[Mapping[str, Any]]) -> Scope:
        """Attaches a named mapping. None removes it."""
        return self._put("context", name, context)

    def set_extra(self, key: str, value: Any) -> Scope:
        """Attaches a value of any shape. None removes it."""
        return self._put("extra", key, value)

    def set_extras(self, extras: Mapping[str, Any]) -> Scope:
        """Attaches several values."""
        for key, value in _items(extras):
            self._put("extra", key, value)
        return self

    def set_level(self, level: Optional[Level]) -> Scope:
        """Overrides the level of every event captured under this scope. None stops that."""
        return self._put("level", "", level)

    def set_transaction_name(self, name: Optional[str]) -> Scope:
        """Names the unit of work that runs: a route, a job."""
        return self._put("transaction", "", name)

    def set_fingerprint(self, fingerprint: Optional[Sequence[str]]) -> Scope:
        """Groups events by these parts. `{{ default }}` stands for the automatic grouping. None goes back to it."""
        return self._put("fingerprint", "", fingerprint)

    def add_breadcrumb(
        self, crumb: Optional[Breadcrumb] = None, hint: Optional[Hint] = None, **fields: Any
    ) -> Scope:
        """Records something that happened. The newest `max_breadcrumbs` travel with an event."""
        record(self._links, crumb, hint, fields)
        return self

    def clear(self) -> Scope:
        """Forgets everything the app set on this scope."""
        for link in self._links():
            link.native.clear()
            describe_machine(link.native)
        return self

    def _put(self, kind: str, key: object, value: object) -> Scope:
        to = client()
        if to.enabled:
            try:
                name = plain_text(key, 256)
                json = to_json(value)
                for link in self._links():
                    link.native.set(kind, name, json)
                # The core refuses what is too large or of the wrong shape, and says so.
                print_warnings(to)
            except Exception as error:
                warn_once(f"a {kind} could not be set ({words(error)})")
        return self


#: The scope the top-level functions speak to. It is looked up at each call, so one object serves all.
TOP_LEVEL = Scope(lambda: current().outwards())


def _scope_of(link: Link) -> Scope:
    links = (link,)
    return Scope(lambda: links)


def get_current_scope() -> Scope:
    """The innermost scope in force here."""
    return _scope_of(current())


def get_isolation_scope() -> Scope:
    """The scope of the request or task being served, or of the process outside of one."""
    return _scope_of(current().isolation())


def get_global_scope() -> Scope:
    """The scope of the process. Requests that begin afterwards inherit from it."""
    return _scope_of(client().root)


class new_scope:
    """`with new_scope() as scope:` runs a block with a scope of its own: what it sets there is gone afterwards."""

    __slots__ = ("_token",)

    def __enter__(self) -> Scope:
        link = self._link()
        self._token = enter(link)
        return _scope_of(link)

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        leave(self._token)

    def _link(self) -> Link:
        return inner_link()


class isolation_scope(new_scope):
    """`with isolation_scope() as scope:` runs a block as a request or task of its own: nothing set in it is seen by its
    neighbours."""

    __slots__ = ("_request",)

    def __init__(self, request: Optional[RequestReader] = None) -> None:
        self._request = request

    def _link(self) -> Link:
        return isolated_link(self._request)


#: True while a breadcrumb hook runs: a hook that logs would otherwise call itself through logging.
_in_hook = False


def record(links: Callable[[], Iterable[Link]], crumb: object, hint: Optional[Hint], fields: dict[str, Any]) -> None:
    """Adds a breadcrumb to scopes, through the hook if there is one."""
    to = client()
    if not to.enabled:
        return
    try:
        given = fields if crumb is None else _merged(crumb, fields)
        hook = to.before_breadcrumb
        kept = given if hook is None else _through_hook(hook, given, hint)
        if kept is not None:
            for link in links():
                link.native.breadcrumb(kept)
    except Exception as error:
        warn_once(f"a breadcrumb could not be recorded ({words(error)})")


def record_here(crumb: object, hint: Optional[Hint], fields: dict[str, Any]) -> None:
    """Adds a breadcrumb to every scope in force; the short way for what an app does most."""
    to = client()
    if not to.enabled:
        return
    if to.before_breadcrumb is not None or crumb is not None:
        record(TOP_LEVEL._links, crumb, hint, fields)
        return
    link: Optional[Link] = current()
    while link is not None:
        link.native.breadcrumb(fields)
        link = link.parent


def _merged(crumb: object, fields: dict[str, Any]) -> dict[str, Any]:
    if issubclass(type(crumb), dict):
        return {**crumb, **fields}  # type: ignore[dict-item]
    return {"message": crumb, **fields}


def _through_hook(hook: Any, crumb: dict[str, Any], hint: Optional[Hint]) -> Optional[dict[str, Any]]:
    global _in_hook
    if _in_hook:
        return None
    _in_hook = True
    try:
        kept = hook(dict(crumb), hint or {})
    except Exception as error:
        warn_once(f"before_breadcrumb raised ({words(error)}); the breadcrumb was dropped")
        return None
    finally:
        _in_hook = False
    return kept if isinstance(kept, dict) else None


def print_warnings(of: Client) -> None:
    """Prints what the core had to say. What its worker finds out later it prints itself, with the same prefix."""
    for warning in of.native.warnings():
        warn(warning)


_machine: dict[str, str] = {}


def describe_machine(native: Any) -> None:
    """Puts runtime, operating system, device and app on a scope. Collected once; every call here is a cheap one."""
    if not _machine:
        from ._contexts import collect

        _machine.update((name, to_json(context)) for name, context in collect().items())
    for name, json in _machine.items():
        native.set("context", name, json)


def _items(values: object) -> list[tuple[Any, Any]]:
    try:
        return list(dict(values).items())  # type: ignore[call-overload]
    except Exception:
        return []
