import * as faultwire from "@faultwire/node";
import "./faultwire.js";

import { startPaymentProvider } from "./payment-provider.js";
import { createShop } from "./shop.js";

const provider = await startPaymentProvider();
const server = createShop({ paymentsUrl: provider.url }).listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`shop is listening on http://127.0.0.1:${server.address().port}`);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    server.close();
    server.closeAllConnections();
    provider.close();
    // What cannot be delivered within the two seconds is on disk and goes out at the next start.
    await faultwire.close(2_000);
    process.exit(0);
  });
}
