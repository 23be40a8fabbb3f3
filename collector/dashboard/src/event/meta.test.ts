import { describe, expect, it } from "vitest";
import { remark, splitFiltered } from "./meta";

const meta = {
  request: { headers: { "3": { "1": { "": { rem: [["@password:filter", "s", 0, 10]], len: 42 } } } } },
  extra: { "": { err: ["invalid_data"] } },
};

describe("remark", () => {
  it("names rule and original length", () => {
    expect(remark(meta, ["request", "headers", 3, 1])?.reason).toBe("Replaced by the rule “password”; originally 42 characters.");
    expect(remark(meta, ["extra"])?.reason).toBe("Not readable: invalid data.");
  });
  it("is null where nothing was changed, whatever the tree looks like", () => {
    expect(remark(meta, ["request", "headers", 4, 1])).toBeNull();
    expect(remark(undefined, ["a"])).toBeNull();
    expect(remark({ a: [1] }, ["a", 0, "b"])).toBeNull();
    expect(remark({ a: { "": "odd" } }, ["a"])).toBeNull();
  });
});

describe("splitFiltered", () => {
  it("cuts out the placeholders only", () => {
    expect(splitFiltered("card [Filtered] of [email], see [1]")).toEqual([
      { text: "card ", filtered: false },
      { text: "Filtered", filtered: true },
      { text: " of ", filtered: false },
      { text: "email", filtered: true },
      { text: ", see [1]", filtered: false },
    ]);
    expect(splitFiltered("[Filtered]")).toEqual([{ text: "Filtered", filtered: true }]);
    expect(splitFiltered("")).toEqual([]);
  });
});
