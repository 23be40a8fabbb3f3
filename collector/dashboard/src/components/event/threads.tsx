import { useState } from "react";
import type { EventPayload } from "@/api/types";
import { Badge } from "@/components/issue/badges";
import { Section } from "./section";
import { StackTrace } from "./stack-trace";

type Thread = NonNullable<EventPayload["threads"]>["values"][number];

/** The threads of the process, one at a time. Begins with the one that crashed. */
export function Threads({ threads, platform, closed }: { threads: Thread[]; platform: string; closed: boolean }) {
  const first = Math.max(0, threads.findIndex((thread) => thread.crashed));
  const [at, setAt] = useState(first);
  const thread = threads[at];
  const frames = thread?.stacktrace?.frames ?? [];

  return (
    <Section title="Threads" count={threads.length} closed={closed} flush>
      <div className="flex flex-wrap items-center gap-2 px-4 py-3">
        <select aria-label="Thread" value={at} onChange={(event) => setAt(Number(event.target.value))} className="h-8 max-w-full rounded-md border border-line-strong bg-surface px-2 text-sm">
          {threads.map((each, index) => (
            <option key={`${index}`} value={index}>
              {name(each, index)}
            </option>
          ))}
        </select>
        {thread?.crashed && <Badge className="bg-error-soft text-error">crashed</Badge>}
        {thread?.current && <Badge>current</Badge>}
      </div>
      {frames.length > 0 ? (
        <StackTrace key={at} frames={frames} newestFirst platform={platform} path={["threads", "values", at, "stacktrace", "frames"]} />
      ) : (
        <p className="border-t px-4 py-3 text-sm text-ink-3">It came without a stack trace.</p>
      )}
    </Section>
  );
}

function name(thread: Thread, index: number): string {
  return thread.name ?? (thread.id === undefined || thread.id === null ? `Thread ${index + 1}` : `Thread ${thread.id}`);
}
