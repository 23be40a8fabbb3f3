import { describe, expect, it } from "vitest";
import { guideFor, guides, publicKeyOf, serverOf } from "./snippets";

const DSN = "https://0123456789abcdef@errors.example:8443/team/7";

describe("guides", () => {
  it("put the DSN, or what follows from it, into every guide", () => {
    for (const guide of guides(DSN)) {
      const code = guide.steps.map((step) => step.code).join("\n");
      expect(code.includes(DSN) || (code.includes(serverOf(DSN)) && code.includes(publicKeyOf(DSN)))).toBe(true);
    }
  });
  it("keep a path before the project", () => {
    expect(serverOf(DSN)).toBe("https://errors.example:8443/team");
    expect(serverOf("http://k@localhost:9000/1")).toBe("http://localhost:9000");
  });
  it("have a first tab for every platform", () => {
    const ids = guides(DSN).map((guide) => guide.id);
    for (const platform of [null, "node", "javascript", "python", "rust", "zig"]) expect(ids).toContain(guideFor(platform));
  });
});
