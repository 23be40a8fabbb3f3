"""The wheel as a user gets it: in a clean environment, with types."""

import os
import subprocess
import sys
import zipfile

import pytest

WHEEL = os.environ.get("FAULTWIRE_WHEEL")

pytestmark = pytest.mark.skipif(WHEEL is None, reason="FAULTWIRE_WHEEL names no wheel; cargo xtask test python builds one")


def test_the_wheel_holds_the_package_the_module_and_the_types():
    names = zipfile.ZipFile(WHEEL).namelist()
    for wanted in ("faultwire/__init__.py", "faultwire/py.typed", "faultwire/_native.pyi", "faultwire/asgi.py"):
        assert wanted in names
    assert sum(name.startswith("faultwire/_native.") for name in names) == 2
    assert not [name for name in names if "test" in name or "bench" in name]
    assert "-abi3-" in WHEEL


def test_the_wheel_works_in_a_clean_environment(tmp_path, stub):
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    python = str(venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", WHEEL]
    subprocess.run(install, check=True)
    program = (
        "import faultwire\n"
        f"faultwire.init({stub.dsn!r}, queue_dir={str(tmp_path / 'queue')!r})\n"
        "faultwire.capture_message('from a clean environment')\n"
    )
    subprocess.run([python, "-c", program], check=True, cwd=tmp_path)
    assert stub.wait()[0]["message"] == "from a clean environment"


def test_a_users_type_checker_sees_the_types(tmp_path):
    program = tmp_path / "app.py"
    program.write_text(
        "import faultwire\n"
        "from faultwire.wsgi import WsgiMiddleware\n"
        "faultwire.init('http://k@h/1', sample_rate=0.5, before_send=lambda event, hint: event)\n"
        "identity: str | None = faultwire.capture_exception(ValueError('x'), tags={'a': 1})\n"
        "with faultwire.new_scope() as scope:\n"
        "    scope.set_tag('a', 'b').set_level('warning')\n"
        "faultwire.init(sample_rate='often')\n"
        "faultwire.set_level('loud')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.10", str(program)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    wrong = [line for line in done.stdout.splitlines() if "error:" in line]
    assert [line.split(":")[1] for line in wrong] == ["7", "8"], done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="the cost of starting is measured on Linux")
def test_starting_imports_nothing_heavy(tmp_path):
    program = (
        "import sys; before = set(sys.modules); import faultwire; "
        f"faultwire.init('http://k@127.0.0.1:9/1', queue_dir={str(tmp_path)!r}); "
        "print(' '.join(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", "import site; site.main(); " + program], capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "faultwire._native" in loaded, done.stderr
    assert not loaded & {"asyncio", "json", "typing_extensions", "urllib", "ssl", "socket", "platform", "multiprocessing"}
