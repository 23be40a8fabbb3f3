import { addBreadcrumb, setContext } from "@faultwire/node";

import { charge } from "./payments.js";
import { shippingTo, totalOf } from "./pricing.js";
import { reserve } from "./stock.js";

let lastOrder = 20_417;

/** Turns a cart into a paid order. */
export async function checkout(customer, lines, { card, country, paymentsUrl }) {
  const number = `A-${(lastOrder += 1)}`;
  setContext("order", { number, lines: lines.map(({ product, quantity }) => ({ sku: product.sku, quantity })) });
  addBreadcrumb({ category: "checkout", message: `order ${number} by ${customer.name}` });

  const total = totalOf(lines);
  const amount = total + shippingTo(country, total);
  addBreadcrumb({ category: "checkout", message: "priced", data: { total, amount } });

  const reservations = await Promise.all(lines.map(({ product, quantity }) => reserve(product.sku, quantity)));
  const payment = await charge({ number, amount, card, paymentsUrl });
  return { number, amount, payment, reservations };
}
