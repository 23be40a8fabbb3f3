import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiFailure, call, isFinal, search, words } from "./client";

function answer(status: number, body: string) {
  const fetch = vi.fn(async (_url: string, _init: RequestInit) => new Response(status === 204 ? null : body, { status }));
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

async function failureOf(promise: Promise<unknown>): Promise<ApiFailure> {
  const caught = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  expect(caught).toBeInstanceOf(ApiFailure);
  return caught as ApiFailure;
}

afterEach(() => vi.unstubAllGlobals());

describe("call", () => {
  it("sends the CSRF header on state-changing calls only", async () => {
    const fetch = answer(200, "{}");
    await call("GET", "/session");
    await call("PATCH", "/issues/1", { status: "resolved" });
    const sent = fetch.mock.calls.map(([, init]) => init.headers as Record<string, string>);
    expect(sent[0]).not.toHaveProperty("X-Faultwire-Request");
    expect(sent[1]).toMatchObject({ "X-Faultwire-Request": "1", "Content-Type": "application/json" });
    expect(fetch.mock.calls[1]?.[1].body).toBe('{"status":"resolved"}');
  });

  it("gives undefined for an empty answer", async () => {
    answer(204, "");
    expect(await call("DELETE", "/session")).toBeUndefined();
  });

  it("carries the server's own words and causes", async () => {
    answer(422, '{"detail":"password is too short","causes":["at least 8 characters"]}');
    const failure = await failureOf(call("POST", "/setup", {}));
    expect(failure.status).toBe(422);
    expect(failure.causes).toEqual(["at least 8 characters"]);
    expect(words(failure)).toBe("Password is too short.");
  });

  it("speaks for a proxy that answers with a page", async () => {
    answer(502, "<html>Bad Gateway</html>");
    expect(words(await failureOf(call("GET", "/projects")))).toContain("proxy");
  });

  it("does not take a page for data", async () => {
    answer(200, "<html>portal</html>");
    expect((await failureOf(call("GET", "/projects"))).detail).toContain("could not be read");
  });

  it("turns a refused connection into words, and lets an abort through", async () => {
    vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("Failed to fetch")));
    expect((await failureOf(call("GET", "/projects"))).status).toBe(0);
    vi.stubGlobal("fetch", async () => Promise.reject(new DOMException("stopped", "AbortError")));
    await expect(call("GET", "/projects")).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("search", () => {
  it("leaves out what is empty and escapes the rest", () => {
    expect(search({ query: 'is:resolved "a&b"', sort: null, cursor: undefined, limit: 25, free: "" })).toBe(
      "?query=is%3Aresolved+%22a%26b%22&limit=25",
    );
    expect(search({})).toBe("");
  });
});

describe("isFinal", () => {
  it("retries what may pass by itself", () => {
    expect([0, 404, 401, 429, 503].map((status) => isFinal(new ApiFailure(status, "x")))).toEqual([false, true, true, false, false]);
    expect(isFinal(new Error("x"))).toBe(false);
  });
});
