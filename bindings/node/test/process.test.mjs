// What happens when an app dies, and that Node behaves as if the SDK were not there.

import assert from "node:assert/strict";
import { test } from "node:test";

import { runApp, tempDir } from "./support/host.mjs";
import { startStub } from "./support/stub.mjs";

async function setUp(t, options) {
  const stub = await startStub(options);
  t.after(() => stub.close());
  const env = { FAULTWIRE_DSN: stub.dsn, QUEUE: tempDir(t) };
  return { stub, env };
}

const INIT = "faultwire.init({ queueDir: process.env.QUEUE });\n";

/** What an app does without the SDK. */
const bare = (source, args) => runApp(source.replace(INIT, ""), { args });

test("an uncaught error is reported, printed by Node, and ends the process with 1", async (t) => {
  const { stub, env } = await setUp(t);
  const source = `${INIT}function boom() { throw new TypeError("nobody caught me"); }\nsetTimeout(boom, 5);`;
  const app = await runApp(source, { env });
  assert.equal(app.code, 1);
  assert.match(app.stderr, /TypeError: nobody caught me\n {4}at .*boom/);
  const event = await stub.event();
  assert.equal(event.level, "fatal");
  const [exception] = event.exception.values;
  assert.deepEqual(exception.mechanism, { type: "onuncaughtexception", handled: false });
  assert.match(exception.stacktrace.frames.at(-1).function, /boom$/);
  assert.equal(stub.events.length, 1);
});

test("an app that listens to uncaughtException decides itself", async (t) => {
  const { stub, env } = await setUp(t);
  const app = await runApp(
    `${INIT}process.on("uncaughtException", (error) => console.log("handled", error.message));
     setTimeout(() => { throw new Error("survived"); }, 5);
     setTimeout(() => console.log("still here"), 30);`,
    { env },
  );
  assert.equal(app.code, 0);
  assert.equal(app.stdout, "handled survived\nstill here\n");
  const event = await stub.event();
  assert.equal(event.level ?? "error", "error");
  assert.equal(event.exception.values[0].mechanism.handled, false);
});

for (const mode of [undefined, "throw", "strict", "warn", "none", "warn-with-error-code"]) {
  test(`an unhandled rejection is reported, and Node does what it does (${mode ?? "default"})`, async (t) => {
    const { stub, env } = await setUp(t);
    const args = mode === undefined ? [] : [`--unhandled-rejections=${mode}`];
    const source = `${INIT}Promise.reject(new RangeError("left alone"));\nsetTimeout(() => console.log("later"), 20);`;
    const [app, plain] = await Promise.all([runApp(source, { env, args }), bare(source, args)]);
    assert.equal(app.code, plain.code);
    assert.equal(app.stdout, plain.stdout);
    assert.equal(/RangeError: left alone/.test(app.stderr), /RangeError: left alone/.test(plain.stderr));
    const event = await stub.event();
    assert.equal(event.exception.values[0].mechanism.type, "onunhandledrejection");
    assert.equal(event.exception.values[0].mechanism.handled, false);
    assert.equal(stub.events.length, 1);
  });
}

test("an app that listens to unhandledRejection decides itself, whenever it starts and stops listening", async (t) => {
  const { stub, env } = await setUp(t);
  const app = await runApp(
    `${INIT}const mine = (reason) => console.log("mine", reason);
     process.on("unhandledRejection", mine);
     Promise.reject("first");
     setTimeout(() => {
       process.off("unhandledRejection", mine);
       console.log(process.listenerCount("unhandledRejection"));
       Promise.reject(new Error("second"));
     }, 20);
     setTimeout(() => console.log("not reached"), 200);`,
    { env },
  );
  assert.equal(app.stdout, "mine first\n0\n");
  assert.equal(app.code, 1, "without a listener the rejection ends the process again");
  await stub.ids(2);
  assert.deepEqual(stub.events.map((event) => event.exception.values[0].value).sort(), ["first", "second"]);
});

test("process.exit right after a capture delivers it", async (t) => {
  const { stub, env } = await setUp(t);
  const app = await runApp(`${INIT}faultwire.captureException(new Error("last words"));\nprocess.exit(3);`, { env });
  assert.equal(app.code, 3);
  assert.equal(stub.events.length, 1);
});

test("a capture in the app's own exit listener is not lost", async (t) => {
  const { stub, env } = await setUp(t);
  await runApp(`${INIT}process.on("exit", () => faultwire.captureMessage("going"));`, { env });
  await runApp(`${INIT}faultwire.flush(5000);`, { env });
  await stub.ids(1);
  assert.equal(new Set(stub.events.map(({ event_id }) => event_id)).size, 1);
});

test("an idle SDK keeps no process alive", async (t) => {
  const { env } = await setUp(t);
  const began = performance.now();
  const app = await runApp("faultwire.init({ queueDir: process.env.QUEUE, shutdownTimeout: 120_000 });", { env });
  assert.equal(app.code, 0);
  assert.equal(app.stderr, "");
  assert.ok(performance.now() - began < 60_000);
});

test("exit waits for a collector that does not answer at most shutdownTimeout", async (t) => {
  const { env } = await setUp(t);
  const { createServer } = await import("node:net");
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  t.after(() => silent.close());
  await new Promise((resolve) => silent.on("listening", resolve));
  const dsn = `http://0123456789abcdef0123456789abcdef@127.0.0.1:${silent.address().port}/1`;
  const source = `faultwire.init({ queueDir: process.env.QUEUE, shutdownTimeout: 300 });
    faultwire.captureException(new Error("x"));
    const began = performance.now();
    process.on("exit", () => console.log(performance.now() - began));`;
  const app = await runApp(source, { env: { ...env, FAULTWIRE_DSN: dsn } });
  assert.equal(app.code, 0);
  const ms = Number(app.stdout);
  assert.ok(ms < 20_000, `${ms} ms`);
});

test("the same error, first caught and reported and then uncaught, is one event", async (t) => {
  const { stub, env } = await setUp(t);
  const app = await runApp(
    `${INIT}const error = new Error("twice");\nfaultwire.captureException(error);\nthrow error;`,
    { env },
  );
  assert.equal(app.code, 1);
  await stub.ids(1);
  assert.equal(stub.events.length, 1);
});

test("an error in a worker thread is reported from there", async (t) => {
  const { stub, env } = await setUp(t);
  const app = await runApp(
    `const { Worker } = require("node:worker_threads");
     const worker = new Worker(
       \`const faultwire = require(\${JSON.stringify(require.resolve(${JSON.stringify(new URL("..", import.meta.url).pathname)}))});
        faultwire.init({ queueDir: process.env.QUEUE });
        throw new Error("in the worker");\`, { eval: true });
     worker.on("error", (error) => console.log("parent saw", error.message));`,
    { env },
  );
  assert.equal(app.stdout, "parent saw in the worker\n");
  const event = await stub.event();
  assert.equal(event.exception.values[0].value, "in the worker");
});
