/** Where to go after the login. Only a path of this dashboard: anything else in the address could lead a person elsewhere. */
export function backTarget(next: string | null): string {
  if (next === null || !/^\/(?![/\\])/.test(next)) return "/projects";
  return next.startsWith("/login") || next.startsWith("/setup") ? "/projects" : next;
}
