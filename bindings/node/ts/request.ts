// The HTTP request on an event. Read when something is captured, not when the request arrives: a request that goes well
// costs nothing.
//
// Headers, cookies and query travel to the core as they are and never further: its scrubber decides what stays. Two
// things are decided here because only the host knows them: the client's address (left out unless sendDefaultPii), and
// the route the framework matched.

import { cut, quote, read, toJson } from "./bounded";
import type { CaptureContext } from "./event";

/** The parts of an incoming request that are read; Node's, Express's and most others' have them. */
interface Incoming {
  method?: unknown;
  url?: unknown;
  originalUrl?: unknown;
  protocol?: unknown;
  headers?: unknown;
  baseUrl?: unknown;
  route?: unknown;
  ip?: unknown;
  socket?: unknown;
}

const MOST_HEADERS = 100;

/** Adds `request`, and where known `transaction` and the user's address, to the parts of an event. */
export function requestPart(
  parts: string[],
  request: object,
  sendDefaultPii: boolean,
  context: CaptureContext | undefined,
): void {
  const incoming = request as Incoming;
  const method = textOr(read(incoming, "method"), "GET");
  const headers = headersOf(incoming);
  const target = textOr(read(incoming, "originalUrl") ?? read(incoming, "url"), "/");
  const [path = "/", query] = splitOnce(target, "?");

  const fields = [`"method":${quote(method, 32)}`, `"url":${quote(originOf(incoming, headers) + path, 2_048)}`];
  if (query !== undefined && query !== "") fields.push(`"query_string":${quote(query, 2_048)}`);
  if (headers.length > 0) fields.push(`"headers":{${headers.map(([name, value]) => `${name}:${value}`).join(",")}}`);
  parts.push(`"request":{${fields.join(",")}}`);

  if (context?.transaction === undefined) {
    parts.push(`"transaction":${quote(`${method} ${routeOf(incoming) ?? path}`, 1_024)}`);
  }
  if (sendDefaultPii && context?.user === undefined) {
    const address = addressOf(incoming);
    if (address !== undefined) parts.push(`"user":{"ip_address":${quote(address, 64)}}`);
  }
}

/** Names and values as JSON text. */
function headersOf(incoming: Incoming): [string, string][] {
  const headers = read(incoming, "headers");
  if (typeof headers !== "object" || headers === null) return [];
  const list: [string, string][] = [];
  try {
    for (const [name, value] of Object.entries(headers)) {
      if (list.length >= MOST_HEADERS) break;
      if (value === undefined) continue;
      const text = Array.isArray(value) ? value.join(",") : value;
      list.push([quote(name, 256), typeof text === "string" ? quote(text, 4_096) : toJson(text)]);
    }
  } catch {
    // Half the headers are better than no event.
  }
  return list;
}

function originOf(incoming: Incoming, headers: [string, string][]): string {
  const host = headers.find(([name]) => name === '"host"')?.[1];
  if (host === undefined) return "";
  const socket = read(incoming, "socket");
  const encrypted = typeof socket === "object" && socket !== null && read(socket, "encrypted") === true;
  const protocol = textOr(read(incoming, "protocol"), encrypted ? "https" : "http");
  return `${protocol}://${JSON.parse(host)}`;
}

/** The route pattern Express matched, for example `/orders/:id`. */
function routeOf(incoming: Incoming): string | undefined {
  const route = read(incoming, "route");
  const path = typeof route === "object" && route !== null ? read(route, "path") : undefined;
  return typeof path === "string" ? cut(textOr(read(incoming, "baseUrl"), "") + path, 512) : undefined;
}

function addressOf(incoming: Incoming): string | undefined {
  const ip = read(incoming, "ip");
  if (typeof ip === "string" && ip !== "") return ip;
  const socket = read(incoming, "socket");
  const remote = typeof socket === "object" && socket !== null ? read(socket, "remoteAddress") : undefined;
  return typeof remote === "string" ? remote : undefined;
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value : otherwise;
}

function splitOnce(text: string, mark: string): [string, string?] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
