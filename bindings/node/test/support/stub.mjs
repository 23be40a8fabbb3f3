// A collector that does what a test tells it: keeps every event, answers with the statuses it is given.

import { once } from "node:events";
import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";

export const PUBLIC_KEY = "0123456789abcdef0123456789abcdef";

/** Starts a stub on a free port, or on `port`. */
export async function startStub({ port = 0, reply = () => ({ status: 200 }) } = {}) {
  const stub = new Stub(reply);
  await stub.listen(port);
  return stub;
}

class Stub {
  /** Every event received, in order, copies included. */
  events = [];
  /** Discarded counts of client reports, by reason. */
  reported = {};
  requests = 0;
  #waiting = [];

  constructor(reply) {
    this.reply = reply;
    this.server = createServer((request, response) => this.#serve(request, response));
  }

  async listen(port) {
    this.server.listen(port, "127.0.0.1");
    await once(this.server, "listening");
    this.port = this.server.address().port;
    this.dsn = `http://${PUBLIC_KEY}@127.0.0.1:${this.port}/1`;
  }

  async close() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  /** Waits until an event satisfies `wanted`; fails by name after `ms`. */
  async event(wanted = () => true, ms = 30_000) {
    const found = this.events.find(wanted);
    if (found) return found;
    return this.#until(() => this.events.find(wanted), ms, `no such event in ${ms} ms; ${this.events.length} others came`);
  }

  /** Waits until `count` different event ids have arrived. */
  async ids(count, ms = 30_000) {
    const distinct = () => new Set(this.events.map((event) => event.event_id));
    await this.#until(() => distinct().size >= count, ms, `${distinct().size} of ${count} events in ${ms} ms`);
    return distinct();
  }

  #until(check, ms, failure) {
    const value = check();
    if (value) return Promise.resolve(value);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(typeof failure === "function" ? failure() : failure)), ms);
      this.#waiting.push(() => {
        const value = check();
        if (!value) return false;
        clearTimeout(timer);
        resolve(value);
        return true;
      });
    });
  }

  async #serve(request, response) {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // The sender was killed in the middle.
    }
    this.requests += 1;
    const raw = Buffer.concat(chunks);
    const envelope = parseEnvelope(request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw);
    const { status, headers } = this.reply(request, envelope, this);
    if (status === 200) this.#keep(envelope);
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(status === 200 ? { id: envelope.header.event_id } : { detail: "as scripted" }));
  }

  #keep(envelope) {
    for (const { header, payload } of envelope.items) {
      if (header.type === "event") this.events.push(JSON.parse(payload));
      if (header.type === "client_report") {
        for (const { reason, quantity } of JSON.parse(payload).discarded_events) {
          this.reported[reason] = (this.reported[reason] ?? 0) + quantity;
        }
      }
    }
    this.#waiting = this.#waiting.filter((done) => !done());
  }
}

/** Takes an envelope apart (protocol 2.1). */
export function parseEnvelope(bytes) {
  let at = 0;
  const line = () => {
    const end = bytes.indexOf(10, at);
    const text = bytes.subarray(at, end < 0 ? bytes.length : end).toString();
    at = end < 0 ? bytes.length : end + 1;
    return text;
  };
  const header = JSON.parse(line());
  const items = [];
  while (at < bytes.length) {
    const text = line();
    if (text === "") continue;
    const header = JSON.parse(text);
    const payload = bytes.subarray(at, at + header.length).toString();
    at += header.length + 1;
    items.push({ header, payload });
  }
  return { header, items };
}
