import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

import { cpuMs } from "./support/host.mjs";

const require = createRequire(import.meta.url);
const { CONTEXT_BOUNDS, ERROR_BOUNDS, toJson } = require("../dist/modules/bounded.js");

/** What a reader of the JSON sees. */
const seen = (value, bounds) => JSON.parse(toJson(value, bounds));

test("plain data stays what it is", () => {
  const plain = { a: 1, b: "two", c: [true, null, { d: -0.5 }], "quoted \" key": "line\nbreak", nothing: undefined };
  assert.deepEqual(seen(plain), JSON.parse(JSON.stringify(plain)));
});

test("values without a JSON form become short texts", () => {
  class Order {
    total = 3;
  }
  assert.deepEqual(
    seen({
      big: 12n,
      huge: 1n << 100_000n,
      nan: NaN,
      infinite: -Infinity,
      symbol: Symbol("s"),
      named: function checkout() {},
      date: new Date(0),
      invalid: new Date(NaN),
      regexp: /a"b/g,
      error: new TypeError("no"),
      bytes: Buffer.alloc(1_000_000),
      map: new Map([["k", 1]]),
      set: new Set([1, 2]),
      order: new Order(),
      promise: Promise.resolve(),
      bare: Object.assign(Object.create(null), { x: 1 }),
    }),
    {
      big: "12",
      huge: "[BigInt]",
      nan: "NaN",
      infinite: "-Infinity",
      symbol: "[Symbol(s)]",
      named: "[Function checkout]",
      date: "1970-01-01T00:00:00.000Z",
      invalid: "[Invalid Date]",
      regexp: '/a"b/g',
      error: { name: "TypeError", message: "no" },
      bytes: "[Buffer of 1000000 bytes]",
      map: [["k", 1]],
      set: [1, 2],
      order: { total: 3 },
      promise: "[Promise]",
      bare: { x: 1 },
    },
  );
});

test("an object's own toJSON is honoured, also when it throws or answers itself", () => {
  const itself = { toJSON: () => itself, a: 1 };
  const throws = {
    toJSON() {
      throw new Error("no");
    },
  };
  assert.deepEqual(seen({ id: { toJSON: () => "507f" }, itself, throws }).id, "507f");
  assert.equal(seen({ throws }).throws, "[Unreadable]");
  assert.equal(seen({ itself }).itself.a, 1);
});

test("cycles end, repetition does not", () => {
  const shared = { s: 1 };
  const cycle = { shared, again: shared };
  cycle.self = cycle;
  assert.deepEqual(seen(cycle), { shared: { s: 1 }, again: { s: 1 }, self: "[Circular]" });
});

test("getters and proxies that throw cost only themselves", () => {
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error("get");
      },
      ownKeys() {
        throw new Error("ownKeys");
      },
      getPrototypeOf() {
        throw new Error("getPrototypeOf");
      },
    },
  );
  const value = {
    before: 1,
    get bad() {
      throw new Error("bad");
    },
    hostile,
    after: 2,
  };
  assert.deepEqual(seen(value), { before: 1, bad: "[Throws]", hostile: "[Unreadable]", after: 2 });
});

test("size is bounded whatever comes in, and quickly", () => {
  const deep = {};
  for (let at = deep, depth = 0; depth < 100_000; depth += 1) at = at.next = {};
  const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`key${at}`, "x".repeat(100)]));
  const cases = {
    deep,
    wide,
    text: "x".repeat(50_000_000),
    sparse: new Array(4_000_000_000),
    list: Array.from({ length: 100_000 }, (_, at) => ({ at, text: "y".repeat(1_000) })),
    nested: Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => ({ text: "z".repeat(500) }))),
  };
  for (const [name, value] of Object.entries(cases)) {
    for (const bounds of [CONTEXT_BOUNDS, ERROR_BOUNDS]) {
      let json;
      const ms = cpuMs(() => (json = toJson(value, bounds)));
      assert.ok(ms < 500, `${name}: ${ms} ms`);
      JSON.parse(json);
      assert.ok(json.length <= bounds.total * 1.5, `${name}: ${json.length}`);
    }
  }
  assert.equal(seen(cases.text).length, CONTEXT_BOUNDS.text + 3);
});
