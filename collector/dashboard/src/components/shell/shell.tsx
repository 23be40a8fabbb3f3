import { useQuery } from "@tanstack/react-query";
import { CloudOff, Menu as MenuIcon, X } from "lucide-react";
import { Suspense, useEffect, useState } from "react";
import { Navigate, Outlet, ScrollRestoration, useLocation, useNavigate } from "react-router";
import { useConnectionLost } from "@/api/connection";
import { sessionQuery } from "@/api/queries";
import { Button } from "@/components/ui/button";
import { Failure, Skeleton } from "@/components/ui/states";
import { useHotkeys } from "@/hotkeys/hotkeys";
import { setTheme } from "@/theme/theme";
import { Wordmark } from "./logo";
import { ShortcutsHelp } from "./shortcuts";
import { Sidebar } from "./sidebar";

/** Everything behind the login: who is not signed in goes to the login page and comes back afterwards. */
export function Shell() {
  const session = useQuery(sessionQuery);
  const location = useLocation();
  const navigate = useNavigate();
  const [help, setHelp] = useState(false);
  const [drawer, setDrawer] = useState(false);

  useEffect(() => setDrawer(false), [location.pathname]);
  useHotkeys({
    "?": () => setHelp(true),
    p: () => navigate("/projects"),
    t: () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"),
  });

  if (session.isPending) return <ShellSkeleton />;
  if (session.isError && !session.data) return <Failure error={session.error} title="Faultwire is not reachable" onRetry={() => void session.refetch()} />;
  if (session.data.setup) return <Navigate to="/setup" replace />;
  if (!session.data.user) return <Navigate to={`/login?next=${encodeURIComponent(location.pathname + location.search)}`} replace />;

  return (
    <div className="min-h-dvh md:grid md:grid-cols-[15rem_minmax(0,1fr)]">
      <a href="#main" className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-raised focus:px-3 focus:py-2 focus:shadow-pop">
        Skip to content
      </a>
      <header className="sticky top-0 z-30 flex h-12 items-center justify-between border-b bg-bg/85 px-4 backdrop-blur md:hidden">
        <Wordmark />
        <Button look="ghost" size="icon" aria-label={drawer ? "Close menu" : "Open menu"} aria-expanded={drawer} onClick={() => setDrawer(!drawer)}>
          {drawer ? <X /> : <MenuIcon />}
        </Button>
      </header>
      {drawer && (
        <div className="fixed inset-x-0 top-12 bottom-0 z-30 flex flex-col bg-bg md:hidden">
          <Sidebar session={session.data} onHelp={() => setHelp(true)} />
        </div>
      )}
      <aside className="sticky top-0 hidden h-dvh flex-col border-r bg-sunken md:flex">
        <div className="flex h-14 items-center px-4">
          <Wordmark />
        </div>
        <Sidebar session={session.data} onHelp={() => setHelp(true)} />
      </aside>
      <main id="main" className="min-w-0">
        <ConnectionNotice />
        <Suspense fallback={<PageSkeleton />}>
          <Outlet />
        </Suspense>
      </main>
      <ScrollRestoration />
      <ShortcutsHelp open={help} onClose={() => setHelp(false)} />
    </div>
  );
}

function ConnectionNotice() {
  const lost = useConnectionLost();
  return (
    <div role="status">
      {lost && (
        <p className="flex items-center gap-2 border-b bg-warning-soft px-4 py-2 text-sm text-warning md:px-8">
          <CloudOff className="size-4 shrink-0" aria-hidden />
          The collector does not answer. What you see may be out of date; this page keeps trying.
        </p>
      )}
    </div>
  );
}

function ShellSkeleton() {
  return (
    <div className="min-h-dvh md:grid md:grid-cols-[15rem_minmax(0,1fr)]" aria-busy>
      <div className="hidden h-dvh border-r bg-sunken md:block">
        <div className="flex h-14 items-center px-4">
          <Wordmark />
        </div>
      </div>
      <PageSkeleton />
    </div>
  );
}

export function PageSkeleton() {
  return (
    <div className="mx-auto max-w-6xl px-4 py-8 md:px-8" aria-busy aria-label="Loading">
      <Skeleton className="h-8 w-48" />
      <Skeleton className="mt-6 h-10 w-full" />
      <Skeleton className="mt-4 h-64 w-full" />
    </div>
  );
}
