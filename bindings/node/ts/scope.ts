// Scopes: what an event says about where it happened.
//
// The isolation scope belongs to one request or task, an inner scope to one `withScope` call. A fork copies what the
// outer scope held at that moment. The top-level setters write to every scope from the innermost up to the isolation
// scope, so what they set is on events inside the block and after it; the methods of the `Scope` that `withScope` hands
// out write to that scope alone and end with it.

import { CONTEXT_BOUNDS, cut, quote, toJson } from "./bounded";
import { describeMachine } from "./contexts";
import type { Breadcrumb, BreadcrumbHint, Level, User } from "./event";
import type { NativeScope, ScopeKind } from "./native";
import { client, innerLink, isolatedLink, isolationOf, runIn, scopeLink, type ScopeLink } from "./state";
import { printWarningsSoon, warnOnce } from "./warn";

/** A value a tag can have. */
export type TagValue = string | number | boolean | bigint | null | undefined;

/** One scope. Every method returns the scope, so that calls chain; none throws. */
export class Scope {
  /** @internal */
  constructor(private readonly natives: () => Iterable<NativeScope>) {}

  /** Sets a tag: short, indexed, searchable. `null` removes it. */
  setTag(key: string, value: TagValue): this {
    return this.put("tag", key, value == null ? "null" : typeof value === "string" ? quote(value, 1_024) : toJson(value));
  }

  /** Sets several tags. */
  setTags(tags: Record<string, TagValue>): this {
    for (const [key, value] of entriesOf(tags)) this.setTag(key, value as TagValue);
    return this;
  }

  /** Says who is affected. `null` forgets it. */
  setUser(user: User | null): this {
    return this.put("user", "", user == null ? "null" : toJson(user));
  }

  /** Attaches a named object. `null` removes it. */
  setContext(name: string, context: Record<string, unknown> | null): this {
    return this.put("context", name, context == null ? "null" : toJson(context));
  }

  /** Attaches a value of any shape. `null` and `undefined` remove it. */
  setExtra(key: string, value: unknown): this {
    return this.put("extra", key, toJson(value));
  }

  /** Attaches several values. */
  setExtras(extras: Record<string, unknown>): this {
    for (const [key, value] of entriesOf(extras)) this.setExtra(key, value);
    return this;
  }

  /** Overrides the level of every event captured under this scope. `null` stops that. */
  setLevel(level: Level | null): this {
    return this.put("level", "", toJson(level));
  }

  /** Names the unit of work that runs: a route, a job. */
  setTransactionName(name: string | null): this {
    return this.put("transaction", "", toJson(name));
  }

  /** Groups events by these parts. `{{ default }}` stands for the automatic grouping. `null` goes back to it. */
  setFingerprint(fingerprint: string[] | null): this {
    return this.put("fingerprint", "", toJson(fingerprint));
  }

  /** Records something that happened. The newest `maxBreadcrumbs` travel with an event. */
  addBreadcrumb(breadcrumb: Breadcrumb, hint?: BreadcrumbHint): this {
    if (client().enabled) record(this.natives(), breadcrumb, hint);
    return this;
  }

  /** Forgets everything the app set on this scope. */
  clear(): this {
    for (const native of this.natives()) {
      native.clear();
      describeMachine(native);
    }
    return this;
  }

  private put(kind: ScopeKind, key: string, json: string): this {
    const name = typeof key === "string" ? cut(key, 256) : String(toJson(key));
    for (const native of this.natives()) native.set(kind, name, json);
    // The core refuses what is too large or of the wrong shape, and says so.
    if (client().enabled) printWarningsSoon(client().native);
    return this;
  }
}

/** The scopes a top-level setter writes to, innermost first. */
function* everyScope(): Generator<NativeScope> {
  for (let link: ScopeLink | undefined = scopeLink(); link !== undefined; link = link.parent) yield link.native;
}

/** The scope the top-level setters speak to. It is looked up at each call, so one object serves all. */
export const topLevel = new Scope(everyScope);

function scopeOf(link: ScopeLink): Scope {
  const natives = [link.native];
  return new Scope(() => natives);
}

/** The innermost scope in force here. */
export function getCurrentScope(): Scope {
  return scopeOf(scopeLink());
}

/** The scope of the request or task being served, or of the process outside of one. */
export function getIsolationScope(): Scope {
  return scopeOf(isolationOf(scopeLink()));
}

/** The scope of the process. Requests that begin afterwards inherit from it. */
export function getGlobalScope(): Scope {
  return scopeOf(client().root);
}

/** Runs `callback` with a scope of its own: what it sets there is gone afterwards. Async callbacks keep it to the end. */
export function withScope<T>(callback: (scope: Scope) => T): T {
  const link = innerLink();
  return runIn(link, () => callback(scopeOf(link)));
}

/** Runs `callback` as a request or task of its own: nothing set in it is seen by its neighbours. */
export function withIsolationScope<T>(callback: (scope: Scope) => T): T {
  const link = isolatedLink();
  return runIn(link, () => callback(scopeOf(link)));
}

/** Adds a breadcrumb to the scopes in force. */
export function addBreadcrumb(breadcrumb: Breadcrumb, hint?: BreadcrumbHint): void {
  if (client().enabled) record(everyScope(), breadcrumb, hint);
}

/** Adds a breadcrumb to the scopes around `link`: for something that began there and ends elsewhere. */
export function addBreadcrumbAt(link: ScopeLink, breadcrumb: Breadcrumb, hint: BreadcrumbHint): void {
  if (link.client !== undefined && link.client !== client()) return;
  const natives: NativeScope[] = [];
  for (let at: ScopeLink | undefined = link; at !== undefined; at = at.parent) natives.push(at.native);
  record(natives, breadcrumb, hint);
}

/** True while a breadcrumb hook runs: a hook that logs would otherwise call itself through the console. */
let inHook = false;

function record(natives: Iterable<NativeScope>, breadcrumb: Breadcrumb, hint: BreadcrumbHint | undefined): void {
  try {
    const kept = throughHook(breadcrumb, hint);
    if (kept == null || typeof kept !== "object") return;
    const { timestamp, category, level, message, data } = kept;
    const timeMs = typeof timestamp === "number" ? timestamp * 1_000 : Date.now();
    const json = data == null ? undefined : toJson(data, CONTEXT_BOUNDS);
    for (const native of natives) native.breadcrumb(timeMs, text(category), text(level), text(message), json);
  } catch {
    // A breadcrumb whose getters throw is not worth more than itself.
  }
}

function throughHook(breadcrumb: Breadcrumb, hint: BreadcrumbHint | undefined): Breadcrumb | null {
  const hook = client().hooks.beforeBreadcrumb;
  if (hook === undefined) return breadcrumb;
  if (inHook) return null;
  inHook = true;
  try {
    return hook(breadcrumb, hint ?? {});
  } catch (error) {
    warnOnce(`beforeBreadcrumb threw (${messageOf(error)}); the breadcrumb was dropped`);
    return null;
  } finally {
    inHook = false;
  }
}

function text(value: unknown): string {
  if (typeof value === "string") return cut(value, 8_192);
  return value == null ? "" : toJson(value);
}

/** What went wrong, in a few words that are safe to print. */
export function messageOf(error: unknown): string {
  try {
    return cut(String((error as Error)?.message ?? error), 200);
  } catch {
    return "an unreadable error";
  }
}

function entriesOf(values: unknown): [string, unknown][] {
  try {
    return typeof values === "object" && values !== null ? Object.entries(values) : [];
  } catch {
    return [];
  }
}
