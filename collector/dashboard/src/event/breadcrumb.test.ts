import { describe, expect, it } from "vitest";
import { crumbKind, crumbLine, httpStatus } from "./breadcrumb";

describe("breadcrumbs", () => {
  it("know an HTTP call under its many names", () => {
    expect(["xhr", "fetch", "httplib", "http"].map((category) => crumbKind({ category }))).toEqual(["http", "http", "http", "http"]);
    expect(crumbKind({ type: "http", category: "request" })).toBe("http");
    expect([crumbKind({ category: "ui.click" }), crumbKind({ category: "query" }), crumbKind({ category: "cart" }), crumbKind({})]).toEqual(["ui", "query", "default", "default"]);
  });
  it("say in one line what happened, without repeating it below", () => {
    const call = { category: "fetch", data: { method: "post", url: "/api/pay", status_code: "503", size: 4 } };
    expect(crumbLine(call)).toEqual({ text: "POST /api/pay", usedData: ["method", "url", "status_code"] });
    expect(httpStatus(call)).toBe(503);
    expect(crumbLine({ category: "navigation", data: { from: "/cart", to: "/pay" } }).text).toBe("/cart → /pay");
    expect(crumbLine({ category: "console", message: "hi", data: { arguments: ["hi"] } })).toEqual({ text: "hi", usedData: ["arguments", "logger"] });
    expect(crumbLine({}).text).toBe("");
  });
  it("show no status that is none", () => {
    expect(httpStatus({ category: "fetch", data: { status_code: 0 } })).toBeNull();
    expect(httpStatus({ category: "cart", data: { status_code: 200 } })).toBeNull();
    expect(httpStatus({ category: "fetch" })).toBeNull();
  });
});
