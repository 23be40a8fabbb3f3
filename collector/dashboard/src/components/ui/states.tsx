import clsx from "clsx";
import { CircleAlert, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { ApiFailure, words } from "@/api/client";
import { Button } from "./button";

/** A grey block in the place of something that is loading. Give it the size of what comes. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={clsx("rounded-md bg-line/70 animate-shimmer", className)} />;
}

/** Nothing to show, why that is, and what to do. */
export function Empty({ icon, title, children, action, page = false }: { icon: ReactNode; title: string; children?: ReactNode; action?: ReactNode; page?: boolean }) {
  // A state that fills the whole page is its main heading.
  const Heading = page ? "h1" : "h2";
  return (
    <div className="flex flex-col items-center px-6 py-16 text-center">
      <div className="mb-4 flex size-12 items-center justify-center rounded-xl border border-line bg-sunken text-ink-3 [&_svg]:size-6">{icon}</div>
      <Heading className="text-lg font-semibold">{title}</Heading>
      {children && <div className="mt-1 max-w-md text-base text-balance text-ink-2">{children}</div>}
      {action && <div className="mt-5">{action}</div>}
    </div>
  );
}

/** A failed request in words, with its causes and a way to try again. */
export function Failure({ error, onRetry, title = "This could not be loaded" }: { error: unknown; onRetry?: () => void; title?: string }) {
  const causes = error instanceof ApiFailure ? error.causes : [];
  return (
    <div role="alert">
      <Empty
        icon={<CircleAlert className="text-error" />}
        title={title}
        action={
          onRetry && (
            <Button onClick={onRetry}>
              <RotateCw /> Try again
            </Button>
          )
        }
      >
        {words(error)}
        {causes.length > 0 && (
          <ul className="mt-2 text-sm text-ink-3">
            {causes.map((cause) => (
              <li key={cause}>{cause}</li>
            ))}
          </ul>
        )}
      </Empty>
    </div>
  );
}

export function Card({ children, className }: { children: ReactNode; className?: string }) {
  return <div className={clsx("rounded-xl border border-line bg-surface shadow-card", className)}>{children}</div>;
}
