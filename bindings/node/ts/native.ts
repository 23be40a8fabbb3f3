// Finds the native addon, or answers with a client that does nothing.
//
// Order: a binary beside this package (a developer's build), then the platform package that npm chose by `os`, `cpu`
// and `libc`. There is no install script and no download. A platform without a binary gets one warning that names it
// and an app that runs as if the SDK were not there.

import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { join } from "node:path";

/** What the options came to, defaults included; times in milliseconds. */
export interface NativeSettings {
  readonly flushTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  readonly attachStacktrace: boolean;
  readonly sendDefaultPii: boolean;
}

/** The core's client; see `src/client.rs`. */
export interface NativeClient {
  warnings(): string[];
  enabled(): boolean;
  settings(): NativeSettings;
  scope(): NativeScope;
  submit(preparedJson: string, fatal: boolean): void;
  reject(reason: string): void;
  flush(timeoutMs: number): Promise<boolean>;
  close(timeoutMs: number): Promise<boolean>;
  flushSync(timeoutMs: number): boolean;
  closeSync(timeoutMs: number): boolean;
  stats(): string;
}

/** The core's scope; see `src/scope.rs`. */
export interface NativeScope {
  fork(): NativeScope;
  clear(): void;
  set(kind: ScopeKind, key: string, json: string): void;
  breadcrumb(timeMs: number, category: string, level: string, message: string, dataJson?: string): void;
  capture(eventJson: string, fatal: boolean): string;
  captureError(
    type: string,
    value: string,
    stack: string,
    mechanismJson: string,
    restJson: string | undefined,
    fatal: boolean,
  ): string;
  prepare(eventJson: string): string | null;
}

/** What a scope can hold. */
export type ScopeKind = "tag" | "user" | "extra" | "context" | "level" | "transaction" | "fingerprint";

interface Addon {
  NativeClient: new (optionsJson: string, sdkVersion: string) => NativeClient;
}

/** What loading came to: the addon, or the sentence to warn with. */
export type Loaded = { addon: Addon } | { missing: string };

let loaded: Loaded | undefined;

/** Loads the addon once. Never throws. */
export function loadAddon(): Loaded {
  loaded ??= load();
  return loaded;
}

function load(): Loaded {
  const platform = platformName();
  // The package is one file, dist/index.js.
  const local = join(__dirname, "..", `faultwire.${platform}.node`);
  const candidates = existsSync(local) ? [local] : [];
  candidates.push(`@faultwire/node-${platform}`);
  let reason = "";
  for (const candidate of candidates) {
    try {
      const addon = require(candidate) as Addon;
      if (typeof addon.NativeClient === "function") return { addon };
      reason = "the binary has another version's interface";
    } catch (error) {
      const code = (error as { code?: unknown } | undefined)?.code;
      reason = code === "MODULE_NOT_FOUND" ? "no binary is installed" : String((error as Error)?.message ?? error);
    }
  }
  return {
    missing:
      `the native addon for ${platform} could not be loaded (${reason}); errors are not reported. ` +
      `Install @faultwire/node-${platform}, or reinstall without --omit=optional`,
  };
}

/** This machine in the words of the platform packages, for example `linux-x64-gnu`. */
export function platformName(): string {
  const { platform, arch } = process;
  if (platform === "linux") return `linux-${arch}-${isMusl() ? "musl" : "gnu"}`;
  if (platform === "win32") return `win32-${arch}-msvc`;
  return `${platform}-${arch}`;
}

/**
 * Whether this Node runs on musl. The dynamic loader is named near the start of the executable; reading it there costs
 * microseconds, where `process.report` would cost milliseconds and a look at the network.
 */
function isMusl(): boolean {
  let file: number | undefined;
  try {
    file = openSync(process.execPath, "r");
    const head = Buffer.alloc(4_096);
    const length = readSync(file, head, 0, head.length, 0);
    return head.subarray(0, length).includes("/ld-musl-");
  } catch {
    return false;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The scope before `init` and without an addon. */
export const NO_SCOPE: NativeScope = {
  fork: () => NO_SCOPE,
  clear: () => {},
  set: () => {},
  breadcrumb: () => {},
  capture: () => "",
  captureError: () => "",
  prepare: () => null,
};

/** The client before `init` and without an addon. */
export const NO_CLIENT: NativeClient = {
  warnings: () => [],
  enabled: () => false,
  settings: () => ({ flushTimeoutMs: 0, shutdownTimeoutMs: 0, attachStacktrace: false, sendDefaultPii: false }),
  scope: () => NO_SCOPE,
  submit: () => {},
  reject: () => {},
  flush: () => Promise.resolve(true),
  close: () => Promise.resolve(true),
  flushSync: () => true,
  closeSync: () => true,
  stats: () => '{"captured":0,"recovered":0,"delivered":0,"queued":0,"lost":{}}',
};
