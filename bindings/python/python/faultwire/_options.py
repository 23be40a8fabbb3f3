"""What `init` takes: the core's options, and the few that only this host can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._warn import words

if TYPE_CHECKING:
    from typing import Any, Optional

    from ._options_generated import CoreOptions
    from ._types import BeforeBreadcrumb, BeforeSend

    class Options(CoreOptions, total=False):
        """The options of `init`. All are optional; without a DSN (here or in `FAULTWIRE_DSN`) the SDK does nothing."""

        before_send: Optional[BeforeSend]
        """Sees each event; returns it, changed or not, or None to drop it. A hook that raises drops the event too."""
        before_breadcrumb: Optional[BeforeBreadcrumb]
        """Sees each breadcrumb; returns it, changed or not, or None to drop it."""
        include_local_variables: bool
        """Put local variables on the frames of an exception. Default True. Secrets among them are removed."""
        capture_uncaught: bool
        """Report what no code catches, in the main thread, other threads and asyncio. Default True."""
        capture_logs: bool
        """Report what is logged at level ERROR and above. Default True."""
        log_breadcrumbs: bool
        """Record what is logged at level INFO and above as breadcrumbs. Default True."""


class HostOptions:
    """The options of this host, taken out of what the app gave."""

    __slots__ = ("before_send", "before_breadcrumb", "flags", "core", "warnings")

    def __init__(self, given: dict[str, Any]) -> None:
        #: What is left for the core, which knows its own options and warns about the rest.
        self.core = {name: value for name, value in given.items() if value is not None}
        self.warnings: list[str] = []
        self.before_send = self._hook("before_send")
        self.before_breadcrumb = self._hook("before_breadcrumb")
        names = ("include_local_variables", "capture_uncaught", "capture_logs", "log_breadcrumbs")
        self.flags = {name: self._flag(name) for name in names}
        ignored = self.core.get("ignore_errors")
        if isinstance(ignored, (list, tuple, set, frozenset)):
            self.core["ignore_errors"] = [self._pattern(item) for item in ignored]

    def _hook(self, name: str) -> Any:
        hook = self.core.pop(name, None)
        if hook is None or callable(hook):
            return hook
        self.warnings.append(f"option {name} must be callable, not {type(hook).__name__}; it was ignored")
        return None

    def _flag(self, name: str) -> bool:
        flag = self.core.pop(name, True)
        if isinstance(flag, bool):
            return flag
        self.warnings.append(f"option {name} must be True or False, not {type(flag).__name__}; it was ignored")
        return True

    def _pattern(self, item: Any) -> Any:
        """A class or a regular expression in the form in which the core reads it: `/source/flags`."""
        try:
            if isinstance(item, type):
                return f"/^{item.__name__}\\b/"
            if isinstance(getattr(item, "pattern", None), str):
                ignore_case = 2
                return f"/{item.pattern}/{'i' if item.flags & ignore_case else ''}"
        except Exception as error:
            self.warnings.append(f"an entry of ignore_errors cannot be read ({words(error)})")
        return item
