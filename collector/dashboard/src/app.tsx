import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createBrowserRouter, Navigate, RouterProvider } from "react-router";
import { ApiFailure, isFinal } from "@/api/client";
import { noteAnswer } from "@/api/connection";
import { keys } from "@/api/queries";
import type { Session } from "@/api/types";
import { Shell } from "@/components/shell/shell";
import { Toaster } from "@/components/ui/toast";
import { TooltipProvider } from "@/components/ui/tooltip";
import { IssuePage } from "@/pages/issue";
import { IssueEventsPage } from "@/pages/issue-events";
import { IssuesPage } from "@/pages/issues";
import { LoginPage } from "@/pages/login";
import { Crashed, NotFoundPage } from "@/pages/not-found";
import { ProjectsPage } from "@/pages/projects";
import { SetupPage } from "@/pages/setup";
import { WaitingPage } from "@/pages/waiting";

/** An ended session shows wherever the next request fails; forgetting the user makes the shell send the reader to the login. */
function afterFailure(error: unknown) {
  noteAnswer(error);
  if (error instanceof ApiFailure && error.status === 401) {
    client.setQueryData<Session>(keys.session, (session) => session && { ...session, user: null });
  }
}

const client = new QueryClient({
  queryCache: new QueryCache({ onError: afterFailure, onSuccess: () => noteAnswer(null) }),
  mutationCache: new MutationCache({ onError: afterFailure, onSuccess: () => noteAnswer(null) }),
  defaultOptions: {
    queries: { retry: (tries, error) => !isFinal(error) && tries < 2, staleTime: 2_000, refetchOnWindowFocus: true },
  },
});

const router = createBrowserRouter([
  { path: "/setup", element: <SetupPage />, errorElement: <Crashed /> },
  { path: "/login", element: <LoginPage />, errorElement: <Crashed /> },
  {
    element: <Shell />,
    errorElement: <Crashed />,
    children: [
      {
        errorElement: <Crashed />,
        children: [
          { path: "/", element: <Navigate to="/projects" replace /> },
          { path: "/projects", element: <ProjectsPage /> },
          { path: "/projects/:projectId", element: <IssuesPage /> },
          { path: "/projects/:projectId/setup", element: <WaitingPage /> },
          { path: "/issues/:issueId", element: <IssuePage /> },
          { path: "/issues/:issueId/events", element: <IssueEventsPage /> },
          { path: "/issues/:issueId/events/:eventId", element: <IssuePage /> },
          { path: "*", element: <NotFoundPage /> },
        ],
      },
    ],
  },
]);

export function App() {
  return (
    <QueryClientProvider client={client}>
      <TooltipProvider delayDuration={250} skipDelayDuration={400}>
        <RouterProvider router={router} />
        <Toaster />
      </TooltipProvider>
    </QueryClientProvider>
  );
}
