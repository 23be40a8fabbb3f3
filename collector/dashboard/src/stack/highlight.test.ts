import { describe, expect, it } from "vitest";
import { dedent, highlight, mark } from "./highlight";

const kinds = (line: string, platform = "node") => highlight(line, platform).filter((piece) => piece.kind !== null).map((piece) => `${piece.kind}:${piece.text}`);

describe("highlight", () => {
  it("never changes the text", () => {
    for (const line of ['const a = "x\\"y" + `z${1}` // end', "  * in a comment", "it's fine", "", "é = 'ü'", "x".repeat(2000)]) {
      expect(highlight(line, "node").map((piece) => piece.text).join("")).toBe(line);
    }
  });
  it("knows strings, numbers, calls, keywords and comments", () => {
    expect(kinds('return charge(total, 0x1f, "eur"); // now')).toEqual(["keyword:return", "call:charge", "number:0x1f", 'string:"eur"', "comment:// now"]);
    expect(kinds("    raise ValueError('no') # why", "python")).toEqual(["keyword:raise", "call:ValueError", "string:'no'", "comment:# why"]);
  });
  it("does not take an address for a comment", () => {
    expect(kinds('get("http://shop")')).toEqual(["call:get", 'string:"http://shop"']);
  });
});

describe("mark", () => {
  const marked = (line: string, column: number) => mark(highlight(line, "node"), line, column).filter((piece) => piece.marked).map((piece) => piece.text);
  it("marks the whole token that begins at the column", () => {
    expect(marked("  const n = cart.items.length;", 18)).toEqual(["items"]);
    expect(marked("  const n = cart.items.length;", 20)).toEqual(["items"]);
    expect(marked("a + (b)", 5)).toEqual(["("]);
    expect(mark(highlight("a.b()", "node"), "a.b()", 3).map((piece) => piece.text).join("")).toBe("a.b()");
  });
  it("marks nothing when the column cannot be right", () => {
    expect(marked("short", 99)).toEqual([]);
    expect(marked("{snip} a.b.c", 9)).toEqual([]);
    expect(marked("a  b", 2)).toEqual([]);
    expect(marked("abc", 0)).toEqual([]);
  });
});

describe("dedent", () => {
  it("takes away what all lines share and ignores blank ones", () => {
    expect(dedent(["    if (a) {", "", "      b();"])).toEqual({ lines: ["if (a) {", "", "  b();"], removed: 4 });
    expect(dedent([])).toEqual({ lines: [], removed: 0 });
  });
});
