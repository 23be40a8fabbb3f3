import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowRight, Check, CircleCheckBig } from "lucide-react";
import { useEffect, useState } from "react";
import { Link, useNavigate } from "react-router";
import { ApiFailure, call, search } from "@/api/client";
import { keys, projectQuery } from "@/api/queries";
import type { Issue, Page, Project } from "@/api/types";
import { CodeBlock } from "@/components/code";
import { Confetti } from "@/components/confetti";
import { useRouteId } from "@/components/route-id";
import { PlatformTile } from "@/components/shell/platform";
import { PageSkeleton } from "@/components/shell/shell";
import { Time } from "@/components/time";
import { buttonClass } from "@/components/ui/button";
import { CopyButton } from "@/components/ui/copy";
import { Card, Failure } from "@/components/ui/states";
import { TabPanel, Tabs } from "@/components/ui/tabs";
import { guideFor, guides } from "@/onboarding/snippets";
import { NotFoundPage } from "./not-found";
import { useTitle } from "./title";

const POLL_MS = 1_500;
/** Long enough to see what happened, short enough not to be waited for. */
const CELEBRATE_MS = 2_600;

/** The DSN and the snippets; while the project has no event yet it watches for the first one and then leads to its issue. */
export function WaitingPage() {
  const id = useRouteId("projectId");
  const project = useQuery({
    ...projectQuery(id ?? 0),
    enabled: id !== null,
    refetchInterval: (query) => (query.state.data?.first_event_at === null ? POLL_MS : false),
    refetchIntervalInBackground: true,
  });
  useTitle(project.data && `Set up ${project.data.name}`);

  if (id === null || (project.error instanceof ApiFailure && project.error.status === 404)) return <NotFoundPage what="This project" />;
  if (project.isPending) return <PageSkeleton />;
  if (!project.data) return <Failure error={project.error} onRetry={() => void project.refetch()} />;
  return <Guide key={project.data.id} project={project.data} />;
}

function Guide({ project }: { project: Project }) {
  const all = guides(project.dsn);
  const [tab, setTab] = useState(guideFor(project.platform));
  const [waited] = useState(project.first_event_at === null);

  return (
    <div className="mx-auto max-w-4xl px-4 py-6 md:px-8 md:py-8">
      <header className="mb-6 flex items-center gap-3">
        <PlatformTile name={project.name} platform={project.platform} size="lg" />
        <div className="min-w-0">
          <h1 className="truncate text-xl font-semibold tracking-tight">Connect {project.name}</h1>
          <p className="text-sm text-ink-2">Two minutes from here to the first error.</p>
        </div>
      </header>

      <Listening project={project} waited={waited} />

      <Card className="mt-4 p-4 md:p-5">
        <h2 className="text-base font-semibold">DSN</h2>
        <p className="mt-0.5 text-sm text-ink-2">Tells the SDK where to report. Its key can send events but not read them, so it may stand in code that others see.</p>
        <div className="mt-3 flex items-center gap-2 rounded-lg border bg-code py-1.5 pr-1.5 pl-3">
          <code className="min-w-0 flex-1 overflow-x-auto text-xs whitespace-nowrap [scrollbar-width:none]">{project.dsn}</code>
          <CopyButton text={project.dsn} label="Copy the DSN" look="secondary">
            Copy
          </CopyButton>
        </div>
      </Card>

      <Card className="mt-4 p-4 md:p-5">
        <Tabs value={tab} onChange={setTab} label="Platform" tabs={all.map(({ id, label }) => ({ value: id, label }))} className="[&>[role=tablist]]:w-fit [&>[role=tablist]]:max-w-full">
          {all.map((guide) => (
            <TabPanel key={guide.id} value={guide.id}>
              <ol className="mt-5 space-y-5">
                {guide.steps.map((step, index) => (
                  <li key={step.title} className="grid grid-cols-[1.5rem_minmax(0,1fr)] gap-x-3">
                    <span className="num mt-px flex size-5 items-center justify-center rounded-full bg-accent-soft text-2xs font-semibold text-accent-ink">{index + 1}</span>
                    <div>
                      <h3 className="mb-2 text-sm font-medium">{step.title}</h3>
                      <CodeBlock code={step.code} language={step.language} label={step.title} />
                    </div>
                  </li>
                ))}
              </ol>
            </TabPanel>
          ))}
        </Tabs>
      </Card>
    </div>
  );
}

function Listening({ project, waited }: { project: Project; waited: boolean }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const arrived = project.first_event_at !== null;
  const first = useQuery({
    queryKey: ["first-issue", project.id],
    queryFn: ({ signal }) => call<Page<Issue>>("GET", `/projects/${project.id}/issues${search({ sort: "last_seen", limit: 1 })}`, undefined, signal),
    enabled: arrived && waited,
  });
  const issue = first.data?.items[0];
  const target = issue ? `/issues/${issue.id}` : `/projects/${project.id}`;
  const known = first.isSuccess || first.isError;

  useEffect(() => {
    if (!arrived || !waited || !known) return;
    void client.invalidateQueries({ queryKey: keys.projects });
    const timer = setTimeout(() => navigate(target, { replace: true }), CELEBRATE_MS);
    return () => clearTimeout(timer);
  }, [arrived, waited, known, target, navigate, client]);

  if (!arrived) {
    return (
      <Card className="flex items-center gap-4 border-accent-line! bg-accent-soft! px-4 py-3.5 md:px-5">
        <span className="relative flex size-2.5 shrink-0" aria-hidden>
          <span className="absolute inset-0 rounded-full bg-accent animate-ping-slow" />
          <span className="size-2.5 rounded-full bg-accent" />
        </span>
        <div role="status" className="min-w-0">
          <p className="text-base font-medium text-accent-ink">Waiting for your first event</p>
          <p className="text-sm text-ink-2">This page moves on by itself as soon as it is here.</p>
        </div>
      </Card>
    );
  }
  if (!waited) {
    return (
      <Card className="flex flex-wrap items-center justify-between gap-3 px-4 py-3 md:px-5">
        <p className="flex items-center gap-2.5 text-base">
          <Check className="size-4 text-ok" aria-hidden />
          <span>
            Connected. The first event came <Time value={project.first_event_at} />.
          </span>
        </p>
        <Link to={`/projects/${project.id}`} className={buttonClass("secondary", "sm")}>
          Open the issues <ArrowRight />
        </Link>
      </Card>
    );
  }
  return (
    <div className="relative">
      <Confetti />
      <Card className="flex flex-wrap items-center justify-between gap-3 border-ok/30! bg-ok-soft! px-4 py-3.5 animate-pop md:px-5">
        <div role="status" className="flex min-w-0 items-center gap-3">
          <CircleCheckBig className="size-6 shrink-0 text-ok" aria-hidden />
          <div className="min-w-0">
            <p className="text-base font-semibold text-ok">Your first event is here</p>
            <p className="truncate text-sm text-ink-2">{issue?.title ?? "Opening it…"}</p>
          </div>
        </div>
        <Link to={target} replace className={buttonClass("primary")}>
          Open it <ArrowRight />
        </Link>
      </Card>
    </div>
  );
}
