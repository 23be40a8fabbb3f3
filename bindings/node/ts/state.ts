// What one process knows: the client of the last `init`, and which scope is current where.

import { AsyncLocalStorage } from "node:async_hooks";

import type { Breadcrumb, BreadcrumbHint, Event, EventHint } from "./event";
import { NO_CLIENT, NO_SCOPE, type NativeClient, type NativeSettings, type NativeScope } from "./native";

/** The hooks of an app. They run on the thread that captures, before anything is scrubbed, stored or sent. */
export interface Hooks {
  /** Sees each event; returns it, changed or not, or null to drop it. A hook that throws drops the event too. */
  beforeSend?: (event: Event, hint: EventHint) => Event | null;
  /** Sees each breadcrumb; returns it, changed or not, or null to drop it. */
  beforeBreadcrumb?: (breadcrumb: Breadcrumb, hint: BreadcrumbHint) => Breadcrumb | null;
}

/** One client and what belongs to it. */
export interface Client {
  readonly native: NativeClient;
  /** Asked once: an event of a disabled client should cost nothing. */
  readonly enabled: boolean;
  readonly hooks: Hooks;
  /** Scope data of the process outside any request. */
  readonly root: ScopeLink;
  /** What the core made of the options. */
  readonly settings: NativeSettings;
  /** host:port of the DSN, so that the SDK never records traffic to its own server. */
  readonly dsnHost: string;
}

/** One scope in force. `parent` is the scope around it up to the isolation scope, which has none. */
export interface ScopeLink {
  readonly client: Client | undefined;
  readonly native: NativeScope;
  readonly parent: ScopeLink | undefined;
  /** The HTTP request being served, read only when something is captured. */
  readonly request: object | undefined;
  /** Of the isolation scope: the id of the last event captured under it. */
  lastEventId: string;
}

const NO_ROOT: ScopeLink = { client: undefined, native: NO_SCOPE, parent: undefined, request: undefined, lastEventId: "" };

const NONE: Client = {
  native: NO_CLIENT,
  enabled: false,
  hooks: {},
  root: NO_ROOT,
  settings: NO_CLIENT.settings(),
  dsnHost: "",
};

let current: Client = NONE;

const storage = new AsyncLocalStorage<ScopeLink>();

/** The client in force; a disabled one before `init` and after `close`. */
export function client(): Client {
  return current;
}

/** Puts a client in force, or none. */
export function setClient(next: Client | undefined): void {
  current = next ?? NONE;
}

/** The innermost scope in force here. A scope of an earlier client counts as none: its data went with that client. */
export function scopeLink(): ScopeLink {
  const link = storage.getStore();
  return link !== undefined && link.client === current ? link : current.root;
}

/** Runs `callback` with `link` as the scope in force, also for everything asynchronous that starts in it. */
export function runIn<T>(link: ScopeLink, callback: () => T): T {
  return storage.run(link, callback);
}

/** A scope inside the one in force, for `withScope`. */
export function innerLink(): ScopeLink {
  const outer = scopeLink();
  return { client: current, native: outer.native.fork(), parent: outer, request: outer.request, lastEventId: "" };
}

/** An isolation scope of its own, for one request or task. */
export function isolatedLink(request?: object): ScopeLink {
  const outer = scopeLink();
  return {
    client: current,
    native: outer.native.fork(),
    parent: undefined,
    request: request ?? outer.request,
    lastEventId: "",
  };
}

/** The isolation scope around `link`. */
export function isolationOf(link: ScopeLink): ScopeLink {
  let at = link;
  while (at.parent !== undefined) at = at.parent;
  return at;
}
