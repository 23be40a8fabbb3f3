"""The ends of things: uncaught exceptions of the process, of threads and of asyncio, forks, exit."""

import os

import pytest
from conftest import main_exception

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def test_an_uncaught_exception_is_fatal_and_python_dies_as_before(run, stub):
    app = run("def fail(order):\n    raise KeyError(order)\nfail('A-17')")
    assert app.code == 1 and app.err.rstrip().endswith("KeyError: 'A-17'")
    (event,) = stub.wait()
    assert event["level"] == "fatal"
    error = main_exception(event)
    assert error["mechanism"] == {"type": "excepthook", "handled": False}
    assert error["stacktrace"]["frames"][-1]["vars"] == {"order": "A-17"}


def test_the_hook_that_was_there_is_called_and_the_one_set_later_wins(run, stub):
    app = run(
        "import os, sys\n"
        "sys.excepthook = lambda *args: print('earlier hook')\n"
        "import faultwire\n"
        "faultwire.init(queue_dir=os.environ['QUEUE'])\n"
        "ours = sys.excepthook\n"
        "def later(*args):\n"
        "    print('later hook')\n"
        "    ours(*args)\n"
        "sys.excepthook = later\n"
        "faultwire.init(queue_dir=os.environ['QUEUE'])\n"
        "1 / 0\n",
        init=False,
    )
    assert app.out == "later hook\nearlier hook\n" and app.code == 1
    assert len(stub.wait()) == 1


@pytest.mark.parametrize("last", ["raise KeyboardInterrupt", "sys.exit(3)", "pass"])
def test_an_ordinary_end_is_no_error(run, stub, last):
    run(last)
    assert stub.events == []


def test_an_exception_that_was_reported_before_it_was_uncaught_is_one_event(run, stub):
    run("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    faultwire.capture_exception(error)\n    raise")
    (event,) = stub.wait()
    assert main_exception(event)["mechanism"]["handled"] is True


def test_a_thread_that_dies_is_reported_and_the_process_goes_on(run, stub):
    app = run(
        """
        import threading
        def work():
            raise ValueError("in a thread")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        print("goes on")
        """
    )
    assert app.out == "goes on\n" and "ValueError: in a thread" in app.err and app.code == 0
    (event,) = stub.wait()
    assert event["level"] == "error"
    assert main_exception(event)["mechanism"] == {"type": "threading", "handled": False}


def test_what_python_can_only_print_is_reported(run, stub):
    app = run(
        """
        class Handle:
            def __del__(self):
                raise OSError("cannot close")
        Handle()
        print("goes on")
        """
    )
    assert app.out == "goes on\n" and "OSError: cannot close" in app.err
    (event,) = stub.wait()
    assert main_exception(event)["mechanism"]["type"] == "unraisablehook"


@pytest.mark.parametrize("early", [True, False], ids=["asyncio imported before init", "after init"])
@pytest.mark.parametrize("own", [True, False], ids=["with a handler of the app", "without"])
def test_a_task_that_nobody_awaits_is_reported_and_the_apps_handler_kept(run, stub, early, own):
    handler = "asyncio.get_running_loop().set_exception_handler(lambda loop, context: print('handler of the app'))"
    app = run(
        ("import asyncio\n" if early else "")
        + "import faultwire, os\nfaultwire.init(queue_dir=os.environ['QUEUE'])\n"
        + "import asyncio, gc\n"
        + "async def fail():\n    raise ValueError('in a task')\n"
        + f"async def main():\n    {handler if own else 'pass'}\n"
        + "    task = asyncio.ensure_future(fail())\n    await asyncio.sleep(0)\n    await asyncio.sleep(0)\n"
        + "    del task\n    gc.collect()\n    await asyncio.sleep(0)\n"
        + "asyncio.run(main())\n",
        init=False,
    )
    assert app.code == 0, app.err
    assert ("handler of the app" in app.out) == own and ("in a task" in app.err) == (not own)
    (event,) = stub.wait()
    assert main_exception(event)["mechanism"] == {"type": "asyncio", "handled": False}


def test_exit_delivers_what_was_captured(run, stub):
    run("for number in range(50):\n    faultwire.capture_message(str(number))", options="")
    assert sorted(int(event["message"]) for event in stub.events) == list(range(50))


def test_exit_without_a_server_is_bounded(run):
    app = run(
        "import atexit, time\n"
        "import faultwire, os\n"
        "atexit.register(lambda: print(time.monotonic() - began < 5))\n"
        "faultwire.init(queue_dir=os.environ['QUEUE'], shutdown_timeout=300)\n"
        "faultwire.capture_message('nobody there')\n"
        "began = time.monotonic()\n",
        init=False,
        dsn="http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1",
    )
    assert app.out == "True\n", app.err


def test_nothing_is_started_before_the_first_event(run):
    app = run("print(len(os.listdir('/proc/self/task')) if os.path.isdir('/proc/self/task') else 1)")
    assert app.out == "1\n"


@needs_fork
def test_a_forked_child_reports_its_own_events_and_the_parent_its_own(run, stub):
    app = run(
        """
        faultwire.capture_message("parent before")
        child = os.fork()
        if child == 0:
            faultwire.capture_message(f"child")
            faultwire.flush(20)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        faultwire.capture_message("parent after")
        """,
        options="",
    )
    assert app.code == 0, app.err
    assert sorted(event["message"] for event in stub.wait(3)) == ["child", "parent after", "parent before"]


@needs_fork
def test_children_forked_while_threads_report_neither_hang_nor_repeat(run, stub):
    app = run(
        """
        import threading
        stop = threading.Event()
        def busy(number):
            count = 0
            while not stop.is_set() and count < 200:
                faultwire.set_tag("count", count)
                faultwire.capture_message(f"parent {number} {count}")
                count += 1
        threads = [threading.Thread(target=busy, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        children = []
        for number in range(8):
            child = os.fork()
            if child == 0:
                faultwire.capture_message(f"child {number}")
                os._exit(0 if faultwire.flush(20) else 1)
            children.append(child)
        codes = [os.waitpid(child, 0)[1] for child in children]
        stop.set()
        for thread in threads:
            thread.join()
        faultwire.flush(20)
        print(codes, faultwire.stats()["captured"])
        """,
        options="",
    )
    assert app.out.startswith("[0, 0, 0, 0, 0, 0, 0, 0] "), app.out + app.err
    captured = int(app.out.split()[-1])
    messages = [event["message"] for event in stub.events]
    assert sorted(m for m in messages if m.startswith("child")) == [f"child {n}" for n in range(8)]
    assert len(messages) == len(set(messages)) == captured + 8


@needs_fork
def test_a_child_of_multiprocessing_delivers_before_it_ends(run, stub):
    app = run(
        """
        import multiprocessing
        def work(number):
            for step in range(5):
                faultwire.capture_message(f"{number}.{step}")
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=work, args=(number,)) for number in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        """,
        options="",
    )
    assert app.code == 0, app.err
    assert sorted(event["message"] for event in stub.events) == [f"{n}.{s}" for n in range(3) for s in range(5)]
