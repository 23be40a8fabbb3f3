// Builds what is out of date and runs the tests.
//
//   node scripts/test.mjs [--no-build] [name ...]     names are parts of test file names
//
// FAULTWIRE_ROUNDS=200 runs the process-death tests that often; FAULTWIRE_COLLECTOR=path takes the real collector.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith("--"));

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

if (!args.includes("--no-build")) run(process.execPath, ["scripts/build.mjs", "--profile", "dev"]);

const files = readdirSync(join(root, "test"))
  .filter((file) => file.endsWith(".test.mjs"))
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)))
  .map((file) => join("test", file));
run(process.execPath, ["--test", "--test-reporter=spec", ...files]);
