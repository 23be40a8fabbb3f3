"""Plays one script of a journey (see core/vectors/README.md): makes its calls and prints what they return."""

import json
import os
import re
import signal
import time

import faultwire

SETTERS = ["setTag", "setUser", "setContext", "setExtra", "setLevel", "setTransaction", "setFingerprint", "addBreadcrumb"]


def say(line):
    print(json.dumps(line), flush=True)


def run(steps):
    for step in steps:
        ((call, given),) = step.items()
        if call in SETTERS:
            put(faultwire, call, given)
        elif call == "init":
            faultwire.init(**options(**given))
        elif call == "withScope":
            with faultwire.new_scope() as scope:
                for one in given.get("set", []):
                    for name, value in one.items():
                        put(scope, name, value)
                run(given["steps"])
        elif call == "captureException":
            say({"id": faultwire.capture_exception(described(**given))})
        elif call == "captureValue":
            say({"id": faultwire.capture_exception(given)})
        elif call == "captureMessage":
            say({"id": faultwire.capture_message(given["text"], given.get("level"))})
        elif call in ("flush", "close"):
            begin = time.perf_counter()
            done = getattr(faultwire, call)(given / 1_000)
            say({call: done, "ms": (time.perf_counter() - begin) * 1_000, "limit": given})
        elif call in ("stats", "isEnabled"):
            say({call: faultwire.stats() if call == "stats" else faultwire.is_enabled()})
        elif call == "die":
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()
        else:
            raise ValueError(f"no such call: {call}")


def put(on, call, given):
    """Sets one thing on `on`: a scope, or the package, whose setters speak to the scope in force."""
    if call in ("setTransaction", "setFingerprint"):
        on = faultwire.get_current_scope() if on is faultwire else on
        call = "setTransactionName" if call == "setTransaction" else call
    method = getattr(on, re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), call))
    if call in ("setTag", "setContext", "setExtra"):
        method(given["key"], given["value"])
    else:
        method(given)


def options(beforeSend=None, **rest):
    names = ("capture_uncaught", "capture_logs", "log_breadcrumbs", "include_local_variables")
    hook = beforeSend and (lambda event, hint: judged(event, **beforeSend))
    return {**dict.fromkeys(names, False), **rest, "before_send": hook}


def judged(event, set=None, drop=None, throw=None):
    text = json.dumps(event, ensure_ascii=False)
    if throw is not None and throw in text:
        raise RuntimeError("the hook throws")
    if drop is not None and drop in text:
        return None
    return {**event, **(set or {})}


def described(message, cause=None, stack=None, **named):
    error = type(named["type"], (Exception,), {})(message)
    error.__cause__ = cause and described(**cause)
    if stack == "none":
        return error
    try:
        raise error
    except Exception:
        return error


with open(os.environ["FAULTWIRE_JOURNEY"], encoding="utf-8") as file:
    run(json.load(file))
