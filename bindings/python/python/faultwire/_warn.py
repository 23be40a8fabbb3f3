"""Everything the SDK ever says goes through here: one prefix, one place, standard error."""

from __future__ import annotations

import sys

_said: set[str] = set()


def warn(message: str) -> None:
    """Prints one warning. Never raises: a standard error that is closed or broken is the app's affair."""
    try:
        print(f"faultwire: {message}", file=sys.stderr)
    except Exception:
        pass


def warn_once(message: str) -> None:
    """Prints a warning the first time only: for mistakes that would otherwise repeat with every event."""
    if message not in _said:
        _said.add(message)
        warn(message)


def words(error: object) -> str:
    """What went wrong, in a few words that are safe to print."""
    try:
        return f"{type(error).__name__}: {error}"[:200]
    except Exception:
        return type(error).__name__
