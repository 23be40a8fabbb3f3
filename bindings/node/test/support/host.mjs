// Runs small apps in processes of their own, and the SDK inside the test's process.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** The SDK as CommonJS code gets it. */
export const faultwire = createRequire(import.meta.url)(root);

/** A directory that goes away with the test. */
export function tempDir(t) {
  const dir = mkdtempSync(join(tmpdir(), "faultwire-node-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
  return dir;
}

/** Starts the SDK for one test, on a queue of its own, and stops it afterwards. */
export function start(t, stub, options = {}) {
  faultwire.init({ dsn: stub.dsn, queueDir: tempDir(t), captureUncaught: false, ...options });
  t.after(() => faultwire.close(0));
}

/** Collects what is printed through console.warn while the test runs. */
export function collectWarnings(t) {
  const lines = [];
  t.mock.method(console, "warn", (line) => lines.push(String(line)));
  return lines;
}

/**
 * Runs JavaScript source as an app: `faultwire` is the SDK, already required. Answers what it printed and how it ended.
 * `onLine` sees each line of standard output as it comes, with the process.
 */
export function runApp(source, { env = {}, args = [], module = false, onLine = () => {} } = {}) {
  const prelude = module
    ? `import * as faultwire from ${JSON.stringify(join(root, "dist/index.mjs"))};\n`
    : `const faultwire = require(${JSON.stringify(root)});\n`;
  const app = spawn(process.execPath, [...args, `--input-type=${module ? "module" : "commonjs"}`, "-e", prelude + source], {
    env: { ...process.env, NODE_OPTIONS: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  let partial = "";
  app.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
    const lines = (partial + text).split("\n");
    partial = lines.pop();
    for (const line of lines) onLine(line, app);
  });
  app.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  return new Promise((resolve, reject) => {
    app.on("error", reject);
    app.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** The tags of an event as an object of texts, in whichever of the protocol's forms they came. */
export function tagsOf({ tags = [] }) {
  const pairs = Array.isArray(tags) ? tags : Object.entries(tags);
  return Object.fromEntries(pairs.map(([key, value]) => [key, String(value)]));
}

/** Milliseconds of processor time that `work` takes: what it costs, however busy the machine is. */
export function cpuMs(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
