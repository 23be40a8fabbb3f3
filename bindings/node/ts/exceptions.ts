// Turns whatever was thrown into the protocol's list of exceptions (oldest first, protocol 3.3).
//
// Anything can be thrown: frozen objects, proxies, getters that throw, cycles of causes, fifty megabytes of text. Every
// read goes through `read`, every text through `cut`. Frames are the core's work: the raw stack text travels as `stack`.

import { types } from "node:util";

import { ERROR_BOUNDS, cut, read, toJson } from "./bounded";
import type { Exception, Mechanism } from "./event";

/** Causes and members followed from one error. */
const MOST_EXCEPTIONS = 50;
/** UTF-16 units of a message; the core trims further. */
const MOST_TEXT = 16_384;
/** UTF-16 units of a stack text: some 500 frames. */
const MOST_STACK = 65_536;
/** Entries of an AggregateError that are looked at. */
const MOST_MEMBERS = 32;

/** What an error became. */
export interface Description {
  readonly exceptions: Exception[];
  /** JSON text of own properties by exception type, for `contexts`. */
  readonly properties: Map<string, string> | undefined;
  /** JSON text of a thrown thing that is not an error. */
  readonly thrown: string | undefined;
}

/** Whether `value` carries what an error carries. */
export function isError(value: unknown): value is Error {
  if (typeof value !== "object" || value === null) return false;
  if (types.isNativeError(value)) return true;
  try {
    return value instanceof Error || (typeof (value as Error).stack === "string" && typeof (value as Error).message === "string");
  } catch {
    return false;
  }
}

/**
 * Describes `thrown`. `entry` is the function of the SDK that the app called: a thing without a stack, error or not, gets
 * the stack of that call, without the SDK's own frames.
 */
export function describe(thrown: unknown, mechanism: Mechanism, entry: Function): Description {
  if (!isError(thrown)) return describeOther(thrown, mechanism, entry);
  const found = collect(thrown, mechanism);
  const exceptions: Exception[] = [];
  let properties: Map<string, string> | undefined;
  for (let at = found.length - 1; at >= 0; at -= 1) {
    const { error, mechanism } = found[at]!;
    const type = typeOf(error);
    exceptions.push(exception(error, type, mechanism));
    const own = ownProperties(error);
    // Later entries are further out and win: the outermost error is what the issue is about.
    if (own !== undefined) (properties ??= new Map()).set(type, own);
  }
  const main = exceptions[exceptions.length - 1];
  if (main !== undefined && main.stack === undefined) {
    // An error that lost its stack, or never had one, was at least captured somewhere.
    const stack = stackFrom(entry);
    if (stack !== undefined) main.stack = stack;
  }
  return { exceptions, properties, thrown: undefined };
}

/** An error without causes, members and properties, as the texts that `captureError` takes. */
export interface PlainError {
  readonly type: string;
  readonly value: string;
  readonly stack: string;
}

/** Reads `thrown` as a plain error, which most are. Undefined if there is more to it, or if reading it throws. */
export function plain(thrown: unknown): PlainError | undefined {
  if (!types.isNativeError(thrown)) return undefined;
  try {
    const { name, message, stack, cause, errors } = thrown as Error & { errors?: unknown };
    if (cause != null || errors !== undefined || typeof message !== "string" || message.length > MOST_TEXT) return undefined;
    if (typeof stack !== "string" || stack.length > MOST_STACK || stack === "") return undefined;
    if (Object.keys(thrown).length > 0) return undefined;
    const type = typeof name === "string" && name !== "" && name !== "Error" ? cut(name, 256) : typeOf(thrown);
    return { type, value: message, stack };
  } catch {
    return undefined;
  }
}

interface Found {
  error: unknown;
  mechanism: Mechanism;
}

/** The error, its causes and its members, depth first, outermost first. A cycle ends where it closes. */
function collect(root: Error, mechanism: Mechanism): Found[] {
  const cause = read(root, "cause");
  const members = membersOf(root);
  if (cause == null && members === undefined) return [{ error: root, mechanism }];

  const found: Found[] = [];
  const seen = new Set<unknown>();
  const visit = (error: unknown, mechanism: Mechanism): void => {
    if (found.length >= MOST_EXCEPTIONS || (typeof error === "object" && error !== null && seen.has(error))) return;
    seen.add(error);
    const id = found.length;
    const numbered: Mechanism = { ...mechanism, exception_id: id };
    found.push({ error, mechanism: numbered });
    if (typeof error !== "object" || error === null) return;
    const below = (source: string): Mechanism => ({
      type: "chained",
      handled: mechanism.handled ?? true,
      source,
      parent_id: id,
    });
    const members = membersOf(error);
    if (members !== undefined) {
      numbered.is_exception_group = true;
      members.forEach((member, at) => visit(member, below(`errors[${at}]`)));
    }
    const cause = read(error, "cause");
    if (cause != null) visit(cause, below("cause"));
  };
  visit(root, mechanism);
  return found;
}

