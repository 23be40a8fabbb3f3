import { useQuery, useQueryClient } from "@tanstack/react-query";
import clsx from "clsx";
import { CircleHelp, LayoutGrid, LogOut, Monitor, Moon, Plus, Sun } from "lucide-react";
import { useState } from "react";
import { NavLink, useMatch, useNavigate } from "react-router";
import { call, words } from "@/api/client";
import { keys, projectsQuery } from "@/api/queries";
import type { Session } from "@/api/types";
import { CreateProject } from "@/components/shell/create-project";
import { Button } from "@/components/ui/button";
import { Menu, MenuItem, MenuLabel, MenuLine } from "@/components/ui/menu";
import { Skeleton } from "@/components/ui/states";
import { showToast } from "@/components/ui/toast";
import { Tooltip } from "@/components/ui/tooltip";
import { compact } from "@/format/number";
import { setTheme, type Theme, useTheme } from "@/theme/theme";
import { PlatformTile } from "./platform";
import { useCurrentProject } from "./current-project";

const LINK = "flex h-8 items-center gap-2.5 rounded-md px-2 text-sm transition-colors hover:bg-hover [&_svg]:size-4";

export function Sidebar({ session, onHelp }: { session: Session; onHelp: () => void }) {
  const projects = useQuery(projectsQuery);
  const current = useCurrentProject();
  const overview = useMatch("/projects");
  const [creating, setCreating] = useState(false);

  return (
    <nav aria-label="Main" className="flex min-h-0 flex-1 flex-col">
      <div className="px-2 max-md:pt-3">
        <NavLink to="/projects" end className={clsx(LINK, overview ? "bg-line/60 font-medium text-ink" : "text-ink-2")}>
          <LayoutGrid /> Projects
        </NavLink>
      </div>
      <div className="mt-5 flex items-center justify-between pr-2 pl-4">
        <span className="label-caps">Your projects</span>
        <Tooltip text="New project">
          <Button look="ghost" size="icon-sm" aria-label="New project" onClick={() => setCreating(true)} className="size-6">
            <Plus />
          </Button>
        </Tooltip>
      </div>
      <ul className="mt-1 min-h-0 flex-1 space-y-px overflow-y-auto px-2 pb-4">
        {projects.isPending && [0, 1, 2].map((row) => <Skeleton key={row} className="mx-2 my-2 h-4" />)}
        {projects.data?.map((project) => (
          <li key={project.id}>
            <NavLink
              to={`/projects/${project.id}`}
              aria-current={current === project.id ? "page" : undefined}
              className={clsx(LINK, current === project.id ? "bg-line/60 font-medium text-ink" : "text-ink-2")}
            >
              <PlatformTile name={project.name} platform={project.platform} size="sm" />
              <span className="min-w-0 flex-1 truncate">{project.name}</span>
              {project.unresolved_issues > 0 && (
                <span className="num text-xs font-normal text-ink-3" title={`${project.unresolved_issues} unresolved`}>
                  {compact(project.unresolved_issues)}
                </span>
              )}
            </NavLink>
          </li>
        ))}
        {projects.data?.length === 0 && <li className="px-2 py-1 text-sm text-ink-3">None yet</li>}
      </ul>
      <Footer session={session} onHelp={onHelp} />
      <CreateProject open={creating} onClose={() => setCreating(false)} />
    </nav>
  );
}

const THEMES: { value: Theme; label: string; Icon: typeof Sun }[] = [
  { value: "system", label: "Like the system", Icon: Monitor },
  { value: "light", label: "Light", Icon: Sun },
  { value: "dark", label: "Dark", Icon: Moon },
];

function Footer({ session, onHelp }: { session: Session; onHelp: () => void }) {
  const theme = useTheme();
  const client = useQueryClient();
  const navigate = useNavigate();
  const ThemeIcon = THEMES.find((entry) => entry.value === theme)?.Icon ?? Monitor;

  async function signOut() {
    try {
      await call<void>("DELETE", "/session");
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== keys.session[0] });
      client.setQueryData<Session>(keys.session, (before) => before && { ...before, user: null });
      navigate("/login", { replace: true });
    } catch (error) {
      showToast({ tone: "error", text: words(error) });
    }
  }

  return (
    <div className="flex items-center gap-1 border-t p-2">
      <Menu
        align="start"
        side="top"
        trigger={
          <button type="button" className="flex h-9 min-w-0 flex-1 items-center gap-2.5 rounded-md px-2 text-left text-sm hover:bg-hover">
            <span className="flex size-6 shrink-0 items-center justify-center rounded-full bg-accent-soft text-2xs font-semibold text-accent-ink uppercase">{session.user?.name.slice(0, 1)}</span>
            <span className="min-w-0 truncate text-ink-2">{session.user?.name}</span>
          </button>
        }
      >
        <MenuLabel>Faultwire {session.version}</MenuLabel>
        <MenuItem onSelect={() => window.open("/api/v1/openapi.json", "_blank", "noopener")}>API description</MenuItem>
        <MenuLine />
        <MenuItem onSelect={() => void signOut()}>
          <LogOut /> Sign out
        </MenuItem>
      </Menu>
      <Tooltip text="Keyboard shortcuts" keys="?">
        <Button look="ghost" size="icon" aria-label="Keyboard shortcuts" onClick={onHelp}>
          <CircleHelp />
        </Button>
      </Tooltip>
      <Menu
        side="top"
        trigger={
          <Button look="ghost" size="icon" aria-label="Theme">
            <ThemeIcon />
          </Button>
        }
      >
        {THEMES.map(({ value, label, Icon }) => (
          <MenuItem key={value} onSelect={() => setTheme(value)} checked={theme === value}>
            <Icon /> {label}
          </MenuItem>
        ))}
      </Menu>
    </div>
  );
}
