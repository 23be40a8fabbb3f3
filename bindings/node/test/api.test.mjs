import assert from "node:assert/strict";
import { test } from "node:test";

import { collectWarnings, cpuMs, faultwire, runApp, start, tagsOf, tempDir } from "./support/host.mjs";
import { startStub } from "./support/stub.mjs";

async function stubFor(t, options) {
  const stub = await startStub(options);
  t.after(() => stub.close());
  return stub;
}

test("an exception arrives with frames, source lines, scope data and machine", async (t) => {
  const stub = await stubFor(t);
  start(t, stub, { release: "shop@1.2.3", environment: "test" });
  faultwire.setTag("plan", "plus");
  faultwire.setTags({ retries: 3, beta: true });
  faultwire.setUser({ id: "c-1", username: "amelie" });
  faultwire.setContext("order", { number: "A-17" });
  faultwire.setExtra("cart", [{ sku: "teapot" }]);
  faultwire.addBreadcrumb({ category: "cart.add", message: "1 x teapot", data: { quantity: 1 } });

  function failingCheckout() {
    throw new TypeError("price is undefined"); // the line that shall be seen
  }
  let id;
  try {
    failingCheckout();
  } catch (error) {
    id = faultwire.captureException(error);
  }
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(faultwire.lastEventId(), id);
  assert.equal(await faultwire.flush(5_000), true);

  const event = await stub.event();
  assert.equal(event.event_id, id);
  assert.equal(event.platform, "node");
  assert.equal(event.release, "shop@1.2.3");
  assert.equal(event.environment, "test");
  assert.equal(event.sdk.name, "faultwire.node");
  const [exception] = event.exception.values;
  assert.equal(exception.type, "TypeError");
  assert.equal(exception.value, "price is undefined");
  assert.deepEqual(exception.mechanism, { type: "generic", handled: true });
  assert.equal(exception.stack, undefined, "the raw stack is gone");
  const top = exception.stacktrace.frames.at(-1);
  assert.equal(top.function, "failingCheckout");
  assert.match(top.context_line, /the line that shall be seen/);
  assert.equal(top.in_app, true);
  assert.deepEqual(tagsOf(event), { plan: "plus", retries: "3", beta: "true" });
  assert.deepEqual(event.user, { id: "c-1", username: "amelie" });
  assert.equal(event.contexts.order.number, "A-17");
  assert.equal(event.contexts.runtime.name, "node");
  assert.equal(event.contexts.runtime.version, process.version);
  assert.ok(event.contexts.os.name);
  assert.ok(event.contexts.device.memory_size > 0);
  assert.deepEqual(event.extra.cart, [{ sku: "teapot" }]);
  const crumb = event.breadcrumbs.values.at(-1);
  assert.equal(crumb.message, "1 x teapot");
  assert.deepEqual(crumb.data, { quantity: 1 });
});

test("messages have a level, events keep what the app wrote", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  faultwire.captureMessage("disk is nearly full", "warning");
  faultwire.captureMessage("plain");
  faultwire.captureMessage("tagged", { level: "debug", tags: { disk: "sda" }, fingerprint: ["disk"] });
  faultwire.captureEvent({ message: "own event", level: "info", logger: "jobs", extra: { n: 12n } });
  await faultwire.flush(5_000);
  await stub.ids(4);

  const byMessage = new Map(stub.events.map((event) => [textOf(event), event]));
  assert.equal(byMessage.get("disk is nearly full").level, "warning");
  assert.equal(byMessage.get("plain").level, "info");
  const tagged = byMessage.get("tagged");
  assert.equal(tagged.level, "debug");
  assert.deepEqual(tagsOf(tagged), { disk: "sda" });
  assert.deepEqual(tagged.fingerprint, ["disk"]);
  assert.equal(byMessage.get("own event").logger, "jobs");
  assert.deepEqual(byMessage.get("own event").extra, { n: "12" });
});

const textOf = ({ message, logentry }) => logentry?.formatted ?? message?.formatted ?? message;

test("a call's own context goes on that event alone", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  faultwire.captureException(new Error("with"), {
    level: "fatal",
    tags: { job: 7 },
    extra: { attempt: 2 },
    contexts: { queue: { depth: 9 } },
    user: { id: "u" },
    fingerprint: ["{{ default }}", "job"],
    transaction: "nightly",
  });
  faultwire.captureException(new Error("without"));
  await faultwire.flush(5_000);
  const given = await stub.event((event) => event.exception.values[0].value === "with");
  assert.equal(given.level, "fatal");
  assert.deepEqual(tagsOf(given), { job: "7" });
  assert.equal(given.extra.attempt, 2);
  assert.equal(given.contexts.queue.depth, 9);
  assert.equal(given.user.id, "u");
  assert.equal(given.transaction, "nightly");
  const bare = await stub.event((event) => event.exception.values[0].value === "without");
  assert.deepEqual(tagsOf(bare), {});
  assert.equal(bare.user, undefined);
});

