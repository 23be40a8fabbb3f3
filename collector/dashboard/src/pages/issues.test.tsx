import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { MemoryRouter, Route, Routes } from "react-router";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Issue } from "@/api/types";
import { Toaster } from "@/components/ui/toast";
import { TooltipProvider } from "@/components/ui/tooltip";
import { IssuesPage } from "./issues";

const PROJECT = { id: 1, name: "Shop", slug: "shop", platform: "node", dsn: "http://k@localhost/1", created_at: "2026-11-01T00:00:00Z", first_event_at: "2026-11-02T00:00:00Z", unresolved_issues: 2, events_24h: [] };
const issue = (id: number): Issue => ({
  id, project_id: 1, short_id: `SHOP-${id}`, type: `Error${id}`, value: "boom", title: `Error${id}: boom`, culprit: "pay", level: "error", platform: "node", status: "unresolved",
  substatus: null, handled: true, count: 3, users: 1, first_seen: "2026-11-02T00:00:00Z", last_seen: "2026-11-03T00:00:00Z", first_release: null, last_release: null, trend_24h: [1, 2],
});

let stored: Issue[];
let refuse: boolean;
let requests: string[];

beforeEach(() => {
  stored = [issue(1), issue(2)];
  refuse = false;
  requests = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    requests.push(`${init.method} ${url}`);
    if (init.method === "PATCH") {
      if (refuse) return Response.json({ detail: "the store is read-only" }, { status: 503 });
      const id = Number(url.split("/").at(-1));
      const status = (JSON.parse(String(init.body)) as { status: Issue["status"] }).status;
      stored = stored.map((each) => (each.id === id ? { ...each, status } : each));
      return Response.json(stored.find((each) => each.id === id));
    }
    if (url.includes("/issues")) {
      if (url.includes("loud")) return Response.json({ detail: "level:loud is unknown" }, { status: 400 });
      const status = /is%3A(\w+)/.exec(url)?.[1];
      return Response.json({ items: stored.filter((each) => each.status === status), next: null });
    }
    return Response.json(PROJECT);
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function open(address = "/projects/1") {
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <TooltipProvider>
        <MemoryRouter initialEntries={[address]}>
          <Routes>
            <Route path="/projects/:projectId" element={<IssuesPage />} />
            <Route path="/issues/:issueId" element={<p>the issue page</p>} />
          </Routes>
        </MemoryRouter>
        <Toaster />
      </TooltipProvider>
    </QueryClientProvider>,
  );
}
const key = (name: string) => fireEvent.keyDown(document.body, { key: name });

describe("IssuesPage", () => {
  it("walks with j and opens with Enter", async () => {
    open();
    await screen.findByText("Error1");
    key("j");
    key("j");
    expect(screen.getByText("Error2").closest("li")?.getAttribute("aria-current")).toBe("true");
    key("Enter");
    await screen.findByText("the issue page");
  });

  it("resolves at once and takes it back with undo", async () => {
    open();
    await screen.findByText("Error1");
    key("j");
    key("r");
    await waitFor(() => expect(screen.queryByText("Error1")).toBeNull());
    fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
    await screen.findByText("Error1");
    await waitFor(() => expect(stored.map((each) => each.status)).toEqual(["unresolved", "unresolved"]));
    expect(requests.filter((request) => request.startsWith("PATCH"))).toEqual(["PATCH /api/v1/issues/1", "PATCH /api/v1/issues/1"]);
  });

  it("puts the row back and says why when the server refuses", async () => {
    refuse = true;
    open();
    await screen.findByText("Error1");
    key("j");
    key("i");
    await screen.findByText("SHOP-1 could not be changed. The store is read-only.");
    expect(screen.getByText("Error1")).toBeTruthy();
  });

  it("shows the server's words about a query it does not understand", async () => {
    open("/projects/1?query=level%3Aloud");
    await screen.findByText("Level:loud is unknown.");
  });

  it("tells an empty list from a search without a hit", async () => {
    stored = [];
    open();
    await screen.findByText("All clear");
    cleanup();
    open("/projects/1?query=is%3Aunresolved+nothing");
    await screen.findByText("No issue matches");
  });
});
