import type { IssueDetail } from "@/api/types";
import { Section } from "./section";

/** Answers "why are these events one issue?" with what the fingerprint was made of. */
export function Grouping({ grouping }: { grouping: IssueDetail["grouping"] }) {
  if (grouping.parts.length === 0) return null;
  return (
    <Section title="Why are these together?" closed>
      <p className="text-sm text-ink-2">Events belong to this issue when all of this is the same. Line numbers, ids and addresses in messages do not count.</p>
      <ol className="mt-3 space-y-1">
        {grouping.parts.map((part, index) => (
          <li key={`${index}`} className="flex gap-3 text-sm">
            <span className="num w-5 shrink-0 text-right text-ink-3">{index + 1}</span>
            <code className="min-w-0 text-xs leading-5 whitespace-pre-wrap [overflow-wrap:anywhere]">{part}</code>
          </li>
        ))}
      </ol>
      <p className="mt-3 text-xs text-ink-3">Grouping {grouping.version}</p>
    </Section>
  );
}
