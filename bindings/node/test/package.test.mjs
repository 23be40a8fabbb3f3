// The package as a user gets it: packed, installed without a network, loaded both ways.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { root, tempDir } from "./support/host.mjs";
import { startStub } from "./support/stub.mjs";

const SIX_MEGABYTES = 6 * 1024 * 1024;

function run(command, args, cwd, env = {}) {
  return execFileSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
}

/** Packs the staged folders; answers the tarballs, the main package's first. */
function pack(t) {
  const out = tempDir(t);
  run(process.execPath, ["scripts/stage.mjs", out], root);
  return readdirSync(out)
    .sort((a, b) => a.length - b.length)
    .map((folder) => join(out, run("npm", ["pack", "--silent", `./${folder}`], out).trim().split("\n").at(-1)));
}

function install(t, tarballs) {
  const app = tempDir(t);
  writeFileSync(join(app, "package.json"), '{"name":"app","private":true}');
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", ...tarballs], app);
  return app;
}

function bytesUnder(dir) {
  return readdirSync(dir, { recursive: true }).reduce((sum, file) => {
    const stats = statSync(join(dir, file));
    return sum + (stats.isFile() ? stats.size : 0);
  }, 0);
}

// Asynchronous on purpose: the stub answers from this very process.
async function runNode(file, cwd, env) {
  const { spawn } = await import("node:child_process");
  const child = spawn(process.execPath, [file], { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text) => (stdout += text));
  child.stderr.on("data", (text) => (stderr += text));
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, stdout, stderr };
}

test("packed and installed, it works from CommonJS and from ES modules, as one SDK", { timeout: 120_000 }, async (t) => {
  const stub = await startStub();
  t.after(() => stub.close());
  const app = install(t, pack(t));
  const installed = readdirSync(join(app, "node_modules/@faultwire"));
  assert.ok(installed.length <= 2, installed.join(", "));
  assert.ok(!existsSync(join(app, "node_modules/@faultwire/node/ts")), "sources are not shipped");

  const env = { FAULTWIRE_DSN: stub.dsn, XDG_CACHE_HOME: tempDir(t), TMPDIR: tempDir(t) };
  const body = (name) => `
    faultwire.init();
    faultwire.captureException(new Error("from ${name}"));
    faultwire.flush(5000).then((drained) => console.log(drained));`;
  writeFileSync(join(app, "app.cjs"), `const faultwire = require("@faultwire/node");${body("cjs")}`);
  writeFileSync(join(app, "named.mjs"), `import { init, captureException, flush } from "@faultwire/node"; const faultwire = { init, captureException, flush };${body("named")}`);
  writeFileSync(join(app, "default.mjs"), `import faultwire from "@faultwire/node";${body("default")}`);
  writeFileSync(
    join(app, "both.mjs"),
    `import * as faultwire from "@faultwire/node"; import { createRequire } from "node:module";${body("both")}
     if (!createRequire(import.meta.url)("@faultwire/node").isEnabled()) throw new Error("two copies of the state");`,
  );
  for (const file of ["app.cjs", "named.mjs", "default.mjs", "both.mjs"]) {
    const { code, stdout, stderr } = await runNode(file, app, env);
    assert.deepEqual({ file, code, stdout, stderr }, { file, code: 0, stdout: "true\n", stderr: "" });
  }
  await stub.ids(4);

  const bytes = bytesUnder(join(app, "node_modules/@faultwire"));
  // A development build carries debug information four times its own size; its size says nothing.
  const released = statSync(join(root, readdirSync(root).find((file) => file.endsWith(".node")))).size < 2 * SIX_MEGABYTES;
  t.diagnostic(`installed: ${(bytes / 1024 / 1024).toFixed(2)} MB in ${installed.length} packages${released ? "" : " (development build)"}`);
  if (released) assert.ok(bytes <= SIX_MEGABYTES, `${bytes} bytes`);
});

test("without a binary for the platform: one warning that names it, and an app that runs", { timeout: 120_000 }, async (t) => {
  const [main] = pack(t);
  const app = install(t, [main]);
  writeFileSync(
    join(app, "app.cjs"),
    `const faultwire = require("@faultwire/node");
     faultwire.init({ dsn: "http://0123456789abcdef0123456789abcdef@127.0.0.1:1/1" });
     faultwire.init({ dsn: "http://0123456789abcdef0123456789abcdef@127.0.0.1:1/1" });
     faultwire.withScope((scope) => { scope.setTag("a", 1); console.log(JSON.stringify(faultwire.captureException(new Error("x")))); });
     faultwire.addBreadcrumb({ message: "x" });
     Promise.all([faultwire.flush(10), faultwire.close(10)]).then((answers) => console.log(answers.join(), faultwire.isEnabled(), faultwire.stats().captured));`,
  );
  const { code, stdout, stderr } = await runNode("app.cjs", app, {});
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '""\ntrue,true false 0\n');
  const { platformName } = await import("../dist/modules/native.js").then((module) => module.default);
  assert.equal(stderr.trim().split("\n").length, 1, stderr);
  assert.match(stderr, new RegExp(`^faultwire: the native addon for ${platformName()} could not be loaded`));
});

test("the types hold for ES modules and for CommonJS", { timeout: 120_000 }, (t) => {
  const app = install(t, [pack(t)[0]]);
  const source = (load) => `
    ${load}
    import express = require("./express-shape.cjs");
    faultwire.init({ dsn: "x", ignoreErrors: ["a", /b/], beforeSend: (event) => (event.level === "debug" ? null : event) });
    const id: string = faultwire.captureException(new Error("x"), { tags: { a: 1 } });
    const n: number = faultwire.withScope((scope) => scope.setTag("a", id) && 1);
    const done: Promise<boolean> = faultwire.flush(n);
    const stats: faultwire.Stats = faultwire.stats();
    express.use(faultwire.requestHandler()); express.use(faultwire.expressErrorHandler());
    // @ts-expect-error: an unknown option is a compile error
    faultwire.init({ sampelRate: 1 });
    export { done, stats };`;
  writeFileSync(
    join(app, "express-shape.d.cts"),
    `interface Req { url: string } interface Res { locals: Record<string, any> }
     type Handler = ((req: Req, res: Res, next: (error?: any) => void) => void) | ((error: any, req: Req, res: Res, next: (error?: any) => void) => void);
     declare const app: { use(handler: Handler): void }; export = app;`,
  );
  writeFileSync(join(app, "cjs.cts"), source('import faultwire = require("@faultwire/node");'));
  writeFileSync(join(app, "esm.mts"), source('import * as faultwire from "@faultwire/node";').replace('import express = require("./express-shape.cjs");', 'import express from "./express-shape.cjs";'));
  writeFileSync(
    join(app, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: { module: "nodenext", target: "es2022", strict: true, noEmit: true, types: [], skipLibCheck: false, esModuleInterop: true },
      files: ["cjs.cts", "esm.mts"],
    }),
  );
  try {
    run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."], app);
  } catch (error) {
    assert.fail(error.stdout);
  }
});
