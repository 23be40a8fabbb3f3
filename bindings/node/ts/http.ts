// Breadcrumbs for outgoing HTTP requests, by Node's own diagnostics channels: no patched module, no import hook, no
// header added. Requests to the DSN's host are left out.

import diagnostics from "node:diagnostics_channel";

import { addBreadcrumbAt } from "./scope";
import { client, scopeLink, type ScopeLink } from "./state";

type Message = Record<string, any>;
type Subscription = { channel: ReturnType<typeof diagnostics.channel>; listener: (message: unknown) => void };

/** What is known of a request under way: the scope it was made in, and where it goes. */
interface Trip {
  link: ScopeLink;
  method: string;
  url: string;
}

const trips = new WeakMap<object, Trip>();
let subscriptions: Subscription[] = [];

/** Starts recording. A channel that this version of Node lacks stays silent. */
export function recordHttp(): void {
  if (subscriptions.length > 0) return;
  on("http.client.request.start", ({ request }) => {
    begin(request, request.method, `${request.protocol ?? "http:"}//${hostOf(request)}${request.path ?? "/"}`);
  });
  on("http.client.response.finish", ({ request, response }) => end(request, response?.statusCode));
  on("http.client.request.error", ({ request, error }) => end(request, undefined, error));
  on("undici:request:create", ({ request }) => {
    begin(request, request.method, `${String(request.origin)}${request.path ?? "/"}`);
  });
  on("undici:request:headers", ({ request, response }) => end(request, response?.statusCode));
  on("undici:request:error", ({ request, error }) => end(request, undefined, error));
}

/** Stops recording. */
export function releaseHttp(): void {
  for (const { channel, listener } of subscriptions) channel.unsubscribe(listener);
  subscriptions = [];
}

function on(name: string, listen: (message: Message) => void): void {
  // The channel is kept: Node 18 lets an unreferenced channel go together with its subscribers.
  const channel = diagnostics.channel(name);
  const listener = (message: unknown): void => {
    try {
      if (client().enabled) listen(message as Message);
    } catch {
      // A message of another shape than today's.
    }
  };
  channel.subscribe(listener);
  subscriptions.push({ channel, listener });
}

function begin(request: object, method: unknown, url: string): void {
  const parsed = new URL(url);
  if (parsed.host === client().dsnHost) return;
  // Without query and credentials: they are where secrets live, and the path tells enough.
  trips.set(request, { link: scopeLink(), method: String(method ?? "GET"), url: `${parsed.origin}${parsed.pathname}` });
}

function end(request: object, status: number | undefined, error?: unknown): void {
  const trip = trips.get(request);
  if (trip === undefined) return;
  trips.delete(request);
  const { method, url } = trip;
  const failed = error === undefined ? undefined : String((error as { code?: unknown }).code ?? (error as Error).message);
  const message = `${method} ${url} ${status ?? failed ?? "no answer"}`;
  const data: Record<string, unknown> = { method, url };
  if (status !== undefined) data["status_code"] = status;
  if (failed !== undefined) data["reason"] = failed;
  const level = failed !== undefined || (status ?? 0) >= 500 ? "error" : (status ?? 0) >= 400 ? "warning" : "info";
  addBreadcrumbAt(trip.link, { category: "http", level, message, data }, { request });
}

function hostOf(request: Message): string {
  return String(request["getHeader"]?.("host") ?? request["host"] ?? "localhost");
}
