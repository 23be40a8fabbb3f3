// A collector made of paper, for work on the dashboard: serves dist/ and the JSON API with invented data, no storage.
// `node shots/mock.mjs [port] [--setup] [--empty]`, password "faultwire". The real server is the truth; this is for states that are
// hard to bring about there (slow answers: /__slow?ms=, failures: /__fail?on=).
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const port = Number(process.argv[2] ?? 9100);
let setup = process.argv.includes("--setup");
const empty = process.argv.includes("--empty");
let signedIn = false, slow = 0, fail = false;
const NOW = Date.now();
const iso = (secondsAgo) => new Date(NOW - secondsAgo * 1000).toISOString();
const wave = (n, seed, size) => Array.from({ length: n }, (_, i) => { const v = Math.abs(Math.sin(i * 0.7 + seed) * Math.sin(i * 2.3 + seed * 3)) * size; return v < size * 0.08 ? 0 : Math.round(v); });

const projects = empty ? [] : [
  project(1, "Checkout", "node", 7, 420), project(2, "Storefront", "javascript", 23, 2900), project(3, "Recommendations", "python", 2, 61), project(4, "Warehouse sync", "rust", 0, null),
];
function project(id, name, platform, unresolved, size) {
  const slug = name.toLowerCase().replaceAll(" ", "-");
  return { id, name, slug, platform, dsn: `http://9b2f0c7ad41e4c38a6f0d3b57e812c4${id}@127.0.0.1:${port}/${id}`, created_at: iso(86400 * 41), first_event_at: size === null ? null : iso(86400 * 40), unresolved_issues: unresolved, events_24h: size === null ? Array(24).fill(0) : wave(24, id, size / 12) };
}
const rows = [
  ["TypeError", "Cannot read properties of undefined (reading 'amount')", "POST /checkout in chargeCart", "error", "regressed", false, 12840, 2311, 86400 * 19, 40],
  ["PaymentError", "Card declined: insufficient_funds for card [Filtered]", "chargeCard in src/payments/stripe.ts", "error", "new", true, 214, 187, 3600 * 5, 130],
  ["AggregateError", "3 of 5 inventory calls failed", "reserveStock in src/inventory/reserve.ts", "fatal", "ongoing", false, 96, 0, 86400 * 6, 1250],
  ["TimeoutError", "Query took longer than 5000 ms: SELECT id, sku, price FROM items WHERE cart_id = $1 ORDER BY added_at", "loadCart in src/cart/store.ts", "warning", "ongoing", true, 3120, 940, 86400 * 88, 3000],
  ["RangeError", "Maximum call stack size exceeded", "flatten in src/catalog/tree.ts", "error", "ongoing", false, 31, 22, 86400 * 3, 8200],
  ["Cart price changed during checkout", "", "verifyTotals in src/checkout/verify.ts", "info", "ongoing", null, 77, 75, 86400 * 12, 15800],
  ["ECONNREFUSED", "connect ECONNREFUSED 10.4.1.22:6379", "connect in node:net", "error", "new", false, 5, 0, 7300, 7100],
];
const issues = rows.map(([type, value, culprit, level, substatus, handled, count, users, first, last], i) => ({
  id: i + 1, project_id: 1, short_id: `CHECKOUT-${i + 1}`, type, value, title: value ? `${type}: ${value}` : type, culprit, level, platform: "node", status: "unresolved", substatus, handled, count, users,
  first_seen: iso(first), last_seen: iso(last), first_release: "shop@2.3.0", last_release: "shop@2.4.1", trend_24h: wave(24, i + 2, count / 20),
}));
for (const [i, status] of [[20, "resolved"], [21, "ignored"]]) issues.push({ ...issues[3], id: i, short_id: `CHECKOUT-${i}`, status, substatus: null });

