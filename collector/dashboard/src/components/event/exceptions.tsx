import clsx from "clsx";
import { ArrowDownUp, ChevronRight, CornerDownRight } from "lucide-react";
import { useState } from "react";
import type { Exception } from "@/api/types";
import { Badge } from "@/components/issue/badges";
import { Button } from "@/components/ui/button";
import { CopyButton } from "@/components/ui/copy";
import { Tooltip } from "@/components/ui/tooltip";
import { counted } from "@/format/number";
import { toText } from "@/stack/copy";
import { Scrubbed } from "./scrubbed";
import { Section } from "./section";
import { StackTrace } from "./stack-trace";

/** So many exceptions begin open: the one the app saw and its cause. A group of twenty would bury the page. */
const OPEN = 2;

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
        <ChainLink key={index} exception={exception} index={index} first={position === 0} open={position < OPEN} newestFirst={newestFirst} platform={platform} />
      ))}
    </Section>
  );
}

/** One link of the chain. `index` is its place on the wire. The first one cannot be closed: it is what the page is about. */
function ChainLink({ exception, index, first, open: begins, newestFirst, platform }: { exception: Exception; index: number; first: boolean; open: boolean; newestFirst: boolean; platform: string }) {
  const [open, setOpen] = useState(begins);
  const frames = exception.stacktrace?.frames ?? [];
  const unhandled = exception.mechanism?.handled === false;

  return (
    <article className={first ? undefined : "border-t"}>
      {!first && (
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex w-full items-center gap-1.5 px-4 pt-3 pb-1 text-left text-xs text-ink-3 hover:text-ink focus-visible:-outline-offset-2"
        >
          <CornerDownRight className="size-3.5" aria-hidden /> {relation(exception)}
          {frames.length > 0 && (
            <span className="ml-auto flex items-center gap-1">
              {!open && counted(frames.length, "frame")}
              <ChevronRight className={clsx("size-3.5 transition-transform", open && "rotate-90")} aria-hidden />
            </span>
          )}
        </button>
      )}
      <div className={clsx("px-4 pb-3", first && "pt-3")}>
        <h3 className="flex flex-wrap items-center gap-2">
          <span className="text-lg font-semibold text-error [overflow-wrap:anywhere]">{exception.type ?? "Error"}</span>
          {exception.mechanism?.type && (
            <Tooltip text={unhandled ? "No code of the app caught it" : "How it was captured"}>
              <span tabIndex={0} className="rounded-sm">
                <Badge className={unhandled ? "bg-error-soft text-error" : undefined}>{exception.mechanism.type}</Badge>
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
        {frames.length === 0 && <p className="mt-1 text-xs text-ink-3">It came without a stack trace.</p>}
      </div>
      {open && frames.length > 0 && <StackTrace frames={frames} newestFirst={newestFirst} platform={platform} path={["exception", "values", index, "stacktrace", "frames"]} />}
    </article>
  );
}

function relation({ mechanism }: Exception): string {
  const source = typeof mechanism?.source === "string" ? mechanism.source : null;
  if (source === "__context__") return "while handling";
  if (source?.startsWith("errors[") || source?.startsWith("exceptions[")) return `one of the group (${source})`;
  return "caused by";
}
