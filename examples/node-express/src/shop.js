import { addBreadcrumb, expressErrorHandler, requestHandler, setTag, setUser } from "@faultwire/node";
import express from "express";

import { addToCart, cartOf, emptyCart } from "./cart.js";
import { products } from "./catalog.js";
import { checkout } from "./checkout.js";
import { customers } from "./customers.js";

/** The shop's HTTP side. `paymentsUrl` is where cards are charged. */
export function createShop({ paymentsUrl }) {
  const app = express();
  app.use(requestHandler());
  app.use(express.json());
  app.use(identifyCustomer);

  app.get("/", (request, response) => {
    response.type("html").send(frontPage());
  });

  app.get("/products", (request, response) => {
    response.json(products);
  });

  app.post("/cart/:sku", (request, response) => {
    const quantity = Number(request.body?.quantity ?? 1);
    addToCart(request.customer.id, request.params.sku, quantity);
    addBreadcrumb({ category: "cart.add", message: `${quantity} x ${request.params.sku}`, data: { quantity } });
    response.status(201).json(cartOf(request.customer.id));
  });

  app.post("/checkout", async (request, response) => {
    const { card = "visa", country = "DE" } = request.body ?? {};
    setTag("payment.card", card);
    setTag("ship.country", country);
    try {
      const order = await checkout(request.customer, cartOf(request.customer.id), { card, country, paymentsUrl });
      response.status(201).json(order);
    } finally {
      emptyCart(request.customer.id);
    }
  });

  app.use(expressErrorHandler());
  app.use(apologise);
  return app;
}

function identifyCustomer(request, response, next) {
  request.customer = customers.find(({ id }) => id === request.get("x-customer")) ?? customers[0];
  const { id, name, plan } = request.customer;
  setUser({ id, username: name });
  setTag("plan", plan);
  next();
}

// Express knows an error handler by its four parameters.
function apologise(error, request, response, next) {
  if (response.headersSent) return next(error);
  response.status(error.status ?? 500).json({
    message: "Something broke on our side. Your card was not charged.",
    // What a customer can quote to support; it is the id of the event in Faultwire.
    reference: response.locals.faultwireEventId,
  });
}

function frontPage() {
  const attempt = (label, sku, card) =>
    `<button onclick="buy('${sku}', '${card}')">${label}</button>`;
  return `<!doctype html>
<meta charset="utf-8">
<title>The tea shop</title>
<style>body { font: 16px/1.5 system-ui; max-width: 40rem; margin: 4rem auto; } button { display: block; margin: .5rem 0; padding: .5rem 1rem; }</style>
<h1>The tea shop</h1>
<p>Four ways to check out. One works.</p>
${attempt("Buy a teapot", "teapot", "visa")}
${attempt("Buy the discontinued samovar", "samovar", "visa")}
${attempt("Pay with a card the provider chokes on", "teapot", "amex")}
${attempt("Buy 500 cups", "cup", "visa")}
<pre id="answer"></pre>
<script>
  async function buy(sku, card) {
    const headers = { "content-type": "application/json" };
    await fetch("/cart/" + sku, { method: "POST", headers, body: JSON.stringify({ quantity: sku === "cup" ? 500 : 1 }) });
    const answer = await fetch("/checkout", { method: "POST", headers, body: JSON.stringify({ card }) });
    document.querySelector("#answer").textContent = answer.status + " " + JSON.stringify(await answer.json(), null, 2);
  }
</script>`;
}
