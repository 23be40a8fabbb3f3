import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call, search } from "./client";
import type { EventDetail, EventSummary, Issue, IssueDetail, Page, Project, Session, Stats } from "./types";

export type Sort = "last_seen" | "first_seen" | "count" | "users";

/** What every list asks for at once; the server's own maximum is higher. */
const PAGE = 50;
/** How often lists look for news while the page is visible. */
const REFRESH_MS = 15_000;

export const keys = {
  session: ["session"] as const,
  projects: ["projects"] as const,
  project: (id: number) => ["project", id] as const,
  issues: (project: number, query: string, sort: Sort) => ["issues", project, { query, sort }] as const,
  allIssues: ["issues"] as const,
  issue: (id: number) => ["issue", id] as const,
  event: (issue: number, event: string) => ["event", issue, event] as const,
  events: (issue: number) => ["events", issue] as const,
};

export const sessionQuery = queryOptions({
  queryKey: keys.session,
  queryFn: ({ signal }) => call<Session>("GET", "/session", undefined, signal),
  staleTime: 60_000,
});

export const projectsQuery = queryOptions({
  queryKey: keys.projects,
  queryFn: async ({ signal }) => (await call<Page<Project>>("GET", "/projects", undefined, signal)).items,
  refetchInterval: REFRESH_MS,
});

export const statsQuery = queryOptions({
  queryKey: ["stats"],
  queryFn: ({ signal }) => call<Stats>("GET", "/stats", undefined, signal),
  refetchInterval: REFRESH_MS,
});

export const projectQuery = (id: number) =>
  queryOptions({
    queryKey: keys.project(id),
    queryFn: ({ signal }) => call<Project>("GET", `/projects/${id}`, undefined, signal),
    staleTime: 5_000,
  });

export const issuesQuery = (project: number, query: string, sort: Sort) =>
  infiniteQueryOptions({
    queryKey: keys.issues(project, query, sort),
    queryFn: ({ signal, pageParam }) =>
      call<Page<Issue>>("GET", `/projects/${project}/issues${search({ query, sort, cursor: pageParam, limit: PAGE })}`, undefined, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });

export const issueQuery = (id: number) =>
  queryOptions({
    queryKey: keys.issue(id),
    queryFn: ({ signal }) => call<IssueDetail>("GET", `/issues/${id}`, undefined, signal),
    refetchInterval: REFRESH_MS,
  });

/**
 * One event, or under the name `latest` the one that is the newest when the page opens. It does not change under the reader's eyes
 * when newer ones come: `newerEvent` tells of them. The previous event stays visible while the next one loads.
 */
export const eventQuery = (issue: IssueDetail, event: string) =>
  queryOptions<EventDetail, Error, EventDetail, ReturnType<typeof keys.event>>({
    queryKey: keys.event(issue.id, event),
    queryFn: ({ signal }) =>
      event === "latest"
        ? call<EventDetail>("GET", `/issues/${issue.id}/events/latest`, undefined, signal)
        : call<EventDetail>("GET", `/events/${event}${search({ project: issue.project_id })}`, undefined, signal),
    // A stored event never changes; that it has no newer neighbour does.
    staleTime: (query) => (event !== "latest" && query.state.data?.next_event_id ? Number.POSITIVE_INFINITY : 0),
    refetchOnWindowFocus: false,
    placeholderData: (previous) => (previous?.issue_id === issue.id ? previous : undefined),
  });

/** The id to go to from an event towards the newest: its neighbour, or the issue's latest when that came after the event was read. */
export function newerEvent(event: EventDetail, issue: IssueDetail): string | null {
  if (event.next_event_id !== null) return event.next_event_id;
  return issue.latest_event_id !== null && issue.latest_event_id !== event.id && issue.last_seen > event.timestamp ? issue.latest_event_id : null;
}

export const eventsQuery = (issue: number) =>
  infiniteQueryOptions({
    queryKey: keys.events(issue),
    queryFn: ({ signal, pageParam }) =>
      call<Page<EventSummary>>("GET", `/issues/${issue}/events${search({ cursor: pageParam, limit: PAGE })}`, undefined, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
