import clsx from "clsx";
import { counted } from "@/format/number";

/**
 * A tiny bar chart without axes, for list rows and cards. Scales to its own maximum: it shows the shape, the number beside it
 * shows the size. An empty bucket keeps a hairline, so that the time axis stays visible.
 */
export function Spark({ values, label, className, tone = "bar" }: { values: number[]; label: string; className?: string; tone?: "bar" | "accent" }) {
  const max = Math.max(1, ...values);
  const total = values.reduce((sum, value) => sum + value, 0);
  const step = 100 / Math.max(1, values.length);
  return (
    <svg role="img" aria-label={`${label}: ${counted(total, "event")}, at most ${max} at once`} viewBox="0 0 100 24" preserveAspectRatio="none" className={clsx("block overflow-visible", className)}>
      {values.map((value, index) => {
        const height = value === 0 ? 1 : Math.max(2.5, (value / max) * 24);
        return (
          <rect
            key={index}
            x={index * step + step * 0.12}
            y={24 - height}
            width={step * 0.76}
            height={height}
            className={value === 0 ? "fill-line" : tone === "accent" ? "fill-accent/80" : "fill-bar"}
          />
        );
      })}
    </svg>
  );
}
