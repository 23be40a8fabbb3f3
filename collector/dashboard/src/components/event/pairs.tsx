import { JsonTree } from "./json-tree";

export interface Pair {
  name: string;
  value: unknown;
  /** Where the value stands in the event, for its remark. */
  path: readonly (string | number)[];
}

/** Names and values in two columns; below 640 px the value goes under its name. */
export function Pairs({ pairs, label }: { pairs: readonly Pair[]; label: string }) {
  return (
    <dl aria-label={label} className="text-sm">
      {pairs.map(({ name, value, path }, index) => (
        <div key={`${index} ${name}`} className="gap-4 border-b border-line/70 py-1.5 last:border-0 sm:grid sm:grid-cols-[11rem_minmax(0,1fr)]">
          <dt className="text-ink-3 [overflow-wrap:anywhere]">{name}</dt>
          <dd className="min-w-0 font-mono text-xs leading-5 text-ink">
            <JsonTree value={value} path={path} depth={1} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** The entries of an object as pairs. Null and absent values are left out: SDKs send many. */
export function pairsOf(object: Record<string, unknown> | undefined | null, path: readonly (string | number)[], except: readonly string[] = []): Pair[] {
  return Object.entries(object ?? {})
    .filter(([name, value]) => value !== null && value !== undefined && !except.includes(name))
    .map(([name, value]) => ({ name, value, path: [...path, name] }));
}
