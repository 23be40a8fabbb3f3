"""What an exception becomes on the wire: chains, groups, notes, frames, locals."""

import sys
import textwrap
import time

import pytest
from conftest import main_exception

import faultwire


class Shop(Exception):
    pass


def raised(error, cause=None):
    try:
        if cause is None:
            raise error
        raise error from cause
    except BaseException as caught:
        return caught


def test_frames_name_module_file_line_and_source(sdk):
    sdk()
    faultwire.capture_exception(raised(ValueError("no stock")))
    event = sdk.only()
    error = main_exception(event)
    assert (error["type"], error["value"]) == ("ValueError", "no stock")
    assert error["mechanism"] == {"type": "generic", "handled": True}
    frame = error["stacktrace"]["frames"][-1]
    assert frame["function"] == "raised" and frame["module"] == __name__
    assert frame["filename"] == "test_exceptions.py" and frame["abs_path"] == __file__
    assert frame["in_app"] is True and frame["context_line"].strip() == "raise error"
    assert frame["lineno"] == raised.__code__.co_firstlineno + 3
    assert event["platform"] == "python" and event["sdk"]["name"] == "faultwire.python"
    assert event["contexts"]["runtime"]["name"] == "CPython"


def test_the_module_of_a_type_and_of_a_nested_file(sdk, tmp_path, monkeypatch):
    package = tmp_path / "warehouse" / "stock"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text("def fail():\n    raise Missing('tea')\nclass Missing(Exception): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import warehouse.stock

    sdk()
    try:
        warehouse.stock.fail()
    except Exception:
        faultwire.capture_exception()
    error = main_exception(sdk.only())
    assert (error["type"], error["module"]) == ("Missing", "warehouse.stock")
    assert error["stacktrace"]["frames"][-1]["filename"] == "warehouse/stock/__init__.py"


def test_library_frames_are_not_the_apps(sdk):
    sdk()
    try:
        textwrap.dedent(7)
    except Exception as error:
        faultwire.capture_exception(error)
    frames = main_exception(sdk.only())["stacktrace"]["frames"]
    assert [frame["in_app"] for frame in frames] == [True, False]


def test_a_cause_chain_is_oldest_first_and_numbered(sdk):
    sdk()
    faultwire.capture_exception(raised(Shop("checkout"), cause=raised(OSError(28, "disk full"))))
    cause, outer = sdk.only()["exception"]["values"]
    assert (cause["type"], outer["type"]) == ("OSError", "Shop")
    assert outer["mechanism"] == {"type": "generic", "handled": True, "exception_id": 0}
    assert cause["mechanism"] == {
        "type": "chained",
        "handled": True,
        "source": "__cause__",
        "parent_id": 0,
        "exception_id": 1,
        "meta": {"errno": {"number": 28}},
    }


def test_context_is_followed_unless_suppressed(sdk):
    sdk()

    def fail(hide):
        try:
            raise KeyError("first")
        except KeyError:
            if hide:
                raise Shop("second") from None
            raise Shop("second")

    for hide in (False, True):
        try:
            fail(hide)
        except Shop as error:
            faultwire.capture_exception(error)
    shown, hidden = sorted(sdk.sent(), key=lambda event: event["timestamp"])
    assert [one["type"] for one in shown["exception"]["values"]] == ["KeyError", "Shop"]
    assert shown["exception"]["values"][0]["mechanism"]["source"] == "__context__"
    assert [one["type"] for one in hidden["exception"]["values"]] == ["Shop"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups and notes came with Python 3.11")
def test_groups_and_notes(sdk):
    sdk()
    inner = raised(ExceptionGroup("inner", [KeyError("c")]))  # noqa: F821
    error = raised(ExceptionGroup("outer", [raised(ValueError("a")), inner]))  # noqa: F821
    error.add_note("seen while closing the shop")
    faultwire.capture_exception(error)
    values = sdk.only()["exception"]["values"]
    assert [one["type"] for one in values] == ["KeyError", "ExceptionGroup", "ValueError", "ExceptionGroup"]
    outer, first, second, deep = (one["mechanism"] for one in reversed(values))
    assert outer["is_exception_group"] and outer["exception_id"] == 0 and "parent_id" not in outer
    assert (first["source"], first["parent_id"], first["exception_id"]) == ("exceptions[0]", 0, 1)
    assert (second["source"], second["parent_id"], second["is_exception_group"]) == ("exceptions[1]", 0, True)
    assert (deep["source"], deep["parent_id"]) == ("exceptions[0]", 2)
    assert values[-1]["value"].endswith("\nseen while closing the shop")


def test_cycles_and_endless_chains_end(sdk):
    sdk()
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    faultwire.capture_exception(one)
    chain = ValueError("0")
    for number in range(5_000):
        following = ValueError(str(number))
        following.__cause__ = chain
        chain = following
    faultwire.capture_exception(chain)
    cycle, long = sorted(sdk.sent(), key=lambda event: event["timestamp"])
    assert len(cycle["exception"]["values"]) == 2
    assert len(long["exception"]["values"]) == 50


def test_the_same_object_is_reported_once(sdk):
    sdk()
    error = raised(Shop("once"))
    first = faultwire.capture_exception(error)
    assert first and faultwire.capture_exception(error) == first
    assert sdk.only()["event_id"] == first == faultwire.last_event_id()


def test_what_is_not_an_exception_gets_the_callers_stack(sdk):
    sdk()
    faultwire.capture_exception({"code": 7})
    event = sdk.only()
    error = main_exception(event)
    assert error["type"] == "NonError" and error["mechanism"]["synthetic"]
    assert error["value"] == "an object with keys: code" and event["extra"] == {"thrown": {"code": 7}}
    assert error["stacktrace"]["frames"][-1]["function"] == "test_what_is_not_an_exception_gets_the_callers_stack"


def test_locals_are_shown_and_scrubbed(sdk):
    sdk()

    def pay(amount, password, card):
        order = {"items": [1, 2], "token": "s3cr3t-value", "price": 1.5}
        raise Shop(f"{len(order)} {amount}")

    try:
        pay(3, "hunter2-hunter2", "4111 1111 1111 1111")
    except Shop as error:
        faultwire.capture_exception(error)
    event = sdk.only()
    shown = main_exception(event)["stacktrace"]["frames"][-1]["vars"]
    assert shown["amount"] == 3 and shown["order"]["items"] == [1, 2] and shown["order"]["price"] == 1.5
    for secret in ("hunter2", "s3cr3t", "4111 1111"):
        assert secret not in str([frame.get("vars") for frame in main_exception(event)["stacktrace"]["frames"]])


def test_locals_can_be_left_out(sdk):
    sdk(include_local_variables=False)
    faultwire.capture_exception(raised(Shop("quiet")))
    assert all("vars" not in frame for frame in main_exception(sdk.only())["stacktrace"]["frames"])


def test_properties_of_the_exception_become_a_context(sdk):
    sdk()
    error = raised(Shop("declined"))
    error.status, error.order = 402, {"number": "A-17"}
    faultwire.capture_exception(error)
    assert sdk.only()["contexts"]["Shop"] == {"status": 402, "order": {"number": "A-17"}}


class Rude:
    def __repr__(self):
        raise RuntimeError("no")


class Slow:
    calls = 0

    def __repr__(self):
        Slow.calls += 1
        end = time.perf_counter() + 0.02
        while time.perf_counter() < end:
            pass
        return "slow"


class Lazy:
    def __len__(self):
        raise AssertionError("the database was asked")

    __iter__ = __repr__ = __len__


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__


class Leaving(Exception):
    def __str__(self):
        raise SystemExit(3)


def test_hostile_objects_neither_raise_nor_hang(sdk):
    sdk()

    def fail(circular, rude, lazy, giant, surrogate, number, nan):
        many = [Slow() for _ in range(10)]
        slows = {f"slow{at}": Slow() for at in range(9)}
        raise Mute(len(many) + len(slows))

    circular = {}
    circular["self"] = [circular]
    began = time.perf_counter()
    try:
        fail(circular, Rude(), Lazy(), "x" * 50_000_000, "a\ud800b", 10**100_000, float("nan"))
    except Mute as error:
        assert faultwire.capture_exception(error)
    took = time.perf_counter() - began
    error = main_exception(sdk.only())
    assert error["value"] == "<unreadable Mute>"
    shown = error["stacktrace"]["frames"][-1]["vars"]
    assert shown["circular"] == {"self": ["[Circular]"]}
    assert shown["rude"] == "<unreadable Rude>" and shown["lazy"] == "<Lazy>"
    assert len(shown["giant"]) < 600 and shown["surrogate"] == "a\ufffdb"
    assert shown["number"] == "[a very large int]" and shown["nan"] == "NaN"
    assert Slow.calls <= 2, "after 10 ms in all, no further __repr__ is called"
    assert took < 5, took


@pytest.mark.parametrize("kind", [ValueError, KeyError])
def test_fifty_megabytes_of_message_are_cut(sdk, kind):
    sdk()
    faultwire.capture_exception(raised(kind("y" * 50_000_000)))
    assert 1_000 < len(main_exception(sdk.only())["value"]) < 20_000


def test_a_message_that_wants_to_leave_is_not_obeyed(sdk):
    sdk()
    assert faultwire.capture_exception(raised(Leaving()))
    assert main_exception(sdk.only())["value"] == "<unreadable Leaving>"


def test_a_deep_recursion_keeps_both_ends(sdk):
    sdk()

    def down(level):
        if level == 0:
            raise Shop("bottom")
        down(level - 1)

    try:
        down(900)
    except Shop as error:
        faultwire.capture_exception(error)
    frames = main_exception(sdk.only())["stacktrace"]["frames"]
    assert len(frames) == 250
    assert frames[0]["function"] == "test_a_deep_recursion_keeps_both_ends"
    assert frames[-1]["vars"]["level"] == 0


def test_code_without_a_file_shows_the_lines_of_linecache(sdk):
    import linecache

    source = "def cell():\n    raise KeyError('typed')\ncell()\n"
    linecache.cache["<cell 1>"] = (len(source), None, source.splitlines(True), "<cell 1>")
    sdk()
    try:
        exec(compile(source, "<cell 1>", "exec"), {})
    except KeyError as error:
        faultwire.capture_exception(error)
    finally:
        del linecache.cache["<cell 1>"]
    frame = main_exception(sdk.only())["stacktrace"]["frames"][-1]
    assert frame["filename"] == "<cell 1>" and frame["context_line"] == "    raise KeyError('typed')"
    assert frame["pre_context"] == ["def cell():"] and frame["post_context"] == ["cell()"]
