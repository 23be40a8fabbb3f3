// What `init` takes: the core's options, and the few that only this host can have.

import type { CoreOptions } from "./options.generated";
import type { Hooks } from "./state";

/** The options of `init`. All are optional; without a DSN (here or in `FAULTWIRE_DSN`) the SDK does nothing. */
export interface Options extends Omit<CoreOptions, "ignoreErrors">, Hooks {
  /** Errors whose message or `Type: message` contains a text, or matches a regular expression, are not reported. */
  ignoreErrors?: (string | RegExp)[];
  /** Report uncaught errors and unhandled rejections. Default true. Node's own behaviour stays as it is. */
  captureUncaught?: boolean;
  /** Record console output as breadcrumbs. Default true. */
  consoleBreadcrumbs?: boolean;
  /** Record outgoing HTTP requests as breadcrumbs. Default true. */
  httpBreadcrumbs?: boolean;
}

/** The options of this host, taken out of what the app gave. */
export interface HostOptions {
  readonly hooks: Hooks;
  readonly captureUncaught: boolean;
  readonly consoleBreadcrumbs: boolean;
  readonly httpBreadcrumbs: boolean;
  /** What is left for the core, which knows its own options and warns about the rest. */
  readonly core: Record<string, unknown>;
  readonly warnings: string[];
}

/** Divides the options between host and core. Never throws. */
export function divide(given: unknown): HostOptions {
  const warnings: string[] = [];
  let rest: Record<string, unknown> = {};
  if (typeof given === "object" && given !== null && !Array.isArray(given)) {
    try {
      rest = { ...(given as Record<string, unknown>) };
    } catch {
      warnings.push("the options could not be read; defaults are used");
    }
  } else if (given !== undefined && given !== null) {
    warnings.push(`init needs an object of options, not ${Array.isArray(given) ? "an array" : `a ${typeof given}`}`);
  }

  const take = <T>(name: string, kind: "function" | "boolean", otherwise: T): T => {
    const value = rest[name];
    delete rest[name];
    if (value === undefined || value === null) return otherwise;
    if (typeof value === kind) return value as T;
    warnings.push(`option ${name} must be a ${kind}, not a ${typeof value}; it was ignored`);
    return otherwise;
  };
  const hooks: Hooks = {};
  const beforeSend = take<Hooks["beforeSend"]>("beforeSend", "function", undefined);
  if (beforeSend !== undefined) hooks.beforeSend = beforeSend;
  const beforeBreadcrumb = take<Hooks["beforeBreadcrumb"]>("beforeBreadcrumb", "function", undefined);
  if (beforeBreadcrumb !== undefined) hooks.beforeBreadcrumb = beforeBreadcrumb;
  const captureUncaught = take("captureUncaught", "boolean", true);
  const consoleBreadcrumbs = take("consoleBreadcrumbs", "boolean", true);
  const httpBreadcrumbs = take("httpBreadcrumbs", "boolean", true);

  for (const key of Object.keys(rest)) if (rest[key] === undefined) delete rest[key];
  return { hooks, captureUncaught, consoleBreadcrumbs, httpBreadcrumbs, core: rest, warnings };
}
