// Lays out what is published: the main package without a binary, and one package per platform with nothing but one.
//
//   node scripts/stage.mjs OUT [FILE.node ...]     default: the binaries built here
//
// npm installs the main package and, of its optional dependencies, the one that fits the machine's os, cpu and libc.
// They are added here and not in package.json, because they exist from the first release on and not in a checkout.

import { copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [out, ...given] = process.argv.slice(2);
if (!out) {
  console.error("usage: node scripts/stage.mjs OUT [FILE.node ...]");
  process.exit(2);
}

/** Where Faultwire runs. The names are those the loader asks for. */
export const PLATFORMS = {
  "linux-x64-gnu": { os: ["linux"], cpu: ["x64"], libc: ["glibc"] },
  "linux-x64-musl": { os: ["linux"], cpu: ["x64"], libc: ["musl"] },
  "linux-arm64-gnu": { os: ["linux"], cpu: ["arm64"], libc: ["glibc"] },
  "linux-arm64-musl": { os: ["linux"], cpu: ["arm64"], libc: ["musl"] },
  "darwin-x64": { os: ["darwin"], cpu: ["x64"] },
  "darwin-arm64": { os: ["darwin"], cpu: ["arm64"] },
  "win32-x64-msvc": { os: ["win32"], cpu: ["x64"] },
  "win32-arm64-msvc": { os: ["win32"], cpu: ["arm64"] },
};

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const { version, license, repository, engines } = manifest;

rmSync(out, { recursive: true, force: true });

const main = join(out, "node");
mkdirSync(main, { recursive: true });
cpSync(join(root, "dist"), join(main, "dist"), { recursive: true });
copyFileSync(join(root, "README.md"), join(main, "README.md"));
const { scripts, devDependencies, ...published } = manifest;
published.optionalDependencies = Object.fromEntries(
  Object.keys(PLATFORMS).map((platform) => [`@faultwire/node-${platform}`, version]),
);
writeJson(join(main, "package.json"), published);

const binaries = given.length > 0 ? given : readdirSync(root).filter((file) => file.endsWith(".node")).map((file) => join(root, file));
for (const binary of binaries) {
  const platform = /faultwire\.(.+)\.node$/.exec(basename(binary))?.[1];
  if (!platform || !(platform in PLATFORMS)) throw new Error(`${binary}: not the name of a binary for a known platform`);
  const folder = join(out, `node-${platform}`);
  mkdirSync(folder, { recursive: true });
  copyFileSync(binary, join(folder, basename(binary)));
  writeJson(join(folder, "package.json"), {
    name: `@faultwire/node-${platform}`,
    version,
    description: `The native addon of @faultwire/node for ${platform}.`,
    license,
    repository,
    engines,
    main: basename(binary),
    files: [basename(binary)],
    ...PLATFORMS[platform],
  });
}

function writeJson(path, value) {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
