import { createServer } from "node:http";

/**
 * A payment provider for the demo. Charges to one brand of card make it hang up in the middle of its answer, as real
 * ones do on bad days.
 */
export async function startPaymentProvider() {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { order, amount, card } = JSON.parse(body);
    if (card === "amex") return request.socket.destroy();
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ id: `ch-${order}`, amount, status: "paid" }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
