import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { CheckCircle2, PartyPopper, SearchX, Settings2 } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link, Navigate, useLocation, useNavigate, useSearchParams } from "react-router";
import { ApiFailure } from "@/api/client";
import { issuesQuery, projectQuery, type Sort } from "@/api/queries";
import { useSetStatus } from "@/api/status";
import type { Issue, IssueStatus, Project } from "@/api/types";
import { IssueHead, IssueRow, RowSkeletons } from "@/components/issue/row";
import { SearchBox } from "@/components/issue/search-box";
import { ListActions } from "@/components/issue/list-actions";
import { More } from "@/components/more";
import { useRouteId } from "@/components/route-id";
import { PlatformTile } from "@/components/shell/platform";
import { PageSkeleton } from "@/components/shell/shell";
import { Button, buttonClass } from "@/components/ui/button";
import { Card, Empty, Failure } from "@/components/ui/states";
import { Segments } from "@/components/ui/tabs";
import { useHotkeys } from "@/hotkeys/hotkeys";
import { rememberList } from "@/search/last-list";
import { format, parse } from "@/search/words";
import { NotFoundPage } from "./not-found";
import { useTitle } from "./title";

const STATUS_TABS: { value: IssueStatus; label: string }[] = [
  { value: "unresolved", label: "Unresolved" },
  { value: "resolved", label: "Resolved" },
  { value: "ignored", label: "Ignored" },
];
const SORTS: readonly Sort[] = ["last_seen", "first_seen", "count", "users"];

export function IssuesPage() {
  const id = useRouteId("projectId");
  const project = useQuery({ ...projectQuery(id ?? 0), enabled: id !== null });
  useTitle(project.data && `${project.data.name} issues`);

  if (id === null || (project.error instanceof ApiFailure && project.error.status === 404)) return <NotFoundPage what="This project" />;
  if (project.isPending) return <PageSkeleton />;
  if (!project.data) return <Failure error={project.error} onRetry={() => void project.refetch()} />;
  if (project.data.first_event_at === null) return <Navigate to={`/projects/${id}/setup`} replace />;
  return <Issues key={id} project={project.data} />;
}

