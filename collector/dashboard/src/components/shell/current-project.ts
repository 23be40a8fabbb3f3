import { useQueryClient } from "@tanstack/react-query";
import { useMatch } from "react-router";
import { keys } from "@/api/queries";
import type { Issue } from "@/api/types";

/** The project of the page that is open: from the address, or from the issue that is shown. Null on pages of no project. */
export function useCurrentProject(): number | null {
  const project = useMatch("/projects/:projectId/*")?.params.projectId;
  const issue = useMatch("/issues/:issueId/*")?.params.issueId;
  const client = useQueryClient();
  if (project) return Number(project);
  if (issue) return client.getQueryData<Issue>(keys.issue(Number(issue)))?.project_id ?? null;
  return null;
}