const lib = (fn, file, line) => ({ function: fn, filename: `node_modules/express/lib/${file}`, abs_path: `/srv/shop/node_modules/express/lib/${file}`, module: "express.lib", lineno: line, colno: 13, in_app: false, context_line: "    fn(req, res, next);", pre_context: ["  try {"], post_context: ["  } catch (err) {"] });
const frames = [
  { function: "processTicksAndRejections", filename: "node:internal/process/task_queues", lineno: 95, colno: 5, in_app: false },
  lib("Layer.handle [as handle_request]", "router/layer.js", 95), lib("next", "router/route.js", 149), lib("Route.dispatch", "router/route.js", 119), lib("Function.process_params", "router/index.js", 346),
  { function: "POST /checkout", filename: "src/routes/checkout.ts", abs_path: "/srv/shop/src/routes/checkout.ts", lineno: 48, colno: 20, in_app: true, pre_context: ["router.post(\"/checkout\", async (req, res) => {", "  const cart = await loadCart(req.session.cartId);", "  // The total is computed again here: never trust the client's figure.", "  const total = priceOf(cart);"], context_line: "  const receipt = await chargeCart(cart, total, req.body.card);", post_context: ["  res.status(201).json({ id: receipt.id });", "});"] },
  { function: "chargeCart", filename: "src/payments/charge.ts", abs_path: "/srv/shop/src/payments/charge.ts", lineno: 27, colno: 31, in_app: true, pre_context: ["  const discount = findDiscount(cart.coupon);", "  if (cart.items.length === 0) {", "    throw new Error(`cart ${cart.id} is empty`);", "  }", ""], context_line: "  const off = Math.min(discount.amount, total * 0.5);", post_context: ["  const charge = await gateway.charge({", "    amount: total - off,", "    currency: \"eur\",", "    card: card.token,", "  });"], vars: { cart: { id: "c_81f3", coupon: "SPRING-26", items: [{ sku: "MUG-04", quantity: 2 }, { sku: "TEE-11", quantity: 1 }] }, discount: null, total: 64.9, card: "[Filtered]" } },
];
const payload = {
  event_id: "", platform: "node", level: "error",
  exception: { values: [
    { type: "CouponError", value: "no discount named SPRING-26", mechanism: { type: "chained", handled: true }, stacktrace: { frames: frames.slice(5, 6).concat([{ function: "findDiscount", filename: "src/payments/discounts.ts", lineno: 12, colno: 9, in_app: true, pre_context: ["export function findDiscount(code: string) {", "  const found = DISCOUNTS.get(code);"], context_line: "  if (!found) throw new CouponError(`no discount named ${code}`);", post_context: ["  return found;", "}"] }]) } },
    { type: "TypeError", value: "Cannot read properties of undefined (reading 'amount')", mechanism: { type: "onuncaughtexception", handled: false }, stacktrace: { frames } },
  ] },
  breadcrumbs: { values: [
    { timestamp: (NOW - 252000) / 1000, category: "navigation", type: "navigation", data: { from: "/cart", to: "/checkout" } },
    { timestamp: (NOW - 91000) / 1000, category: "http", type: "http", level: "info", data: { method: "GET", url: "https://shop.example/api/cart/c_81f3", status_code: 200 } },
    { timestamp: (NOW - 81500) / 1000, category: "query", message: "SELECT id, sku, price FROM items WHERE cart_id = $1", data: { rows: 2, "duration_ms": 4 } },
    { timestamp: (NOW - 45200) / 1000, category: "ui.click", message: "button#pay.primary" },
    { timestamp: (NOW - 41300) / 1000, category: "http", type: "http", level: "error", data: { method: "POST", url: "https://gateway.example/v1/charges", status_code: 503, reason: "Service Unavailable" } },
    { timestamp: (NOW - 40600) / 1000, category: "console", level: "warning", message: "retrying charge (1 of 3) for [Filtered]", data: { logger: "console", arguments: ["retrying"] } },
    { timestamp: (NOW - 40020) / 1000, category: "cart", message: "coupon applied", data: { code: "SPRING-26" } },
  ] },
  tags: [["region", "eu-central-1"], ["payment.provider", "stripe"], ["checkout.step", "confirm"], ["server_name", "shop-7f9c"], ["experiment", "one-page-checkout"]],
  user: { id: "u_20931", email: "[Filtered]", ip_address: "[Filtered]", plan: "pro" },
  request: { url: "https://shop.example/checkout", method: "POST", query_string: "ref=mail&token=[Filtered]", headers: [["Host", "shop.example"], ["User-Agent", "Mozilla/5.0 (X11; Linux x64) Chrome/142.0.0.0 Safari/537.36"], ["Content-Type", "application/json"], ["Authorization", "[Filtered]"], ["X-Request-Id", "7a1cf0de"]], cookies: [["session", "[Filtered]"], ["theme", "dark"]], data: { cart: "c_81f3", card: { number: "[Filtered]", holder: "J. Doe", expires: "11/29" }, newsletter: false } },
  contexts: { runtime: { name: "node", version: "v20.20.2" }, os: { name: "Linux", version: "6.8.0", kernel_version: "6.8.0-41-generic", distribution_name: "debian" }, device: { arch: "x64", processor_count: 4, memory_size: 16687091712, free_memory: 2311091712, boot_time: "2026-11-02T07:11:00Z" }, app: { app_start_time: iso(7200), app_memory: 187091712 }, culture: { locale: "de-DE", timezone: "Europe/Berlin" }, cart: { items: 3, total: 64.9, currency: "EUR" }, trace: { trace_id: "b1a2c3d4e5f60718293a4b5c6d7e8f90", span_id: "9f3a1c2b4d5e6f70" } },
  extra: { attempt: 2, flags: { newPricing: true, expressCheckout: false }, note: "customer used the one-page checkout" },
  sdk: { name: "faultwire.node", version: "0.1.0" },
  _meta: { exception: {}, user: { email: { "": { rem: [["@email", "s", 0, 10]], len: 22 } } }, request: { headers: { 3: { 1: { "": { rem: [["@authorization", "s", 0, 10]], len: 187 } } } }, data: { card: { number: { "": { rem: [["@creditcard", "s", 0, 10]], len: 19 } } } } } },
};
const ids = Array.from({ length: 9 }, (_, i) => `${i}f3c9a71b2d84e60958c7fd1a4b60e2${i}`.slice(0, 32).padEnd(32, "0"));
const detail = (issue, n) => ({ id: ids[n], issue_id: issue.id, project_id: 1, title: issue.title, timestamp: iso(40 + n * 4000), received_at: iso(39 + n * 4000), release: "shop@2.4.1", environment: "production", user: "u_20931", level: issue.level, platform: "node", culprit: issue.culprit, previous_event_id: ids[n + 1] ?? null, next_event_id: ids[n - 1] ?? null, event: { ...payload, event_id: ids[n] }, attachments: [{ id: 1, filename: "heap-summary.json", content_type: "application/json", size: 48213 }] });
const full = (issue) => ({ ...issue, trend_30d: wave(30, issue.id, issue.count / 9), latest_event_id: ids[0], grouping: { version: "v1", parts: ["type: TypeError", "in-app frame: chargeCart in src/payments/charge.ts", "in-app frame: POST /checkout in src/routes/checkout.ts"] }, tags: [
  { key: "environment", total: 200, values: [{ value: "production", count: 181 }, { value: "staging", count: 19 }] },
  { key: "release", total: 200, values: [{ value: "shop@2.4.1", count: 122 }, { value: "shop@2.4.0", count: 60 }, { value: "shop@2.3.9", count: 17 }, { value: "shop@2.3.8", count: 1 }] },
  { key: "region", total: 200, values: [{ value: "eu-central-1", count: 104 }, { value: "us-east-1", count: 96 }] },
] });

