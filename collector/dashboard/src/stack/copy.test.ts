import { describe, expect, it } from "vitest";
import { place, toText } from "./copy";

const chain = [
  { type: "SocketError", value: "refused", stacktrace: { frames: [{ function: "connect", filename: "net.js", lineno: 7, colno: 3 }] } },
  { type: "PaymentError", value: "no answer", stacktrace: { frames: [{ filename: "server.ts", lineno: 1 }, { function: "charge", filename: "pay.ts", lineno: 20, context_line: "  pay()" }] } },
];

describe("toText", () => {
  it("writes the outermost first with its newest frame on top, then the cause", () => {
    expect(toText(chain, "node")).toBe(
      ["PaymentError: no answer", "    at charge (pay.ts:20)", "    at <anonymous> (server.ts:1)", "Caused by: SocketError: refused", "    at connect (net.js:7:3)"].join("\n"),
    );
  });
  it("writes Python the way Python does", () => {
    const text = toText(chain, "python");
    expect(text.startsWith('Traceback (most recent call last):\n  File "net.js", line 7, in connect\nSocketError: refused\n\nThe above')).toBe(true);
    expect(text.endsWith('  File "pay.ts", line 20, in charge\n    pay()\nPaymentError: no answer')).toBe(true);
  });
  it("survives an exception of which nothing is known", () => {
    expect(toText([{}], "other")).toBe("Error");
    expect(toText([], "node")).toBe("");
    expect(place({})).toBe("<unknown>");
  });
});
