import clsx from "clsx";
import { ChevronRight, Repeat } from "lucide-react";
import { Fragment, useState } from "react";
import type { Frame } from "@/api/types";
import { Badge } from "@/components/issue/badges";
import { hasSource, hasVars } from "@/stack/fold";
import { dedent, highlight, mark } from "@/stack/highlight";
import { Pairs, pairsOf } from "./pairs";
import { Scrubbed } from "./scrubbed";

type Path = readonly (string | number)[];

/** One call. Opens to its source lines and variables when it has any. */
export function FrameRow({ frame, repeats, open: begins, lead = false, platform, path }: { frame: Frame; repeats: number; open: boolean; lead?: boolean; platform: string; path: Path }) {
  const [open, setOpen] = useState(begins);
  // The variables of the frame that failed are wanted; those of every other would bury the trace.
  const [varsOpen, setVarsOpen] = useState(lead || !hasSource(frame));
  const more = hasSource(frame) || hasVars(frame);
  const app = frame.in_app === true;
  const file = frame.filename ?? frame.abs_path ?? frame.module;

  const line = (
    <>
      <ChevronRight className={clsx("size-3.5 shrink-0 text-ink-3 transition-transform", open && "rotate-90", !more && "invisible")} aria-hidden />
      <span className="min-w-0 flex-1 text-left text-sm leading-5 [overflow-wrap:anywhere]">
        <code className={clsx("text-xs", app ? "font-semibold text-ink" : "text-ink-2")}>{named(frame.function)}</code>
        <span className="text-ink-3"> in </span>
        <code className="text-xs text-ink-2" title={frame.abs_path ?? frame.filename}>
          {file ?? "<unknown>"}
          {frame.lineno !== undefined && frame.lineno !== null && (
            <span className="text-ink-3">
              :<span className={app ? "text-ink" : undefined}>{frame.lineno}</span>
              {frame.colno !== undefined && frame.colno !== null && `:${frame.colno}`}
            </span>
          )}
        </code>
      </span>
      {repeats > 1 && (
        <Badge title={`${repeats} times directly after another`}>
          <Repeat /> ×{repeats}
        </Badge>
      )}
      {app && <Badge className="bg-accent-soft text-accent-ink">in app</Badge>}
    </>
  );
  const look = clsx("flex min-h-9 w-full items-center gap-2 px-4 py-1.5", app ? "bg-surface" : "bg-sunken/60");

  return (
    <li className="border-b last:border-b-0">
      {more ? (
        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} className={clsx(look, "hover:bg-hover focus-visible:-outline-offset-2")}>
          {line}
        </button>
      ) : (
        <div className={look}>{line}</div>
      )}
      {open && hasSource(frame) && <Source frame={frame} platform={platform} path={path} />}
      {open && hasVars(frame) && (
        <div className="border-t bg-code px-4 py-1.5">
          <button type="button" aria-expanded={varsOpen} onClick={() => setVarsOpen(!varsOpen)} className="label-caps -ml-1 flex h-6 items-center gap-1 rounded-sm px-1 hover:text-ink">
            <ChevronRight className={clsx("size-3 transition-transform", varsOpen && "rotate-90")} aria-hidden />
            Variables <span className="num font-normal">{Object.keys(frame.vars ?? {}).length}</span>
          </button>
          {varsOpen && <Pairs pairs={pairsOf(frame.vars, [...path, "vars"])} label={`Variables of ${named(frame.function)}`} />}
        </div>
      )}
    </li>
  );
}

/** Source lines around the failing one, which is tinted; the column the error points at is underlined. */
function Source({ frame, platform, path }: { frame: Frame; platform: string; path: Path }) {
  const before = frame.pre_context ?? [];
  const failing = frame.context_line ?? "";
  const { lines, removed } = dedent([...before, failing, ...(frame.post_context ?? [])].map((line) => line.replace(/\r?\n$/, "")));
  const number = frame.lineno ?? null;

  return (
    <div className="overflow-x-auto border-t bg-code py-1.5 font-mono text-xs leading-5" tabIndex={0} role="group" aria-label={`Source of ${named(frame.function)}`}>
      <table className="w-full border-collapse">
        <tbody>
          {lines.map((line, index) => {
            const here = index === before.length;
            return (
              <tr key={`${index}`} className={here ? "bg-error-soft" : undefined} aria-current={here ? "true" : undefined}>
                <td className={clsx("num w-px border-l-2 pr-3 pl-4 text-right align-top select-none", here ? "border-error font-semibold text-error" : "border-transparent text-ink-3")}>
                  {number === null ? "" : number - before.length + index}
                </td>
                <td className="pr-4 whitespace-pre">
                  <Line line={line} platform={platform} column={here && typeof frame.colno === "number" ? frame.colno - removed : null} path={here ? [...path, "context_line"] : path} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Line({ line, platform, column, path }: { line: string; platform: string; column: number | null; path: Path }) {
  return mark(highlight(line, platform), line, column).map((piece, index) => (
    <Fragment key={`${index}`}>
      {piece.marked ? (
        <mark className={clsx("rounded-[2px] bg-error/10 underline decoration-error decoration-2 underline-offset-4", piece.kind ? `tok-${piece.kind}` : "text-inherit")}>{piece.text}</mark>
      ) : (
        <span className={piece.kind ? `tok-${piece.kind}` : undefined}>
          <Scrubbed text={piece.text} path={path} />
        </span>
      )}
    </Fragment>
  ));
}

/** Some SDKs write "?" for a function without a name. */
function named(name: string | undefined): string {
  return name === undefined || name === null || name === "" || name === "?" ? "<anonymous>" : name;
}
