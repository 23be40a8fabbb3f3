import { describe, expect, it } from "vitest";
import { remark, splitFiltered } from "./meta";

const meta = {
  request: { headers: { "3": { "1": { "": { rem: [["@strange:filter", "s", 0, 10]], len: 42 } } } } },
  message: { "": { rem: [["@email", "s", 5, 15], ["@creditcard", "s", 20, 30]], len: 60 } },
  extra: { "": { err: ["invalid_data"] } },
};

describe("remark", () => {
  it("says why in words, and names a rule it does not know", () => {
    expect(remark({ a: { "": { rem: [["@key", "s"]] } } }, ["a"])?.reason).toBe("Removed because the name of the field tells of a secret.");
    expect(remark(meta, ["request", "headers", 3, 1])?.reason).toBe("Removed by the rule “strange”; originally 42 characters.");
    expect(remark(meta, ["extra"])?.reason).toBe("Not readable: invalid data.");
  });
  it("tells the places in one text apart, and says all when it cannot", () => {
    expect(remark(meta, ["message"], 20)?.reason).toBe("Removed because it is a payment card number; originally 60 characters.");
    expect(remark(meta, ["message"], 3)?.reason).toBe("Removed because it is an e-mail address; Removed because it is a payment card number; originally 60 characters.");
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
      { text: "card ", filtered: false, at: 0 },
      { text: "Filtered", filtered: true, at: 5 },
      { text: " of ", filtered: false, at: 15 },
      { text: "email", filtered: true, at: 19 },
      { text: ", see [1]", filtered: false, at: 26 },
    ]);
    expect(splitFiltered("[Filtered]")).toEqual([{ text: "Filtered", filtered: true, at: 0 }]);
    expect(splitFiltered("")).toEqual([]);
  });
});
