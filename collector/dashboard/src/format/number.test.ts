import { describe, expect, it } from "vitest";
import { bytes, compact, counted, share } from "./number";

describe("compact", () => {
  it("never shows a thousand of a unit", () => {
    expect([0, 999, 1000, 1249, 9949, 9950, 34_400, 999_499, 999_500, 1_500_000, 2.5e9].map(compact)).toEqual([
      "0", "999", "1k", "1.2k", "9.9k", "10k", "34k", "999k", "1M", "1.5M", "2.5B",
    ]);
  });
});

describe("counted, bytes, share", () => {
  it("agree in number", () => {
    expect([counted(1, "event"), counted(0, "event"), counted(12_345, "reply", "replies")]).toEqual(["1 event", "0 events", "12,345 replies"]);
  });
  it("step by 1024", () => {
    expect([640, 1024, 12_288, 3_565_158].map(bytes)).toEqual(["640 B", "1.0 KB", "12 KB", "3.4 MB"]);
  });
  it("keep 100% for all of it", () => {
    expect([share(0, 10), share(1, 1000), share(999, 1000), share(10, 10), share(1, 0)]).toEqual(["0%", "<1%", "99%", "100%", "0%"]);
  });
});
