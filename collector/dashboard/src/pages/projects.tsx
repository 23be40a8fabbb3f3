import { useQuery } from "@tanstack/react-query";
import { FolderPlus, Plus } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { projectsQuery } from "@/api/queries";
import type { Project } from "@/api/types";
import { Spark } from "@/components/chart/spark";
import { Ledger } from "@/components/ledger";
import { CreateProject } from "@/components/shell/create-project";
import { PlatformTile } from "@/components/shell/platform";
import { Time } from "@/components/time";
import { Button } from "@/components/ui/button";
import { Card, Empty, Failure, Skeleton } from "@/components/ui/states";
import { compact, counted } from "@/format/number";
import { useTitle } from "./title";

export function ProjectsPage() {
  useTitle("Projects");
  const projects = useQuery(projectsQuery);
  const [creating, setCreating] = useState(false);
  const events = projects.data?.reduce((sum, project) => sum + total(project), 0) ?? 0;

  return (
    <div className="mx-auto max-w-6xl px-4 py-6 md:px-8 md:py-8">
      <div className="mb-6 flex items-center justify-between gap-4">
        <div>
          <h1 className="text-xl font-semibold tracking-tight">Projects</h1>
          <p className="min-h-5 text-sm text-ink-2">{projects.data && projects.data.length > 0 ? `${counted(events, "event")} in the last 24 hours` : "\u00a0"}</p>
        </div>
        <Button look="primary" onClick={() => setCreating(true)}>
          <Plus /> New project
        </Button>
      </div>

      {projects.isPending ? (
        <Cards>
          {[0, 1, 2].map((card) => (
            <Skeleton key={card} className="h-44 rounded-xl" />
          ))}
        </Cards>
      ) : projects.isError && !projects.data ? (
        <Card>
          <Failure error={projects.error} onRetry={() => void projects.refetch()} />
        </Card>
      ) : projects.data.length === 0 ? (
        <Card>
          <Empty
            icon={<FolderPlus />}
            title="Create your first project"
            action={
              <Button look="primary" onClick={() => setCreating(true)}>
                <Plus /> New project
              </Button>
            }
          >
            A project gives your app a DSN to report to. After that it is two lines of code until the first error shows up here.
          </Empty>
        </Card>
      ) : (
        <Cards>
          {projects.data.map((project) => (
            <ProjectCard key={project.id} project={project} />
          ))}
        </Cards>
      )}
      <Ledger />
      <CreateProject open={creating} onClose={() => setCreating(false)} />
    </div>
  );
}

function Cards({ children }: { children: React.ReactNode }) {
  return <div className="grid gap-4 sm:grid-cols-2 xl:grid-cols-3">{children}</div>;
}

function ProjectCard({ project }: { project: Project }) {
  const waiting = project.first_event_at === null;
  return (
    <Card className="group relative transition-[border-color,box-shadow] hover:border-line-strong hover:shadow-md">
      <div className="flex items-center gap-3 px-4 pt-4">
        <PlatformTile name={project.name} platform={project.platform} size="lg" />
        <div className="min-w-0 flex-1">
          <h2 className="truncate text-base font-semibold">
            <Link to={waiting ? `/projects/${project.id}/setup` : `/projects/${project.id}`} className="rounded-sm after:absolute after:inset-0 after:rounded-xl focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-accent">
              {project.name}
            </Link>
          </h2>
          <p className="truncate text-xs text-ink-3">
            {project.slug} · created <Time value={project.created_at} />
          </p>
        </div>
      </div>
      <div className="px-4 pt-5 pb-3">
        {waiting ? (
          <div className="flex h-10 items-center gap-2.5 text-sm text-ink-2">
            <span className="relative flex size-2">
              <span className="absolute inset-0 rounded-full bg-accent animate-ping-slow" />
              <span className="size-2 rounded-full bg-accent" />
            </span>
            Waiting for the first event
          </div>
        ) : (
          <Spark values={project.events_24h} label="Events in the last 24 hours" className="h-10 w-full" tone="accent" />
        )}
      </div>
      <dl className="flex gap-6 border-t px-4 py-3 text-sm">
        <Figure name="Unresolved" value={compact(project.unresolved_issues)} strong={project.unresolved_issues > 0} />
        <Figure name="Events, 24 h" value={compact(total(project))} />
      </dl>
    </Card>
  );
}

function Figure({ name, value, strong = false }: { name: string; value: string; strong?: boolean }) {
  return (
    <div className="flex items-baseline gap-1.5">
      <dt className="order-2 text-xs text-ink-3">{name}</dt>
      <dd className={`num font-semibold ${strong ? "text-ink" : "text-ink-2"}`}>{value}</dd>
    </div>
  );
}

const total = (project: Project) => project.events_24h.reduce((sum, value) => sum + value, 0);
