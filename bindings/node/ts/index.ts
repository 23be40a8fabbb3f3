// The public names of @faultwire/node. What is not exported here is not part of the package's promise.

import type { Level, User } from "./event";
import { topLevel, type TagValue } from "./scope";

export { captureEvent, captureException, captureMessage, lastEventId } from "./capture";
export type {
  Breadcrumb,
  BreadcrumbHint,
  CaptureContext,
  Event,
  EventHint,
  Exception,
  Level,
  Mechanism,
  RequestData,
  StackFrame,
  Stats,
  User,
} from "./event";
export { expressErrorHandler, requestHandler } from "./express";
export type { ErrorHandler, ErrorHandlerOptions, RequestHandler } from "./express";
export { close, flush, init, isEnabled, stats } from "./init";
export type { Options } from "./options";
export {
  addBreadcrumb,
  getCurrentScope,
  getGlobalScope,
  getIsolationScope,
  withIsolationScope,
  withScope,
} from "./scope";
export type { Scope, TagValue } from "./scope";
export { VERSION } from "./version";

/** Sets a tag for the request or task being served; outside of one, for the process. `null` removes it. */
export function setTag(key: string, value: TagValue): void {
  topLevel.setTag(key, value);
}

/** Sets several tags. */
export function setTags(tags: Record<string, TagValue>): void {
  topLevel.setTags(tags);
}

/** Says who is affected. `null` forgets it. */
export function setUser(user: User | null): void {
  topLevel.setUser(user);
}

/** Attaches a named object. `null` removes it. */
export function setContext(name: string, context: Record<string, unknown> | null): void {
  topLevel.setContext(name, context);
}

/** Attaches a value of any shape. `null` and `undefined` remove it. */
export function setExtra(key: string, value: unknown): void {
  topLevel.setExtra(key, value);
}

/** Attaches several values. */
export function setExtras(extras: Record<string, unknown>): void {
  topLevel.setExtras(extras);
}

/** Overrides the level of events captured in this request or task. `null` stops that. */
export function setLevel(level: Level | null): void {
  topLevel.setLevel(level);
}
