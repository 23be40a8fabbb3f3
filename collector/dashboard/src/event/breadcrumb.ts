import type { Breadcrumb } from "@/api/types";

export type CrumbKind = "http" | "navigation" | "ui" | "console" | "query" | "error" | "user" | "info" | "default";

/** What kind of thing happened, from `type` and `category`, which SDKs fill in many ways. */
export function crumbKind({ type, category }: Breadcrumb): CrumbKind {
  const name = category ?? "";
  if (type === "http" || /^(?:xhr|fetch|http|httplib|requests|undici)/.test(name)) return "http";
  if (type === "navigation" || name === "navigation") return "navigation";
  if (name.startsWith("ui.") || type === "ui") return "ui";
  if (name === "console" || type === "debug" || name.startsWith("log")) return "console";
  if (type === "query" || /^(?:query|sql|db|redis|mongo)/.test(name)) return "query";
  if (type === "error" || name === "exception" || name === "error") return "error";
  if (type === "user" || name === "auth") return "user";
  return type === "info" ? "info" : "default";
}

/** The one line that says what happened, and which data it already contains. */
export function crumbLine(crumb: Breadcrumb): { text: string; usedData: string[] } {
  const data = crumb.data ?? {};
  const kind = crumbKind(crumb);
  if (kind === "http" && typeof data.url === "string") {
    const method = typeof data.method === "string" ? `${data.method.toUpperCase()} ` : "";
    const line = `${method}${data.url}`;
    return { text: crumb.message && !crumb.message.includes(data.url) ? `${line}\n${crumb.message}` : line, usedData: ["method", "url", "status_code"] };
  }
  if (kind === "navigation" && typeof data.to === "string") {
    return { text: typeof data.from === "string" ? `${data.from} → ${data.to}` : data.to, usedData: ["from", "to"] };
  }
  // The console's arguments are the message once more.
  if (kind === "console" && crumb.message) return { text: crumb.message, usedData: ["arguments", "logger"] };
  return { text: crumb.message ?? "", usedData: [] };
}

/** The status of an HTTP breadcrumb, which some SDKs send as text. Null when there is none. */
export function httpStatus(crumb: Breadcrumb): number | null {
  if (crumbKind(crumb) !== "http") return null;
  const status = Number(crumb.data?.status_code ?? Number.NaN);
  return Number.isInteger(status) && status >= 100 && status <= 599 ? status : null;
}
