import clsx from "clsx";
import { useEffect, useRef } from "react";
import { Link, useNavigate } from "react-router";
import type { Issue } from "@/api/types";
import { Spark } from "@/components/chart/spark";
import { Scrubbed } from "@/components/event/scrubbed";
import { Time } from "@/components/time";
import { Checkbox } from "@/components/ui/field";
import { Skeleton } from "@/components/ui/states";
import { compact, exact } from "@/format/number";
import { LevelDot, SubstatusBadge } from "./badges";

/** The same columns for head, rows and skeletons. On phones only the title block and the figures below it stay. */
export const COLUMNS = "grid grid-cols-[1.25rem_minmax(0,1fr)] items-center gap-x-3 lg:grid-cols-[1.25rem_minmax(0,1fr)_7.5rem_4rem_4rem_5rem_5rem]";

export function IssueHead() {
  return (
    <>
      <span className="max-lg:hidden">Last 24 h</span>
      <span className="text-right max-lg:hidden">Events</span>
      <span className="text-right max-lg:hidden">Users</span>
      <span className="text-right max-lg:hidden">First seen</span>
      <span className="text-right max-lg:hidden">Last seen</span>
    </>
  );
}

interface RowProps {
  issue: Issue;
  /** The keyboard is here. */
  active: boolean;
  chosen: boolean;
  anyChosen: boolean;
  onChoose: (range: boolean) => void;
}

export function IssueRow({ issue, active, chosen, anyChosen, onChoose }: RowProps) {
  const element = useRef<HTMLLIElement>(null);
  const navigate = useNavigate();
  useEffect(() => {
    if (active) element.current?.scrollIntoView({ block: "nearest" });
  }, [active]);

  return (
    <li
      ref={element}
      aria-current={active ? "true" : undefined}
      // Times lie above the link, for their tooltips; a click on one of them means the row as well.
      onClick={(event) => event.target instanceof Element && !event.target.closest("a, input") && navigate(`/issues/${issue.id}`)}
      className={clsx(
        COLUMNS,
        "group relative cursor-pointer scroll-my-24 border-b px-4 py-2.5 last:border-b-0",
        chosen ? "bg-accent-soft/60" : active ? "bg-hover" : "hover:bg-hover/70",
        active && "shadow-[inset_2px_0_0_var(--accent)]",
      )}
    >
      <span className="relative z-10 flex size-5 items-center justify-center max-lg:self-start">
        <LevelDot level={issue.level} className={clsx("transition-opacity", chosen || anyChosen || active ? "opacity-0" : "group-focus-within:opacity-0 group-hover:opacity-0")} />
        <Checkbox
          label={`Select ${issue.short_id}`}
          checked={chosen}
          onChange={(_, { shiftKey }) => onChoose(shiftKey)}
          className={clsx("absolute inset-0.5", chosen || anyChosen || active ? "opacity-100" : "opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 focus:opacity-100")}
        />
      </span>
      <div className="min-w-0">
        <div className="flex min-w-0 items-baseline gap-2">
          <Link
            to={`/issues/${issue.id}`}
            className="min-w-0 truncate font-semibold after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
          >
            {issue.type || issue.title}
          </Link>
          <span className="min-w-0 flex-1 truncate font-mono text-xs text-ink-3 max-sm:hidden">{issue.culprit}</span>
        </div>
        {issue.value && (
          <p className="truncate text-sm text-ink-2">
            <Scrubbed text={issue.value} />
          </p>
        )}
        <div className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-ink-3">
          <SubstatusBadge issue={issue} />
          <span className="num font-medium">{issue.short_id}</span>
          {issue.last_release && <span className="truncate max-sm:hidden">{issue.last_release}</span>}
          <span className="num basis-full lg:hidden">
            {compact(issue.count)} {issue.count === 1 ? "event" : "events"} · {compact(issue.users)} {issue.users === 1 ? "user" : "users"} · <Time value={issue.last_seen} className="relative z-10" />
          </span>
        </div>
      </div>
      <Spark values={issue.trend_24h} label="Events in the last 24 hours" className="h-8 w-full max-lg:hidden" />
      <span className="num text-right text-sm font-medium max-lg:hidden" title={exact(issue.count)}>
        {compact(issue.count)}
      </span>
      <span className={clsx("num text-right text-sm max-lg:hidden", issue.users === 0 && "text-ink-3")} title={exact(issue.users)}>
        {compact(issue.users)}
      </span>
      <Time value={issue.first_seen} form="age" className="num relative z-10 justify-self-end text-right text-sm text-ink-2 max-lg:hidden" />
      <Time value={issue.last_seen} form="age" className="num relative z-10 justify-self-end text-right text-sm text-ink-2 max-lg:hidden" />
    </li>
  );
}

export function RowSkeletons() {
  return (
    <div aria-busy aria-label="Loading issues">
      {[72, 58, 80, 44, 66, 52].map((width) => (
        <div key={width} className={clsx(COLUMNS, "border-b px-4 py-3 last:border-b-0")}>
          <Skeleton className="size-4" />
          <div className="space-y-2 py-1">
            <Skeleton className={clsx("h-4", WIDTHS[width])} />
            <Skeleton className="h-3 w-2/5" />
            <Skeleton className="h-3 w-24" />
          </div>
          <Skeleton className="h-8 max-lg:hidden" />
          {[0, 1, 2, 3].map((cell) => (
            <Skeleton key={cell} className="ml-auto h-4 w-8 max-lg:hidden" />
          ))}
        </div>
      ))}
    </div>
  );
}

const WIDTHS: Record<number, string> = { 72: "w-3/5", 58: "w-2/5", 80: "w-4/5", 44: "w-1/3", 66: "w-1/2", 52: "w-2/3" };
