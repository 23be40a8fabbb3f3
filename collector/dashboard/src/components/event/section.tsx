import clsx from "clsx";
import { ChevronRight } from "lucide-react";
import { type ReactNode, useId, useState } from "react";
import { Card } from "@/components/ui/states";

/** A titled part of the issue page that folds. `actions` stay usable while it is folded. */
export function Section({ title, count, actions, children, closed = false, flush = false, id }: {
  title: string;
  count?: number;
  actions?: ReactNode;
  children: ReactNode;
  closed?: boolean;
  flush?: boolean;
  id?: string;
}) {
  const [open, setOpen] = useState(!closed);
  const body = useId();
  return (
    <Card className="overflow-hidden">
      <section aria-label={title} id={id} className="scroll-mt-20">
        <div className={clsx("flex min-h-11 items-center justify-between gap-2 pr-3 pl-2", open && "border-b")}>
          <h2 className="min-w-0 text-base font-semibold">
            <button type="button" aria-expanded={open} aria-controls={body} onClick={() => setOpen(!open)} className="flex h-8 items-center gap-1.5 rounded-md px-1.5 hover:bg-hover">
              <ChevronRight className={clsx("size-4 text-ink-3 transition-transform", open && "rotate-90")} aria-hidden />
              {title}
              {count !== undefined && <span className="num text-sm font-normal text-ink-3">{count}</span>}
            </button>
          </h2>
          <div className="flex items-center gap-1">{open && actions}</div>
        </div>
        {open && (
          <div id={body} className={flush ? undefined : "px-4 py-3"}>
            {children}
          </div>
        )}
      </section>
    </Card>
  );
}
