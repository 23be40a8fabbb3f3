import clsx from "clsx";
import { type ComponentProps, type ReactNode, useId } from "react";

export const INPUT =
  "h-9 w-full rounded-md border border-line-strong bg-surface px-3 text-base text-ink shadow-card placeholder:text-ink-3 focus:border-accent focus:outline-2 focus:outline-offset-0 focus:outline-accent/25 max-sm:text-lg";

/** A labelled input with a hint or an error below it. */
export function Field({ label, hint, error, className, ...rest }: ComponentProps<"input"> & { label: string; hint?: ReactNode; error?: string | null }) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <input id={id} aria-describedby={`${id}-note`} aria-invalid={error ? true : undefined} className={clsx(INPUT, error && "border-error")} {...rest} />
      <p id={`${id}-note`} role={error ? "alert" : undefined} className={clsx("mt-1.5 min-h-4 text-xs", error ? "text-error" : "text-ink-3")}>
        {error ?? hint}
      </p>
    </div>
  );
}

export function Checkbox({ label, checked, indeterminate = false, onChange, className }: { label: string; checked: boolean; indeterminate?: boolean; onChange: (checked: boolean, event: { shiftKey: boolean }) => void; className?: string }) {
  return (
    <input
      type="checkbox"
      aria-label={label}
      checked={checked}
      ref={(element) => {
        if (element) element.indeterminate = indeterminate;
      }}
      onChange={(event) => onChange(event.target.checked, { shiftKey: (event.nativeEvent as MouseEvent).shiftKey === true })}
      className={clsx("size-4 shrink-0 cursor-pointer rounded-sm accent-accent", className)}
    />
  );
}
