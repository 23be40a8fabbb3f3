/** What the scrubber or the normalizer says about one value. Shape: wire protocol, `_meta`. */
export interface Remark {
  /** One sentence for a tooltip. */
  reason: string;
}

/**
 * Looks up the remark on the value at `path` in the `_meta` tree, which mirrors the event and keeps the remarks of a value
 * under the empty key. Null when nothing was changed there.
 *
 * `at` is the place of one placeholder in the text, in characters: of several remarks on one text only the one on that place
 * counts. When none fits (other servers leave the place out, and a text may be shown in pieces) all of them do.
 */
export function remark(meta: unknown, path: readonly (string | number)[], at?: number): Remark | null {
  let node: unknown = meta;
  for (const step of path) {
    if (!isRecord(node)) return null;
    node = node[String(step)];
  }
  const own = isRecord(node) ? node[""] : undefined;
  if (!isRecord(own)) return null;

  const parts: string[] = [];
  const all = list(own.rem).map(list);
  const here = all.filter(([, , start]) => at !== undefined && start === at);
  for (const [rule, kind] of here.length > 0 ? here : all) {
    if (typeof rule === "string") parts.push(`${KINDS[String(kind)] ?? "Changed"} ${because(rule)}`);
  }
  for (const entry of list(own.err)) {
    const name = Array.isArray(entry) ? entry[0] : entry;
    if (typeof name === "string") parts.push(`Not readable: ${name.replaceAll("_", " ")}`);
  }
  if (typeof own.len === "number") parts.push(`originally ${own.len} characters`);
  return parts.length === 0 ? null : { reason: `${[...new Set(parts)].join("; ")}.` };
}

/** Text cut at the places where something was taken out: `[Filtered]`, `[email]`, `[ip]` and the like. */
export function splitFiltered(text: string): { text: string; filtered: boolean; at: number }[] {
  const parts: { text: string; filtered: boolean; at: number }[] = [];
  let done = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    if (match.index > done) parts.push({ text: text.slice(done, match.index), filtered: false, at: done });
    parts.push({ text: match[0].slice(1, -1), filtered: true, at: match.index });
    done = match.index + match[0].length;
  }
  if (done < text.length) parts.push({ text: text.slice(done), filtered: false, at: done });
  return parts;
}

const PLACEHOLDER = /\[(?:Filtered|filtered|email|ip|creditcard|card|iban|token|password|secret|jwt|key)\]/g;

const KINDS: Record<string, string> = { x: "Removed", s: "Removed", m: "Masked", p: "Replaced by a pseudonym", e: "Encrypted", a: "Noted" };

/** The scrubber's rules in words; the names are those of core/protocol/src/scrub. */
const RULES: Record<string, string> = {
  "@key": "because the name of the field tells of a secret",
  "@team-key": "because your own rules name this field",
  "@creditcard": "because it is a payment card number",
  "@iban": "because it is a bank account number",
  "@jwt": "because it is a signed token",
  "@token": "because it is an access token",
  "@pemkey": "because it is a private key",
  "@auth": "because it holds credentials",
  "@urlauth": "because the address held credentials",
  "@email": "because it is an e-mail address",
  "@ip": "because it is an IP address",
  "@cookie": "because it is a session cookie",
  "!config": "by the app itself before it was sent",
};

/** Names of other servers' rules carry marks, "@password:filter"; what is left after those is said as it is. */
function because(rule: string): string {
  const bare = rule.replace(/:(?:filter|replace|remove|mask|hash)$/, "");
  return RULES[bare] ?? `by the rule “${bare.replace(/^[@!]/, "")}”`;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
