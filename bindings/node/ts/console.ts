// Breadcrumbs from the console. The methods are wrapped, not replaced: the app's output is untouched and comes first.

import { inspect } from "node:util";

import { cut } from "./bounded";
import type { Level } from "./event";
import { addBreadcrumb } from "./scope";
import { client } from "./state";
import { isSpeaking } from "./warn";

const LEVELS = { debug: "debug", log: "info", info: "info", warn: "warning", error: "error" } as const satisfies Record<
  string,
  Level
>;

type Method = keyof typeof LEVELS;
type Log = (...args: unknown[]) => void;

const originals = new Map<Method, { original: Log; wrapped: Log }>();

/** Starts recording what the app logs. */
export function recordConsole(): void {
  for (const method of Object.keys(LEVELS) as Method[]) {
    const original = console[method] as Log;
    if (originals.has(method) || typeof original !== "function") continue;
    const wrapped: Log = function (this: unknown, ...args) {
      original.apply(this, args);
      if (!isSpeaking() && client().enabled) record(method, args);
    };
    originals.set(method, { original, wrapped });
    console[method] = wrapped;
  }
}

/** Puts back the console's own methods, unless somebody wrapped them again meanwhile. */
export function releaseConsole(): void {
  for (const [method, { original, wrapped }] of originals) {
    if (console[method] === wrapped) {
      console[method] = original;
      originals.delete(method);
    }
  }
}

function record(method: Method, args: unknown[]): void {
  try {
    const message = cut(args.slice(0, 16).map(text).join(" "), 2_048);
    addBreadcrumb({ category: "console", level: LEVELS[method], message }, { input: args, method });
  } catch {
    // Logging must work even where describing its arguments does not.
  }
}

/** One argument in few words. No getter and no custom inspector of the app runs. */
function text(value: unknown): string {
  if (typeof value === "string") return cut(value, 1_024);
  if (typeof value !== "object" || value === null) return typeof value === "function" ? "[Function]" : String(value);
  if (value instanceof Error) return cut(`${String(value.name)}: ${String(value.message)}`, 1_024);
  return inspect(value, {
    depth: 1,
    breakLength: Infinity,
    compact: true,
    customInspect: false,
    maxArrayLength: 10,
    maxStringLength: 256,
  });
}
