import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import { keys } from "./queries";
import { applyStatus } from "./status";
import type { Issue, Project } from "./types";

const issue = (id: number) => ({ id, project_id: 1, short_id: `SHOP-${id}`, status: "unresolved" }) as Issue;

function filled(): QueryClient {
  const client = new QueryClient();
  const pages = [{ items: [issue(1), issue(2)], next: "n" }, { items: [issue(3)], next: null }];
  client.setQueryData(keys.issues(1, "is:unresolved", "last_seen"), { pages, pageParams: [null, "n"] });
  client.setQueryData(keys.issues(1, "is:resolved level:error", "count"), { pages: [{ items: [issue(2)], next: null }], pageParams: [null] });
  client.setQueryData(keys.issue(2), issue(2));
  client.setQueryData(keys.projects, [{ id: 1, unresolved_issues: 3 }, { id: 9, unresolved_issues: 4 }] as Project[]);
  return client;
}

const idsOf = (client: QueryClient, query: string, sort: "last_seen" | "count") =>
  client.getQueryData<{ pages: { items: Issue[] }[] }>(keys.issues(1, query, sort))?.pages.map((page) => page.items.map(({ id, status }) => `${id} ${status}`));

describe("applyStatus", () => {
  it("takes issues out of lists they no longer match and corrects the counts", () => {
    const client = filled();
    applyStatus(client, [issue(2), issue(3)], "resolved");
    expect(idsOf(client, "is:unresolved", "last_seen")).toEqual([["1 unresolved"], []]);
    expect(idsOf(client, "is:resolved level:error", "count")).toEqual([["2 resolved"]]);
    expect(client.getQueryData<Issue>(keys.issue(2))?.status).toBe("resolved");
    expect(client.getQueryData(keys.issue(3))).toBeUndefined();
    expect(client.getQueryData<Project[]>(keys.projects)?.map((project) => project.unresolved_issues)).toEqual([1, 4]);
  });

  it("puts everything back", () => {
    const client = filled();
    const before = JSON.stringify(client.getQueriesData({}));
    applyStatus(client, [issue(1), issue(2)], "ignored")();
    expect(JSON.stringify(client.getQueriesData({}))).toBe(before);
  });
});
