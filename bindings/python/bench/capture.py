"""What a captured exception costs the app, beside sentry-sdk in the same run on the same machine.

    python bench/capture.py [--events 300] [--burst 2000] [--rounds 3] [--json]

Each figure comes from a process of its own per SDK that sends to a sink in another process, and is the median over the
rounds; rounds alternate between the SDKs, so that a busy minute of the machine hits both. Targets are those of the
project's list of measured peers. Ends with 1 if a "must" is missed.
"""

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

KEY = "0123456789abcdef0123456789abcdef"


def sink():
    """Answers every request; prints its port, and at the end of its input the number of events it got."""
    import gzip
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    events = set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            if "content-length" in self.headers:
                body = self.rfile.read(int(self.headers["content-length"]))
            else:
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            head, _, rest = body.partition(b"\n")
            if json.loads(rest.partition(b"\n")[0])["type"] == "event":
                events.add(json.loads(head)["event_id"])
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    print(len(events), flush=True)
    os._exit(0)


def resident_mb():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1_048_576
    except OSError:
        return float("nan")


def app(peer, events, burst):
    """Starts one SDK and measures its calls."""
    dsn = os.environ["DSN"]
    before = resident_mb()
    began = time.perf_counter()
    if peer == "faultwire":
        import faultwire as sdk

        sdk.init(dsn, queue_dir=os.environ["QUEUE"])
    else:
        import sentry_sdk as sdk

        sdk.init(dsn)
    started = time.perf_counter() - began
    grown = resident_mb() - before

    for number in range(50):
        sdk.add_breadcrumb(category="cart.add", message=f"{number} x teapot", data={"price": number, "currency": "EUR"})
    for number in range(10):
        sdk.set_tag(f"tag{number}", f"value {number}")
    began = time.perf_counter()
    for number in range(5_000):
        sdk.add_breadcrumb(category="cart.add", message="1 x teapot", data={"price": number})
    breadcrumb = (time.perf_counter() - began) / 5_000

    def raised(depth, order):
        item = {"id": depth, "name": "teapot", "prices": [1.5, 2.5, depth], "note": "x" * 40}
        quantity, label = depth * 2, f"level {depth}"
        if depth == 1:
            raise ValueError(f"out of stock: {len(order)} {quantity} {len(label)} {len(item)}")
        raised(depth - 1, order)

    def error():
        try:
            raised(29, {"number": "A-17", "lines": [{"sku": f"s{n}", "count": n} for n in range(5)]})
        except ValueError as caught:
            return caught

    took = []
    for _ in range(events):
        caught = error()
        began = time.perf_counter()
        sdk.capture_exception(caught)
        took.append(time.perf_counter() - began)
        # An app does something between two errors; without a pause the peer's queue is full after a hundred.
        time.sleep(0.002 if peer == "faultwire" else 0.02)
    took.sort()
    sdk.flush(timeout=60)

    began = time.perf_counter()
    for _ in range(burst):
        sdk.capture_exception(error())
    blocked = time.perf_counter() - began
    sdk.flush(timeout=120)
    print(
        json.dumps(
            {
                "start": started * 1e3,
                "grown": grown,
                "breadcrumb": breadcrumb * 1e6,
                "p50": took[len(took) // 2] * 1e3,
                "p99": took[len(took) * 99 // 100] * 1e3,
                "blocked": blocked,
            }
        )
    )


def measure(peer, events, burst):
    """One round of one SDK."""
    me = os.path.abspath(__file__)
    queue = tempfile.mkdtemp(prefix="faultwire-bench-")
    server = subprocess.Popen([sys.executable, me, "--sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().strip()
        env = {**os.environ, "DSN": f"http://{KEY}@127.0.0.1:{port}/1", "QUEUE": queue}
        command = [sys.executable, me, "--app", peer, "--events", str(events), "--burst", str(burst)]
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
        server.stdin.close()
        result = json.loads(done.stdout)
        result["lost"] = events + burst - int(server.stdout.readline())
        return result
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(queue, ignore_errors=True)


ROWS = [
    # name, key, unit, digits, must: (part of the peer, most), aim
    ("capture_exception, 30 frames with locals, p50", "p50", "ms", 3, (10, None), "1/25"),
    ("capture_exception, p99", "p99", "ms", 3, None, ""),
    ("breadcrumb, mean", "breadcrumb", "µs", 2, (5, None), "1/10"),
    ("import + init", "start", "ms", 1, (None, 40), "20 ms"),
    ("resident memory added by them", "grown", "MB", 1, (None, 6), "4 MB"),
    ("burst: main thread busy", "blocked", "s", 2, None, ""),
    ("paced and burst: lost", "lost", "", 0, (None, 0), "0"),
]


def show(results):
    ours, peer = results["faultwire"], results.get("sentry")
    missed = False
    table = [["figure", "faultwire", "sentry-sdk", "ratio", "must", "aim"]]
    for name, key, unit, digits, must, aim in ROWS:
        value, other = ours[key], peer and peer[key]
        text = ""
        if must is not None:
            part, most = must
            met = value <= (most if part is None else other / part) if part is None or other else None
            if met is not None:
                missed |= not met
                text = f"<= {f'1/{part}' if part else f'{most} {unit}'.strip()} {'met' if met else 'MISSED'}"
        cell = lambda number: "-" if number is None else f"{number:.{digits}f} {unit}".strip()
        ratio = f"1/{other / value:.1f}" if other and value > 0 and unit else ""
        table.append([name, cell(value), cell(other), ratio, text, aim])
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        print("  ".join(text.ljust(width) if at == 0 else text.rjust(width) for at, (text, width) in enumerate(zip(row, widths))))
    print(f"Python {sys.version.split()[0]}; 30 frames, 50 breadcrumbs, 10 tags")
    return missed


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--events", type=int, default=300)
    options.add_argument("--burst", type=int, default=2_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", action="store_true")
    options.add_argument("--sink", action="store_true")
    options.add_argument("--app")
    given = options.parse_args()
    if given.sink:
        return sink()
    if given.app:
        return app(given.app, given.events, given.burst)
    peers = ["faultwire"]
    if importlib.util.find_spec("sentry_sdk"):
        peers.append("sentry")
    else:
        print("skipped: sentry: `pip install -r bench/requirements.txt` to measure sentry-sdk as well", file=sys.stderr)
    samples = {peer: [] for peer in peers}
    for number in range(given.rounds):
        for peer in peers:
            samples[peer].append(measure(peer, given.events, given.burst))
        print(f"round {number + 1} of {given.rounds} done", file=sys.stderr)
    results = {
        peer: {key: statistics.median(sample[key] for sample in found) for key in found[0]}
        for peer, found in samples.items()
    }
    if given.json:
        print(json.dumps(results, indent=2))
    elif show(results):
        sys.exit(1)


main()
