// What the process knows about its machine. Collected once, at init; every call here is a cheap one.

import * as os from "node:os";

import type { NativeScope } from "./native";

const contexts = new Map<string, string>();

/** Puts runtime, operating system, device and app on a scope. */
export function describeMachine(scope: NativeScope): void {
  if (contexts.size === 0) collect();
  for (const [name, json] of contexts) scope.set("context", name, json);
}

function collect(): void {
  const set = (name: string, context: Record<string, unknown>): void => {
    contexts.set(name, JSON.stringify(context));
  };
  const bun = process.versions["bun"];
  set("runtime", bun ? { name: "bun", version: bun } : { name: "node", version: process.version });
  set("os", { name: OS_NAMES[process.platform] ?? process.platform, kernel_version: os.release() });
  set("device", {
    arch: process.arch,
    memory_size: os.totalmem(),
    processor_count: (os as { availableParallelism?: () => number }).availableParallelism?.() ?? os.cpus().length,
  });
  set("app", { app_start_time: new Date(Date.now() - process.uptime() * 1_000).toISOString() });
}

const OS_NAMES: Record<string, string> = {
  aix: "AIX",
  android: "Android",
  darwin: "macOS",
  freebsd: "FreeBSD",
  linux: "Linux",
  openbsd: "OpenBSD",
  sunos: "SunOS",
  win32: "Windows",
};
