/** "999", "1.2k", "34k", "1.5M": counts in narrow columns. Exact below 1,000. */
export function compact(value: number): string {
  if (value < 1000) return String(value);
  for (const [unit, size] of [["k", 1e3], ["M", 1e6], ["B", 1e9]] as const) {
    const scaled = value / size;
    // 999,950 would read "1000k": such a value belongs to the next unit.
    if (scaled < 9.95) return `${scaled.toFixed(1).replace(/\.0$/, "")}${unit}`;
    if (scaled < 999.5) return `${Math.round(scaled)}${unit}`;
  }
  return `${Math.round(value / 1e9)}B`;
}

/** "12,345" */
export function exact(value: number): string {
  return new Intl.NumberFormat("en-US").format(value);
}

/** "1 event", "12,345 events" */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${exact(value)} ${value === 1 ? one : many}`;
}

/** "640 B", "12 KB", "3.4 MB" in steps of 1024. */
export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const kilo = value / 1024;
  if (kilo < 1024) return `${kilo < 10 ? kilo.toFixed(1) : Math.round(kilo)} KB`;
  const mega = kilo / 1024;
  return mega < 1024 ? `${mega.toFixed(1)} MB` : `${(mega / 1024).toFixed(1)} GB`;
}

/** "<1%", "42%"; never 100% while something else exists. */
export function share(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return "0%";
  const percent = (part / whole) * 100;
  if (percent < 1) return "<1%";
  return `${part < whole ? Math.min(99, Math.round(percent)) : 100}%`;
}
