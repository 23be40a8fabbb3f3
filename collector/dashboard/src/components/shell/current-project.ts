import { useQuery } from "@tanstack/react-query";
import { useMatch } from "react-router";
import { issueQuery } from "@/api/queries";

/** The project of the page that is open: from the address, or from the issue that is shown. Null on pages of no project. */
export function useCurrentProject(): number | null {
  const project = useMatch("/projects/:projectId/*")?.params.projectId;
  const issue = Number(useMatch("/issues/:issueId/*")?.params.issueId ?? Number.NaN);
  // The issue page asks for the same and refreshes it; this only listens.
  const shown = useQuery({ ...issueQuery(issue), enabled: false });
  if (project) return Number(project);
  return Number.isNaN(issue) ? null : (shown.data?.project_id ?? null);
}
