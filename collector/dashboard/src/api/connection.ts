import { useSyncExternalStore } from "react";
import { ApiFailure } from "./client";

/**
 * Whether the collector answered the last time it was asked. Pages keep what they have while it does not, and the shell says that
 * it may be out of date.
 */
let lost = false;
const listeners = new Set<() => void>();

/** To be told about every answer: `error` is what a request ended with, or null. */
export function noteAnswer(error: unknown): void {
  const now = error instanceof ApiFailure && (error.status === 0 || error.status === 502 || error.status === 504);
  if (now === lost) return;
  lost = now;
  for (const listener of listeners) listener();
}

export function useConnectionLost(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => lost,
  );
}
