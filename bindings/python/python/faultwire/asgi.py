"""Middleware for ASGI apps: FastAPI, Starlette, Django, Quart and what else speaks ASGI 3."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import _request
from ._capture import capture_raised
from ._state import enter, isolated_link, leave

if TYPE_CHECKING:
    from typing import Any, Awaitable, Callable, Iterator

    App = Callable[[Any, Any, Any], Awaitable[Any]]


class AsgiMiddleware:
    """Gives every request a scope of its own, puts what was asked on its events, and reports what the app raises.

    `app.add_middleware(AsgiMiddleware)` or `app = AsgiMiddleware(app)`. The body is not read.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("type") not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        token = enter(isolated_link(lambda with_address: _members(scope, with_address)))
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            capture_raised(error, "asgi", False, {}, frame=sys._getframe())
            raise
        finally:
            leave(token)


def _members(scope: Any, with_address: bool) -> list[str]:
    method = scope.get("method", "WEBSOCKET")
    path = scope.get("path") or "/"
    headers = list(_headers(scope))
    host = next((value for name, value in headers if name == "host"), None)
    if host is None:
        server = scope.get("server") or ("", None)
        host = server[0] if server[1] is None else f"{server[0]}:{server[1]}"
    # Starlette and FastAPI leave the route they matched on the scope.
    route = getattr(scope.get("route"), "path", None) or path
    client = scope.get("client") if with_address else None
    query = scope.get("query_string", b"").decode("latin-1")
    url = f"{scope.get('scheme', 'http')}://{host}{path}"
    return _request.members(method, url, query, headers, client and client[0], f"{method} {route}")


def _headers(scope: Any) -> Iterator[tuple[str, str]]:
    for name, value in scope.get("headers") or ():
        yield name.decode("latin-1"), value.decode("latin-1")