test("an error object is reported once, whoever reports it again", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  const error = Object.freeze(new Error("seen twice"));
  const id = faultwire.captureException(error);
  assert.equal(faultwire.captureException(error), id);
  const wrapped = faultwire.captureException(new Error("wrapper", { cause: error }));
  assert.notEqual(wrapped, id);
  await faultwire.flush(5_000);
  assert.deepEqual(await stub.ids(2), new Set([id, wrapped]));
  assert.equal(faultwire.stats().captured, 2);
});

test("properties of the error and of its causes become contexts", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  const cause = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
  faultwire.captureException(Object.assign(new TypeError("fetch failed", { cause }), { orderId: "A-17" }));
  await faultwire.flush(5_000);
  const event = await stub.event();
  assert.equal(event.contexts.TypeError.orderId, "A-17");
  assert.equal(event.contexts.Error.code, "ECONNREFUSED");
  assert.deepEqual(event.exception.values.map(({ value }) => value), ["connect", "fetch failed"]);
});

test("whatever is captured, nothing throws and the events still fit", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  const trap = () => {
    throw new Error("trap");
  };
  const hostile = new Proxy({}, { get: trap, ownKeys: trap, getPrototypeOf: trap, has: trap, set: trap });
  const things = [
    "text", undefined, null, 0, NaN, 10n ** 400n, Symbol("s"), () => {}, {}, [], Object.freeze({ a: 1 }), hostile,
    new Proxy(new Error("proxied"), {}), Object.create(null), new Error("x".repeat(50_000_000)), "y".repeat(50_000_000),
    new Map([[{}, {}]]), new Error("lone \ud800 surrogate"), new Date(NaN), Buffer.alloc(10_000_000),
  ];
  for (const thing of things) {
    // Includes the worker's share; the thing itself may be 50 MB.
    assert.ok(cpuMs(() => assert.match(faultwire.captureException(thing), /^[0-9a-f]{32}$/)) < 2_000);
  }
  faultwire.setTag("hostile", hostile);
  faultwire.setTag(hostile, "hostile");
  faultwire.setTags(hostile);
  faultwire.setUser(hostile);
  faultwire.setExtra("hostile", hostile);
  faultwire.setContext("hostile", { hostile });
  faultwire.addBreadcrumb(hostile);
  faultwire.addBreadcrumb({ message: hostile, data: hostile, level: 7, category: null, timestamp: NaN });
  faultwire.addBreadcrumb(null);
  faultwire.captureMessage(hostile);
  faultwire.captureMessage(undefined, hostile);
  faultwire.captureEvent(null);
  faultwire.captureEvent(hostile);
  faultwire.captureException(new Error("last"), hostile);
  await faultwire.flush(10_000);
  const { captured, delivered, queued, lost } = faultwire.stats();
  assert.equal(captured, delivered + queued + Object.values(lost).reduce((sum, n) => sum + n, 0));
  assert.ok(delivered >= things.length, `${delivered} of ${captured} delivered, lost ${JSON.stringify(lost)}`);
  for (const event of stub.events) assert.ok(JSON.stringify(event).length < 1_000_000);
});

test("wrong options are one warning each, and the app runs on", async (t) => {
  const stub = await stubFor(t);
  const warnings = collectWarnings(t);
  start(t, stub, { sampelRate: 1, beforeSend: "not a function", maxBreadcrumbs: "many", captureUncaught: false });
  faultwire.captureException(new Error("still reported"));
  await faultwire.flush(5_000);
  await stub.event();
  for (const name of ["sampelRate", "beforeSend", "maxBreadcrumbs"]) {
    const about = warnings.filter((line) => line.includes(name));
    assert.equal(about.length, 1, `${name}: ${warnings.join("\n")}`);
    assert.match(about[0], /^faultwire: /);
  }
  assert.match(warnings.find((line) => line.includes("sampelRate")), /sampleRate/, "the nearest known name is suggested");
});

