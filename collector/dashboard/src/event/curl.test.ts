import { describe, expect, it } from "vitest";
import { fullUrl, queryPairs, toCurl } from "./curl";

describe("toCurl", () => {
  it("cannot be broken out of by a quote", () => {
    const text = toCurl({ url: "https://shop.example/pay", method: "POST", headers: [["X-Note", "it's; rm -rf /"]], data: { a: "b'c" } });
    expect(text).toBe(`curl 'https://shop.example/pay' \\\n  -H 'X-Note: it'\\''s; rm -rf /' \\\n  --data-raw '{"a":"b'\\''c"}'`);
  });
  it("leaves out what curl sets itself and names an unusual method", () => {
    const text = toCurl({ url: "https://a/b", method: "put", headers: [["Host", "a"], ["Content-Length", "3"]], cookies: [["s", "1"], ["t", "2"]] });
    expect(text).toBe("curl 'https://a/b' \\\n  -X PUT \\\n  -b 's=1; t=2'");
  });
});

describe("queryPairs", () => {
  it("reads the three shapes", () => {
    expect(queryPairs("?a=1&b&c=x%20y+z&=")).toEqual([["a", "1"], ["b", null], ["c", "x y z"], ["", ""]]);
    expect(queryPairs([["a", 1], "odd"])).toEqual([["a", "1"]]);
    expect(queryPairs({ a: "1", b: null })).toEqual([["a", "1"], ["b", null]]);
    expect(queryPairs(undefined)).toEqual([]);
    expect(queryPairs("%zz=1")).toEqual([["%zz", "1"]]);
  });
});

describe("fullUrl", () => {
  it("adds the query once and keeps a placeholder readable", () => {
    expect(fullUrl({ url: "https://a/b", query_string: "q=x y&t=[Filtered]" })).toBe("https://a/b?q=x%20y&t=[Filtered]");
    expect(fullUrl({ url: "https://a/b?q=1", query_string: "q=1" })).toBe("https://a/b?q=1");
  });
});
