// Turns any value of the app into JSON text: never throws, never loops, never grows past its budget.
//
// JSON.stringify does none of the three (getters, proxies, cycles, BigInt, a 50 MB string). The bounds here protect the
// calling thread and the crossing into the core; trimming to what a server accepts is the core's business.

/** How far a value may be followed. */
export interface Bounds {
  /** Levels of objects and arrays. */
  readonly depth: number;
  /** Entries of one object or array. */
  readonly breadth: number;
  /** UTF-16 units of one string. */
  readonly text: number;
  /** UTF-16 units of the whole result, kept approximately. */
  readonly total: number;
}

/** For a piece of context: what a person looks at, not a heap dump. */
export const CONTEXT_BOUNDS: Bounds = { depth: 6, breadth: 100, text: 8_192, total: 65_536 };

/** For a whole event that the app built itself. */
export const EVENT_BOUNDS: Bounds = { depth: 32, breadth: 1_000, text: 65_536, total: 1_048_576 };

/** For what hangs on an error object: an HTTP client's error can reach half the heap from there. */
export const ERROR_BOUNDS: Bounds = { depth: 4, breadth: 32, text: 2_048, total: 8_192 };

/** The JSON text of `value` within `bounds`. What has no JSON form becomes a short text in square brackets. */
export function toJson(value: unknown, bounds: Bounds = CONTEXT_BOUNDS): string {
  if (typeof value === "string") return quote(value, bounds.text);
  return new Writer(bounds).value(value, 0);
}

/** `text` as a JSON string of at most `limit` UTF-16 units; `...` marks a cut. */
export function quote(text: string, limit: number): string {
  return JSON.stringify(cut(text, limit));
}

/** `text` itself, or its first `limit` UTF-16 units and `...`. */
export function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}...`;
}

/** Reads a property that may be a getter or sit on a proxy; undefined if reading throws. */
export function read(target: object, key: PropertyKey): unknown {
  try {
    return (target as Record<PropertyKey, unknown>)[key];
  } catch {
    return undefined;
  }
}

class Writer {
  private left: number;
  private readonly path: object[] = [];

  constructor(private readonly bounds: Bounds) {
    this.left = bounds.total;
  }

  value(value: unknown, depth: number): string {
    const text = this.scalar(value) ?? this.nested(value as object, depth);
    this.left -= text.length;
    return text;
  }

  private scalar(value: unknown): string | undefined {
    switch (typeof value) {
      case "string":
        return quote(value, Math.max(0, Math.min(this.bounds.text, this.left)));
      case "number":
        return Number.isFinite(value) ? String(value) : `"${value}"`;
      case "boolean":
        return String(value);
      case "undefined":
        return "null";
      case "bigint":
        // A BigInt may have a million digits, and converting one takes quadratic time.
        return BigInt.asIntN(128, value) === value ? `"${value}"` : '"[BigInt]"';
      case "symbol":
        return quote(`[${String(value)}]`, this.bounds.text);
      case "function": {
        const name = read(value, "name");
        return quote(`[Function ${typeof name === "string" && name ? name : "anonymous"}]`, this.bounds.text);
      }
      default:
        return value === null ? "null" : undefined;
    }
  }

  private nested(value: object, depth: number): string {
    if (this.path.includes(value)) return '"[Circular]"';
    if (this.left <= 0) return '"[...]"';
    this.path.push(value);
    try {
      return this.known(value, depth) ?? this.entries(value, depth);
    } catch {
      return '"[Unreadable]"';
    } finally {
      this.path.pop();
    }
  }

  /** Values whose own keys say little. */
  private known(value: object, depth: number): string | undefined {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? '"[Invalid Date]"' : `"${value.toISOString()}"`;
    if (value instanceof RegExp) return quote(String(value), this.bounds.text);
    if (value instanceof Error) return this.error(value, depth);
    if (ArrayBuffer.isView(value)) return `"[${typeName(value)} of ${value.byteLength} bytes]"`;
    if (value instanceof Map) return depth >= this.bounds.depth ? '"[Map]"' : this.list(value, value.size, depth);
    if (value instanceof Set) return depth >= this.bounds.depth ? '"[Set]"' : this.list(value, value.size, depth);
    if (value instanceof Promise) return '"[Promise]"';
    const own = (value as { toJSON?: unknown }).toJSON;
    if (typeof own === "function") {
      const replaced: unknown = own.call(value, "");
      if (replaced !== value) return this.value(replaced, depth);
    }
    return undefined;
  }

  private error(value: Error, depth: number): string {
    const name = read(value, "name");
    const message = read(value, "message");
    if (depth >= this.bounds.depth) return quote(`[${String(name)}]`, this.bounds.text);
    const head = `"name":${this.value(name, depth + 1)},"message":${this.value(message, depth + 1)}`;
    const rest = this.members(value, depth);
    return rest ? `{${head},${rest}}` : `{${head}}`;
  }

  private entries(value: object, depth: number): string {
    if (Array.isArray(value)) {
      return depth >= this.bounds.depth ? '"[Array]"' : this.list(value, value.length, depth);
    }
    if (depth >= this.bounds.depth) return `"[${typeName(value)}]"`;
    return `{${this.members(value, depth)}}`;
  }

  private list(values: Iterable<unknown>, length: number, depth: number): string {
    const parts: string[] = [];
    for (const item of values) {
      if (parts.length >= this.bounds.breadth || this.left <= 0) {
        parts.push(`"[${length - parts.length} more]"`);
        break;
      }
      parts.push(this.value(item, depth + 1));
    }
    return `[${parts.join(",")}]`;
  }

  private members(value: object, depth: number): string {
    const parts: string[] = [];
    const keys = Object.keys(value);
    for (const key of keys) {
      if (parts.length >= this.bounds.breadth || this.left <= 0) {
        parts.push(`"...":"[${keys.length - parts.length} more]"`);
        break;
      }
      let item: unknown;
      try {
        item = (value as Record<string, unknown>)[key];
      } catch {
        item = "[Throws]";
      }
      if (item === undefined) continue;
      const name = quote(key, 256);
      this.left -= name.length;
      parts.push(`${name}:${this.value(item, depth + 1)}`);
    }
    return parts.join(",");
  }
}

/** The name of a value's class, letters only: it goes into JSON text unescaped. */
function typeName(value: object): string {
  const constructor = read(value, "constructor");
  const name = typeof constructor === "function" ? read(constructor, "name") : undefined;
  return typeof name === "string" && /^[\w$]{1,100}$/.test(name) ? name : "Object";
}
