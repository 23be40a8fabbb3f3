// From a thrown thing to the core: build event JSON, let the hook see it, hand it over.
//
// Nothing in here throws into the app. What the app gets back is the event id, or an empty string when nothing was
// taken (no DSN, closed, or dropped by sampling or a hook).

import { CONTEXT_BOUNDS, EVENT_BOUNDS, quote, toJson } from "./bounded";
import type { CaptureContext, Event, EventHint, Level, Mechanism } from "./event";
import { describe, plain, stackFrom, type Description, type PlainError } from "./exceptions";
import { requestPart } from "./request";
import { messageOf } from "./scope";
import { client, isolationOf, scopeLink, type Client, type ScopeLink } from "./state";
import { warnOnce } from "./warn";

const MANUAL: Mechanism = { type: "generic", handled: true };
const MANUAL_JSON = JSON.stringify(MANUAL);

/** Errors already reported, with the id they got: middleware, logger and crash handler may all see the same one. */
const reported = new WeakMap<object, string>();

/** True while `beforeSend` runs. */
let inHook = false;

/** True from `process.on("exit")` on: the worker may get no time any more, so every event is made durable at once. */
let exiting = false;

/** Makes every later capture durable before it returns. */
export function captureDurablyFromNowOn(): void {
  exiting = true;
}

/**
 * Reports an error, or anything else that was thrown. The same error object is reported once; later calls answer the
 * first id.
 */
export function captureException(thrown: unknown, context?: CaptureContext): string {
  return captureThrown(thrown, MANUAL, context, false, captureException);
}

/** `captureException` for the SDK's own integrations. With `fatal` the event is on disk when this returns. */
export function captureThrown(
  thrown: unknown,
  mechanism: Mechanism,
  context: CaptureContext | undefined,
  fatal: boolean,
  entry: Function,
): string {
  const to = client();
  if (!to.enabled) return "";
  try {
    const identity = typeof thrown === "object" && thrown !== null ? thrown : undefined;
    const earlier = identity && reported.get(identity);
    if (earlier !== undefined) {
      // The first report may still be on its way to the disk, and the process is about to die.
      if (fatal) to.native.flushSync(to.settings.shutdownTimeoutMs);
      return earlier;
    }
    const link = scopeLink();
    const how = context?.mechanism === undefined ? mechanism : (JSON.parse(toJson(context.mechanism)) as Mechanism);
    // A hook sees the event as JSON; without one the core's worker can write it.
    const error = to.hooks.beforeSend === undefined ? plain(thrown) : undefined;
    const id =
      error !== undefined
        ? deliverPlain(error, how, context, fatal, to, link)
        : deliver(exceptionEvent(thrown, how, context, entry, to, link), fatal, { originalException: thrown }, to, link);
    if (identity !== undefined) reported.set(identity, id);
    return id;
  } catch (error) {
    warnOnce(`an error could not be reported (${messageOf(error)})`);
    return "";
  }
}

/** Reports a text. */
export function captureMessage(message: string, context?: Level | CaptureContext): string {
  const to = client();
  if (!to.enabled) return "";
  try {
    const given: CaptureContext = typeof context === "string" ? { level: context } : (context ?? {});
    const link = scopeLink();
    const text = typeof message === "string" ? quote(message, 16_384) : quote(toJson(message), 16_384);
    const parts = [`"message":${text}`];
    if (given.level === undefined) parts.push('"level":"info"');
    if (to.settings.attachStacktrace) {
      const stack = stackFrom(captureMessage);
      if (stack !== undefined) parts.push(`"stack":${JSON.stringify(stack)}`);
    }
    addMembers(parts, given, undefined, to, link);
    return deliver(`{${parts.join(",")}}`, false, {}, to, link);
  } catch (error) {
    warnOnce(`a message could not be reported (${messageOf(error)})`);
    return "";
  }
}

/** Reports an event that the app built itself, in the protocol's shape. */
export function captureEvent(given: Event, hint?: EventHint): string {
  const to = client();
  if (!to.enabled) return "";
  if (typeof given !== "object" || given === null) {
    warnOnce("captureEvent needs an object; the call was ignored");
    return "";
  }
  try {
    const link = scopeLink();
    return deliver(toJson(given, EVENT_BOUNDS), false, hint ?? {}, to, link);
  } catch (error) {
    warnOnce(`an event could not be reported (${messageOf(error)})`);
    return "";
  }
}

/** The id of the last event of this request or task; an empty string if there is none. */
export function lastEventId(): string {
  return isolationOf(scopeLink()).lastEventId;
}

function exceptionEvent(
  thrown: unknown,
  mechanism: Mechanism,
  context: CaptureContext | undefined,
  entry: Function,
  to: Client,
  link: ScopeLink,
): string {
  const described = describe(thrown, mechanism, entry);
  const parts = [`"exception":{"values":${JSON.stringify(described.exceptions)}}`];
  addMembers(parts, context, described, to, link);
  return `{${parts.join(",")}}`;
}

