// Beginning and end of a client.

import * as os from "node:os";

import { toJson } from "./bounded";
import { recordConsole, releaseConsole } from "./console";
import { describeMachine } from "./contexts";
import type { Stats } from "./event";
import { unwatchProcess, watchProcess } from "./handlers";
import { recordHttp, releaseHttp } from "./http";
import { NO_CLIENT, loadAddon, type NativeClient } from "./native";
import { divide, type Options } from "./options";
import { client, setClient, type Client, type ScopeLink } from "./state";
import { VERSION } from "./version";
import { printWarnings, warn, warnOnce } from "./warn";

/** Node's default. Through a framework and a database client, ten frames rarely reach the app's own code. */
const NODE_STACK_TRACE_LIMIT = 10;
const STACK_TRACE_LIMIT = 50;

/**
 * Starts the SDK. Call it once, before the app does its work. Wrong options are warnings on standard error, never
 * errors; a second call replaces the first client.
 */
export function init(options?: Options): void {
  const { hooks, captureUncaught, consoleBreadcrumbs, httpBreadcrumbs, core, warnings } = divide(options);
  if (client().native !== NO_CLIENT) {
    warn("init was called again; the earlier client is closed and replaced");
    const { native } = client();
    setClient(undefined);
    // Zero: its queue is on disk, and the next client takes it over.
    native.closeSync(0);
  }
  for (const warning of warnings) warn(warning);

  const native = start(core);
  const enabled = native.enabled();
  const root: { -readonly [K in keyof ScopeLink]: ScopeLink[K] } = {
    client: undefined,
    native: native.scope(),
    parent: undefined,
    request: undefined,
    lastEventId: "",
  };
  const next: Client = {
    native,
    enabled,
    hooks,
    root,
    settings: native.settings(),
    dsnHost: hostOf(core["dsn"]),
  };
  root.client = next;
  setClient(next);
  printWarnings(native);
  if (!enabled) return;

  if (Error.stackTraceLimit === NODE_STACK_TRACE_LIMIT) Error.stackTraceLimit = STACK_TRACE_LIMIT;
  describeMachine(root.native);
  if (captureUncaught) watchProcess();
  if (consoleBreadcrumbs) recordConsole();
  if (httpBreadcrumbs) recordHttp();
}

/** Waits until everything captured so far is delivered; false if `timeoutMs` passed first. The events stay queued. */
export async function flush(timeoutMs?: number): Promise<boolean> {
  const { native, settings } = client();
  try {
    return await native.flush(timeoutOr(timeoutMs, settings.flushTimeoutMs));
  } catch {
    return false;
  } finally {
    printWarnings(native);
  }
}

/** Flushes, then stops the SDK. What could not be delivered in time stays on disk for the next start. */
export async function close(timeoutMs?: number): Promise<boolean> {
  const { native, settings } = client();
  unwatchProcess();
  releaseConsole();
  releaseHttp();
  setClient(undefined);
  try {
    return await native.close(timeoutOr(timeoutMs, settings.shutdownTimeoutMs));
  } catch {
    return false;
  } finally {
    printWarnings(native);
  }
}

/** What became of every event so far. */
export function stats(): Stats {
  try {
    return JSON.parse(client().native.stats()) as Stats;
  } catch {
    return { captured: 0, recovered: 0, delivered: 0, queued: 0, lost: {} };
  }
}

/** Whether events go anywhere: a client is running and has a usable DSN. */
export function isEnabled(): boolean {
  return client().enabled;
}

function start(core: Record<string, unknown>): NativeClient {
  const loaded = loadAddon();
  if ("missing" in loaded) {
    warnOnce(loaded.missing);
    return NO_CLIENT;
  }
  core["serverName"] ??= os.hostname();
  const texts = Object.entries(core).map(([name, value]) => `${JSON.stringify(name)}:${toJson(plain(value), OPTION_BOUNDS)}`);
  try {
    return new loaded.addon.NativeClient(`{${texts.join(",")}}`, VERSION);
  } catch (error) {
    warn(`${(error as Error).message}; errors are not reported`);
    return NO_CLIENT;
  }
}

const OPTION_BOUNDS = { depth: 8, breadth: 10_000, text: 1_000_000, total: 4_000_000 };

/** Regular expressions become `/source/flags`, the form in which the core reads them. */
function plain(value: unknown): unknown {
  return Array.isArray(value) ? value.map((item) => (item instanceof RegExp ? String(item) : item)) : value;
}

function timeoutOr(value: unknown, otherwise: number): number {
  return typeof value === "number" && value >= 0 ? value : otherwise;
}

function hostOf(dsn: unknown): string {
  try {
    return new URL(String(dsn ?? process.env["FAULTWIRE_DSN"] ?? process.env["SENTRY_DSN"])).host;
  } catch {
    return "";
  }
}
