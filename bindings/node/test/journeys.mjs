// Plays one script of a journey (see core/vectors/README.md): makes its calls and prints what they return.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const faultwire = createRequire(import.meta.url)("..");
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const setters = ["setTag", "setUser", "setContext", "setExtra", "setLevel", "setTransaction", "setFingerprint", "addBreadcrumb"];

async function run(steps) {
  for (const step of steps) {
    const [[call, given]] = Object.entries(step);
    if (setters.includes(call)) {
      set(faultwire, call, given);
      continue;
    }
    switch (call) {
      case "init":
        faultwire.init(options(given));
        break;
      case "withScope":
        await faultwire.withScope((scope) => {
          for (const step of given.set ?? []) for (const [call, value] of Object.entries(step)) set(scope, call, value);
          return run(given.steps);
        });
        break;
      case "captureException":
        say({ id: faultwire.captureException(described(given)) || null });
        break;
      case "captureValue":
        say({ id: faultwire.captureException(given) || null });
        break;
      case "captureMessage":
        say({ id: faultwire.captureMessage(given.text, given.level) || null });
        break;
      case "flush":
      case "close": {
        const begin = performance.now();
        const done = await faultwire[call](given);
        say({ [call]: done, ms: performance.now() - begin, limit: given });
        break;
      }
      case "stats":
      case "isEnabled":
        say({ [call]: faultwire[call]() });
        break;
      case "die":
        process.kill(process.pid, "SIGKILL");
        await new Promise(() => setInterval(() => {}, 1_000));
        break;
      default:
        throw new Error(`no such call: ${call}`);
    }
  }
}

/** Sets one thing on `on`: a scope, or the package, whose setters speak to the scope in force. */
function set(on, call, given) {
  if (["setTag", "setContext", "setExtra"].includes(call)) on[call](given.key, given.value);
  else if (call === "setTransaction") (on === faultwire ? faultwire.getCurrentScope() : on).setTransactionName(given);
  else if (call === "setFingerprint") (on === faultwire ? faultwire.getCurrentScope() : on).setFingerprint(given);
  else on[call](given);
}

function options({ beforeSend, ...rest }) {
  const quiet = { captureUncaught: false, consoleBreadcrumbs: false, httpBreadcrumbs: false };
  return { ...quiet, ...rest, ...(beforeSend && { beforeSend: (event) => hook(beforeSend, event) }) };
}

function hook({ set, drop, throw: throwing }, event) {
  const json = JSON.stringify(event);
  if (throwing !== undefined && json.includes(throwing)) throw new Error("the hook throws");
  if (drop !== undefined && json.includes(drop)) return null;
  return Object.assign(event, set);
}

function described({ type, message, cause, stack }) {
  const error = new Error(message, cause && { cause: described(cause) });
  error.name = type;
  if (stack === "none") delete error.stack;
  return error;
}

await run(JSON.parse(readFileSync(process.env.FAULTWIRE_JOURNEY, "utf8")));