test("a wrong DSN is one warning and a client that does nothing", (t) => {
  const warnings = collectWarnings(t);
  faultwire.init({ dsn: "http://nowhere", captureUncaught: false });
  t.after(() => faultwire.close(0));
  assert.equal(faultwire.isEnabled(), false);
  assert.equal(faultwire.captureException(new Error("nobody hears")), "");
  assert.equal(faultwire.captureMessage("nobody hears"), "");
  assert.equal(faultwire.withScope((scope) => scope.setTag("a", 1) && 7), 7);
  assert.equal(warnings.length, 1, warnings.join("\n"));
  assert.match(warnings[0], /^faultwire: .*dsn/i);
});

test("odd arguments to init are survived", (t) => {
  const warnings = collectWarnings(t);
  t.after(() => faultwire.close(0));
  for (const options of ["http://k@h/1", 7, [], null, undefined]) {
    faultwire.init(options);
    assert.equal(faultwire.isEnabled(), false);
  }
  assert.equal(warnings.filter((line) => line.includes("an object of options")).length, 3, warnings.join("\n"));
});

test("an unwritable queue directory is one warning that names it, and events still go out", async (t) => {
  const stub = await stubFor(t);
  const app = await runApp(
    `faultwire.init({ queueDir: "/proc/faultwire-queue" });
     faultwire.captureException(new Error("from memory"));
     faultwire.captureException(new Error("from memory, too"));
     faultwire.flush(5000).then(console.log);`,
    { env: { FAULTWIRE_DSN: stub.dsn } },
  );
  assert.equal(app.stdout, "true\n");
  await stub.ids(2);
  assert.match(app.stderr, /^faultwire: .*\/proc\/faultwire-queue.*\n$/);
});

test("a second init replaces the first client, says so, and loses nothing", async (t) => {
  const first = await stubFor(t, { reply: () => ({ status: 503 }) });
  // The same project on another address: its server has moved.
  const second = await stubFor(t);
  const queueDir = tempDir(t);
  const warnings = collectWarnings(t);
  start(t, first, { queueDir });
  const early = faultwire.captureException(new Error("to the first"));
  faultwire.init({ dsn: second.dsn, queueDir, captureUncaught: false });
  const late = faultwire.captureException(new Error("to the second"));
  await faultwire.flush(5_000);
  assert.deepEqual(await second.ids(2), new Set([early, late]));
  assert.equal(warnings.filter((line) => line.includes("init was called again")).length, 1);
});

test("after close nothing is taken and nothing breaks", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  assert.equal(faultwire.isEnabled(), true);
  const id = faultwire.captureException(new Error("before close"));
  assert.equal(await faultwire.close(5_000), true);
  assert.equal(stub.events[0].event_id, id);
  assert.equal(faultwire.isEnabled(), false);
  assert.equal(faultwire.captureException(new Error("after close")), "");
  assert.equal(await faultwire.flush(100), true);
  assert.equal(await faultwire.close(100), true);
});

test("flush says when the time ran out, and parallel flushes all answer", async (t) => {
  const stub = await stubFor(t, { reply: () => ({ status: 503, headers: { "retry-after": "60" } }) });
  start(t, stub);
  faultwire.captureException(new Error("not yet"));
  const began = performance.now();
  const answers = await Promise.all([faultwire.flush(300), faultwire.flush(200), faultwire.flush(0), faultwire.flush(-1)]);
  assert.deepEqual(answers, [false, false, false, false]);
  assert.ok(performance.now() - began < 30_000);
  assert.deepEqual(faultwire.stats().queued, 1);
});

test("stats account for every event", async (t) => {
  const stub = await stubFor(t);
  start(t, stub, { beforeSend: (event) => (event.exception.values[0].value === "drop" ? null : event) });
  faultwire.captureException(new Error("keep"));
  faultwire.captureException(new Error("drop"));
  await faultwire.flush(5_000);
  assert.deepEqual(faultwire.stats(), { captured: 2, recovered: 0, delivered: 1, queued: 0, lost: { before_send: 1 } });
});

test("ignoreErrors takes texts and regular expressions", async (t) => {
  const stub = await stubFor(t);
  start(t, stub, { ignoreErrors: ["socket hang up", /^TimeoutError: after \d+/i] });
  faultwire.captureException(new Error("socket hang up, again"));
  faultwire.captureException(Object.assign(new Error("After 12 s"), { name: "TimeoutError" }));
  const id = faultwire.captureException(new Error("something else"));
  await faultwire.flush(5_000);
  assert.deepEqual(await stub.ids(1), new Set([id]));
  assert.equal(faultwire.stats().captured, 3);
});
