const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Unix milliseconds of an RFC 3339 text or of unix seconds; null when it is neither. */
export function toMillis(value: string | number | null | undefined): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value * 1000 : null;
  if (typeof value !== "string" || value === "") return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds * 1000;
  // A time without an offset is UTC on this wire, but the browser would take it for local time.
  const parsed = Date.parse(/(?:z|[+-]\d\d:?\d\d)$/i.test(value) ? value : `${value}Z`);
  return Number.isNaN(parsed) ? null : parsed;
}

/** "just now", "5 min ago", "3 d ago", "in 2 h". Clocks differ, so up to ten seconds in the future is "just now" as well. */
export function relative(then: number, now: number): string {
  const distance = now - then;
  if (distance < 0 && distance > -10 * SECOND) return "just now";
  const span = short(Math.abs(distance));
  if (span === null) return "just now";
  return distance < 0 ? `in ${span}` : `${span} ago`;
}

/** How long something has been known: "12 min", "3 mo"; for narrow columns. */
export function age(then: number, now: number): string {
  return short(Math.max(0, now - then)) ?? "now";
}

function short(span: number): string | null {
  if (span < 10 * SECOND) return null;
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`;
  if (span < DAY) return `${Math.floor(span / HOUR)} h`;
  const days = Math.floor(span / DAY);
  if (days < 30) return `${days} d`;
  if (days < 365) return `${Math.min(11, Math.floor(days / 30.44)) || 1} mo`;
  return `${Math.floor(days / 365)} y`;
}

/** "22 Nov 2026, 01:49:30 UTC+1" in the reader's own zone. */
export function absolute(then: number, zone?: string): string {
  return new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
    ...(zone ? { timeZone: zone } : {}),
  }).format(then);
}

/** "01:49:30.120" in the reader's own zone: the clock of one event's breadcrumbs. */
export function clock(then: number, zone?: string): string {
  return new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    ...(zone ? { timeZone: zone } : {}),
  }).format(then);
}

/** How long before (−) or after (+) the event something happened: "−1.2 s", "−340 ms", "−4 min 10 s", "0 ms". */
export function offset(then: number, event: number): string {
  const distance = Math.round(then - event);
  if (distance === 0) return "0 ms";
  const sign = distance < 0 ? "\u2212" : "+";
  const span = Math.abs(distance);
  if (span < SECOND) return `${sign}${span} ms`;
  if (span < 10 * SECOND) return `${sign}${(span / SECOND).toFixed(1)} s`;
  if (span < MINUTE) return `${sign}${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return `${sign}${pair(span, MINUTE, "min", SECOND, "s")}`;
  if (span < DAY) return `${sign}${pair(span, HOUR, "h", MINUTE, "min")}`;
  return `${sign}${pair(span, DAY, "d", HOUR, "h")}`;
}

function pair(span: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((span % big) / small);
  const head = `${Math.floor(span / big)} ${bigName}`;
  return rest === 0 ? head : `${head} ${rest} ${smallName}`;
}

/** Names of the hours or days that a trend of `length` buckets ends with, oldest first; the last one is the current. */
export function bucketNames(length: number, unit: "hour" | "day", now: number): string[] {
  const step = unit === "hour" ? HOUR : DAY;
  const format = new Intl.DateTimeFormat("en-GB", unit === "hour" ? { weekday: "short", hour: "2-digit", minute: "2-digit" } : { weekday: "short", day: "numeric", month: "short" });
  return Array.from({ length }, (_, index) => {
    const start = now - (length - 1 - index) * step;
    return format.format(unit === "hour" ? start - (start % HOUR) : start);
  });
}
