// What a captured error costs the app, beside @sentry/node in the same run on the same machine.
//
//   node bench/capture.mjs [--events 2000] [--burst 10000] [--rounds 3] [--json]
//
// Each figure comes from a process of its own per SDK (bench/app.mjs) that sends to a sink in another process
// (bench/sink.mjs), and is the median over the rounds; rounds alternate between the SDKs, so that a busy minute of the
// machine hits both. Targets are those of the project's list of measured peers. Exits with 1 if a "must" is missed.

import { fork, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const { values: flags } = parseArgs({
  options: {
    events: { type: "string", default: "2000" },
    burst: { type: "string", default: "10000" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});

const peers = ["faultwire"];
if (existsSync(join(here, "node_modules/@sentry/node"))) peers.push("sentry");
else console.warn("skipped: sentry: run `npm ci` in bench/ to measure @sentry/node as well");

const samples = Object.fromEntries(peers.map((peer) => [peer, []]));
for (let round = 0; round < Number(flags.rounds); round += 1) {
  for (const peer of peers) samples[peer].push(await measure(peer));
  console.error(`round ${round + 1} of ${flags.rounds} done`);
}

const median = (numbers) => numbers.slice().sort((a, b) => a - b)[numbers.length >> 1];
const results = Object.fromEntries(
  peers.map((peer) => [
    peer,
    Object.fromEntries(Object.keys(samples[peer][0]).map((key) => [key, median(samples[peer].map((sample) => sample[key]))])),
  ]),
);
if (flags.json) console.log(JSON.stringify(results, null, 2));
else print(results);

/** One round of one SDK: start, paced captures, a burst. Each in a fresh process. */
async function measure(peer) {
  const start = await run(peer, "start");
  const paced = await run(peer, "paced", flags.events);
  const burst = await run(peer, "burst", flags.burst);
  return { ...start, ...paced, ...burst };
}

async function run(peer, scenario, count = "0") {
  const sink = fork(join(here, "sink.mjs"), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [{ port }] = await once(sink, "message");
  const queue = mkdtempSync(join(tmpdir(), "faultwire-bench-"));
  try {
    const app = spawn(process.execPath, ["--expose-gc", join(here, "app.mjs"), peer, scenario, count], {
      env: { ...process.env, NODE_OPTIONS: "", DSN: `http://0123456789abcdef0123456789abcdef@127.0.0.1:${port}/1`, QUEUE: queue },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let result;
    createInterface({ input: app.stdout }).on("line", (line) => (result = JSON.parse(line)));
    const [code] = await once(app, "close");
    if (code !== 0 || result === undefined) throw new Error(`${peer} ${scenario} ended with ${code}`);
    sink.send("count");
    const [{ events, bytes }] = await once(sink, "message");
    if (scenario === "paced") result.wireBytes = bytes / Math.max(1, events);
    if (scenario === "burst") result.burstArrived = events;
    return result;
  } finally {
    sink.kill();
    await once(sink, "exit");
    rmSync(queue, { recursive: true, force: true });
  }
}

function print({ faultwire: ours, sentry }) {
  const rows = [
    // name, key, digits, unit, must: [text, check], aim
    ["stack text alone (floor), p50", "floorP50", 1, "µs"],
    ["captureException, p50", "captureP50", 1, "µs", ratioTo(6), "1/10"],
    ["captureException, p99", "captureP99", 1, "µs"],
    ["breadcrumb, mean", "breadcrumb", 2, "µs"],
    ["event loop per stack text (floor)", "floorLoop", 1, "µs"],
    ["event loop per event, all work", "loopPerEvent", 1, "µs", ratioTo(20), "1/40"],
    ["bytes on the wire per event", "wireBytes", 0, "B", atMost(4_608), "-"],
    ["require", "requireMs", 1, "ms"],
    ["require + init", "startMs", 1, "ms", atMost(30), "12 ms"],
    ["resident memory added by init", "initMb", 1, "MB", atMost(12), "8 MB"],
    ["resident memory added after load", "loadMb", 1, "MB", atMost(25), "16 MB"],
    [`burst of ${flags.burst}: arrived`, "burstArrived", 0, ""],
    ["burst: queued", "burstQueued", 0, ""],
    ["burst: lost", "burstLost", 0, "", atMost(0), "0"],
    ["burst: event loop blocked", "burstBlockedMs", 0, "ms", undefined, "600 ms"],
    ["burst: until all was delivered", "burstDrainMs", 0, "ms"],
  ];
  let missed = false;
  const table = rows.map(([name, key, digits, unit, must, aim]) => {
    const value = ours[key];
    const peer = sentry?.[key];
    const verdict = must?.(value, peer);
    if (verdict?.met === false) missed = true;
    return [
      name,
      show(value, digits, unit),
      show(peer, digits, unit),
      peer > 0 && value > 0 && unit !== "" ? `1/${(peer / value).toFixed(1)}` : "",
      verdict ? `${verdict.text} ${verdict.met ? "met" : "MISSED"}` : "",
      aim ?? "",
    ];
  });
  table.unshift(["figure", "faultwire", "@sentry/node", "ratio", "must", "aim"]);
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table) console.log(row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("  "));
  const machine = `node ${process.version}, median of ${flags.rounds} rounds; 20 frames, 50 breadcrumbs, 10 tags`;
  console.log(`${machine}; ${addonSize()}`);
  if (missed) process.exitCode = 1;
}

function show(value, digits, unit) {
  // A figure that an SDK cannot tell comes through JSON as null.
  return value == null ? "-" : `${value.toFixed(digits)} ${unit}`.trim();
}

function ratioTo(times) {
  return (value, peer) => (peer === undefined ? undefined : { text: `<= 1/${times}`, met: value <= peer / times });
}

function atMost(limit) {
  return (value) => ({ text: `<= ${limit}`, met: value <= limit });
}

function addonSize() {
  const file = readdirSync(join(here, "..")).find((name) => name.endsWith(".node"));
  const megabytes = statSync(join(here, "..", file)).size / 1_048_576;
  return `addon ${megabytes.toFixed(1)} MB${megabytes > 12 ? " (A DEVELOPMENT BUILD: not what users run)" : ""}`;
}
