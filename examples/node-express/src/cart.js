import { findProduct } from "./catalog.js";

const carts = new Map();

/** The lines in a customer's cart. */
export function cartOf(customerId) {
  return carts.get(customerId) ?? [];
}

/** Puts `quantity` of a product into a customer's cart. */
export function addToCart(customerId, sku, quantity) {
  const product = findProduct(sku);
  if (!product) throw Object.assign(new Error(`no product ${sku}`), { status: 404 });
  carts.set(customerId, [...cartOf(customerId), { product, quantity }]);
}

/** Takes everything out of a customer's cart. */
export function emptyCart(customerId) {
  carts.delete(customerId);
}
