import { useSyncExternalStore } from "react";
import { Tooltip } from "@/components/ui/tooltip";
import { absolute, age, relative, toMillis } from "@/format/time";

/** One clock for all times on the page, so that a list of hundred rows has one timer. */
const TICK_MS = 10_000;
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The current time, moving every ten seconds. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => {
    // The first reader after a pause must not see the time at which the last one left.
    if (timer === undefined && Date.now() - now > TICK_MS) now = Date.now();
    return now;
  });
}

/** "5 min ago" with the exact time on hover. `form` age: without "ago", for narrow columns. */
export function Time({ value, form = "relative", className }: { value: string | number | null | undefined; form?: "relative" | "age"; className?: string }) {
  const current = useNow();
  const then = toMillis(value);
  if (then === null) return <span className={className}>—</span>;
  return (
    <Tooltip text={absolute(then)}>
      <time dateTime={new Date(then).toISOString()} className={className}>
        {form === "age" ? age(then, current) : relative(then, current)}
      </time>
    </Tooltip>
  );
}
