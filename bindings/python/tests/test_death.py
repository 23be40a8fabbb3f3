"""An app dies, and every event it captured is stored exactly once after its next start.

FAULTWIRE_ROUNDS sets the number of deaths of each kind (default 20, the bar is 200).
"""

import os
import signal
from collections import Counter

import pytest

ROUNDS = int(os.environ.get("FAULTWIRE_ROUNDS", "20"))

#: A port where nobody listens.
DOWN = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1"


def next_start(run, stub, messages):
    """Starts the app once more, with the collector up, and checks that each message is stored once."""
    app = run("print(faultwire.flush(60), faultwire.stats())")
    assert app.code == 0 and app.out.startswith("True"), app.out + app.err
    different = {event["event_id"]: event for event in stub.events}
    assert len(different) == len(stub.events), "the same event was sent twice"
    titles = (event.get("message") or event["exception"]["values"][-1]["value"] for event in different.values())
    assert Counter(titles) == Counter(messages)


def test_uncaught_exceptions_with_the_collector_down(run, stub):
    for number in range(ROUNDS):
        app = run(f"raise ValueError('run {number}')", dsn=DOWN)
        assert app.code == 1, app.err
    next_start(run, stub, [f"run {number}" for number in range(ROUNDS)])


@pytest.mark.skipif(os.name == "nt", reason="this system has no SIGKILL")
def test_kill_9_five_milliseconds_after_capture(run, stub):
    for number in range(ROUNDS):
        app = run(
            f"""
            import signal, time
            error = ValueError("kill {number}")
            faultwire.capture_exception(error)
            end = time.perf_counter() + 0.005
            while time.perf_counter() < end:
                pass
            os.kill(os.getpid(), signal.SIGKILL)
            """,
            dsn=DOWN,
        )
        assert app.code == -signal.SIGKILL, app.err
    next_start(run, stub, [f"kill {number}" for number in range(ROUNDS)])


def test_os_exit_right_after_capture(run, stub):
    for number in range(ROUNDS):
        app = run(f"faultwire.capture_message('exit {number}')\nos._exit(7)", dsn=DOWN)
        assert app.code == 7, app.err
    next_start(run, stub, [f"exit {number}" for number in range(ROUNDS)])


@pytest.mark.skipif(os.name == "nt", reason="this system has no SIGTERM")
def test_sigterm_after_capture(run, stub):
    for number in range(ROUNDS):
        app = run(
            f"""
            import signal
            faultwire.capture_message("term {number}")
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
            """,
            dsn=DOWN,
        )
        assert app.code == -signal.SIGTERM, app.err
    next_start(run, stub, [f"term {number}" for number in range(ROUNDS)])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_dies_with_the_collector_down(run, stub):
    for number in range(ROUNDS):
        app = run(
            f"""
            faultwire.capture_message("parent {number}")
            if os.fork() == 0:
                faultwire.capture_message("child {number}")
                os.kill(os.getpid(), 9)
            os.wait()
            """,
            dsn=DOWN,
        )
        assert app.code == 0, app.err
    next_start(run, stub, [f"{who} {number}" for number in range(ROUNDS) for who in ("parent", "child")])
