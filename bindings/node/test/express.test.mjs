import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";

import { faultwire, root, start, tagsOf, tempDir } from "./support/host.mjs";
import { startStub } from "./support/stub.mjs";

async function stubFor(t) {
  const stub = await startStub();
  t.after(() => stub.close());
  return stub;
}

/** What Express does with middleware, as far as ours can tell: three parameters are a step, four see errors. */
async function serve(t, ...steps) {
  const server = createServer((request, response) => {
    response.locals = {};
    const run = (at, error) => {
      const step = steps[at];
      if (!step) return response.writeHead(error ? 500 : 200).end(response.locals.faultwireEventId ?? "");
      const next = (error) => run(at + 1, error);
      try {
        if (error) return step.length === 4 ? step(error, request, response, next) : next(error);
        return step.length === 4 ? next() : step(request, response, next);
      } catch (thrown) {
        next(thrown);
      }
    };
    run(0);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${server.address().port}`;
}

const fail = (error) => () => {
  throw error;
};

test("an error of a route is reported with its request, and the answer can name the event", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  const url = await serve(t, faultwire.requestHandler(), (request, response, next) => {
    request.baseUrl = "/api";
    request.route = { path: "/orders/:id" };
    faultwire.setTag("seen", "yes");
    next();
  }, fail(new Error("route failed")), faultwire.expressErrorHandler());
  const id = await (await fetch(`${url}/api/orders/7?full=1`)).text();
  await faultwire.flush(5_000);
  const event = await stub.event();
  assert.equal(event.event_id, id);
  assert.equal(event.transaction, "GET /api/orders/:id");
  assert.equal(event.request.url, `${url}/api/orders/7`);
  assert.deepEqual(tagsOf(event), { seen: "yes" });
  assert.deepEqual(event.exception.values[0].mechanism, { type: "express", handled: false });
});

test("without requestHandler the event still carries its request", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  const url = await serve(t, fail("a text was thrown"), faultwire.expressErrorHandler());
  await fetch(`${url}/bare`);
  await faultwire.flush(5_000);
  assert.equal((await stub.event()).transaction, "GET /bare");
});

test("the scope of the request is found again where the async context was lost", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  const waiting = [];
  const pool = new EventEmitter();
  const url = await serve(t, faultwire.requestHandler(), (request, response, next) => {
    faultwire.setUser({ id: request.url.slice(1) });
    // A pool calls back from whoever returns a connection: here, from outside of any request.
    waiting.push(() => next(new Error(`lost ${request.url}`)));
    if (waiting.length === 2) pool.emit("returned");
  }, faultwire.expressErrorHandler());
  const returned = once(pool, "returned");
  const answers = ["/a", "/b"].map((path) => fetch(url + path));
  await returned;
  waiting.forEach((call) => call());
  await Promise.all(answers);
  await faultwire.flush(5_000);
  await stub.ids(2);
  for (const event of stub.events) assert.equal(`lost /${event.user.id}`, event.exception.values[0].value);
});

test("errors that are the client's fault are passed on unreported; a filter decides otherwise", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  const report = [undefined, () => true, () => false, fail(new Error("broken filter"))];
  const errors = [{ status: 404 }, { statusCode: 403 }, { status: 500 }, { status: "nonsense" }].map((own) =>
    Object.assign(new Error(JSON.stringify(own)), own),
  );
  const counts = [];
  for (const shouldHandleError of report) {
    const before = faultwire.stats().captured;
    const handler = faultwire.expressErrorHandler(shouldHandleError && { shouldHandleError });
    for (const error of errors) {
      const passedOn = [];
      // A new object each time: the same one is reported once.
      const again = Object.assign(new Error(error.message), error);
      handler(again, { url: "/", method: "GET", headers: {} }, {}, (error) => passedOn.push(error));
      assert.deepEqual(passedOn, [again]);
    }
    counts.push(faultwire.stats().captured - before);
  }
  assert.deepEqual(counts, [2, 4, 0, 4]);
});

test("the example shop fails in three ways, and all of it arrives", { timeout: 120_000 }, async (t) => {
  const shop = join(root, "../../examples/node-express");
  if (!existsSync(join(shop, "node_modules/express"))) {
    console.log("skipped: the example shop fails in three ways: run npm ci in examples/node-express");
    return t.skip("run npm ci in examples/node-express");
  }
  const stub = await stubFor(t);
  const drive = spawn(process.execPath, ["drive.js"], {
    cwd: shop,
    env: { ...process.env, NODE_OPTIONS: "", FAULTWIRE_DSN: stub.dsn, FAULTWIRE_QUEUE_DIR: tempDir(t), SHOP_URL: "" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = await once(drive, "exit");
  assert.equal(code, 0);
  await stub.ids(14);
  const kinds = {};
  for (const event of stub.events) {
    const { type } = event.exception.values.at(-1);
    kinds[type] = (kinds[type] ?? 0) + 1;
    assert.equal(event.transaction, "POST /checkout");
    assert.match(event.user.id, /^c-100\d$/);
    assert.ok(event.breadcrumbs.values.some(({ category }) => category === "cart.add" || category === "checkout"));
    assert.match(event.contexts.order.number, /^A-\d+$/);
  }
  assert.deepEqual(kinds, { TypeError: 6, PaymentError: 4, AggregateError: 4 });
  assert.deepEqual(new Set(stub.events.map(({ release }) => release)), new Set(["shop@1.4.2", "shop@1.5.0"]));

  const payment = stub.events.find((event) => event.exception.values.at(-1).type === "PaymentError");
  assert.deepEqual(payment.exception.values.map(({ type }) => type), ["SocketError", "TypeError", "PaymentError"]);
  assert.ok(payment.breadcrumbs.values.some(({ category, level }) => category === "http" && level === "error"));
  const missing = stub.events.find((event) => event.exception.values.at(-1).type === "TypeError");
  assert.match(missing.exception.values[0].stacktrace.frames.findLast((frame) => frame.in_app).context_line, /product\.price\.amount/);
  const stock = stub.events.find((event) => event.exception.values.at(-1).type === "AggregateError");
  assert.equal(stock.exception.values.length, 4);
});
