import assert from "node:assert/strict";
import { test } from "node:test";

import { collectWarnings, faultwire, start, tagsOf } from "./support/host.mjs";
import { startStub } from "./support/stub.mjs";

async function stubFor(t) {
  const stub = await startStub();
  t.after(() => stub.close());
  return stub;
}

test("beforeSend sees the whole event and the thrown thing, and what it changes is sent", async (t) => {
  const stub = await stubFor(t);
  const seen = [];
  start(t, stub, {
    beforeSend(event, hint) {
      seen.push({ event: structuredClone(event), hint });
      event.tags = { ...tagsOf(event), judged: "yes" };
      return event;
    },
  });
  faultwire.setTag("plan", "plus");
  const error = new Error("judged");
  const id = faultwire.captureException(error);
  await faultwire.flush(5_000);
  assert.equal(seen.length, 1);
  assert.equal(seen[0].event.event_id, id);
  assert.equal(seen[0].hint.originalException, error);
  assert.equal(seen[0].event.exception.values[0].value, "judged");
  const event = await stub.event();
  assert.equal(event.event_id, id);
  assert.deepEqual(tagsOf(event), { plan: "plus", judged: "yes" });
  assert.ok(event.exception.values[0].stacktrace.frames.length > 0);
});

test("what a hook adds is scrubbed as well", async (t) => {
  const stub = await stubFor(t);
  // Put together here: the source lines around a frame are sent as well.
  const password = ["hunter2", "planted"].join("-");
  const card = [4111, 1111, 1111, 1111].join(" ");
  start(t, stub, {
    beforeSend(event) {
      event.extra = { password, note: `paid with ${card}` };
      return event;
    },
  });
  faultwire.captureException(new Error("leaky hook"));
  await faultwire.flush(5_000);
  const text = JSON.stringify(await stub.event());
  assert.ok(!text.includes(password) && !text.includes(card), text);
});

for (const [name, hook, warning] of [
  ["returns null", () => null, undefined],
  ["throws", () => { throw new Error("broken hook"); }, /beforeSend threw \(broken hook\)/],
  ["returns a promise", async (event) => event, /beforeSend returned a promise/],
  ["returns a rejecting promise", async () => { throw new Error("later"); }, /beforeSend returned a promise/],
  ["returns nothing", () => undefined, /beforeSend returned undefined/],
]) {
  test(`a hook that ${name} drops the event, and the drop is counted`, async (t) => {
    const stub = await stubFor(t);
    const warnings = collectWarnings(t);
    start(t, stub, { beforeSend: hook });
    assert.equal(faultwire.captureException(new Error("judged")), "");
    await faultwire.flush(1_000);
    assert.equal(stub.events.length, 0);
    assert.deepEqual(faultwire.stats(), { captured: 1, recovered: 0, delivered: 0, queued: 0, lost: { before_send: 1 } });
    if (warning === undefined) assert.deepEqual(warnings, []);
    // A kind of mistake is named once per process; the promise cases share their sentence.
    else assert.ok(warnings.every((line) => warning.test(line)), warnings.join("\n"));
  });
}

test("a capture inside the hook is counted and does not run the hook again", async (t) => {
  const stub = await stubFor(t);
  collectWarnings(t);
  let calls = 0;
  start(t, stub, {
    beforeSend(event) {
      calls += 1;
      assert.equal(faultwire.captureMessage("from inside"), "");
      return event;
    },
  });
  const id = faultwire.captureException(new Error("outer"));
  await faultwire.flush(5_000);
  assert.equal(calls, 1);
  assert.deepEqual(await stub.ids(1), new Set([id]));
  assert.deepEqual(faultwire.stats(), { captured: 2, recovered: 0, delivered: 1, queued: 0, lost: { before_send: 1 } });
});

test("beforeBreadcrumb changes, drops and may itself log or fail", async (t) => {
  const stub = await stubFor(t);
  collectWarnings(t);
  t.mock.method(console, "log", () => {});
  start(t, stub, {
    beforeBreadcrumb(breadcrumb) {
      console.log("a hook that logs", breadcrumb.message);
      if (breadcrumb.message === "drop") return null;
      if (breadcrumb.message === "fail") throw new Error("broken");
      return { ...breadcrumb, message: `${breadcrumb.message}!` };
    },
  });
  for (const message of ["keep", "drop", "fail", "last"]) faultwire.addBreadcrumb({ message });
  faultwire.captureMessage("crumbs");
  await faultwire.flush(5_000);
  const { breadcrumbs } = await stub.event();
  assert.deepEqual(breadcrumbs.values.map(({ message }) => message), ["keep!", "last!"]);
});

test("an event is the same whether a hook let it pass or there was none", async (t) => {
  const stub = await stubFor(t);
  const errors = [
    () => new TypeError("plain"),
    () => new RangeError('"quoted"\n\ttwo lines \\ \u0001 \u20ac \ud83d\ude00 lone \ud800'),
    () => new (class Unnamed extends Error {})(""),
  ];
  for (const make of errors) {
    for (const context of [undefined, { level: "warning", tags: { a: 1 }, mechanism: { type: "own", handled: false } }]) {
      const pair = [];
      // Both made at one place, so that their stacks are the same.
      const twins = Array.from({ length: 2 }, make);
      for (const beforeSend of [undefined, (event) => event]) {
        start(t, stub, beforeSend && { beforeSend });
        const id = faultwire.captureException(twins[pair.length], context);
        await faultwire.close(5_000);
        const { event_id, timestamp, ...event } = await stub.event((event) => event.event_id === id);
        assert.ok(timestamp > 1.7e9);
        pair.push(event);
      }
      assert.deepEqual(pair[0], pair[1]);
    }
  }
});
