/**
 * The search of each project's issue list as it was last seen in this tab, so that the way back from an issue leads to the same
 * list and not to the unfiltered one.
 */
const searches = new Map<number, string>();

/** `search` with its `?`, or empty. */
export function rememberList(project: number, search: string): void {
  searches.set(project, search);
}

export function listAddress(project: number): string {
  return `/projects/${project}${searches.get(project) ?? ""}`;
}
