/** A charge that did not happen. `cause` says why. */
export class PaymentError extends Error {
  constructor(message, { order, amount, cause }) {
    super(message, { cause });
    this.name = "PaymentError";
    this.order = order;
    this.amount = amount;
  }
}

/** Charges a card through the payment provider. */
export async function charge({ number, amount, card, paymentsUrl }) {
  try {
    const response = await fetch(new URL("/charges", paymentsUrl), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ order: number, amount, card }),
    });
    return await response.json();
  } catch (cause) {
    throw new PaymentError(`the payment provider did not take the charge`, { order: number, amount, cause });
  }
}
