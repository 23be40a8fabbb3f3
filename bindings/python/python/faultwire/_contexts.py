"""What the process knows about its machine. The module `platform` would say it too, after starting a process."""

from __future__ import annotations

import os
import sys
import time

_SYSTEMS = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}

_RUNTIMES = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}


def collect() -> dict[str, dict[str, object]]:
    """The contexts `runtime`, `os`, `device` and `app`."""
    runtime = sys.implementation.name
    version = sys.version_info
    system: dict[str, object] = {"name": _SYSTEMS.get(sys.platform, sys.platform)}
    device: dict[str, object] = {"processor_count": os.cpu_count()}
    if sys.platform != "win32":
        machine = os.uname()
        system["kernel_version"] = machine.release
        device["arch"] = machine.machine
        try:
            device["memory_size"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (ValueError, OSError):
            pass
    else:
        device["arch"] = os.environ.get("PROCESSOR_ARCHITECTURE")
    started = time.time() - time.process_time()
    return {
        "runtime": {"name": _RUNTIMES.get(runtime, runtime), "version": "%d.%d.%d" % version[:3]},
        "os": system,
        "device": device,
        "app": {"app_start_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))},
    }


def host_name() -> str | None:
    """The name of this machine."""
    if sys.platform != "win32":
        return os.uname().nodename
    return os.environ.get("COMPUTERNAME")
