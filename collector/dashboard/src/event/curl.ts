import type { EventPayload } from "@/api/types";

type RequestData = NonNullable<EventPayload["request"]>;

/** Headers curl sets by itself, or which would be wrong for a repeated body. */
const SKIPPED = new Set(["host", "content-length", "connection", "accept-encoding", "cookie"]);

/** The request as a shell command. Scrubbed values stay as they are shown, so it may need a secret filled in before it works. */
export function toCurl(request: RequestData): string {
  const method = (request.method ?? "GET").toUpperCase();
  const body = bodyText(request.data);
  const parts = [`curl ${quote(fullUrl(request))}`];
  if (method !== (body === null ? "GET" : "POST")) parts.push(`-X ${method}`);
  for (const [name, value] of request.headers ?? []) {
    if (typeof value === "string" && !SKIPPED.has(name.toLowerCase())) parts.push(`-H ${quote(`${name}: ${value}`)}`);
  }
  const cookies = (request.cookies ?? []).map(([name, value]) => `${name}=${value}`).join("; ");
  if (cookies !== "") parts.push(`-b ${quote(cookies)}`);
  if (body !== null) parts.push(`--data-raw ${quote(body)}`);
  return parts.join(" \\\n  ");
}

/** The address with its query, which SDKs send apart and in several shapes. */
export function fullUrl(request: RequestData): string {
  const url = request.url ?? "";
  const query = queryPairs(request.query_string);
  if (query.length === 0 || url.includes("?")) return url;
  return `${url}?${query.map(([name, value]) => (value === null ? name : `${encode(name)}=${encode(value)}`)).join("&")}`;
}

/** A query string as pairs. Accepts text, a list of pairs and an object. */
export function queryPairs(query: unknown): [string, string | null][] {
  if (typeof query === "string") {
    return query
      .replace(/^\?/, "")
      .split("&")
      .filter((part) => part !== "")
      .map((part) => {
        const at = part.indexOf("=");
        return at < 0 ? [decode(part), null] : [decode(part.slice(0, at)), decode(part.slice(at + 1))];
      });
  }
  if (Array.isArray(query)) return query.filter(Array.isArray).map(([name, value]) => [String(name), value === null || value === undefined ? null : String(value)]);
  if (typeof query === "object" && query !== null) return Object.entries(query).map(([name, value]) => [name, value === null ? null : String(value)]);
  return [];
}

function bodyText(data: unknown): string | null {
  if (data === undefined || data === null || data === "") return null;
  return typeof data === "string" ? data : JSON.stringify(data);
}

/** Safe in any POSIX shell: everything between single quotes is literal. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Placeholders stay readable; everything else is escaped. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll("%5BFiltered%5D", "[Filtered]");
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
