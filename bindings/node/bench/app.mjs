// One scenario of one SDK in a process of its own: `node app.mjs faultwire|sentry start|paced|burst COUNT`.
// Prints its figures as one line of JSON.

import { createRequire } from "node:module";
import { performance } from "node:perf_hooks";
import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";

const require = createRequire(import.meta.url);
const [peer, scenario, countText] = process.argv.slice(2);
const count = Number(countText);

const memoryBefore = residentMb();
const began = performance.now();
const sdk = require(peer === "sentry" ? "@sentry/node" : "..");
const required = performance.now();
if (peer === "sentry") sdk.init({ dsn: process.env.DSN });
else sdk.init({ dsn: process.env.DSN, queueDir: process.env.QUEUE });
const ready = performance.now();
const memoryAfter = residentMb();

Error.stackTraceLimit = 20;
const scenarios = { start, paced, burst };
console.log(JSON.stringify(await scenarios[scenario]()));
process.exit(0);

async function start() {
  return { requireMs: required - began, startMs: ready - began, initMb: memoryAfter - memoryBefore };
}

/** Captures one at a time with room in between, as an app has errors. */
async function paced() {
  prepareScope();
  await pace(200, (error) => sdk.captureException(error));
  const idle = await pace(count, () => {});
  const floor = await pace(count, (error) => error.stack);
  const capture = await pace(count, (error) => sdk.captureException(error));

  const crumbs = performance.now();
  for (let at = 0; at < 20_000; at += 1) sdk.addBreadcrumb({ category: "bench", message: "a step on the way" });
  const breadcrumb = ((performance.now() - crumbs) * 1_000) / 20_000;
  globalThis.gc();
  return {
    floorP50: quantile(floor.took, 0.5),
    captureP50: quantile(capture.took, 0.5),
    captureP99: quantile(capture.took, 0.99),
    // Without what the bench itself does on the loop: its timers and making the errors.
    floorLoop: ((floor.active - idle.active) * 1_000) / count,
    loopPerEvent: ((capture.active - idle.active) * 1_000) / count,
    breadcrumb,
    loadMb: residentMb() - memoryBefore,
  };
}

/** Gives `count` new errors to `use`, one a millisecond: µs of each call, and ms the loop was busy until all was done. */
async function pace(count, use) {
  await settle();
  const before = performance.eventLoopUtilization();
  const took = [];
  for (let at = 0; at < count; at += 1) {
    const error = makeError(`order ${at} failed`);
    const began = performance.now();
    use(error);
    took.push((performance.now() - began) * 1_000);
    await wait(1);
  }
  await settle();
  return { took, active: performance.eventLoopUtilization(before).active };
}

/** Captures `count` errors in one go, then waits for the last byte. */
async function burst() {
  prepareScope();
  await pace(50, (error) => sdk.captureException(error));
  const errors = Array.from({ length: count }, (_, at) => makeError(`burst ${at}`));
  await nextTurn();
  const before = performance.eventLoopUtilization();
  const began = performance.now();
  for (const error of errors) sdk.captureException(error);
  await sdk.flush(120_000);
  await settle();
  const drained = performance.now() - began;
  const { active } = performance.eventLoopUtilization(before);
  const stats = peer === "sentry" ? undefined : sdk.stats();
  return {
    burstBlockedMs: active,
    burstDrainMs: drained,
    burstQueued: stats?.queued ?? NaN,
    burstLost: stats ? Object.values(stats.lost).reduce((sum, n) => sum + n, 0) : NaN,
  };
}

/** Until the loop has nothing more to do for the SDK: what is sent later still counts. */
async function settle() {
  await sdk.flush(120_000);
  for (let quiet = 0; quiet < 5; ) {
    const before = performance.eventLoopUtilization();
    await wait(20);
    quiet = performance.eventLoopUtilization(before).active < 2 ? quiet + 1 : 0;
  }
}

function prepareScope() {
  for (let at = 0; at < 10; at += 1) sdk.setTag(`tag${at}`, `value ${at}`);
  for (let at = 0; at < 50; at += 1) {
    sdk.addBreadcrumb({ category: "http", level: "info", message: `GET /products/${at}`, data: { status_code: 200, url: `https://shop.example/products/${at}` } });
  }
}

/** An error with twenty frames of this file. */
function makeError(message) {
  const descend = (depth) => (depth === 0 ? new TypeError(message) : descend(depth - 1));
  return descend(24);
}

function quantile(values, q) {
  return values.slice().sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))];
}

function residentMb() {
  return process.memoryUsage.rss() / 1_048_576;
}
