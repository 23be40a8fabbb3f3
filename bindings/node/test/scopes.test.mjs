import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";

import { collectWarnings, faultwire, start, tagsOf } from "./support/host.mjs";
import { startStub } from "./support/stub.mjs";

async function stubFor(t) {
  const stub = await startStub();
  t.after(() => stub.close());
  return stub;
}

const messageOf = (event) => event.exception.values.at(-1).value;
const crumbsOf = (event) => (event.breadcrumbs?.values ?? []).map(({ message }) => message);

test("withScope ends with its callback, and top-level setters outlive it", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  faultwire.setTag("outer", "1");
  const answer = faultwire.withScope((scope) => {
    scope.setTag("inner", "1").setLevel("warning").setTransactionName("job").setFingerprint(["a"]);
    scope.addBreadcrumb({ message: "inside" });
    faultwire.setTag("isolation", "1");
    faultwire.getCurrentScope().setExtra("e", 1);
    faultwire.captureException(new Error("in"));
    faultwire.withScope((nested) => {
      nested.setTag("nested", "1");
      faultwire.setTag("deep", "1");
      faultwire.addBreadcrumb({ message: "deep" });
      faultwire.captureException(new Error("nested"));
    });
    return 42;
  });
  assert.equal(answer, 42);
  faultwire.captureException(new Error("out"));
  await faultwire.flush(5_000);
  await stub.ids(3);
  const by = new Map(stub.events.map((event) => [messageOf(event), event]));
  assert.deepEqual(tagsOf(by.get("in")), { outer: "1", inner: "1", isolation: "1" });
  assert.equal(by.get("in").level, "warning");
  assert.equal(by.get("in").transaction, "job");
  assert.deepEqual(by.get("in").fingerprint, ["a"]);
  assert.equal(by.get("in").extra.e, 1);
  assert.deepEqual(crumbsOf(by.get("in")), ["inside"]);
  assert.deepEqual(tagsOf(by.get("nested")), { outer: "1", inner: "1", isolation: "1", nested: "1", deep: "1" });
  assert.deepEqual(tagsOf(by.get("out")), { outer: "1", isolation: "1", deep: "1" });
  assert.deepEqual(crumbsOf(by.get("out")), ["deep"]);
  assert.notEqual(by.get("out").level, "warning");
});

test("setting null removes, clear forgets", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  faultwire.withIsolationScope((scope) => {
    faultwire.setTag("a", "1");
    faultwire.setTag("b", "2");
    faultwire.setUser({ id: "u" });
    faultwire.setContext("c", { x: 1 });
    faultwire.setTag("a", null);
    faultwire.setUser(null);
    faultwire.setContext("c", null);
    faultwire.captureException(new Error("removed"));
    scope.clear();
    faultwire.captureException(new Error("cleared"));
  });
  await faultwire.flush(5_000);
  await stub.ids(2);
  const by = new Map(stub.events.map((event) => [messageOf(event), event]));
  assert.deepEqual(tagsOf(by.get("removed")), { b: "2" });
  assert.equal(by.get("removed").user, undefined);
  assert.equal(by.get("removed").contexts.c, undefined);
  assert.deepEqual(tagsOf(by.get("cleared")), {});
});

test("a thousand interleaved requests never see each other", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  const COUNT = 1_000;

  async function serve(id) {
    faultwire.setTag("request", String(id));
    faultwire.setUser({ id: `user-${id}` });
    faultwire.addBreadcrumb({ message: `begin ${id}` });
    await nextTurn();
    await wait(id % 7);
    faultwire.addBreadcrumb({ message: `waited ${id}` });
    const stream = new PassThrough();
    setTimeout(() => stream.end(`chunk ${id}`), id % 5);
    for await (const chunk of stream) faultwire.addBreadcrumb({ message: `${chunk}` });
    await Promise.all([wait(id % 3), Promise.resolve().then(() => faultwire.setTag("step", `s${id}`))]);
    await faultwire.withScope(async (scope) => {
      scope.setTag("inner", `i${id}`);
      await nextTurn();
      process.nextTick(() => queueMicrotask(() => faultwire.captureException(new Error(`failed ${id}`))));
      await nextTurn();
    });
    assert.equal(faultwire.lastEventId().length, 32);
  }

  await Promise.all(Array.from({ length: COUNT }, (_, id) => faultwire.withIsolationScope(() => serve(id))));
  assert.equal(await faultwire.flush(60_000), true);
  await stub.ids(COUNT, 60_000);
  const mixed = [];
  for (const event of stub.events) {
    const id = messageOf(event).slice("failed ".length);
    const expected = {
      tags: { request: id, step: `s${id}`, inner: `i${id}` },
      user: `user-${id}`,
      crumbs: [`begin ${id}`, `waited ${id}`, `chunk ${id}`],
    };
    const seen = { tags: tagsOf(event), user: event.user.id, crumbs: crumbsOf(event) };
    try {
      assert.deepEqual(seen, expected);
    } catch {
      mixed.push({ seen, expected });
    }
  }
  assert.deepEqual(mixed, []);
  assert.deepEqual(faultwire.lastEventId(), "", "nothing leaks to the process");
});

