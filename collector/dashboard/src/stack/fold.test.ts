import { describe, expect, it } from "vitest";
import type { Frame } from "@/api/types";
import { fold, type Row } from "./fold";

let line = 0;
const app = (name: string, source = true): Frame => ({ function: name, filename: "app.ts", lineno: ++line, in_app: true, ...(source ? { context_line: "x" } : {}) });
const lib = (name: string): Frame => ({ function: name, filename: "node_modules/lib.js", lineno: ++line, in_app: false, context_line: "y" });

const shape = (rows: Row[]) =>
  rows.map((row) => (row.kind === "library" ? `lib×${row.frames.length}` : `${row.frame.function}${row.repeats > 1 ? `×${row.repeats}` : ""}${row.open ? " open" : ""}`));

describe("fold", () => {
  it("folds runs of library frames and opens in-app frames with source", () => {
    const rows = fold([app("charge"), lib("next"), lib("handle"), lib("layer"), app("server", false)], true);
    expect(shape(rows)).toEqual(["charge open", "lib×3", "server"]);
  });

  it("keeps a single library frame as a closed row", () => {
    expect(shape(fold([app("a"), lib("b"), app("c")], true))).toEqual(["a open", "b", "c open"]);
  });

  it("does not fold a stack that is library code only, and opens its first frame", () => {
    expect(shape(fold([lib("a"), lib("b"), lib("c")], true))).toEqual(["a open", "b", "c"]);
    expect(shape(fold([lib("a"), lib("b"), lib("c")], false))).toEqual(["a", "b", "c open"]);
  });

  it("counts direct recursion as one row", () => {
    const again = app("walk");
    expect(shape(fold([again, { ...again }, { ...again }, app("main")], true))).toEqual(["walk×3 open", "main open"]);
  });

  it("opens the five newest, whichever end is up", () => {
    const many = Array.from({ length: 8 }, (_, index) => app(`f${index}`));
    const opened = (rows: Row[]) => rows.flatMap((row, index) => (row.kind === "frame" && row.open ? [index] : []));
    expect(opened(fold(many, true))).toEqual([0, 1, 2, 3, 4]);
    expect(opened(fold(many, false))).toEqual([3, 4, 5, 6, 7]);
  });

  it("opens the newest in-app frame with variables when there is no source", () => {
    const bare = (name: string, vars?: Record<string, unknown>): Frame => ({ function: name, in_app: true, ...(vars ? { vars } : {}) });
    expect(shape(fold([bare("a"), bare("b", { x: 1 }), bare("c", { y: 2 })], true))).toEqual(["a", "b open", "c"]);
    expect(shape(fold([bare("a"), bare("b", { x: 1 }), bare("c", { y: 2 })], false))).toEqual(["a", "b", "c open"]);
  });

  it("has nothing to say about no frames", () => {
    expect(fold([], true)).toEqual([]);
  });
});
