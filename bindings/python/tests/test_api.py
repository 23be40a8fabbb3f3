"""The public calls: options, scopes, breadcrumbs, hooks, messages, stats."""

import asyncio
import contextvars
import re
import threading

import pytest
from conftest import main_exception

import faultwire


def test_a_message_carries_level_and_scope(sdk):
    sdk(release="shop@1.4.2", environment="test")
    faultwire.set_tags({"plan": "plus", "shard": 3})
    faultwire.set_user({"id": "c-1"})
    faultwire.set_context("order", {"number": "A-17"})
    faultwire.set_extra("cart", ["tea", {"cup": 2}])
    faultwire.add_breadcrumb(category="cart.add", message="1 x teapot", data={"price": 20})
    faultwire.add_breadcrumb({"message": "paying", "level": "warning"})
    assert len(faultwire.capture_message("sold out", "warning", tags={"one": "only"})) == 32
    event = sdk.only()
    assert event["message"] == "sold out" and event["level"] == "warning"
    assert event["release"] == "shop@1.4.2" and event["environment"] == "test"
    assert {"plan": "plus", "shard": "3", "one": "only"}.items() <= dict(event["tags"]).items()
    assert event["user"] == {"id": "c-1"} and event["contexts"]["order"] == {"number": "A-17"}
    assert event["extra"] == {"cart": ["tea", {"cup": 2}]}
    first, second = event["breadcrumbs"]["values"]
    assert (first["category"], first["message"], first["data"]) == ("cart.add", "1 x teapot", {"price": 20})
    assert (second["message"], second["level"]) == ("paying", "warning")
    assert "threads" not in event


def test_attach_stacktrace_puts_the_callers_stack_on_a_message(sdk):
    sdk(attach_stacktrace=True)
    faultwire.capture_message("where")
    (thread,) = sdk.only()["threads"]["values"]
    assert thread["current"] and thread["stacktrace"]["frames"][-1]["function"].endswith("on_a_message")


def test_an_event_of_the_app_goes_out_as_it_is(sdk):
    sdk()
    faultwire.capture_event({"message": "made by hand", "level": "error", "fingerprint": ["a", "b"]})
    event = sdk.only()
    assert event["message"] == "made by hand" and event["fingerprint"] == ["a", "b"]


def test_an_inner_scope_ends_with_its_block(sdk):
    sdk()
    faultwire.set_tag("outer", "1")
    with faultwire.new_scope() as scope:
        scope.set_tag("inner", "1").set_level("fatal")
        faultwire.set_tag("both", "1")
        faultwire.capture_message("inside")
    faultwire.capture_message("after")
    inside, after = sorted(sdk.sent(), key=lambda event: event["timestamp"])
    assert dict(inside["tags"]) == {"outer": "1", "inner": "1", "both": "1"}
    assert dict(after["tags"]) == {"outer": "1", "both": "1"}
    assert after["level"] == "info"


def test_an_isolation_scope_keeps_to_itself(sdk):
    sdk()
    faultwire.set_tag("process", "1")
    with faultwire.isolation_scope() as scope:
        faultwire.set_tag("request", "1")
        scope.set_user({"id": 7})
        inside = faultwire.capture_message("inside")
        assert faultwire.last_event_id() == inside
    assert faultwire.last_event_id() is None
    faultwire.capture_message("outside")
    inside, outside = sorted(sdk.sent(), key=lambda event: event["timestamp"])
    assert dict(inside["tags"]) == {"process": "1", "request": "1"}
    assert dict(outside["tags"]) == {"process": "1"} and "user" not in outside


def _own(event):
    crumbs = [crumb["message"] for crumb in event.get("breadcrumbs", {}).get("values", [])]
    return (event["message"], dict(event["tags"]).get("task"), crumbs)


def test_a_thousand_interleaved_tasks_keep_apart(sdk):
    sdk()

    async def task(number):
        with faultwire.isolation_scope():
            faultwire.set_tag("task", f"t{number}")
            await asyncio.sleep(0)
            faultwire.add_breadcrumb(message=f"step of t{number}")
            await asyncio.sleep(0)
            with faultwire.new_scope():
                await asyncio.sleep(0)
                faultwire.capture_message(f"t{number}")

    async def all_of_them():
        await asyncio.gather(*(task(number) for number in range(1_000)))

    asyncio.run(all_of_them())
    found = sorted(_own(event) for event in sdk.sent())
    assert found == sorted((f"t{n}", f"t{n}", [f"step of t{n}"]) for n in range(1_000))


