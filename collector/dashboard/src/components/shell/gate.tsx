import type { ReactNode } from "react";
import { Mark } from "./logo";

/** The frame of the pages before the login. */
export function Gate({ title, hint, children, foot }: { title: string; hint: ReactNode; children: ReactNode; foot?: ReactNode }) {
  return (
    <main className="relative flex min-h-dvh items-center justify-center px-4 py-12">
      <div className="grid-paper pointer-events-none absolute inset-0" aria-hidden />
      <div className="relative w-full max-w-sm">
        <Mark className="mx-auto mb-5 size-12 drop-shadow-sm" />
        <h1 className="text-center text-2xl font-semibold tracking-tight">{title}</h1>
        <p className="mt-1 text-center text-base text-balance text-ink-2">{hint}</p>
        <div className="mt-7 rounded-xl border bg-surface p-6 shadow-pop">{children}</div>
        {foot && <p className="mt-5 text-center text-xs text-balance text-ink-3">{foot}</p>}
      </div>
    </main>
  );
}
