// A collector that only counts: every envelope is answered 200 at once. In a process of its own, so that receiving never
// shares an event loop with what is measured.

import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";

let events = 0;
let bytes = 0;

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const raw = Buffer.concat(chunks);
    const text = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
    if (/^\{[^\n]*"type":"event"/m.test(text.toString())) {
      events += 1;
      bytes += raw.length;
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.end("{}");
  });
});
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
process.on("message", () => process.send({ events, bytes }));
