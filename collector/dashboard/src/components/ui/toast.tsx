import clsx from "clsx";
import { CircleAlert, CircleCheck, Info, X } from "lucide-react";
import { useEffect, useSyncExternalStore } from "react";

export interface Toast {
  tone: "ok" | "error" | "plain";
  text: string;
  action?: { label: string; run: () => void };
}

const SHOWN_MS = { ok: 6_000, plain: 6_000, error: 10_000 };
let toasts: readonly (Toast & { id: number })[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

/** Shows a short message below right. A fourth pushes the oldest out. */
export function showToast(toast: Toast): void {
  publish([...toasts, { ...toast, id: nextId++ }].slice(-3));
}

function dismiss(id: number): void {
  publish(toasts.filter((toast) => toast.id !== id));
}

function publish(next: typeof toasts): void {
  toasts = next;
  for (const listener of listeners) listener();
}

const ICONS = { ok: CircleCheck, error: CircleAlert, plain: Info };

export function Toaster() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div role="status" aria-live="polite" className="pointer-events-none fixed inset-x-4 bottom-4 z-50 flex flex-col items-end gap-2">
      {shown.map((toast) => (
        <Item key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

function Item({ toast }: { toast: Toast & { id: number } }) {
  useEffect(() => {
    const timer = setTimeout(() => dismiss(toast.id), SHOWN_MS[toast.tone]);
    return () => clearTimeout(timer);
  }, [toast]);
  const Icon = ICONS[toast.tone];
  return (
    <div className="pointer-events-auto flex max-w-full items-center gap-3 rounded-lg bg-raised py-2 pr-2 pl-3 text-sm shadow-pop animate-rise sm:max-w-md">
      <Icon className={clsx("size-4 shrink-0", toast.tone === "ok" ? "text-ok" : toast.tone === "error" ? "text-error" : "text-ink-3")} aria-hidden />
      <span className="min-w-0 py-0.5 [overflow-wrap:anywhere]">{toast.text}</span>
      {toast.action && (
        <button
          type="button"
          className="rounded-md px-2 py-1 font-medium text-accent-ink hover:bg-hover"
          onClick={() => {
            toast.action?.run();
            dismiss(toast.id);
          }}
        >
          {toast.action.label}
        </button>
      )}
      <button type="button" aria-label="Dismiss" className="rounded-md p-1 text-ink-3 hover:bg-hover hover:text-ink" onClick={() => dismiss(toast.id)}>
        <X className="size-3.5" />
      </button>
    </div>
  );
}
