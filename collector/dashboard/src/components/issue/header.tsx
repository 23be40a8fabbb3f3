import { useQuery } from "@tanstack/react-query";
import { BellOff, Check, ChevronRight, RotateCcw } from "lucide-react";
import { Link } from "react-router";
import { projectsQuery } from "@/api/queries";
import type { IssueDetail, IssueStatus } from "@/api/types";
import { Scrubbed } from "@/components/event/scrubbed";
import { Button } from "@/components/ui/button";
import { CopyButton } from "@/components/ui/copy";
import { Tooltip } from "@/components/ui/tooltip";
import { compact } from "@/format/number";
import { listAddress } from "@/search/last-list";
import { LevelBadge, StatusBadge, SubstatusBadge } from "./badges";

/** `onStatus` toggles: asking for the status the issue has reopens it. */
export function IssueHeader({ issue, onStatus, view }: { issue: IssueDetail; onStatus: (status: IssueStatus) => void; view: "details" | "events" }) {
  const { data: projects } = useQuery(projectsQuery);
  const project = projects?.find(({ id }) => id === issue.project_id);

  return (
    <header>
      <nav aria-label="Breadcrumb" className="mb-3 flex items-center gap-1 text-sm text-ink-3">
        <Link to={listAddress(issue.project_id)} className="rounded-sm hover:text-ink">
          {project?.name ?? "Issues"}
        </Link>
        <ChevronRight className="size-3.5" aria-hidden />
        <span className="num text-ink-2">{issue.short_id}</span>
        <CopyButton text={issue.short_id} label="Copy the issue's number" />
      </nav>
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="min-w-0 flex-1 basis-80">
          <h1 className="text-xl font-semibold tracking-tight [overflow-wrap:anywhere]">{issue.type || issue.title}</h1>
          {issue.value && (
            <p className="mt-0.5 text-base text-ink-2 [overflow-wrap:anywhere]">
              <Scrubbed text={issue.value} />
            </p>
          )}
          <div className="mt-2 flex flex-wrap items-center gap-x-2 gap-y-1.5">
            <StatusBadge status={issue.status} />
            <LevelBadge level={issue.level} />
            <SubstatusBadge issue={issue} />
            {issue.culprit && <code className="min-w-0 text-xs text-ink-3 [overflow-wrap:anywhere]">{issue.culprit}</code>}
          </div>
        </div>
        <div className="flex gap-2">
          {issue.status === "resolved" ? (
            <Tooltip text="Reopen" keys="R">
              <Button onClick={() => onStatus("resolved")}>
                <RotateCcw /> Reopen
              </Button>
            </Tooltip>
          ) : (
            <Tooltip text="It is fixed. If it happens again it comes back as regressed." keys="R" side="bottom">
              <Button look="primary" onClick={() => onStatus("resolved")}>
                <Check /> Resolve
              </Button>
            </Tooltip>
          )}
          {issue.status !== "resolved" && (
            <Tooltip text={issue.status === "ignored" ? "Put it back into the list" : "Keep counting, but out of the list"} keys="I" side="bottom">
              <Button onClick={() => onStatus("ignored")}>
                {issue.status === "ignored" ? <RotateCcw /> : <BellOff />}
                {issue.status === "ignored" ? "Reopen" : "Ignore"}
              </Button>
            </Tooltip>
          )}
        </div>
      </div>
      <nav aria-label="Issue" className="mt-4 flex gap-5 border-b text-sm">
        {TABS.map(({ path, label }) => (
          <Link
            key={path}
            to={`/issues/${issue.id}${path}`}
            aria-current={(path === "/events") === (view === "events") ? "page" : undefined}
            className="-mb-px border-b-2 border-transparent pb-2 text-ink-2 hover:text-ink aria-[current=page]:border-accent aria-[current=page]:font-medium aria-[current=page]:text-ink"
          >
            {label}
            {path === "/events" && <span className="num ml-1.5 text-xs font-normal text-ink-3">{compact(issue.count)}</span>}
          </Link>
        ))}
      </nav>
    </header>
  );
}

const TABS = [
  { path: "", label: "Details" },
  { path: "/events", label: "All events" },
];
