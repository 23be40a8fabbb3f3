import { describe, expect, it } from "vitest";
import { backTarget } from "./back-target";

describe("backTarget", () => {
  it("leads back to where the reader was", () => {
    expect(backTarget("/issues/7?x=1")).toBe("/issues/7?x=1");
  });
  it("never leads out of the dashboard nor in a circle", () => {
    for (const next of [null, "", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/login?next=/", "/setup"]) {
      expect(backTarget(next)).toBe("/projects");
    }
  });
});
