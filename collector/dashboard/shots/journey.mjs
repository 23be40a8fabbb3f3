// A person's first hour with the dashboard, in a real browser against a real collector on an empty folder:
//
//   node shots/journey.mjs --binary ../../target/debug/faultwire [--chromium /usr/bin/chromium] [--out DIR for screenshots of failures]
//
// First start, a project, the first event, the list by keyboard, undo, older and newer events, an ended session, wrong addresses.
// Waits for what a person would wait for, never for a time. Needs `npm run build` before.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values: options } = parseArgs({
  options: {
    binary: { type: "string", default: "../../target/debug/faultwire" },
    chromium: { type: "string", default: process.env.CHROMIUM ?? "/usr/bin/chromium" },
    out: { type: "string" },
  },
});
const PASSWORD = "correct horse battery";
const WAIT_MS = 15_000;

const data = await mkdtemp(join(tmpdir(), "faultwire-journey-"));
const server = spawn(options.binary, ["serve", "--listen", "127.0.0.1:0", "--data", data], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, FAULTWIRE_ADMIN_PASSWORD: "" } });
let browser;
let page;
try {
  const base = await address(server);
  browser = await chromium.launch({
    executablePath: options.chromium,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(WAIT_MS);
  page = await context.newPage();
  const noise = [];
  page.on("console", (message) => message.type() === "error" && noise.push(message.text()));
  page.on("pageerror", (error) => noise.push(error.message));
  const see = (text) => page.getByText(text, { exact: false }).first().waitFor();
  const press = (key) => page.keyboard.press(key);
  const at = (pattern) => page.waitForURL(pattern);

  await step("first start asks for a password and refuses a short one", async () => {
    await page.goto(`${base}/issues/1`);
    await at("**/setup");
    await page.getByLabel("Password").fill("short");
    await page.getByRole("button", { name: "Create the admin account" }).click();
    await see("Use at least 8 characters");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByLabel("Once more").fill(PASSWORD);
    await page.getByRole("button", { name: "Create the admin account" }).click();
    await see("Create your first project");
  });

  let dsn;
  await step("a new project waits for its first event", async () => {
    await page.getByRole("main").getByRole("button", { name: "New project" }).first().click();
    await page.getByLabel("Name").fill("Checkout service");
    await page.getByRole("button", { name: "Create project" }).click();
    await see("Waiting for your first event");
    dsn = await page.locator("code", { hasText: "@127.0.0.1" }).first().innerText();
  });

  await step("the page moves on by itself when it comes", async () => {
    await send(dsn, [error("TypeError", "cannot read the total", "charge")]);
    await see("Your first event is here");
    await at("**/issues/*");
    await see("cannot read the total");
    await see("charge");
  });

  await step("the list shows issues and moves by keyboard", async () => {
    const failures = ["RangeError", "PaymentError", "TimeoutError"].map((type) => error(type, `${type} in the shop`, `call${type}`));
    await send(dsn, [...failures, error("TypeError", "cannot read the total", "charge"), error("TypeError", "cannot read the total", "charge")]);
    await press("u");
    await at("**/projects/*");
    await page.locator("ul[aria-label=Issues] > li").nth(3).waitFor();
    await press("j");
    await press("j");
    await page.locator("ul[aria-label=Issues] > li").nth(1).and(page.locator("[aria-current=true]")).waitFor();
  });

  await step("resolve takes an issue away at once, undo brings it back", async () => {
    await press("r");
    await see("resolved");
    await rows(3);
    await page.getByRole("button", { name: "Undo" }).click();
    await rows(4);
  });

  await step("several at once", async () => {
    await page.getByLabel("Select all").check();
    await page.getByRole("toolbar").getByRole("button", { name: "Ignore" }).click();
    await see("All clear");
    await page.getByRole("radio", { name: "Ignored" }).click();
    await rows(4);
    await page.getByLabel("Select all").check();
    await page.getByRole("toolbar").getByRole("button", { name: "Reopen" }).click();
    await see("Nothing is ignored");
    await page.getByRole("radio", { name: "Unresolved" }).click();
    await rows(4);
  });

  await step("search finds by word and says what it does not understand", async () => {
    await press("/");
    await page.keyboard.type("PaymentError");
    await press("Enter");
    await rows(1);
    await page.getByLabel("Search issues").fill("level:loud");
    await press("Enter");
    await see("The issues could not be loaded");
    noise.length = 0; // The browser logs the 400 that was asked for.
    await page.getByLabel("Clear the search").click();
    await rows(4);
  });

  await step("older and newer events of an issue", async () => {
    await page.getByRole("link", { name: "TypeError" }).click();
    await page.getByRole("button", { name: "Older" }).and(page.locator(":enabled")).waitFor();
    await press("ArrowLeft");
    await at("**/events/*");
    await page.getByRole("button", { name: "Newer" }).and(page.locator(":enabled")).waitFor();
    await press("ArrowRight");
    await see("Latest event");
    await press("r");
    await page.getByRole("button", { name: "Reopen" }).waitFor();
    await press("r");
    await page.getByRole("button", { name: "Resolve", exact: true }).waitFor();
  });

  await step("an ended session leads to the login and back", async () => {
    const where = page.url();
    await context.clearCookies();
    await page.reload();
    await at("**/login?next=*");
    await page.getByLabel("Password").fill("wrong password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await see("This is not the password.");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(where);
    await see("cannot read the total");
    noise.length = 0; // The browser logs the 401s that were asked for.
  });

  await step("wrong addresses say so", async () => {
    for (const path of ["/issues/999", "/projects/999", "/issues/abc", "/no/such/page"]) {
      await page.goto(base + path);
      await see("does not exist");
    }
    noise.length = 0; // The browser logs the 404s that were asked for.
  });

  await step("help and theme", async () => {
    await page.goto(`${base}/projects`);
    await see("Checkout service");
    await press("?");
    await see("Keyboard shortcuts");
    await press("Escape");
    const before = await page.locator("html").getAttribute("data-theme");
    await press("t");
    await page.locator(`html:not([data-theme=${before}])`).waitFor();
    if (noise.length > 0) throw new Error(`the console says ${noise.join("; ")}`);
  });

  console.log("journey: all steps done");

  async function rows(count) {
    await page.waitForFunction((wanted) => document.querySelectorAll("ul[aria-label=Issues] > li").length === wanted, count);
  }
} catch (error) {
  if (options.out && page) await page.screenshot({ path: join(options.out, "journey-failed.png") });
  console.error(`journey: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser?.close();
  server.kill();
  await rm(data, { recursive: true, force: true });
}

async function step(name, run) {
  const begin = performance.now();
  try {
    await run();
  } catch (error) {
    throw new Error(`"${name}" failed: ${error.message}`);
  }
  console.log(`ok  ${name} (${Math.round(performance.now() - begin)} ms)`);
}

/** The address of the server, from its first line. */
function address(child) {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new Error(`cannot start ${options.binary}: ${error.message}`)));
    child.once("exit", (code) => reject(new Error(`the collector ended with ${code} before it listened`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /listening on (http:\S+)/.exec(line)?.[1];
      if (found) resolve(found);
    });
  });
}

function error(type, value, inFunction) {
  const frames = [
    { function: "listen", filename: "server.js", lineno: 5, in_app: true },
    { function: inFunction, filename: "shop.js", lineno: 12, in_app: true, pre_context: ["function charge() {"], context_line: "  return cart.total;", post_context: ["}"] },
  ];
  return { event_id: randomUUID().replaceAll("-", ""), timestamp: Date.now() / 1000, platform: "node", level: "error", exception: { values: [{ type, value, stacktrace: { frames } }] } };
}

/** Reports as an SDK would: one envelope an event, one after the other. */
async function send(dsn, events) {
  const { username, origin, pathname } = new URL(dsn);
  for (const event of events) {
    const reply = await fetch(`${origin}/api${pathname}/envelope/?sentry_key=${username}&sentry_version=7`, {
      method: "POST",
      body: `${JSON.stringify({ event_id: event.event_id })}\n{"type":"event"}\n${JSON.stringify(event)}\n`,
    });
    if (!reply.ok) throw new Error(`the collector refused an event with ${reply.status}: ${await reply.text()}`);
  }
}
