// The server side of the process-death tests: the stub, or with FAULTWIRE_COLLECTOR=path the real collector.
//
// Both answer one question: how often is the event with this message in the store? Both keep one port, so that an app
// can be pointed at a collector that is not there yet.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

import { tempDir } from "./host.mjs";
import { PUBLIC_KEY, startStub } from "./stub.mjs";

/** A collector that is down until `up()`. */
export async function collectorFor(t) {
  const port = await freePort();
  const binary = process.env.FAULTWIRE_COLLECTOR;
  return binary ? new RealCollector(t, binary, port) : new StubCollector(t, port);
}

class StubCollector {
  name = "stub";

  constructor(t, port) {
    this.t = t;
    this.port = port;
    this.dsn = `http://${PUBLIC_KEY}@127.0.0.1:${port}/1`;
  }

  async up() {
    this.stub = await startStub({ port: this.port });
    this.t.after(() => this.stub.close());
  }

  /** How often each message is stored: copies with one event id count once, as in the collector. */
  async counts() {
    const messages = new Map(this.stub.events.map((event) => [event.event_id, event.exception.values.at(-1).value]));
    const counts = new Map();
    for (const message of messages.values()) counts.set(message, (counts.get(message) ?? 0) + 1);
    return counts;
  }

  /** Events that came more than once over the wire. */
  copies() {
    return this.stub.events.length - new Set(this.stub.events.map(({ event_id }) => event_id)).size;
  }
}

class RealCollector {
  name = "collector";

  constructor(t, binary, port) {
    this.t = t;
    this.binary = binary;
    this.port = port;
    this.data = tempDir(t);
    this.#run("project", "create", "deaths", "--id", "1", "--public-key", PUBLIC_KEY);
    this.token = this.#run("token", "create").trim().split("\n").at(-1);
    this.dsn = `http://${PUBLIC_KEY}@127.0.0.1:${port}/1`;
  }

  #run(...args) {
    return execFileSync(this.binary, [...args, "--data", this.data], { encoding: "utf8" });
  }

  async up() {
    const server = spawn(this.binary, ["serve", "--listen", `127.0.0.1:${this.port}`, "--data", this.data], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.t.after(async () => {
      server.kill("SIGTERM");
      await once(server, "exit");
    });
    await once(createInterface({ input: server.stdout }), "line");
  }

  /** The messages of every event of every issue; each issue's count must agree with its events. */
  async counts(expected) {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const counts = await this.#read();
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      if ((total >= expected && !this.disagreement) || Date.now() > deadline) {
        if (this.disagreement) throw new Error(this.disagreement);
        return counts;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #read() {
    const counts = new Map();
    for await (const issue of this.#all("/api/v1/projects/1/issues")) {
      let events = 0;
      for await (const { title } of this.#all(`/api/v1/issues/${issue.id}/events`)) {
        const message = title.slice("Error: ".length);
        counts.set(message, (counts.get(message) ?? 0) + 1);
        events += 1;
      }
      // Between the two answers more may have been digested; once all are in, the count must be exact.
      this.disagreement = events === issue.count ? undefined : `issue ${issue.id} says ${issue.count} and has ${events} events`;
    }
    return counts;
  }

  async *#all(path) {
    let cursor = "";
    do {
      const page = await this.#get(`${path}?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      yield* page.items;
      cursor = page.next ?? "";
    } while (cursor);
  }

  async #get(path) {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      headers: { authorization: `Bearer ${this.token}` },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  copies() {
    return 0;
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
