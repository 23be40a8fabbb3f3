"""A collector that keeps every event, apps that run in processes of their own, and an SDK for tests in this one."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import faultwire

PUBLIC_KEY = "0123456789abcdef0123456789abcdef"

# A variable of the developer's own machine must not decide what a test sees.
OURS = ("FAULTWIRE_ROUNDS", "FAULTWIRE_WHEEL")
for name in [name for name in os.environ if name.startswith(("FAULTWIRE_", "SENTRY_")) and name not in OURS]:
    del os.environ[name]


class Stub:
    """A collector on a free port, or on `port`. `events` has every event received, copies included."""

    def __init__(self, port=0):
        self.events = []
        self._arrived = threading.Condition()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                stub._keep(body)
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, address):
                pass  # The sender was killed in the middle.

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.dsn = f"http://{PUBLIC_KEY}@127.0.0.1:{self.port}/1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _keep(self, body):
        head, _, rest = body.partition(b"\n")
        while rest:
            line, _, rest = rest.partition(b"\n")
            if not line:
                continue
            item = json.loads(line)
            payload, rest = rest[: item["length"]], rest[item["length"] + 1 :]
            if item["type"] == "event":
                with self._arrived:
                    self.events.append(json.loads(payload))
                    self._arrived.notify_all()

    def wait(self, count=1, seconds=20):
        """The events, once `count` different ones are here; fails otherwise."""
        different = lambda: len({event["event_id"] for event in self.events}) >= count
        with self._arrived:
            assert self._arrived.wait_for(different, seconds), f"{len(self.events)} of {count} events came"
        return self.events

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def stub():
    stub = Stub()
    yield stub
    stub.close()


@pytest.fixture
def sdk(stub, tmp_path):
    """`sdk(**options)` starts the SDK against the stub; `sdk.sent()` flushes and answers what arrived."""

    class Sdk:
        def __call__(self, **options):
            faultwire.init(stub.dsn, queue_dir=str(tmp_path / "queue"), **options)
            return self

        def sent(self):
            assert faultwire.flush(20), faultwire.stats()
            return stub.events

        def only(self):
            (event,) = self.sent()
            return event

    yield Sdk()
    faultwire.close(1)


class App:
    """A program in a process of its own, with the SDK started."""

    def __init__(self, code, dsn, queue, init=True, options="shutdown_timeout=200", **more):
        start = f"import faultwire, os, sys\nfaultwire.init(queue_dir=os.environ['QUEUE'], {options})\n" if init else ""
        self.path = more.pop("path", None)
        text = start + textwrap.dedent(code)
        command = [sys.executable, "-c", text]
        if self.path is not None:
            self.path.write_text(text)
            command = [sys.executable, str(self.path)]
        env = {**os.environ, "FAULTWIRE_DSN": dsn, "QUEUE": str(queue)}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, **more)
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr


@pytest.fixture
def run(stub, tmp_path):
    """`run(code)` runs a program to its end."""

    def run(code, dsn=None, **more):
        return App(code, dsn or stub.dsn, tmp_path / "queue", **more)

    return run


def main_exception(event):
    """The exception that gives the event its title."""
    return event["exception"]["values"][-1]


def pytest_terminal_summary(terminalreporter):
    """Names what was left out, in the form that the task runner collects."""
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.write_line(f"skipped: {report.nodeid}: {reason.removeprefix('Skipped: ')}")
