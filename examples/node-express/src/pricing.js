/** What the lines cost together, in cents. */
export function totalOf(lines) {
  return lines.reduce((sum, { product, quantity }) => sum + product.price.amount * quantity, 0);
}

/** Shipping to a country, in cents. Free above fifty euros. */
export function shippingTo(country, total) {
  if (total >= 5_000) return 0;
  return country === "DE" ? 490 : 990;
}
