"""Middleware for WSGI apps: Django, Flask, Bottle and what else speaks PEP 3333."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import _request
from ._capture import capture_raised
from ._state import enter, isolated_link, leave

if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Iterator

    from ._state import Link

    App = Callable[[dict[str, Any], Any], Iterable[bytes]]


class WsgiMiddleware:
    """Gives every request a scope of its own, puts what was asked on its events, and reports what the app raises.

    `app = WsgiMiddleware(app)`. The answer is passed on piece by piece, as the app makes it; the body is not read.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        link = isolated_link(lambda with_address: _members(environ, with_address))
        token = enter(link)
        try:
            answer = self.app(environ, start_response)
        except Exception as error:
            _report(error)
            raise
        finally:
            leave(token)
        return _Answer(answer, link)


class _Answer:
    """The app's answer, each piece of it made inside the request's scope."""

    def __init__(self, answer: Iterable[bytes], link: Link) -> None:
        self._answer = answer
        self._link = link
        if hasattr(answer, "__len__"):
            # Servers ask for it, to set Content-Length for an answer in one piece.
            self.__class__ = _SizedAnswer

    def __iter__(self) -> Iterator[bytes]:
        token = enter(self._link)
        try:
            pieces = iter(self._answer)
        except Exception as error:
            _report(error)
            raise
        finally:
            leave(token)
        while True:
            token = enter(self._link)
            try:
                piece = next(pieces)
            except StopIteration:
                return
            except Exception as error:
                _report(error)
                raise
            finally:
                leave(token)
            yield piece

    def close(self) -> None:
        """Closes the app's answer, as PEP 3333 demands."""
        close = getattr(self._answer, "close", None)
        if close is None:
            return
        token = enter(self._link)
        try:
            close()
        except Exception as error:
            _report(error)
            raise
        finally:
            leave(token)


class _SizedAnswer(_Answer):
    def __len__(self) -> int:
        return len(self._answer)  # type: ignore[arg-type]


def _report(error: Exception) -> None:
    capture_raised(error, "wsgi", False, {}, frame=sys._getframe(1))


def _members(environ: dict[str, Any], with_address: bool) -> list[str]:
    method = environ.get("REQUEST_METHOD", "GET")
    path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}" or "/"
    try:
        # WSGI hands bytes over as if they were Latin-1.
        path = path.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        pass
    host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
    url = f"{environ.get('wsgi.url_scheme', 'http')}://{host}{path}"
    address = environ.get("REMOTE_ADDR") if with_address else None
    return _request.members(
        method, url, environ.get("QUERY_STRING"), _headers(environ), address, f"{method} {path}"
    )


def _headers(environ: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            yield key[5:].replace("_", "-").title(), value
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            yield key.replace("_", "-").title(), value
