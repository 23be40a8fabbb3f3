// Screenshots of a running collector, for people to look at and judge.
//
//   node shots/shots.mjs --base http://127.0.0.1:9000 --password P --out DIR [--chromium /usr/bin/chromium]
//
// Expects a project with issues and, for waiting.png, one without events. Fails when a page shows an error state, throws, logs an
// error or a warning, or asks another origin for anything: a screenshot of a broken page is not worth looking at.
import { mkdir, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values: options } = parseArgs({
  options: {
    base: { type: "string", default: "http://127.0.0.1:9000" },
    password: { type: "string" },
    out: { type: "string", default: "shots" },
    chromium: { type: "string", default: process.env.CHROMIUM ?? "/usr/bin/chromium" },
  },
});
if (!options.password) fail("give the admin password with --password");
const base = options.base.replace(/\/$/, "");
const out = resolve(options.out);
const README_MAX_BYTES = 300_000;
const CSRF = { "X-Faultwire-Request": "1" };

const problems = [];
const browser = await chromium
  .launch({
    executablePath: options.chromium,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  })
  .catch((error) => fail(`cannot start ${options.chromium}: ${error.message}`));

try {
  await mkdir(out, { recursive: true });
  // One login for all pages: the collector allows only a few tries a minute.
  const visitor = await browser.newContext();
  const answer = await visitor.request.post(`${base}/api/v1/session`, { data: { password: options.password }, headers: CSRF });
  if (!answer.ok()) fail(`the collector refused the login with ${answer.status()}: ${await answer.text()}`);
  const get = async (path) => {
    const reply = await visitor.request.get(`${base}/api/v1${path}`);
    if (!reply.ok()) fail(`GET ${path} gave ${reply.status()}: ${await reply.text()}`);
    return reply.json();
  };
  const projects = (await get("/projects")).items;
  const busy = projects.filter((project) => project.first_event_at).toSorted((a, b) => b.unresolved_issues - a.unresolved_issues)[0];
  const waiting = projects.find((project) => !project.first_event_at);
  if (!busy) fail("no project has events yet");
  const issue = await richest((await get(`/projects/${busy.id}/issues?limit=25`)).items, get);
  if (!issue) fail(`project ${busy.name} has no unresolved issue`);
  const state = await visitor.storageState();

  await shot("projects", "/projects", { ready: "main h2" });
  await shot("list", `/projects/${busy.id}`, { ready: "ul[aria-label=Issues] li" });
  await shot("list-dark", `/projects/${busy.id}`, { ready: "ul[aria-label=Issues] li", theme: "dark" });
  await shot("issue", `/issues/${issue}`, { ready: "section[aria-label='Why are these together?']", height: 1600 });
  await shot("issue-full", `/issues/${issue}`, { ready: "section[aria-label='Why are these together?']", full: true });
  await shot("issue-dark", `/issues/${issue}`, { ready: "section[aria-label='Why are these together?']", theme: "dark", height: 1600 });
  await shot("mobile", `/projects/${busy.id}`, { ready: "ul[aria-label=Issues] li", width: 390, height: 844 });
  await shot("mobile-issue", `/issues/${issue}`, { ready: "section[aria-label='Why are these together?']", width: 390, height: 1400 });
  if (waiting) await shot("waiting", `/projects/${waiting.id}/setup`, { ready: "text=Waiting for your first event" });
  else problems.push("waiting: there is no project without events");
  // The server has its password already, so its answer about the first start is replaced by the one of a new server.
  await shot("setup", "/setup", { ready: "text=Welcome to Faultwire", session: { setup: true, user: null, version: "0.1.0" }, height: 800 });
  await shot("login", "/login", { ready: "text=Sign in to Faultwire", session: { setup: false, user: null, version: "0.1.0" }, height: 800 });

  await shot("readme", `/issues/${issue}`, { ready: "section[aria-label='Why are these together?']", width: 1280, height: 860 });
  const { size } = await stat(join(out, "readme.png"));
  if (size > README_MAX_BYTES) problems.push(`readme: ${size} bytes, more than ${README_MAX_BYTES}`);

  async function shot(name, path, { ready, theme = "light", width = 1440, height = 900, full = false, session }) {
    const mobile = width < 500;
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      reducedMotion: "reduce",
      isMobile: mobile,
      deviceScaleFactor: mobile ? 2 : 1,
      storageState: state,
    });
    const page = await context.newPage();
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(`${name}: console ${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => problems.push(`${name}: threw ${error.message}`));
    page.on("request", (request) => !request.url().startsWith(`${base}/`) && problems.push(`${name}: asked for ${request.url()}`));
    if (session) await page.route("**/api/v1/session", (route) => route.fulfill({ json: session }));
    try {
      await page.goto(base + path);
      await page.locator(ready).first().waitFor({ timeout: 15_000 });
      await page.evaluate(() => document.fonts.ready);
    } catch (error) {
      problems.push(`${name}: ${error.message.split("\n")[0]}`);
    }
    for (const alert of await page.locator("[role=alert]").allInnerTexts()) problems.push(`${name}: shows ${JSON.stringify(alert)}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) problems.push(`${name}: is ${wide} px wider than the window`);
    await rm(join(out, `${name}.png`), { force: true });
    await page.screenshot({ path: join(out, `${name}.png`), fullPage: full });
    await context.close();
    console.log(`${name}.png`);
  }
} finally {
  await browser.close();
}

if (problems.length > 0) fail(`${problems.length} problems\n  ${problems.join("\n  ")}`);

/**
 * The issue that shows best what the product does: the exception a reader sees first has source lines of the app, and there is one
 * exception rather than a chain; then breadcrumbs, request, user and contexts count.
 */
async function richest(issues, get) {
  let best = null;
  for (const { id } of issues) {
    const { event } = await get(`/issues/${id}/events/latest`);
    const exceptions = event.exception?.values ?? [];
    const sources = exceptions.map((exception) => (exception.stacktrace?.frames ?? []).filter((frame) => frame.context_line && frame.in_app).length);
    const score =
      ((sources.at(-1) ?? 0) > 0 ? 1000 : 0) +
      (exceptions.length === 1 ? 100 : 0) +
      sources.reduce((sum, count) => sum + Math.min(count, 3) * 10, 0) +
      (event.breadcrumbs?.values?.length ?? 0) +
      (event.request ? 60 : 0) +
      (event.user ? 20 : 0) +
      Object.keys(event.contexts ?? {}).length;
    if (best === null || score > best.score) best = { id, score };
  }
  return best?.id ?? null;
}

function fail(text) {
  console.error(`shots: ${text}`);
  process.exit(1);
}
