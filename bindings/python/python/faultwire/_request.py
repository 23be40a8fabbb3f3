"""The HTTP request on an event.

Headers, cookies and query travel to the core as they are and never further: its scrubber decides what stays. The body is
never read. Two things are decided here because only the host knows them: the client's address (left out unless
`send_default_pii`), and the route the framework matched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._native import plain_text, to_json

if TYPE_CHECKING:
    from typing import Any, Iterable, Optional

_MOST_HEADERS = 100


def members(
    method: object,
    url: str,
    query: object,
    headers: Iterable[tuple[object, object]],
    address: Optional[object],
    transaction: str,
) -> list[str]:
    """Members of an event as JSON text: `request`, `transaction` and where given the user's address."""
    request: dict[str, Any] = {"method": plain_text(method, 32), "url": plain_text(url, 2_048)}
    if query:
        request["query_string"] = plain_text(query, 2_048)
    shown: dict[str, str] = {}
    for name, value in headers:
        if len(shown) >= _MOST_HEADERS:
            break
        name = plain_text(name, 256)
        text = plain_text(value, 4_096)
        shown[name] = f"{shown[name]},{text}" if name in shown else text
    if shown:
        request["headers"] = shown
    parts = [f'"request":{to_json(request)}', f'"transaction":{to_json(plain_text(transaction, 1_024))}']
    if address:
        parts.append(f'"user":{{"ip_address":{to_json(plain_text(address, 64))}}}')
    return parts
