/** What the scrubber or the normalizer says about one value. Shape: wire protocol, `_meta`. */
export interface Remark {
  /** One sentence for a tooltip. */
  reason: string;
}

/**
 * Looks up the remark on the value at `path` in the `_meta` tree, which mirrors the event and keeps the remarks of a value
 * under the empty key. Null when nothing was changed there.
 */
export function remark(meta: unknown, path: readonly (string | number)[]): Remark | null {
  let node: unknown = meta;
  for (const step of path) {
    if (!isRecord(node)) return null;
    node = node[String(step)];
  }
  const own = isRecord(node) ? node[""] : undefined;
  if (!isRecord(own)) return null;

  const parts: string[] = [];
  for (const entry of list(own.rem)) {
    const [rule, kind] = list(entry);
    if (typeof rule === "string") parts.push(`${KINDS[String(kind)] ?? "Changed"} by the rule ${ruleName(rule)}`);
  }
  for (const entry of list(own.err)) {
    const name = Array.isArray(entry) ? entry[0] : entry;
    if (typeof name === "string") parts.push(`Not readable: ${name.replaceAll("_", " ")}`);
  }
  if (typeof own.len === "number") parts.push(`originally ${own.len} characters`);
  return parts.length === 0 ? null : { reason: `${[...new Set(parts)].join("; ")}.` };
}

/** Text cut at the places where something was taken out: `[Filtered]`, `[email]`, `[ip]` and the like. */
export function splitFiltered(text: string): { text: string; filtered: boolean }[] {
  const parts: { text: string; filtered: boolean }[] = [];
  let at = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    if (match.index > at) parts.push({ text: text.slice(at, match.index), filtered: false });
    parts.push({ text: match[0].slice(1, -1), filtered: true });
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), filtered: false });
  return parts;
}

const PLACEHOLDER = /\[(?:Filtered|filtered|email|ip|creditcard|card|iban|token|password|secret|jwt|key)\]/g;

const KINDS: Record<string, string> = { x: "Removed", s: "Replaced", m: "Masked", p: "Replaced by a pseudonym", e: "Encrypted", a: "Noted" };

/** "@password:filter" → “password”; rule names of other servers carry such marks. */
function ruleName(rule: string): string {
  return `“${rule.replace(/^[@!]/, "").replace(/:(?:filter|replace|remove|mask|hash)$/, "")}”`;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
