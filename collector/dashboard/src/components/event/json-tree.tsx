import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { Scrubbed } from "./scrubbed";

type Path = readonly (string | number)[];

/** Values longer than this begin folded, and so do lists and objects deeper than `OPEN_DEPTH`. */
const LONG_TEXT = 600;
const MANY = 50;
const OPEN_DEPTH = 2;

/** Any JSON value, readable: nested parts fold, scrubbed parts say why. `path` is where the value stands in the event. */
export function JsonTree({ value, path = [], depth = 0 }: { value: unknown; path?: Path; depth?: number }) {
  if (value === null || value === undefined) return <span className="text-ink-3">null</span>;
  if (typeof value === "string") return <Text text={value} path={path} />;
  if (typeof value === "number") return <span className="tok-number num">{String(value)}</span>;
  if (typeof value === "boolean") return <span className="tok-keyword">{String(value)}</span>;
  if (typeof value !== "object") return <span>{String(value)}</span>;
  return <Branch value={value} path={path} depth={depth} />;
}

function Text({ text, path }: { text: string; path: Path }) {
  const [whole, setWhole] = useState(false);
  const shown = whole || text.length <= LONG_TEXT ? text : `${text.slice(0, LONG_TEXT)}…`;
  return (
    <span className="[overflow-wrap:anywhere] whitespace-pre-wrap">
      {text === "" ? <span className="text-ink-3">empty text</span> : <Scrubbed text={shown} path={path} />}
      {text.length > LONG_TEXT && (
        <button type="button" onClick={() => setWhole(!whole)} className="ml-1 font-sans text-xs text-accent-ink hover:underline">
          {whole ? "less" : `all ${text.length} characters`}
        </button>
      )}
    </span>
  );
}

function Branch({ value, path, depth }: { value: object; path: Path; depth: number }) {
  const isList = Array.isArray(value);
  const entries: [string | number, unknown][] = isList ? value.map((item, index) => [index, item]) : Object.entries(value);
  const [open, setOpen] = useState(depth < OPEN_DEPTH && entries.length <= MANY);
  if (entries.length === 0) return <span className="text-ink-3">{isList ? "[ ]" : "{ }"}</span>;
  const summary = isList ? `[ ${entries.length} ]` : `{ ${entries.length} }`;

  return (
    <span>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} className="-ml-1 inline-flex items-center gap-0.5 rounded-sm px-0.5 text-ink-3 hover:bg-hover hover:text-ink">
        <ChevronRight className={`size-3 shrink-0 transition-transform ${open ? "rotate-90" : ""}`} aria-hidden />
        <span className="text-left [overflow-wrap:anywhere]">{open ? summary : preview(value) ?? summary}</span>
      </button>
      {open && (
        <span className="ml-1 block border-l pl-3">
          {entries.map(([key, item]) => (
            <span key={key} className="block">
              <span className="text-ink-2">{key}</span>
              <span className="text-ink-3">: </span>
              <JsonTree value={item} path={[...path, key]} depth={depth + 1} />
            </span>
          ))}
        </span>
      )}
    </span>
  );
}

/** What a folded part holds, when that fits on a line: `{ sku: MUG-04, quantity: 2 }`. Null when it does not. */
function preview(value: object): string | null {
  const parts = Array.isArray(value) ? value.map(brief) : Object.entries(value).map(([key, item]) => `${key}: ${brief(item)}`);
  const text = parts.join(", ");
  if (text.length > 72) return null;
  return Array.isArray(value) ? `[ ${text} ]` : `{ ${text} }`;
}

function brief(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "[ ]" : "[…]";
  return typeof value === "object" && value !== null ? "{…}" : String(value);
}
