import { useParams } from "react-router";

/** A positive whole number from the address, or null when the address holds something else. */
export function useRouteId(name: "projectId" | "issueId"): number | null {
  const text = useParams()[name];
  return text !== undefined && /^[1-9]\d{0,18}$/.test(text) ? Number(text) : null;
}