function deliverPlain(
  { type, value, stack }: PlainError,
  mechanism: Mechanism,
  context: CaptureContext | undefined,
  fatal: boolean,
  to: Client,
  link: ScopeLink,
): string {
  const parts: string[] = [];
  addMembers(parts, context, undefined, to, link);
  const rest = parts.length === 0 ? undefined : parts.join(",");
  const how = mechanism === MANUAL ? MANUAL_JSON : JSON.stringify(mechanism);
  const id = link.native.captureError(type, value, stack, how, rest, fatal || exiting);
  isolationOf(link).lastEventId = id;
  return id;
}

/** Adds to `parts` what an event has beside its text or its exceptions. The core adds the time. */
function addMembers(
  parts: string[],
  context: CaptureContext | undefined,
  described: Description | undefined,
  to: Client,
  link: ScopeLink,
): void {
  if (link.request !== undefined) requestPart(parts, link.request, to.settings.sendDefaultPii, context);
  if (context === undefined && described === undefined) return;
  if (context?.level !== undefined) parts.push(`"level":${quote(context.level, 16)}`);
  if (context?.transaction !== undefined) parts.push(`"transaction":${quote(String(context.transaction), 1_024)}`);
  const contexts = contextsPart(context, described);
  if (contexts !== undefined) parts.push(contexts);
  const extra = extraPart(context, described);
  if (extra !== undefined) parts.push(extra);
  if (context?.tags !== undefined) parts.push(`"tags":${toJson(context.tags, CONTEXT_BOUNDS)}`);
  if (context?.user !== undefined) parts.push(`"user":${toJson(context.user, CONTEXT_BOUNDS)}`);
  if (context?.fingerprint !== undefined) parts.push(`"fingerprint":${toJson(context.fingerprint, CONTEXT_BOUNDS)}`);
}

/** Contexts of this event alone: one named after each error type that carries properties, and the caller's. */
function contextsPart(context: CaptureContext | undefined, described: Description | undefined): string | undefined {
  const properties = described?.properties;
  if (properties === undefined && context?.contexts === undefined) return undefined;
  const texts: string[] = [];
  for (const [type, json] of properties ?? []) {
    // An error called "os" must not replace the context of that name.
    texts.push(`${quote(PROTOCOL_CONTEXTS.has(type) ? `${type} error` : type, 256)}:${json}`);
  }
  for (const [name, value] of Object.entries(context?.contexts ?? {})) {
    texts.push(`${quote(name, 256)}:${toJson(value, CONTEXT_BOUNDS)}`);
  }
  return `"contexts":{${texts.join(",")}}`;
}

const PROTOCOL_CONTEXTS = new Set([
  "app", "browser", "cloud_resource", "culture", "device", "flags", "gpu", "os", "response", "runtime", "trace",
]);

function extraPart(context: CaptureContext | undefined, described: Description | undefined): string | undefined {
  const thrown = described?.thrown;
  if (thrown === undefined && context?.extra === undefined) return undefined;
  const texts = thrown === undefined ? [] : [`"thrown":${thrown}`];
  for (const [name, value] of Object.entries(context?.extra ?? {})) {
    texts.push(`${quote(name, 256)}:${toJson(value, CONTEXT_BOUNDS)}`);
  }
  return `"extra":{${texts.join(",")}}`;
}

/** Hands an event over, through the hook if there is one. */
function deliver(json: string, fatal: boolean, hint: EventHint, to: Client, link: ScopeLink): string {
  const durable = fatal || exiting;
  const hook = to.hooks.beforeSend;
  const id = hook === undefined ? link.native.capture(json, durable) : throughHook(hook, json, durable, hint, to, link);
  if (id !== "") isolationOf(link).lastEventId = id;
  return id;
}

type BeforeSend = NonNullable<Client["hooks"]["beforeSend"]>;

function throughHook(
  hook: BeforeSend,
  json: string,
  durable: boolean,
  hint: EventHint,
  to: Client,
  link: ScopeLink,
): string {
  const prepared = link.native.prepare(json);
  if (prepared === null) return "";
  if (inHook) {
    warnOnce("an error was captured inside beforeSend; it was dropped, as the hook cannot judge its own events");
    to.native.reject("before_send");
    return "";
  }
  inHook = true;
  let kept: unknown;
  let id: unknown;
  try {
    const seen = JSON.parse(prepared) as Event;
    id = seen.event_id;
    kept = hook(seen, hint);
  } catch (error) {
    warnOnce(`beforeSend threw (${messageOf(error)}); the event was dropped`);
    kept = null;
  } finally {
    inHook = false;
  }
  if (typeof (kept as { then?: unknown } | null)?.then === "function") {
    warnOnce("beforeSend returned a promise; it must return the event or null, so the event was dropped");
    (kept as Promise<unknown>).then(undefined, () => {});
    kept = null;
  } else if (kept !== null && typeof kept !== "object") {
    warnOnce(`beforeSend returned ${typeof kept}; it must return the event or null, so the event was dropped`);
    kept = null;
  }
  if (kept === null) {
    to.native.reject("before_send");
    return "";
  }
  to.native.submit(toJson(kept, EVENT_BOUNDS), durable);
  return typeof id === "string" ? id : "";
}
