import { setTimeout as wait } from "node:timers/promises";

/** A warehouse that cannot deliver. */
export class OutOfStockError extends Error {
  constructor(warehouse, sku, wanted, available) {
    super(`${warehouse} has ${available} of ${sku}`);
    this.name = "OutOfStockError";
    this.warehouse = warehouse;
    this.sku = sku;
    this.wanted = wanted;
    this.available = available;
  }
}

const warehouses = [
  { name: "leipzig", latencyMs: 5, shelves: { teapot: 40, cup: 200, sencha: 900, samovar: 1 } },
  { name: "rotterdam", latencyMs: 12, shelves: { teapot: 10, cup: 120, sencha: 300, samovar: 0 } },
  { name: "graz", latencyMs: 8, shelves: { teapot: 4, cup: 60, sencha: 80, samovar: 0 } },
];

/** Reserves with whichever warehouse answers first. An order line is never split between two. */
export function reserve(sku, quantity) {
  return Promise.any(warehouses.map((warehouse) => reserveAt(warehouse, sku, quantity)));
}

async function reserveAt({ name, latencyMs, shelves }, sku, quantity) {
  await wait(latencyMs);
  const available = shelves[sku] ?? 0;
  if (available < quantity) throw new OutOfStockError(name, sku, quantity, available);
  return { warehouse: name, sku, quantity };
}
