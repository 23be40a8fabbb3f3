import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "react-router";
import { ApiFailure } from "@/api/client";
import { eventQuery, issueQuery, newerEvent } from "@/api/queries";
import { useSetStatus } from "@/api/status";
import type { IssueDetail, IssueStatus } from "@/api/types";
import { EventBody } from "@/components/event/body";
import { EventNavigator } from "@/components/event/navigator";
import { MetaContext } from "@/components/event/scrubbed";
import { IssueAside } from "@/components/issue/aside";
import { IssueHeader } from "@/components/issue/header";
import { useRouteId } from "@/components/route-id";
import { PageSkeleton } from "@/components/shell/shell";
import { copyText } from "@/components/ui/copy";
import { Card, Empty, Failure, Skeleton } from "@/components/ui/states";
import { showToast } from "@/components/ui/toast";
import { useHotkeys } from "@/hotkeys/hotkeys";
import { listAddress } from "@/search/last-list";
import { toText } from "@/stack/copy";
import { FileQuestion } from "lucide-react";
import { NotFoundPage } from "./not-found";
import { useTitle } from "./title";

export function IssuePage() {
  const id = useRouteId("issueId");
  const issue = useQuery({ ...issueQuery(id ?? 0), enabled: id !== null });
  useTitle(issue.data && `${issue.data.short_id} ${issue.data.type || issue.data.title}`);

  if (id === null || (issue.error instanceof ApiFailure && issue.error.status === 404)) return <NotFoundPage what="This issue" />;
  if (issue.isPending) return <PageSkeleton />;
  if (!issue.data) return <Failure error={issue.error} onRetry={() => void issue.refetch()} />;
  return <Detail issue={issue.data} />;
}

function Detail({ issue }: { issue: IssueDetail }) {
  const { eventId = "latest" } = useParams();
  const event = useQuery(eventQuery(issue, eventId));
  const navigate = useNavigate();
  const setStatus = useSetStatus();
  const toggle = (status: IssueStatus) => setStatus([issue], issue.status === status ? "unresolved" : status);
  const go = (target: string | null | undefined) => target && navigate(`/issues/${issue.id}/events/${target}`, { preventScrollReset: true });
  const data = event.data;

  useHotkeys({
    ArrowLeft: () => go(data?.previous_event_id),
    ArrowRight: () => go(data && newerEvent(data, issue)),
    l: () => go(issue.latest_event_id),
    r: () => toggle("resolved"),
    i: () => toggle("ignored"),
    u: () => navigate(listAddress(issue.project_id)),
    c: async () => {
      const exceptions = data?.event.exception?.values ?? [];
      if (data && exceptions.length > 0 && (await copyText(toText(exceptions, data.platform)))) showToast({ tone: "ok", text: "Stack trace copied" });
    },
  });

  return (
    <div className="mx-auto max-w-7xl px-4 py-5 md:px-8 md:py-6">
      <IssueHeader issue={issue} onStatus={toggle} view="details" />
      <div className="mt-4 grid gap-5 xl:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="min-w-0 space-y-4">
          {data ? (
            <MetaContext value={data.event._meta}>
              <EventNavigator issue={issue} event={data} stale={event.isPlaceholderData} />
              <EventBody key={data.id} event={data} issue={issue} />
            </MetaContext>
          ) : event.isError ? (
            <Card>
              {event.error instanceof ApiFailure && event.error.status === 404 ? (
                <Empty icon={<FileQuestion />} title="No such event is stored">
                  It may be older than the events this server keeps. The counts of the issue stay exact.
                </Empty>
              ) : (
                <Failure error={event.error} title="The event could not be loaded" onRetry={() => void event.refetch()} />
              )}
            </Card>
          ) : (
            <div className="space-y-4" aria-busy aria-label="Loading the event">
              <Skeleton className="h-12 rounded-xl" />
              <Skeleton className="h-96 rounded-xl" />
              <Skeleton className="h-48 rounded-xl" />
            </div>
          )}
        </div>
        <IssueAside issue={issue} />
      </div>
    </div>
  );
}
