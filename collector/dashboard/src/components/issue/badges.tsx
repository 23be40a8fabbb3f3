import clsx from "clsx";
import { BellOff, CheckCircle2, CircleDot } from "lucide-react";
import type { ReactNode } from "react";
import type { Issue, IssueStatus, Level } from "@/api/types";

const LEVEL_INK: Record<Level, string> = {
  fatal: "text-fatal bg-fatal-soft",
  error: "text-error bg-error-soft",
  warning: "text-warning bg-warning-soft",
  info: "text-info bg-info-soft",
  debug: "text-ink-2 bg-sunken",
};
const LEVEL_DOT: Record<Level, string> = { fatal: "bg-fatal", error: "bg-error", warning: "bg-warning", info: "bg-info", debug: "bg-ink-3" };

/** An unknown level of a foreign SDK is drawn as an error. */
export function knownLevel(level: string | undefined): Level {
  return level !== undefined && level in LEVEL_DOT ? (level as Level) : "error";
}

export function LevelDot({ level, className }: { level: string; className?: string }) {
  return <span role="img" aria-label={`level ${level}`} title={level} className={clsx("inline-block size-2 shrink-0 rounded-full", LEVEL_DOT[knownLevel(level)], className)} />;
}

export function LevelBadge({ level }: { level: string }) {
  return <Badge className={LEVEL_INK[knownLevel(level)]}>{level}</Badge>;
}

export function Badge({ children, className, title }: { children: ReactNode; className?: string; title?: string }) {
  return (
    <span title={title} className={clsx("inline-flex h-5 shrink-0 items-center gap-1 rounded-sm px-1.5 text-2xs font-medium whitespace-nowrap [&_svg]:size-3", className ?? "bg-sunken text-ink-2 ring-1 ring-line ring-inset")}>
      {children}
    </span>
  );
}

export function SubstatusBadge({ issue }: { issue: Pick<Issue, "substatus" | "handled" | "status"> }) {
  return (
    <>
      {issue.status === "unresolved" && issue.substatus === "new" && (
        <Badge className="bg-accent-soft text-accent-ink" title="First seen less than a day ago">
          New
        </Badge>
      )}
      {issue.substatus === "regressed" && (
        <Badge className="bg-warning-soft text-warning" title="Seen again after it was resolved">
          Regressed
        </Badge>
      )}
      {issue.handled === false && (
        <Badge className="bg-error-soft text-error" title="No code of the app caught it">
          Unhandled
        </Badge>
      )}
    </>
  );
}

export function StatusBadge({ status }: { status: IssueStatus }) {
  if (status === "resolved") {
    return (
      <Badge className="bg-ok-soft text-ok">
        <CheckCircle2 /> Resolved
      </Badge>
    );
  }
  if (status === "ignored") {
    return (
      <Badge>
        <BellOff /> Ignored
      </Badge>
    );
  }
  return (
    <Badge>
      <CircleDot /> Unresolved
    </Badge>
  );
}
