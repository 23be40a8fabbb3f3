// Everything the SDK ever says goes through here: one prefix, one place, standard error.

import type { NativeClient } from "./native";

/** True while the SDK itself is printing, so that its own words never become a breadcrumb. */
let speaking = false;

/** Whether the SDK is printing right now. */
export function isSpeaking(): boolean {
  return speaking;
}

/** Prints one warning. Never throws: a console that was replaced by something broken is the app's affair. */
export function warn(message: string): void {
  speaking = true;
  try {
    console.warn(`faultwire: ${message}`);
  } catch {
    // Nowhere left to say it.
  } finally {
    speaking = false;
  }
}

const said = new Set<string>();

/** Prints a warning the first time only: for mistakes that would otherwise repeat with every event. */
export function warnOnce(message: string): void {
  if (said.has(message)) return;
  said.add(message);
  warn(message);
}

/** Prints what the core had to say. What its worker finds out later it prints itself, with the same prefix. */
export function printWarnings(native: NativeClient): void {
  for (const warning of native.warnings()) warn(warning);
}

let scheduled = false;

/** Prints what the core has to say a little later. The timer is unreferenced: it keeps no process alive. */
export function printWarningsSoon(native: NativeClient): void {
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => {
    scheduled = false;
    printWarnings(native);
  }, 1_000).unref();
}
