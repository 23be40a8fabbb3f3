import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { FileQuestion } from "lucide-react";
import { Link, useNavigate } from "react-router";
import { ApiFailure } from "@/api/client";
import { eventsQuery, issueQuery } from "@/api/queries";
import { useSetStatus } from "@/api/status";
import type { IssueDetail } from "@/api/types";
import { Scrubbed } from "@/components/event/scrubbed";
import { IssueHeader } from "@/components/issue/header";
import { More } from "@/components/more";
import { useRouteId } from "@/components/route-id";
import { PageSkeleton } from "@/components/shell/shell";
import { Time } from "@/components/time";
import { Card, Empty, Failure, Skeleton } from "@/components/ui/states";
import { absolute, toMillis } from "@/format/time";
import { useHotkeys } from "@/hotkeys/hotkeys";
import { listAddress } from "@/search/last-list";
import { NotFoundPage } from "./not-found";
import { useTitle } from "./title";

/** Every stored event of one issue, the newest first. */
export function IssueEventsPage() {
  const id = useRouteId("issueId");
  const issue = useQuery({ ...issueQuery(id ?? 0), enabled: id !== null });
  useTitle(issue.data && `Events of ${issue.data.short_id}`);

  if (id === null || (issue.error instanceof ApiFailure && issue.error.status === 404)) return <NotFoundPage what="This issue" />;
  if (issue.isPending) return <PageSkeleton />;
  if (!issue.data) return <Failure error={issue.error} onRetry={() => void issue.refetch()} />;
  return <Events issue={issue.data} />;
}

const COLUMNS = "grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 px-4 md:grid-cols-[11rem_minmax(0,1fr)_9rem_8rem_8rem]";

function Events({ issue }: { issue: IssueDetail }) {
  const events = useInfiniteQuery(eventsQuery(issue.id));
  const setStatus = useSetStatus();
  const navigate = useNavigate();
  const items = events.data?.pages.flatMap((page) => page.items) ?? [];
  useHotkeys({ u: () => navigate(listAddress(issue.project_id)) });

  return (
    <div className="mx-auto max-w-7xl px-4 py-5 md:px-8 md:py-6">
      <IssueHeader issue={issue} onStatus={(status) => setStatus([issue], issue.status === status ? "unresolved" : status)} view="events" />
      <Card className="mt-4 overflow-clip">
        <div className={`${COLUMNS} h-10 border-b text-xs text-ink-3 max-md:hidden`}>
          <span>Time</span>
          <span>Event</span>
          <span>Release</span>
          <span>Environment</span>
          <span>User</span>
        </div>
        {events.isPending ? (
          <div aria-busy aria-label="Loading events" className="space-y-4 p-4">
            {[0, 1, 2, 3].map((row) => (
              <Skeleton key={row} className="h-6" />
            ))}
          </div>
        ) : events.isError && !events.data ? (
          <Failure error={events.error} title="The events could not be loaded" onRetry={() => void events.refetch()} />
        ) : items.length === 0 ? (
          <Empty icon={<FileQuestion />} title="No event is stored any more">
            They are older than the events this server keeps. The counts of the issue stay exact.
          </Empty>
        ) : (
          <ul aria-label="Events">
            {items.map((event) => (
              <li key={event.id} className={`${COLUMNS} relative border-b py-2.5 text-sm last:border-b-0 hover:bg-hover/70`}>
                <Link
                  to={`/issues/${issue.id}/events/${event.id}`}
                  className="num font-medium after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent max-md:order-2 max-md:text-xs max-md:text-ink-3"
                >
                  <span className="md:hidden">
                    <Time value={event.timestamp} />
                  </span>
                  <span className="max-md:hidden">{exactTime(event.timestamp)}</span>
                </Link>
                <span className="min-w-0 truncate text-ink-2">
                  <code className="mr-2 text-xs text-ink-3">{event.id.slice(0, 8)}</code>
                  <Scrubbed text={event.title} />
                </span>
                <Cell text={event.release} />
                <Cell text={event.environment} />
                <Cell text={event.user} />
              </li>
            ))}
          </ul>
        )}
        {events.hasNextPage && <More busy={events.isFetchingNextPage} onMore={() => void events.fetchNextPage()} />}
      </Card>
    </div>
  );
}

function Cell({ text }: { text: string | null }) {
  return <span className="truncate text-ink-2 max-md:hidden">{text ? <Scrubbed text={text} /> : <span className="text-ink-3">—</span>}</span>;
}

function exactTime(value: string): string {
  const then = toMillis(value);
  return then === null ? "—" : absolute(then).replace(/ \S+$/, "");
}
