import { useState } from "react";
import { bucketNames } from "@/format/time";
import { compact, counted } from "@/format/number";
import { useNow } from "@/components/time";

/** A bar chart of days or hours with a read-out: hover or arrow keys name a bucket. Height comes from `className`. */
export function Bars({ values, unit, label, className }: { values: number[]; unit: "hour" | "day"; label: string; className?: string }) {
  const [active, setActive] = useState<number | null>(null);
  const now = useNow();
  const names = bucketNames(values.length, unit, now);
  const max = Math.max(1, ...values);
  const total = values.reduce((sum, value) => sum + value, 0);
  const shown = active === null ? null : { name: names[active], value: values[active] ?? 0 };

  return (
    <figure>
      <figcaption className="mb-2 flex items-baseline justify-between gap-2 text-xs">
        <span className="text-ink-2">{shown ? shown.name : label}</span>
        <span className="num text-ink-3">{shown ? counted(shown.value, "event") : `max ${compact(max)}`}</span>
      </figcaption>
      <div
        role="img"
        tabIndex={0}
        aria-label={`${label}: ${counted(total, "event")}. ${shown ? `${shown.name}: ${counted(shown.value, "event")}` : "Left and right arrow keys read the values."}`}
        className={`flex items-end gap-px border-b pb-px ${className ?? "h-16"}`}
        onMouseLeave={() => setActive(null)}
        onBlur={() => setActive(null)}
        onKeyDown={(event) => {
          if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
          event.preventDefault();
          event.stopPropagation();
          const from = active ?? (event.key === "ArrowLeft" ? values.length : -1);
          setActive(Math.max(0, Math.min(values.length - 1, from + (event.key === "ArrowLeft" ? -1 : 1))));
        }}
      >
        {values.map((value, index) => (
          <span key={names[index]} className="flex h-full flex-1 items-end" onMouseEnter={() => setActive(index)}>
            <span
              className={`w-full rounded-t-[2px] transition-colors ${value === 0 ? "bg-line" : active === index ? "bg-accent" : "bg-accent/55"}`}
              style={{ height: value === 0 ? 2 : `max(4px, ${(value / max) * 100}%)` }}
            />
          </span>
        ))}
      </div>
      <div className="mt-1 flex justify-between text-2xs text-ink-3" aria-hidden>
        <span>{names[0]}</span>
        <span>{unit === "day" ? "today" : "now"}</span>
      </div>
    </figure>
  );
}
