import { type InfiniteData, type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { showToast } from "@/components/ui/toast";
import { counted } from "@/format/number";
import { parse } from "@/search/words";
import { call, words } from "./client";
import { keys } from "./queries";
import type { Issue, IssueDetail, IssueStatus, Page, Project } from "./types";

interface Change {
  issues: Pick<Issue, "id" | "project_id" | "short_id" | "status">[];
  status: IssueStatus;
  /** An undo says so itself and offers no undo of the undo. */
  quiet?: boolean;
}

/**
 * Changes the status of issues at once on the screen, then on the server. A failure puts everything back and says why; a
 * success offers to undo.
 */
export function useSetStatus() {
  const client = useQueryClient();
  const mutation = useMutation({
    mutationFn: async ({ issues, status }: Change) => {
      // One after the other: a selection is a page at most, and a half-failed burst would be harder to explain.
      for (const issue of issues) await call<IssueDetail>("PATCH", `/issues/${issue.id}`, { status });
    },
    onMutate: async ({ issues, status }: Change) => {
      await Promise.all([client.cancelQueries({ queryKey: keys.allIssues }), client.cancelQueries({ queryKey: ["issue"] })]);
      return applyStatus(client, issues, status);
    },
    onError: (error, { issues }, restore) => {
      restore?.();
      showToast({ tone: "error", text: `${issues.length === 1 ? issues[0]?.short_id : "The selection"} could not be changed. ${words(error)}` });
    },
    onSuccess: (_, { issues, status, quiet }) => {
      if (quiet) return;
      const what = issues.length === 1 ? (issues[0]?.short_id ?? "Issue") : counted(issues.length, "issue");
      showToast({ tone: status === "resolved" ? "ok" : "plain", text: `${what} ${PAST[status]}`, action: { label: "Undo", run: () => undo(issues) } });
    },
    onSettled: (_data, _error, { issues }) => {
      void client.invalidateQueries({ queryKey: keys.allIssues });
      void client.invalidateQueries({ queryKey: keys.projects });
      for (const issue of issues) {
        void client.invalidateQueries({ queryKey: keys.issue(issue.id) });
        void client.invalidateQueries({ queryKey: keys.project(issue.project_id) });
      }
    },
  });

  /** Each issue goes back to what it was, which need not be the same for all of them. */
  function undo(issues: Change["issues"]) {
    for (const status of ["unresolved", "resolved", "ignored"] as const) {
      const group = issues.filter((issue) => issue.status === status);
      if (group.length > 0) mutation.mutate({ issues: group, status, quiet: true });
    }
  }

  return (issues: Change["issues"], status: IssueStatus) => {
    const changed = issues.filter((issue) => issue.status !== status).map(({ id, project_id, short_id, status: before }) => ({ id, project_id, short_id, status: before }));
    if (changed.length > 0) mutation.mutate({ issues: changed, status });
  };
}

/** Writes the new status into everything cached and returns how to take it back. Lists lose the issues they no longer match. */
export function applyStatus(client: QueryClient, issues: Change["issues"], status: IssueStatus): () => void {
  const ids = new Set(issues.map((issue) => issue.id));
  const before = [
    ...client.getQueriesData({ queryKey: keys.allIssues }),
    ...client.getQueriesData({ queryKey: keys.projects }),
    ...issues.map((issue) => [keys.issue(issue.id), client.getQueryData(keys.issue(issue.id))] as const),
  ];

  for (const [key, data] of client.getQueriesData<InfiniteData<Page<Issue>>>({ queryKey: keys.allIssues })) {
    if (!data) continue;
    const filter = (key[2] as { query: string } | undefined)?.query ?? "";
    const fits = parse(filter).status === status;
    const pages = data.pages.map((page) => ({
      ...page,
      items: page.items.flatMap((issue) => (!ids.has(issue.id) ? [issue] : fits ? [{ ...issue, status }] : [])),
    }));
    client.setQueryData(key, { ...data, pages });
  }
  for (const issue of issues) {
    client.setQueryData<IssueDetail>(keys.issue(issue.id), (detail) => detail && { ...detail, status });
    const step = Number(status === "unresolved") - Number(issue.status === "unresolved");
    client.setQueryData<Project[]>(keys.projects, (projects) =>
      projects?.map((project) => (project.id === issue.project_id ? { ...project, unresolved_issues: Math.max(0, project.unresolved_issues + step) } : project)),
    );
  }
  return () => {
    for (const [key, data] of before) client.setQueryData(key, data);
  };
}

const PAST: Record<IssueStatus, string> = { resolved: "resolved", ignored: "ignored", unresolved: "reopened" };