const api = {
  "GET /session": () => ({ setup, user: signedIn ? { name: "admin" } : null, version: "0.1.0" }),
  "POST /setup": () => { setup = false; signedIn = true; return api["GET /session"](); },
  "POST /session": (_, body) => { if (body.password !== "faultwire") throw [401, "the password is wrong"]; signedIn = true; return api["GET /session"](); },
  "DELETE /session": () => { signedIn = false; },
  "GET /projects": () => ({ items: projects, next: null }),
  "POST /projects": (_, body) => { if (body.name === "bad") throw [422, "the name is taken"]; const made = { ...project(projects.length + 1, body.name, body.platform ?? null, 0, null) }; projects.push(made); setTimeout(() => { made.first_event_at = new Date().toISOString(); }, 9000); return made; },
  "GET /projects/:id": ([id]) => projects.find((p) => p.id === Number(id)) ?? missing("project"),
  "GET /projects/:id/issues": ([id], _, query) => { const status = /is:(\w+)/.exec(query.get("query") ?? "")?.[1] ?? "unresolved"; const words = (query.get("query") ?? "").replace(/is:\w+/, "").trim(); const items = id === "1" ? issues.filter((i) => i.status === status && i.title.toLowerCase().includes(words.toLowerCase())) : []; return { items, next: null }; },
  "GET /issues/:id": ([id]) => full(issues.find((i) => i.id === Number(id)) ?? missing("issue")),
  "PATCH /issues/:id": ([id], body) => { const issue = issues.find((i) => i.id === Number(id)) ?? missing("issue"); issue.status = body.status; return full(issue); },
  "GET /issues/:id/events/latest": ([id]) => detail(issues.find((i) => i.id === Number(id)), 0),
  "GET /events/:id": ([id]) => { const n = ids.indexOf(id); if (n < 0) missing("event"); return detail(issues[0], n); },
};
function missing(what) { throw [404, `no such ${what}`]; }