test("plain http requests have scopes of their own and carry the request", async (t) => {
  const stub = await stubFor(t);
  start(t, stub);
  const handle = faultwire.requestHandler();
  const server = createServer((request, response) => {
    handle(request, response, async () => {
      faultwire.setTag("path", request.url.split("?")[0]);
      for await (const _ of request);
      await wait(Math.random() * 5);
      faultwire.captureException(new Error(`at ${request.url.split("?")[0]}`));
      response.end(faultwire.lastEventId());
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address();

  // One keep-alive connection serves several requests: what one set must be gone for the next.
  await Promise.all(
    Array.from({ length: 40 }, (_, at) =>
      fetch(`http://127.0.0.1:${port}/order/${at}?item=${at}`, {
        method: at % 2 ? "POST" : "GET",
        body: at % 2 ? "some body" : undefined,
        headers: { "x-shop": "tea", authorization: "Bearer planted-secret-token" },
      }).then((response) => response.text()),
    ),
  );
  await faultwire.flush(5_000);
  await stub.ids(40);
  for (const event of stub.events) {
    const path = messageOf(event).slice("at ".length);
    assert.deepEqual(tagsOf(event), { path });
    const { url, method, query_string, headers } = event.request;
    assert.equal(url, `http://127.0.0.1:${port}${path}`);
    assert.equal(event.transaction, `${method} ${path}`);
    assert.match(JSON.stringify(query_string), new RegExp(path.split("/").at(-1)));
    const shop = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])).get("x-shop");
    assert.ok(shop === "tea" || headers.some?.(([name, value]) => name.toLowerCase() === "x-shop" && value === "tea"));
    assert.doesNotMatch(JSON.stringify(event), /planted-secret-token/);
    assert.equal(event.user?.ip_address, undefined, "no address without sendDefaultPii");
  }
});

test("the client's address is on the event with sendDefaultPii alone", async (t) => {
  const stub = await stubFor(t);
  start(t, stub, { sendDefaultPii: true });
  const handle = faultwire.requestHandler();
  const server = createServer((request, response) => {
    handle(request, response, () => response.end(faultwire.captureException(new Error("who"))));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close().closeAllConnections());
  await new Promise((resolve) => httpRequest({ port: server.address().port, host: "127.0.0.1" }, (r) => r.resume().on("end", resolve)).end());
  await faultwire.flush(5_000);
  const event = await stub.event();
  assert.match(event.user.ip_address, /127\.0\.0\.1/);
});

test("console output becomes breadcrumbs, the SDK's own words do not", async (t) => {
  const stub = await stubFor(t);
  const printed = [];
  for (const method of ["log", "info", "warn", "error", "debug"]) {
    t.mock.method(console, method, (...args) => printed.push([method, ...args]));
  }
  start(t, stub, { unknownOption: 1 });
  console.log("one", 2, { three: 3 });
  console.warn("careful");
  console.error(new TypeError("logged"));
  console.debug(new Proxy({}, { get() { throw new Error("trap"); } }));
  faultwire.captureMessage("with crumbs");
  await faultwire.flush(5_000);
  const crumbs = (await stub.event()).breadcrumbs.values;
  assert.deepEqual(
    crumbs.slice(0, 3).map(({ category, level, message }) => [category, level ?? "info", message]),
    [
      ["console", "info", "one 2 { three: 3 }"],
      ["console", "warning", "careful"],
      ["console", "error", "TypeError: logged"],
    ],
  );
  assert.ok(!crumbs.some(({ message }) => message?.includes("faultwire:")));
  assert.equal(printed.filter(([, text]) => typeof text === "string" && text.startsWith("faultwire:")).length, 1);
  assert.equal(printed.length, 5, "the app's own output is untouched");
});

test("outgoing requests become breadcrumbs, the SDK's own host does not", async (t) => {
  const stub = await stubFor(t);
  collectWarnings(t);
  start(t, stub);
  const server = createServer((request, response) => {
    response.statusCode = request.url.startsWith("/missing") ? 404 : 200;
    response.end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await (await fetch(`http://127.0.0.1:${port}/fetched?token=planted`)).text();
  await new Promise((resolve) => {
    httpRequest(`http://user:planted@127.0.0.1:${port}/missing`, (r) => r.resume().on("end", resolve)).end();
  });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await fetch(`http://127.0.0.1:${port}/refused`).catch(() => {});
  await (await fetch(`http://127.0.0.1:${stub.port}/api/1/envelope/`, { method: "POST", body: "{}\n" })).text();
  faultwire.captureMessage("after requests");
  await faultwire.flush(5_000);
  const event = await stub.event();
  const crumbs = event.breadcrumbs.values;
  assert.deepEqual(
    crumbs.map(({ category, level, data }) => [category, level ?? "info", data.method, data.url, data.status_code]),
    [
      ["http", "info", "GET", `http://127.0.0.1:${port}/fetched`, 200],
      ["http", "warning", "GET", `http://127.0.0.1:${port}/missing`, 404],
      ["http", "error", "GET", `http://127.0.0.1:${port}/refused`, undefined],
    ],
  );
  assert.doesNotMatch(JSON.stringify(event), /planted/);
});
