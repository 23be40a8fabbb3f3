import { describe, expect, it } from "vitest";
import { byReason, lostErrors } from "./reasons";

const losses = [
  { category: "log_byte", reason: "unsupported", quantity: 6680 },
  { category: "log_item", reason: "unsupported", quantity: 9 },
  { category: "transaction", reason: "unsupported", quantity: 1 },
  { category: "error", reason: "queue_overflow", quantity: 190 },
  { category: "error", reason: "before_send", quantity: 6 },
  { category: "error", reason: "own_reason", quantity: 7 },
  { category: "error", reason: "sample_rate", quantity: 0 },
];

describe("byReason", () => {
  it("puts what cost error events first, and says the others by kind", () => {
    expect(byReason(losses).map(({ reason, errors, others }) => [reason, errors, others])).toEqual([
      ["queue_overflow", 190, []],
      ["own_reason", 7, []],
      ["before_send", 6, []],
      ["unsupported", 0, ["9 logs", "1 transaction"]],
    ]);
  });
  it("keeps a reason it does not know, readable", () => {
    expect(byReason(losses)[1]?.means).toBe("own reason");
  });
  it("counts error events only", () => {
    expect(lostErrors(losses)).toBe(203);
    expect(lostErrors([])).toBe(0);
  });
});
