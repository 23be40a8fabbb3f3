/** What stands in the heads of context cards and in the facts line. */
type Context = Record<string, unknown>;

/** "Chrome 142.0", "Windows 11", "iPhone 15"; null when nothing nameable is in it. */
export function describe(name: string, context: Context): string | null {
  const model = name === "device" ? [context.name, context.brand, context.family, context.model, context.arch] : [context.name];
  const label = name === "device" ? text(context.family) ?? model.map(text).find((part) => part !== null) ?? null : text(context.name) ?? text(context.raw_description);
  if (label === null) return null;
  const version = name === "device" ? null : text(context.version);
  return version && !label.includes(version) ? `${label} ${version.replace(/^v(?=\d)/, "")}` : label;
}

/** Contexts in a steady order: what describes the surroundings first, the app's own after that by name. */
export function ordered(contexts: Record<string, unknown> | undefined): [string, Context][] {
  return Object.entries(contexts ?? {})
    .filter((entry): entry is [string, Context] => isContext(entry[1]))
    .toSorted(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b));
}

/** "cloud_resource" → "Cloud resource"; names that are abbreviations keep their form. */
export function contextTitle(name: string, context: Context): string {
  const known = TITLES[name] ?? (typeof context.type === "string" ? TITLES[context.type] : undefined);
  if (known !== undefined && TITLES[name] !== undefined) return known;
  const words = name.replaceAll(/[_-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Values as people write them: bytes with a unit, times in words are left to the tree. */
export function isByteCount(key: string, value: unknown): value is number {
  return typeof value === "number" && value >= 1024 && /(?:memory|storage|_size|_bytes)/.test(key);
}

const TITLES: Record<string, string> = {
  os: "Operating system",
  runtime: "Runtime",
  browser: "Browser",
  device: "Device",
  app: "App",
  gpu: "GPU",
  trace: "Trace",
  culture: "Locale and time zone",
  cloud_resource: "Cloud",
  response: "Response",
};
const ORDER = ["browser", "runtime", "os", "device", "app", "gpu", "culture", "cloud_resource", "response"];

function rank(name: string): number {
  const at = ORDER.indexOf(name);
  // The trace is for machines; it comes last.
  return name === "trace" ? 99 : at < 0 ? 50 : at;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : null;
}

function isContext(value: unknown): value is Context {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.entries(value).some(([key, part]) => key !== "type" && part !== null);
}