function Issues({ project }: { project: Project }) {
  const [parameters, setParameters] = useSearchParams();
  const text = parameters.get("query") ?? "";
  const sort = SORTS.find((name) => name === parameters.get("sort")) ?? "last_seen";
  const filter = parse(text);
  const list = useInfiniteQuery(issuesQuery(project.id, format(filter), sort));
  const issues = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const setStatus = useSetStatus();
  const selection = useSelection(issues);
  const search = useRef<HTMLInputElement>(null);
  const address = useLocation().search;
  useEffect(() => rememberList(project.id, address), [project.id, address]);

  const change = (next: { query?: string; sort?: Sort }) => {
    selection.clear();
    setParameters(
      (before) => {
        if (next.query !== undefined) before.set("query", next.query);
        if (next.sort !== undefined) before.set("sort", next.sort);
        return before;
      },
      { replace: true },
    );
  };
  const act = (status: IssueStatus) => {
    const targets = selection.chosen.length > 0 ? selection.chosen : selection.current ? [selection.current] : [];
    setStatus(targets, status);
    selection.clear();
  };
  const navigate = useNavigate();
  useHotkeys({
    j: () => selection.move(1),
    k: () => selection.move(-1),
    Enter: () => selection.current && navigate(`/issues/${selection.current.id}`),
    x: () => selection.current && selection.toggle(selection.current, false),
    r: () => act(filter.status === "resolved" ? "unresolved" : "resolved"),
    i: () => act(filter.status === "ignored" ? "unresolved" : "ignored"),
    Escape: () => selection.clear(),
    "/": () => search.current?.focus(),
  });

  return (
    <div className="mx-auto max-w-7xl px-4 py-5 md:px-8 md:py-6">
      <header className="mb-4 flex items-center gap-3">
        <PlatformTile name={project.name} platform={project.platform} size="lg" />
        <div className="min-w-0 flex-1">
          <h1 className="truncate text-xl font-semibold tracking-tight">{project.name}</h1>
        </div>
        <Link to={`/projects/${project.id}/setup`} className={buttonClass("secondary")}>
          <Settings2 /> <span className="max-sm:sr-only">DSN and setup</span>
        </Link>
      </header>

      <div className="mb-3 flex flex-wrap items-center gap-2">
        <Segments label="Status" value={filter.status} options={STATUS_TABS} onChange={(status) => change({ query: format({ ...filter, status }) })} />
        <SearchBox ref={search} key={filter.rest} value={filter.rest} onSearch={(rest) => change({ query: format({ ...parse(rest), ...(/(^|\s)is:/i.test(rest) ? {} : { status: filter.status }) }) })} />
      </div>

      <Card className="relative overflow-clip">
        <ListActions
          issues={issues}
          chosen={selection.chosen}
          filter={filter.status}
          onAll={(all) => (all ? selection.all() : selection.clear())}
          onStatus={act}
          sort={sort}
          onSort={(next) => change({ sort: next })}
        >
          <IssueHead />
        </ListActions>
        {list.isPending ? (
          <RowSkeletons />
        ) : list.isError && !list.data ? (
          <Failure error={list.error} title="The issues could not be loaded" onRetry={() => void list.refetch()} />
        ) : issues.length === 0 ? (
          <Nothing status={filter.status} searched={filter.rest !== ""} onClear={() => change({ query: format({ status: filter.status, rest: "" }) })} />
        ) : (
          <ul aria-label="Issues" className={list.isPlaceholderData ? "opacity-60 transition-opacity" : "transition-opacity"}>
            {issues.map((issue, index) => (
              <IssueRow
                key={issue.id}
                issue={issue}
                active={index === selection.index}
                chosen={selection.isChosen(issue)}
                anyChosen={selection.chosen.length > 0}
                onChoose={(range) => selection.toggle(issue, range)}
              />
            ))}
          </ul>
        )}
        {list.hasNextPage && <More busy={list.isFetchingNextPage} onMore={() => void list.fetchNextPage()} />}
      </Card>
    </div>
  );
}

/** Which rows are ticked and which one the keyboard is on. Ticks of rows that left the list are forgotten. */
function useSelection(issues: Issue[]) {
  const [ticked, setTicked] = useState<ReadonlySet<number>>(new Set());
  const [index, setIndex] = useState(-1);
  const anchor = useRef<number | null>(null);
  const at = Math.min(index, issues.length - 1);
  const chosen = issues.filter((issue) => ticked.has(issue.id));

  return {
    index: at,
    current: issues[at],
    chosen,
    isChosen: (issue: Issue) => ticked.has(issue.id),
    move: (step: number) => setIndex(Math.max(0, Math.min(issues.length - 1, at + step))),
    clear: () => setTicked(new Set()),
    all: () => setTicked(new Set(issues.map((issue) => issue.id))),
    toggle: (issue: Issue, range: boolean) => {
      const here = issues.indexOf(issue);
      const from = range && anchor.current !== null ? anchor.current : here;
      const next = new Set(ticked);
      const add = !ticked.has(issue.id);
      for (const each of issues.slice(Math.min(from, here), Math.max(from, here) + 1)) {
        if (add) next.add(each.id);
        else next.delete(each.id);
      }
      anchor.current = here;
      setIndex(here);
      setTicked(next);
    },
  };
}

function Nothing({ status, searched, onClear }: { status: IssueStatus; searched: boolean; onClear: () => void }) {
  if (searched) {
    return (
      <Empty icon={<SearchX />} title="No issue matches" action={<Button onClick={onClear}>Clear the search</Button>}>
        Nothing that is {status} fits these words.
      </Empty>
    );
  }
  if (status === "unresolved") {
    return (
      <Empty icon={<PartyPopper />} title="All clear">
        No unresolved issues. New ones show up here by themselves.
      </Empty>
    );
  }
  return (
    <Empty icon={<CheckCircle2 />} title={`Nothing is ${status}`}>
      {status === "resolved" ? "Issues you resolve are kept here. One that happens again comes back as regressed." : "Issues you ignore are kept here and stay out of the way."}
    </Empty>
  );
}
