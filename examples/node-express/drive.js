// Sends the requests that make the shop fail: three faults, five customers, two releases.
//
//   npm run drive                      starts the shop itself, once per release, and stops it
//   SHOP_URL=http://… npm run drive    drives a shop that runs already
//
// Exits with 0 when every request was answered as expected, the failing ones included.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const RELEASES = ["shop@1.4.2", "shop@1.5.0"];

const VISITS = [
  { customer: "c-1001", sku: "teapot", card: "visa", country: "DE", expect: 201 },
  { customer: "c-1001", sku: "samovar", card: "visa", country: "DE", expect: 500 },
  { customer: "c-1002", sku: "samovar", card: "master", country: "NL", expect: 500 },
  { customer: "c-1003", sku: "teapot", card: "amex", country: "IT", expect: 500 },
  { customer: "c-1003", sku: "sencha", quantity: 3, card: "visa", country: "IT", expect: 201 },
  { customer: "c-1004", sku: "cup", quantity: 500, card: "visa", country: "AT", expect: 500 },
  { customer: "c-1005", sku: "sencha", quantity: 5, card: "amex", country: "NG", expect: 500 },
  { customer: "c-1002", sku: "cup", quantity: 2, card: "visa", country: "NL", expect: 201 },
  { customer: "c-1005", sku: "samovar", card: "visa", country: "NG", expect: 500 },
  { customer: "c-1001", sku: "cup", quantity: 240, card: "visa", country: "DE", expect: 500 },
];

if (process.env.SHOP_URL) {
  await visitAll(process.env.SHOP_URL);
} else {
  for (const release of RELEASES) {
    const shop = await startShop(release);
    console.log(`${release} on ${shop.url}`);
    try {
      await visitAll(shop.url);
    } finally {
      await shop.stop();
    }
  }
}

async function visitAll(url) {
  for (const { customer, sku, quantity = 1, card, country, expect } of VISITS) {
    const post = (path, body) =>
      fetch(new URL(path, url), {
        method: "POST",
        headers: { "content-type": "application/json", "x-customer": customer },
        body: JSON.stringify(body),
      });
    await fetch(new URL("/products", url), { headers: { "x-customer": customer } });
    await post(`/cart/${sku}`, { quantity });
    const answer = await post("/checkout", { card, country });
    const { number, reference } = await answer.json();
    const outcome = number ?? (reference ? `reported as ${reference}` : "not reported: FAULTWIRE_DSN is not set");
    console.log(`  ${customer} buys ${quantity} ${sku} by ${card}: ${answer.status} ${outcome}`);
    if (answer.status !== expect) {
      console.error(`expected ${expect}`);
      process.exitCode = 1;
    }
  }
}

async function startShop(release) {
  const shop = spawn(process.execPath, ["src/server.js"], {
    cwd: import.meta.dirname ?? new URL(".", import.meta.url).pathname,
    env: { ...process.env, PORT: "0", FAULTWIRE_RELEASE: release },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(shop, "exit");
  const lines = createInterface({ input: shop.stdout });
  const [line] = await Promise.race([
    once(lines, "line"),
    gone.then(([code]) => Promise.reject(new Error(`the shop ended with ${code} before it listened`))),
  ]);
  return {
    url: line.slice(line.indexOf("http://")),
    async stop() {
      shop.kill("SIGTERM");
      const [code] = await gone;
      if (code !== 0) process.exitCode = 1;
    },
  };
}
