// Bar 4: an app dies, and every event it captured is stored exactly once after its next start.
//
// FAULTWIRE_ROUNDS sets the number of deaths of each kind (default 20, the bar is 200); FAULTWIRE_COLLECTOR=path counts
// in the real collector instead of the stub.

import assert from "node:assert/strict";
import { test } from "node:test";

import { collectorFor } from "./support/collector.mjs";
import { runApp, tempDir } from "./support/host.mjs";

const ROUNDS = Number(process.env.FAULTWIRE_ROUNDS ?? 20);
const TIMEOUT = 60_000 + ROUNDS * 5_000;

const INIT = "faultwire.init({ queueDir: process.env.QUEUE, shutdownTimeout: 200 });\n";

/** Starts the app once more, with the collector up, and checks that each message is stored once. */
async function nextStart(t, collector, env, messages, tookMs = new Map()) {
  await collector.up();
  const app = await runApp(
    `${INIT}faultwire.flush(60_000).then((drained) => { console.log(drained, JSON.stringify(faultwire.stats())); });`,
    { env },
  );
  assert.equal(app.code, 0, app.stderr);
  const counts = await collector.counts(messages.length);
  const wrong = messages
    .filter((message) => counts.get(message) !== 1)
    .map((message) => `${message}: ${counts.get(message) ?? 0} ${tookMs.get(message) ?? ""}`);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  t.diagnostic(`${collector.name}: ${messages.length} captured, ${total} stored, ${collector.copies()} sent twice`);
  assert.deepEqual(wrong, [], `next start said ${app.stdout}`);
  assert.equal(total, messages.length);
}

test(`${ROUNDS} uncaught errors with the collector down`, { timeout: TIMEOUT }, async (t) => {
  const collector = await collectorFor(t);
  const env = { FAULTWIRE_DSN: collector.dsn, QUEUE: tempDir(t) };
  const messages = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const app = await runApp(`${INIT}setTimeout(() => { throw new Error("run ${round}"); }, 1);`, { env });
    assert.equal(app.code, 1, app.stderr);
    messages.push(`run ${round}`);
  }
  await nextStart(t, collector, env, messages);
});

test(`${ROUNDS} times kill -9, 5 ms after captureException returned`, { timeout: TIMEOUT }, async (t) => {
  const collector = await collectorFor(t);
  const env = { FAULTWIRE_DSN: collector.dsn, QUEUE: tempDir(t) };
  const messages = [];
  const tookMs = new Map();
  for (let round = 0; round < ROUNDS; round += 1) {
    const app = await runApp(
      `${INIT}const error = new Error("kill ${round}");
       const began = performance.now();
       const id = faultwire.captureException(error);
       const returned = performance.now();
       require("node:fs").writeSync(1, id + " " + (returned - began));
       while (performance.now() - returned < 5);
       process.kill(process.pid, "SIGKILL");`,
      { env },
    );
    assert.equal(app.signal, "SIGKILL", app.stderr);
    assert.match(app.stdout, /^[0-9a-f]{32} /);
    messages.push(`kill ${round}`);
    tookMs.set(`kill ${round}`, `captured in ${app.stdout.split(" ")[1]} ms`);
  }
  await nextStart(t, collector, env, messages, tookMs);
});
