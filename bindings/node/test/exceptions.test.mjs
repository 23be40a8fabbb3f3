import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

import { cpuMs } from "./support/host.mjs";

const require = createRequire(import.meta.url);
const { describe } = require("../dist/modules/exceptions.js");

const GENERIC = { type: "generic", handled: true };
const describeIt = (thrown) => describe(thrown, GENERIC, describeIt);
const names = (described) => described.exceptions.map(({ type, value }) => `${type}: ${value}`);

test("an error becomes type, value and raw stack", () => {
  const error = new TypeError("price is undefined");
  const { exceptions, properties } = describeIt(error);
  assert.deepEqual(exceptions, [
    { type: "TypeError", value: "price is undefined", stack: error.stack, mechanism: GENERIC },
  ]);
  assert.equal(properties, undefined);
});

test("a subclass goes by its name, or by its class if it has none of its own", () => {
  class PaymentError extends Error {}
  class Named extends Error {
    name = "Renamed";
  }
  assert.deepEqual(names(describeIt(new PaymentError("declined"))), ["PaymentError: declined"]);
  assert.deepEqual(names(describeIt(new Named("n"))), ["Renamed: n"]);
  assert.deepEqual(names(describeIt(new DOMException("stop", "AbortError"))), ["AbortError: stop"]);
  assert.deepEqual(names(describeIt(runInNewContext("new RangeError('elsewhere')"))), ["RangeError: elsewhere"]);
});

test("causes come oldest first, numbered, and a cycle ends where it closes", () => {
  const root = new Error("socket closed");
  const middle = new Error("provider failed", { cause: root });
  const top = new Error("checkout failed", { cause: middle });
  root.cause = top;
  const { exceptions } = describeIt(top);
  assert.deepEqual(
    exceptions.map(({ value, mechanism: { type, source, exception_id, parent_id } }) => ({
      value, type, source, exception_id, parent_id,
    })),
    [
      { value: "socket closed", type: "chained", source: "cause", exception_id: 2, parent_id: 1 },
      { value: "provider failed", type: "chained", source: "cause", exception_id: 1, parent_id: 0 },
      { value: "checkout failed", type: "generic", source: undefined, exception_id: 0, parent_id: undefined },
    ],
  );
});

test("a chain of a thousand causes keeps the outermost fifty", () => {
  let error = new Error("0");
  for (let at = 1; at < 1_000; at += 1) error = new Error(String(at), { cause: error });
  const { exceptions } = describeIt(error);
  assert.equal(exceptions.length, 50);
  assert.equal(exceptions.at(-1).value, "999");
});

test("a group carries its members and their causes", () => {
  const group = new AggregateError(
    [new RangeError("shelf a", { cause: new Error("timeout") }), "shelf b is shut", { not: "an error" }],
    "no shelf could reserve",
  );
  const { exceptions } = describeIt(group);
  assert.deepEqual(
    exceptions.map(({ type, value, mechanism: { source, exception_id, parent_id, is_exception_group } }) => [
      type, value, source, exception_id, parent_id, is_exception_group,
    ]),
    [
      ["NonError", "shelf b is shut", "errors[1]", 3, 0, undefined],
      ["Error", "timeout", "cause", 2, 1, undefined],
      ["RangeError", "shelf a", "errors[0]", 1, 0, undefined],
      ["AggregateError", "no shelf could reserve", undefined, 0, undefined, true],
    ],
  );
});

test("a validation error's list of records is a property, not a group", () => {
  const error = Object.assign(new Error("invalid"), { errors: [{ path: "/price" }] });
  assert.equal(describeIt(error).exceptions.length, 1);
});

test("own properties of each error travel under its type", () => {
  const cause = Object.assign(new Error("connect"), { code: "ECONNREFUSED", errno: -111 });
  const error = Object.assign(new TypeError("fetch failed", { cause }), { orderId: "A-17" });
  const { properties } = describeIt(error);
  assert.deepEqual(Object.fromEntries([...properties].map(([type, json]) => [type, JSON.parse(json)])), {
    Error: { code: "ECONNREFUSED", errno: -111 },
    TypeError: { orderId: "A-17" },
  });
});

test("anything can be thrown", () => {
  const hostile = new Proxy({}, { get: fail, ownKeys: fail, getPrototypeOf: fail, has: fail, getOwnPropertyDescriptor: fail });
  function fail() {
    throw new Error("trap");
  }
  const cases = [
    ["text", "text"],
    [undefined, "undefined"],
    [null, "null"],
    [42, "42"],
    [12n, "12"],
    [Symbol("s"), "[Symbol(s)]"],
    [{}, "an object without keys"],
    [{ status: 500, body: "x" }, "an object with keys: status, body"],
    [[1, 2], "an array of 2"],
    [Buffer.alloc(10_000_000), "10000000 bytes"],
    [{ message: "looks like one" }, "looks like one"],
    [Object.freeze({ a: 1 }), "an object with keys: a"],
    [hostile, "an object that cannot be read"],
    [function thrown() {}, "[Function thrown]"],
  ];
  for (const [thrown, value] of cases) {
    const { exceptions } = describeIt(thrown);
    assert.equal(exceptions.length, 1);
    assert.equal(exceptions[0].type, "NonError");
    assert.equal(exceptions[0].value, value);
    assert.equal(exceptions[0].mechanism.synthetic, true);
    assert.match(exceptions[0].stack, /exceptions\.test\.mjs/);
    assert.doesNotMatch(exceptions[0].stack, /describeIt/, "the SDK's own frames are cut off");
  }
});

test("an error whose every property throws is still an error", () => {
  const error = new Error("hidden");
  // The stack first: V8 writes its text on first use, from the name and the message.
  for (const key of ["stack", "name", "message", "cause", "constructor", "errors"]) {
    Object.defineProperty(error, key, {
      get() {
        throw new Error(key);
      },
    });
  }
  const { exceptions } = describeIt(error);
  assert.equal(exceptions[0].type, "Error");
  assert.equal(exceptions[0].value, "");
});

test("fifty megabytes of message cost milliseconds, and the frames survive", () => {
  const error = new Error("m".repeat(50_000_000));
  void error.stack;
  let described;
  assert.ok(cpuMs(() => (described = describeIt(error))) < 500);
  const [{ value, stack }] = described.exceptions;
  assert.ok(value.length < 20_000);
  assert.ok(stack.length < 70_000);
  assert.match(stack, /exceptions\.test\.mjs/);
});

test("messages and stacks that are not text do no harm", () => {
  const error = new Error("x");
  error.message = { nested: true };
  error.stack = [1, 2];
  error.name = 7;
  const { exceptions } = describeIt(error);
  assert.equal(exceptions[0].type, "Error");
  assert.equal(exceptions[0].value, "an object with keys: nested");
  // The stack of the call that captured it stands in.
  assert.match(exceptions[0].stack, /exceptions\.test\.mjs/);
});
