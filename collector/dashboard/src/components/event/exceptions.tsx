import { ArrowDownUp, CornerDownRight } from "lucide-react";
import { useState } from "react";
import type { Exception } from "@/api/types";
import { Badge } from "@/components/issue/badges";
import { Button } from "@/components/ui/button";
import { CopyButton } from "@/components/ui/copy";
import { Tooltip } from "@/components/ui/tooltip";
import { toText } from "@/stack/copy";
import { Scrubbed } from "./scrubbed";
import { Section } from "./section";
import { StackTrace } from "./stack-trace";

/** The exception and its causes. On the wire the causes come first; here the outermost does, as the one the app saw. */
export function Exceptions({ exceptions, platform }: { exceptions: Exception[]; platform: string }) {
  const [newestFirst, setNewestFirst] = useState(true);
  const chain = exceptions.map((exception, index) => ({ exception, index })).toReversed();

  return (
    <Section
      title={exceptions.length > 1 ? "Exceptions" : "Exception"}
      {...(exceptions.length > 1 ? { count: exceptions.length } : {})}
      flush
      actions={
        <>
          <Tooltip text={newestFirst ? "The most recent call is on top" : "The most recent call is at the bottom"}>
            <Button look="ghost" size="sm" aria-pressed={newestFirst} onClick={() => setNewestFirst(!newestFirst)}>
              <ArrowDownUp /> <span className="max-sm:sr-only">{newestFirst ? "Most recent first" : "Oldest first"}</span>
            </Button>
          </Tooltip>
          <CopyButton text={() => toText(exceptions, platform)} label="Copy the stack trace">
            Copy
          </CopyButton>
        </>
      }
    >
      {chain.map(({ exception, index }, position) => (
        <article key={index} className={position > 0 ? "border-t" : undefined}>
          {position > 0 && (
            <p className="flex items-center gap-1.5 px-4 pt-3 text-xs text-ink-3">
              <CornerDownRight className="size-3.5" aria-hidden /> {relation(exception)}
            </p>
          )}
          <div className={`px-4 pb-3 ${position > 0 ? "pt-1" : "pt-3"}`}>
            <h3 className="flex flex-wrap items-center gap-2">
              <span className="text-lg font-semibold text-error [overflow-wrap:anywhere]">{exception.type ?? "Error"}</span>
              {exception.mechanism?.type && (
                <Tooltip text={exception.mechanism.handled === false ? "No code of the app caught it" : "How it was captured"}>
                  <span tabIndex={0} className="rounded-sm">
                    <Badge className={exception.mechanism.handled === false ? "bg-error-soft text-error" : undefined}>{exception.mechanism.type}</Badge>
                  </span>
                </Tooltip>
              )}
              {exception.module && <code className="text-xs text-ink-3">{exception.module}</code>}
            </h3>
            {exception.value && (
              <p className="mt-0.5 font-mono text-sm whitespace-pre-wrap text-ink [overflow-wrap:anywhere]">
                <Scrubbed text={exception.value} path={["exception", "values", index, "value"]} />
              </p>
            )}
          </div>
          {(exception.stacktrace?.frames?.length ?? 0) > 0 ? (
            <StackTrace frames={exception.stacktrace?.frames ?? []} newestFirst={newestFirst} platform={platform} path={["exception", "values", index, "stacktrace", "frames"]} />
          ) : (
            <p className="border-t px-4 py-3 text-sm text-ink-3">It came without a stack trace.</p>
          )}
        </article>
      ))}
    </Section>
  );
}

function relation({ mechanism }: Exception): string {
  const source = typeof mechanism?.source === "string" ? mechanism.source : null;
  if (source === "__context__") return "while handling";
  if (source?.startsWith("errors[") || source?.startsWith("exceptions[")) return `one of the group (${source})`;
  return "caused by";
}
