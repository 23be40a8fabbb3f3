import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import type { Frame } from "@/api/types";
import { TooltipProvider } from "@/components/ui/tooltip";
import { MetaContext } from "./scrubbed";
import { StackTrace } from "./stack-trace";

afterEach(cleanup);

const frames: Frame[] = [
  { function: "listen", abs_path: "/srv/node_modules/@acme/http/server.js", filename: "server.js", lineno: 3, in_app: false },
  { function: "dispatch", abs_path: "/srv/node_modules/express/router.js", filename: "router.js", lineno: 9, in_app: false },
  { function: "charge", filename: "src/pay.ts", lineno: 27, colno: 11, in_app: true, pre_context: ["    const a = 1;"], context_line: "    pay(a.total);", post_context: ["    return;"], vars: { card: "[Filtered]", total: 64.9 } },
];

function show(newestFirst = true) {
  const meta = { frames: { 2: { vars: { card: { "": { rem: [["@creditcard", "s", 0, 10]], len: 19 } } } } } };
  return render(
    <TooltipProvider>
      <MetaContext value={meta}>
        <StackTrace frames={frames} newestFirst={newestFirst} platform="node" path={["frames"]} />
      </MetaContext>
    </TooltipProvider>,
  );
}

describe("StackTrace", () => {
  it("opens the app's frame with the failing line and its variables", () => {
    show();
    const failing = screen.getByRole("group", { name: "Source of charge" }).querySelector("[aria-current=true]");
    expect(failing?.textContent).toBe("27pay(a.total);");
    expect(failing?.querySelector("mark")?.textContent).toBe("total");
    expect(screen.getByText("64.9")).toBeTruthy();
  });

  it("folds library frames under their packages' names and shows them on request", () => {
    show();
    const folded = screen.getByRole("button", { name: /2 library frames/ });
    expect(folded.textContent).toContain("express, @acme/http");
    expect(screen.queryByText("dispatch")).toBeNull();
    fireEvent.click(folded);
    expect(screen.getByText("dispatch")).toBeTruthy();
    expect(screen.getByText("listen")).toBeTruthy();
  });

  it("puts the oldest call on top when asked to", () => {
    show(false);
    const rows = screen.getAllByRole("listitem").map((row) => row.textContent ?? "");
    expect(rows[0]).toContain("2 library frames");
    expect(rows[1]).toContain("charge");
  });

  it("says why a value was taken out, found at the frame's place on the wire", async () => {
    show();
    fireEvent.focus(screen.getByText("Filtered"));
    expect((await screen.findAllByText("Removed because it is a payment card number; originally 19 characters.")).length).toBeGreaterThan(0);
  });

  it("closes and opens a frame", () => {
    show();
    const row = screen.getByRole("button", { name: /charge in/ });
    fireEvent.click(row);
    expect(screen.queryByRole("group")).toBeNull();
    fireEvent.click(row);
    expect(screen.getByRole("group")).toBeTruthy();
  });
});
