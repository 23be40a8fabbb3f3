import clsx from "clsx";
import { Braces, ChevronLeft, ChevronRight, ChevronsRight, Download } from "lucide-react";
import { useNavigate } from "react-router";
import type { EventDetail, IssueDetail } from "@/api/types";
import { newerEvent } from "@/api/queries";
import { Time } from "@/components/time";
import { Button, buttonClass } from "@/components/ui/button";
import { Card } from "@/components/ui/states";
import { CopyButton } from "@/components/ui/copy";
import { Kbd, Tooltip } from "@/components/ui/tooltip";

/** Which event is shown, and the way to its neighbours. Stays at the top while the event scrolls. */
export function EventNavigator({ issue, event, stale }: { issue: IssueDetail; event: EventDetail; stale: boolean }) {
  const navigate = useNavigate();
  const open = (id: string) => navigate(`/issues/${issue.id}/events/${id}`, { preventScrollReset: true });
  const newer = newerEvent(event, issue);
  const latest = newer === null;

  return (
    <Card className="sticky top-0 z-20 flex min-h-12 flex-wrap items-center justify-between gap-x-4 gap-y-1 px-3 py-1.5 max-md:top-12">
      <div className={clsx("flex min-w-0 items-center gap-2 pl-1 text-sm transition-opacity", stale && "opacity-50")}>
        <span className="font-medium">{latest ? "Latest event" : "Event"}</span>
        <Time value={event.timestamp} className="text-ink-2" />
        <code className="text-xs text-ink-3 max-sm:hidden" title={event.id}>
          {event.id.slice(0, 8)}
        </code>
        <span className="max-sm:hidden">
          <CopyButton text={event.id} label="Copy the event's id" />
        </span>
      </div>
      <div className="flex items-center gap-1">
        <Tooltip text="Raw JSON">
          <Button look="ghost" size="icon-sm" aria-label="Go to the raw JSON" onClick={showRaw}>
            <Braces />
          </Button>
        </Tooltip>
        <Tooltip text="Download as JSON">
          <a href={`/api/v1/events/${event.id}/json?project=${event.project_id}`} download={`${issue.short_id}-${event.id.slice(0, 8)}.json`} className={buttonClass("ghost", "icon-sm")} aria-label="Download as JSON">
            <Download />
          </a>
        </Tooltip>
        <span className="mx-1 h-5 w-px bg-line" aria-hidden />
        <Tooltip text="Older event" keys="←">
          <Button look="secondary" size="sm" disabled={event.previous_event_id === null} onClick={() => event.previous_event_id && open(event.previous_event_id)}>
            <ChevronLeft /> Older
          </Button>
        </Tooltip>
        <Tooltip text="Newer event" keys="→">
          <Button look="secondary" size="sm" disabled={latest} onClick={() => newer && open(newer)}>
            Newer <ChevronRight />
          </Button>
        </Tooltip>
        <Tooltip text="Latest event" keys="L">
          <Button look="ghost" size="icon-sm" aria-label="Latest event" disabled={latest} onClick={() => (issue.latest_event_id ? open(issue.latest_event_id) : navigate(`/issues/${issue.id}`))}>
            <ChevronsRight />
          </Button>
        </Tooltip>
        <span className="sr-only">
          <Kbd>←</Kbd> and <Kbd>→</Kbd> work as well
        </span>
      </div>
    </Card>
  );
}

/** Opens the section with the raw event, if it is closed, and goes there. */
function showRaw() {
  const section = document.getElementById("raw");
  section?.querySelector<HTMLButtonElement>("h2 button[aria-expanded=false]")?.click();
  // After the click has been drawn: a closed section at the end of the page cannot be scrolled to the top.
  requestAnimationFrame(() => section?.scrollIntoView({ block: "start" }));
}
