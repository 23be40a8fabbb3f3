import { describe, expect, it } from "vitest";
import { absolute, age, bucketNames, clock, offset, relative, toMillis } from "./time";

const NOW = Date.UTC(2026, 10, 22, 1, 49, 30, 120);
const ago = (seconds: number) => relative(NOW - seconds * 1000, NOW);

describe("toMillis", () => {
  it("reads both forms the wire has, and takes a time without an offset for UTC", () => {
    expect(toMillis("2026-11-22T01:49:30.120Z")).toBe(NOW);
    expect(toMillis("2026-11-22T02:49:30.120+01:00")).toBe(NOW);
    expect(toMillis("2026-11-22T01:49:30.120")).toBe(NOW);
    expect(toMillis(NOW / 1000)).toBe(NOW);
    expect(toMillis(String(NOW / 1000))).toBe(NOW);
  });
  it("says null for what is no time", () => {
    expect([toMillis("soon"), toMillis(""), toMillis(null), toMillis(Number.NaN), toMillis(undefined)]).toEqual([null, null, null, null, null]);
  });
});

describe("relative", () => {
  it("changes unit at each border", () => {
    expect([9, 10, 59, 60, 3599, 3600, 86399, 86400].map(ago)).toEqual([
      "just now", "10 s ago", "59 s ago", "1 min ago", "59 min ago", "1 h ago", "23 h ago", "1 d ago",
    ]);
    expect([29, 30, 364, 365, 800].map((days) => ago(days * 86400))).toEqual(["29 d ago", "1 mo ago", "11 mo ago", "1 y ago", "2 y ago"]);
  });
  it("forgives a clock that runs ahead a little, and says so when it is more", () => {
    expect(relative(NOW + 9_000, NOW)).toBe("just now");
    expect(relative(NOW + 120_000, NOW)).toBe("in 2 min");
  });
  it("has a form for narrow columns", () => {
    expect([age(NOW - 4000, NOW), age(NOW - 7_200_000, NOW), age(NOW + 60_000, NOW)]).toEqual(["now", "2 h", "now"]);
  });
});

describe("absolute and clock", () => {
  it("follow the reader's zone", () => {
    expect(absolute(NOW, "UTC")).toBe("22 Nov 2026, 01:49:30 UTC");
    expect(clock(NOW, "Asia/Kolkata")).toBe("07:19:30.120");
  });
});

describe("offset", () => {
  it("keeps two units at most", () => {
    const at = (ms: number) => offset(NOW + ms, NOW);
    expect([at(0), at(-340), at(-1_240), at(-12_900), at(-250_000), at(-3_600_000), at(-90_000_000), at(15)]).toEqual([
      "0 ms", "−340 ms", "−1.2 s", "−12 s", "−4 min 10 s", "−1 h", "−1 d 1 h", "+15 ms",
    ]);
  });
});

describe("bucketNames", () => {
  it("ends with the current bucket", () => {
    const days = bucketNames(3, "day", NOW);
    expect(days).toHaveLength(3);
    expect(new Set(days).size).toBe(3);
  });
});