createServer(async (request, response) => {
  const url = new URL(request.url, "http://x");
  const csp = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'";
  if (url.pathname === "/__slow") { slow = Number(url.searchParams.get("ms")); return response.end("ok"); }
  if (url.pathname === "/__fail") { fail = url.searchParams.get("on") === "1"; return response.end("ok"); }
  if (url.pathname.startsWith("/api/v1")) {
    await new Promise((done) => setTimeout(done, slow));
    let body = ""; for await (const chunk of request) body += chunk;
    const path = url.pathname.slice(7);
    try {
      if (fail && path !== "/session") throw [500, "the store is locked", ["SQLITE_BUSY"]];
      if (!signedIn && !["/session", "/setup"].includes(path)) throw [401, "sign in first"];
      if (request.method !== "GET" && request.headers["x-faultwire-request"] !== "1") throw [403, "header missing"];
      for (const [route, run] of Object.entries(api)) {
        const [method, pattern] = route.split(" ");
        const match = new RegExp(`^${pattern.replace(/:id/g, "([^/]+)")}$`).exec(path);
        if (method !== request.method || !match) continue;
        const answer = run(match.slice(1), body ? JSON.parse(body) : {}, url.searchParams);
        response.writeHead(answer === undefined ? 204 : 200, { "content-type": "application/json" });
        return response.end(answer === undefined ? "" : JSON.stringify(answer));
      }
      missing("page");
    } catch (error) {
      const [status, text, causes] = Array.isArray(error) ? error : [500, String(error)];
      response.writeHead(status, { "content-type": "application/json" });
      return response.end(JSON.stringify({ detail: text, causes }));
    }
  }
  const file = normalize(join(dist, url.pathname));
  const types = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".html": "text/html" };
  const found = file.startsWith(dist) && extname(file) ? await readFile(file).catch(() => null) : null;
  response.writeHead(200, { "content-type": found ? types[extname(file)] ?? "application/octet-stream" : "text/html", "content-security-policy": csp });
  response.end(found ?? (await readFile(join(dist, "index.html"))));
}).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));
