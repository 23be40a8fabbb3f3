/** What the shop sells. Prices are in cents. */
export const products = [
  { sku: "teapot", title: "Cast-iron teapot", price: { amount: 5900, currency: "EUR" } },
  { sku: "cup", title: "Porcelain cup", price: { amount: 1450, currency: "EUR" } },
  { sku: "sencha", title: "Sencha, 100 g", price: { amount: 890, currency: "EUR" } },
  // Taken off the price list last spring, but still in people's carts.
  { sku: "samovar", title: "Brass samovar", discontinued: true },
];

/** The product with this SKU. */
export function findProduct(sku) {
  return products.find((product) => product.sku === sku);
}