def test_a_thousand_threads_keep_apart(sdk):
    sdk()
    gate = threading.Barrier(10)

    def worker(first):
        gate.wait()
        for number in range(first, first + 100):
            with faultwire.isolation_scope():
                faultwire.set_tag("task", f"t{number}")
                faultwire.add_breadcrumb(message=f"step of t{number}")
                faultwire.capture_message(f"t{number}")

    threads = [threading.Thread(target=worker, args=(first,)) for first in range(0, 1_000, 100)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    found = sorted(_own(event) for event in sdk.sent())
    assert found == sorted((f"t{n}", f"t{n}", [f"step of t{n}"]) for n in range(1_000))


def test_a_block_that_ends_in_another_context_harms_nothing(sdk):
    sdk()
    block = faultwire.new_scope()
    contextvars.copy_context().run(block.__enter__)
    block.__exit__(None, None, None)
    assert faultwire.capture_message("goes on")


def test_before_send_edits_drops_and_may_raise(sdk, capfd):
    def hook(event, hint):
        text = event.get("message") or main_exception(event)["value"]
        if text == "drop":
            return None
        if text == "raise":
            raise ValueError("in the hook")
        if text == "nested":
            assert faultwire.capture_message("from inside") is None
        event["message"] = f"{text}, edited"
        event.setdefault("extra", {})["kind"] = hint["exc_info"][0].__name__ if hint else "message"
        return event

    sdk(before_send=hook)
    assert faultwire.capture_message("drop") is None
    assert faultwire.capture_message("raise") is None
    assert faultwire.capture_message("nested")
    faultwire.capture_exception(ValueError("error"))
    messages = {event["message"]: event["extra"]["kind"] for event in sdk.sent()}
    assert messages == {"nested, edited": "message", "error, edited": "ValueError"}
    assert faultwire.stats()["lost"]["before_send"] == 3
    assert "before_send raised (ValueError: in the hook)" in capfd.readouterr().err


def test_what_a_hook_adds_is_scrubbed(sdk):
    sdk(before_send=lambda event, hint: {**event, "extra": {"password": "hunter2-hunter2"}})
    faultwire.capture_message("secret")
    assert "hunter2" not in str(sdk.only())


def test_before_breadcrumb_edits_and_drops(sdk):
    def hook(crumb, hint):
        return None if crumb["message"] == "drop" else {**crumb, "category": "edited"}

    sdk(before_breadcrumb=hook)
    faultwire.add_breadcrumb(message="drop")
    faultwire.add_breadcrumb(message="keep")
    faultwire.capture_message("now")
    (crumb,) = sdk.only()["breadcrumbs"]["values"]
    assert (crumb["message"], crumb["category"]) == ("keep", "edited")


def test_ignore_errors_takes_texts_patterns_and_classes(sdk):
    sdk(ignore_errors=["not worth it", re.compile("TIME.*out", re.IGNORECASE), KeyError])
    for error in (ValueError("this is not worth it"), OSError("timed-out"), KeyError("k"), ValueError("kept")):
        faultwire.capture_exception(error)
    assert main_exception(sdk.only())["value"] == "kept"
    assert faultwire.stats()["lost"] == {"event_processor": 3}


@pytest.mark.parametrize(
    "options, said",
    [
        ({"sample_rat": 1}, "did you mean `sampleRate`"),
        ({"before_send": 7}, "option before_send must be callable, not int"),
        ({"sample_rate": "often"}, "expected a number between 0 and 1"),
        ({"include_local_variables": "yes"}, "must be True or False"),
    ],
)
def test_wrong_options_are_warnings(sdk, capfd, options, said):
    sdk(**options)
    err = capfd.readouterr().err
    assert err.startswith("faultwire: ") and said in err, err
    assert faultwire.is_enabled()


def test_a_wrong_dsn_disables_with_one_warning(capfd):
    faultwire.init("http://nothing")
    assert capfd.readouterr().err.count("faultwire: ") == 1
    assert not faultwire.is_enabled()
    assert faultwire.capture_exception(ValueError("x")) is None
    assert faultwire.flush(0.1) and faultwire.close(0.1)


def test_a_second_init_replaces_the_first(sdk, capfd):
    sdk()
    sdk()
    assert "init was called again" in capfd.readouterr().err
    faultwire.capture_message("second")
    assert sdk.only()["message"] == "second"


def test_nothing_happens_before_init_and_after_close(sdk):
    assert faultwire.capture_message("early") is None
    sdk()
    faultwire.close(1)
    assert faultwire.capture_message("late") is None
    with faultwire.new_scope() as scope:
        scope.set_tag("a", "b")
    assert faultwire.stats() == {"captured": 0, "recovered": 0, "delivered": 0, "queued": 0, "lost": {}}


def test_no_call_raises_whatever_it_is_given(sdk):
    sdk()

    class Hostile:
        def __getattribute__(self, name):
            raise RuntimeError(name)

        __str__ = __repr__ = __iter__ = __len__ = __eq__ = __hash__ = None

    hostile = Hostile()
    for value in (hostile, None, 7, b"\xff", "\ud800", object, [hostile], {1: hostile}, float("inf")):
        faultwire.capture_exception(value)
        faultwire.capture_message(value)
        faultwire.capture_event(value)
        faultwire.add_breadcrumb(value)
        faultwire.set_tag(value, value)
        faultwire.set_tags(value)
        faultwire.set_user(value)
        faultwire.set_context("c", value)
        faultwire.set_extra("e", value)
        faultwire.set_level(None)
        with faultwire.new_scope() as scope:
            scope.set_fingerprint(value).set_transaction_name(value).clear()
    stats = faultwire.stats()
    assert stats["captured"] == 19 == stats["delivered"] + stats["queued"] + sum(stats["lost"].values())


def test_stats_add_up(sdk):
    sdk(sample_rate=0)
    faultwire.capture_message("sampled away")
    assert faultwire.stats() == {"captured": 1, "recovered": 0, "delivered": 0, "queued": 0, "lost": {"sample_rate": 1}}
