import { describe as group, expect, it } from "vitest";
import { contextTitle, describe, isByteCount, ordered } from "./contexts";

group("describe", () => {
  it("joins name and version once", () => {
    expect(describe("runtime", { name: "node", version: "v20.20.2" })).toBe("node 20.20.2");
    expect(describe("os", { name: "Windows 11", version: "11" })).toBe("Windows 11");
    expect(describe("os", { raw_description: "Linux 6.1" })).toBe("Linux 6.1");
    expect(describe("device", { family: "iPhone", model: "iPhone15,2" })).toBe("iPhone");
    expect(describe("device", { arch: "x64" })).toBe("x64");
    expect(describe("os", {})).toBeNull();
  });
});

group("ordered", () => {
  it("puts surroundings first and the trace last, and drops what is empty", () => {
    const names = ordered({ trace: { trace_id: "1" }, cart: { items: 2 }, os: { name: "Linux" }, browser: { name: "Firefox" }, app: { type: "app" }, odd: [1], nothing: null }).map(([name]) => name);
    expect(names).toEqual(["browser", "os", "cart", "trace"]);
    expect(ordered(undefined)).toEqual([]);
  });
});

group("contextTitle and isByteCount", () => {
  it("read like words", () => {
    expect([contextTitle("os", {}), contextTitle("checkout_state", {}), contextTitle("gpu", {})]).toEqual(["Operating system", "Checkout state", "GPU"]);
  });
  it("know sizes by their names", () => {
    expect([isByteCount("free_memory", 4096), isByteCount("app_memory", 10), isByteCount("items", 4096), isByteCount("memory_size", "4096")]).toEqual([true, false, false, false]);
  });
});
