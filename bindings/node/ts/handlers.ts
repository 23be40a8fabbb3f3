// The end of the process: uncaught errors, unhandled rejections, exit.
//
// The rule is that Node behaves as if the SDK were not there. `uncaughtExceptionMonitor` sees an uncaught error before
// Node decides, and changes nothing: Node still prints it and exits with 1, or calls the app's own listeners. With
// `--unhandled-rejections=throw` (the default) and `strict` a rejection arrives there as well.
//
// Two cases are left: an app that listens to `unhandledRejection` itself, and the modes `warn`, `none` and
// `warn-with-error-code`. There a listener of our own is needed, and it must not be the only one where its presence
// would change what Node does.

import { captureDurablyFromNowOn, captureThrown } from "./capture";
import { client } from "./state";
import { printWarnings } from "./warn";

type Rejection = (reason: unknown, promise: Promise<unknown>) => void;

let installed = false;
let listening = false;

/** Starts watching. Once per process, whatever the number of `init` calls. */
export function watchProcess(): void {
  if (installed) return;
  installed = true;
  process.on("uncaughtExceptionMonitor", onUncaught);
  process.on("exit", onExit);
  process.on("newListener", onListenerAdded);
  process.on("removeListener", onListenerRemoved);
  if (ALWAYS_HARMLESS.has(rejectionMode()) || process.listenerCount("unhandledRejection") > 0) listen();
}

/** Stops watching. */
export function unwatchProcess(): void {
  if (!installed) return;
  installed = false;
  process.off("newListener", onListenerAdded);
  process.off("removeListener", onListenerRemoved);
  process.off("uncaughtExceptionMonitor", onUncaught);
  process.off("exit", onExit);
  unlisten();
}

function onUncaught(error: unknown, origin: string): void {
  const rejected = origin === "unhandledRejection";
  const mechanism = { type: rejected ? "onunhandledrejection" : "onuncaughtexception", handled: false };
  // With listeners of its own the app decides whether it goes on; without, this error ends the process.
  const level = process.listenerCount("uncaughtException") > 0 ? "error" : "fatal";
  captureThrown(error, mechanism, { level }, true, onUncaught);
}

const onRejection: Rejection = function onRejection(reason) {
  // In strict mode the rejection came through onUncaught first; the same object is not reported twice, but a
  // primitive has no identity to know it by.
  if (rejectionMode() === "strict") return;
  captureThrown(reason, { type: "onunhandledrejection", handled: false }, { level: "error" }, false, onRejection);
  if (rejectionMode() === "warn-with-error-code" && process.listenerCount("unhandledRejection") === 1) {
    // Ours is the only listener, so Node believes the rejection handled. Say and do what it would have.
    process.emitWarning(reason instanceof Error ? reason : `Unhandled promise rejection: ${String(reason)}`, {
      type: "UnhandledPromiseRejectionWarning",
    } as never);
    process.exitCode = 1;
  }
};

function onExit(): void {
  captureDurablyFromNowOn();
  const { native, enabled, settings } = client();
  // Returns at once if nothing is queued.
  if (enabled) native.flushSync(settings.shutdownTimeoutMs);
  printWarnings(native);
}

function onListenerAdded(event: string | symbol, listener: unknown): void {
  if (event === "unhandledRejection" && listener !== onRejection) listen();
}

function onListenerRemoved(event: string | symbol, listener: unknown): void {
  if (event !== "unhandledRejection" || listener === onRejection) return;
  if (process.listenerCount("unhandledRejection") === 1 && !ALWAYS_HARMLESS.has(rejectionMode())) unlisten();
}

function listen(): void {
  if (listening) return;
  listening = true;
  process.on("unhandledRejection", onRejection);
}

function unlisten(): void {
  if (!listening) return;
  listening = false;
  process.off("unhandledRejection", onRejection);
}

/** Modes in which a listener of ours may be the only one. */
const ALWAYS_HARMLESS = new Set(["warn", "none", "warn-with-error-code"]);

let mode: string | undefined;

/** Node's mode for unhandled rejections. The command line wins over NODE_OPTIONS, the last mention over earlier ones. */
function rejectionMode(): string {
  mode ??= modeIn(process.execArgv) ?? modeIn((process.env["NODE_OPTIONS"] ?? "").split(/\s+/)) ?? "throw";
  return mode;
}

function modeIn(args: string[]): string | undefined {
  for (let at = args.length - 1; at >= 0; at -= 1) {
    const found = /^--unhandled-rejections(?:=(.*))?$/.exec(args[at]!);
    if (found) return found[1] ?? args[at + 1];
  }
  return undefined;
}