/** The errors inside an AggregateError, or inside anything that carries a list of errors the same way. */
function membersOf(error: object): unknown[] | undefined {
  const errors = read(error, "errors");
  if (!Array.isArray(errors)) return undefined;
  try {
    const members = errors.slice(0, MOST_MEMBERS);
    return error instanceof AggregateError || members.some(isError) ? members.filter(isReportable) : undefined;
  } catch {
    return undefined;
  }
}

/** Validation libraries put plain records into `errors`; only a real group's strings and errors are members. */
function isReportable(member: unknown): boolean {
  return isError(member) || typeof member === "string";
}

function exception(error: unknown, type: string, mechanism: Mechanism): Exception {
  if (!isError(error)) return { type, value: textOf(error), mechanism };
  const value = messageOf(error);
  const stack = stackOf(error);
  return stack === undefined ? { type, value, mechanism } : { type, value, stack, mechanism };
}

/** The name an error goes by. A subclass that forgot to set `name` still has its class name. */
function typeOf(error: unknown): string {
  if (!isError(error)) return "NonError";
  const name = read(error, "name");
  if (typeof name === "string" && name !== "" && name !== "Error") return cut(name, 256);
  const constructor = read(error, "constructor");
  const className = typeof constructor === "function" ? read(constructor, "name") : undefined;
  return typeof className === "string" && className !== "" && className !== "Object" ? cut(className, 256) : "Error";
}

function messageOf(error: Error): string {
  const message = read(error, "message");
  return typeof message === "string" ? cut(message, MOST_TEXT) : message == null ? "" : textOf(message);
}

/** The stack text; of an overlong one the frames, which come after a message that may be megabytes. */
function stackOf(error: Error): string | undefined {
  const stack = read(error, "stack");
  if (typeof stack !== "string" || stack === "") return undefined;
  if (stack.length <= MOST_STACK) return stack;
  const message = read(error, "message");
  const skip = typeof message === "string" && message.length < stack.length ? message.length : 0;
  const frames = stack.indexOf("\n    at ", skip);
  return frames < 0 ? stack.slice(0, MOST_STACK) : stack.slice(frames + 1, frames + 1 + MOST_STACK);
}

/** What the app hung on the error (`code`, `statusCode`, `orderId`), as JSON text; undefined if nothing. */
function ownProperties(error: unknown): string | undefined {
  if (!isError(error)) return undefined;
  let keys: string[];
  try {
    keys = Object.keys(error);
  } catch {
    return undefined;
  }
  const own: Record<string, unknown> = {};
  let any = false;
  for (const key of keys) {
    if (STANDARD.has(key)) continue;
    own[key] = read(error, key);
    any = true;
  }
  return any ? toJson(own, ERROR_BOUNDS) : undefined;
}

const STANDARD = new Set(["name", "message", "stack", "cause", "errors"]);

function describeOther(thrown: unknown, mechanism: Mechanism, entry: Function): Description {
  const exception: Exception = { type: "NonError", value: textOf(thrown), mechanism: { ...mechanism, synthetic: true } };
  const stack = stackFrom(entry);
  if (stack !== undefined) exception.stack = stack;
  const structured = typeof thrown === "object" && thrown !== null;
  return { exceptions: [exception], properties: undefined, thrown: structured ? toJson(thrown, ERROR_BOUNDS) : undefined };
}

/** The stack text of the call to `entry`, without the SDK's frames. */
export function stackFrom(entry: Function): string | undefined {
  const here: { stack?: unknown } = {};
  Error.captureStackTrace(here, entry);
  return typeof here.stack === "string" ? here.stack : undefined;
}

/** A thrown thing in one line. */
function textOf(thrown: unknown): string {
  if (typeof thrown === "string") return cut(thrown, MOST_TEXT);
  if (typeof thrown !== "object" || thrown === null) {
    return typeof thrown === "function" || typeof thrown === "bigint" || typeof thrown === "symbol"
      ? toJson(thrown, ERROR_BOUNDS).slice(1, -1)
      : String(thrown);
  }
  const message = read(thrown, "message");
  if (typeof message === "string" && message !== "") return cut(message, MOST_TEXT);
  // Listing the keys of these would list every element.
  if (ArrayBuffer.isView(thrown)) return `${thrown.byteLength} bytes`;
  if (Array.isArray(thrown)) return `an array of ${thrown.length}`;
  try {
    const keys = Object.keys(thrown);
    return keys.length === 0 ? "an object without keys" : `an object with keys: ${cut(keys.slice(0, 20).join(", "), 256)}`;
  } catch {
    return "an object that cannot be read";
  }
}
