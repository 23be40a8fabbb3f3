"""Logging, WSGI and ASGI."""

import asyncio
import io
import logging
import threading

import pytest
from conftest import main_exception

import faultwire
from faultwire.asgi import AsgiMiddleware
from faultwire.wsgi import WsgiMiddleware

log = logging.getLogger("shop.checkout")


@pytest.fixture(autouse=True)
def quiet_logs():
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addHandler(logging.NullHandler())


def test_records_become_breadcrumbs_and_errors_become_events(sdk):
    sdk()
    log.debug("not seen")
    log.info("order %s", "A-17", extra={"shop": 3})
    log.error("payment of %s failed: %d", "A-17", 402, extra={"gateway": "g1"})
    event = sdk.only()
    assert event["logentry"] == {
        "message": "payment of %s failed: %d",
        "formatted": "payment of A-17 failed: 402",
        "params": ["A-17", 402],
    }
    assert event["logger"] == "shop.checkout" and event["level"] == "error"
    assert event["extra"] == {"gateway": "g1"}
    (crumb,) = event["breadcrumbs"]["values"]
    assert (crumb["category"], crumb["message"], crumb["level"]) == ("shop.checkout", "order A-17", "info")
    assert crumb["data"] == {"shop": 3}


def test_a_logged_exception_is_reported_once_with_its_stack(sdk):
    sdk()
    try:
        raise ValueError("declined")
    except ValueError as error:
        log.exception("checkout failed")
        faultwire.capture_exception(error)
    event = sdk.only()
    assert main_exception(event)["mechanism"] == {"type": "logging", "handled": True}
    assert event["logentry"]["formatted"] == "checkout failed"


def test_logging_can_be_left_alone(sdk):
    sdk(capture_logs=False, log_breadcrumbs=False)
    log.error("nobody reports this")
    faultwire.capture_message("bare")
    event = sdk.only()
    assert event["message"] == "bare" and "breadcrumbs" not in event


def test_a_repr_and_a_hook_that_log_do_not_recurse(sdk):
    class Chatty:
        def __repr__(self):
            log.error("asked")
            return "chatty"

    def hook(event, hint):
        log.error("judging")
        return event

    sdk(before_send=hook)

    def fail(chatty):
        raise ValueError("x")

    try:
        fail(Chatty())
    except ValueError as error:
        faultwire.capture_exception(error)
    assert main_exception(sdk.only())["stacktrace"]["frames"][-1]["vars"]["chatty"] == "chatty"


def test_own_loggers_and_broken_records_are_harmless(sdk):
    sdk()
    logging.getLogger("faultwire.anything").error("own")
    raising = logging.raiseExceptions
    try:
        logging.raiseExceptions = False
        log.error("%d items", "three")
    finally:
        logging.raiseExceptions = raising
    assert sdk.only()["logentry"]["message"] == "%d items"


def environ(path="/checkout", **more):
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "step=2&token=abcdef",
        "HTTP_HOST": "shop.example",
        "HTTP_COOKIE": "session=5ecret",
        "HTTP_USER_AGENT": "tests",
        "CONTENT_TYPE": "application/json",
        "REMOTE_ADDR": "203.0.113.9",
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(b'{"card":"4111"}'),
        **more,
    }


def test_wsgi_puts_the_request_on_the_event_without_body_and_secrets(sdk):
    sdk()

    def app(environ, start_response):
        faultwire.set_tag("in", "request")
        raise ValueError("in the view")

    request = environ()
    with pytest.raises(ValueError):
        WsgiMiddleware(app)(request, None)
    faultwire.capture_message("outside")
    inside, outside = sorted(sdk.sent(), key=lambda event: event["timestamp"])
    assert main_exception(inside)["mechanism"] == {"type": "wsgi", "handled": False}
    assert inside["transaction"] == "POST /checkout"
    sent = inside["request"]
    assert sent["method"] == "POST" and sent["url"] == "https://shop.example/checkout"
    assert sent["headers"]["User-Agent"] == "tests" and sent["headers"]["Content-Type"] == "application/json"
    assert "5ecret" not in str(inside) and "abcdef" not in str(inside) and "4111" not in str(sent)
    assert "user" not in inside and "203.0.113.9" not in str(inside)
    assert request["wsgi.input"].tell() == 0
    assert "request" not in outside and not outside.get("tags")


def test_wsgi_sends_the_address_only_when_asked(sdk):
    sdk(send_default_pii=True)
    WsgiMiddleware(lambda environ, start: [faultwire.capture_message("hello").encode()])(environ(), None)
    assert sdk.only()["user"] == {"ip_address": "203.0.113.9"}


def test_wsgi_answers_keep_scope_length_and_close(sdk):
    sdk()
    closed = []

    class Answer:
        def __iter__(self):
            faultwire.set_tag("piece", "1")
            yield b"a"
            raise ValueError("halfway")

        def close(self):
            closed.append(True)

    assert len(WsgiMiddleware(lambda environ, start: [b"ab"])(environ(), None)) == 1
    answer = WsgiMiddleware(lambda environ, start: Answer())(environ(), None)
    assert not hasattr(answer, "__len__")
    pieces = iter(answer)
    assert next(pieces) == b"a"
    with pytest.raises(ValueError):
        next(pieces)
    answer.close()
    assert closed == [True]
    event = sdk.only()
    assert event["request"]["method"] == "POST" and dict(event["tags"]) == {"piece": "1"}


def http_scope(path="/orders/7", **more):
    headers = [(b"host", b"shop.example"), (b"authorization", b"Bearer abcdefghijklmnop"), (b"x-one", b"1")]
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "scheme": "https",
        "query_string": b"page=2",
        "headers": headers,
        "client": ("203.0.113.9", 5000),
        **more,
    }


def test_asgi_keeps_concurrent_requests_apart_and_names_the_route(sdk):
    sdk()

    class Route:
        path = "/orders/{id}"

    async def app(scope, receive, send):
        scope["route"] = Route()
        number = scope["path"].rsplit("/", 1)[1]
        faultwire.set_tag("order", number)
        await asyncio.sleep(0)
        faultwire.add_breadcrumb(message=f"look up {number}")
        await asyncio.sleep(0)
        raise LookupError(number)

    async def serve():
        middleware = AsgiMiddleware(app)
        calls = (middleware(http_scope(f"/orders/{number}"), None, None) for number in range(50))
        return await asyncio.gather(*calls, return_exceptions=True)

    assert all(isinstance(result, LookupError) for result in asyncio.run(serve()))
    for event in sdk.sent():
        number = main_exception(event)["value"]
        assert dict(event["tags"]) == {"order": number} and event["transaction"] == "GET /orders/{id}"
        assert event["request"]["url"] == f"https://shop.example/orders/{number}"
        assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == [f"look up {number}"]
        assert "abcdefghijklmnop" not in str(event) and event["request"]["headers"]["x-one"] == "1"
    assert faultwire.stats()["captured"] == 50


def test_asgi_lets_other_scopes_pass(sdk):
    sdk()
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(AsgiMiddleware(app)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]


def test_flush_gives_the_gil_up(sdk, tmp_path):
    # Against a server that never answers: a flush that kept the GIL would stop this thread too.
    faultwire.init("http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1", queue_dir=str(tmp_path / "q"))
    faultwire.capture_message("stays")
    waiting = threading.Thread(target=faultwire.flush, args=(1.0,))
    waiting.start()
    turns = 0
    while waiting.is_alive():
        turns += 1
    assert turns > 1_000
