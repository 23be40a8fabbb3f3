import { describe, expect, it } from "vitest";
import { format, parse, toggle, tokens } from "./words";

describe("tokens", () => {
  it("keeps quoted parts together, also an unfinished one", () => {
    expect(tokens('is:resolved "cart is empty" release:"a b" level:error "half')).toEqual([
      "is:resolved", '"cart is empty"', 'release:"a b"', "level:error", '"half',
    ]);
    expect(tokens("  ")).toEqual([]);
  });
});

describe("parse and format", () => {
  it("means unresolved when nothing is said", () => {
    expect(parse("checkout level:error")).toEqual({ status: "unresolved", rest: "checkout level:error" });
  });
  it("takes the last status, in any case", () => {
    expect(parse("is:ignored boom IS:Resolved")).toEqual({ status: "resolved", rest: "boom" });
  });
  it("leaves an unknown status for the server to complain about", () => {
    expect(parse("is:weird")).toEqual({ status: "unresolved", rest: "is:weird" });
  });
  it("comes back the same", () => {
    for (const text of ["is:unresolved", 'is:ignored level:error "a b"']) expect(format(parse(text))).toBe(text);
  });
});

describe("toggle", () => {
  it("adds, removes, and quotes blanks", () => {
    expect(toggle("boom", "level", "error")).toBe("boom level:error");
    expect(toggle("boom level:error", "level", "error")).toBe("boom");
    expect(toggle("", "release", "shop 2")).toBe('release:"shop 2"');
    expect(toggle('release:"shop 2" x', "release", "shop 2")).toBe("x");
  });
});
