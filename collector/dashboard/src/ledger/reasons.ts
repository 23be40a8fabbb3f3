import type { Stats } from "@/api/types";

type Loss = Stats["discarded"][number];

/** One reason with everything that was lost for it, the error events apart from the rest. */
export interface Row {
  reason: string;
  /** In words, for people. */
  means: string;
  errors: number;
  /** Other kinds as "7 transactions", the most first. */
  others: string[];
}

/** Losses by reason: those that cost error events first, then by size. */
export function byReason(losses: readonly Loss[]): Row[] {
  const rows = new Map<string, { errors: number; others: Map<string, number> }>();
  for (const { reason, category, quantity } of losses) {
    // The bytes of something whose items are counted as well would only be counted twice.
    if (quantity <= 0 || category.endsWith("_byte")) continue;
    const row = rows.get(reason) ?? { errors: 0, others: new Map<string, number>() };
    if (category === "error" || category === "security") row.errors += quantity;
    else row.others.set(category, (row.others.get(category) ?? 0) + quantity);
    rows.set(reason, row);
  }
  return [...rows]
    .map(([reason, { errors, others }]) => ({
      reason,
      means: MEANINGS[reason] ?? reason.replaceAll("_", " "),
      errors,
      others: [...others].toSorted((a, b) => b[1] - a[1]).map(([category, quantity]) => `${quantity} ${plural(category, quantity)}`),
    }))
    .toSorted((a, b) => b.errors - a.errors || b.others.length - a.others.length || a.reason.localeCompare(b.reason));
}

export function lostErrors(losses: readonly Loss[]): number {
  return byReason(losses).reduce((sum, row) => sum + row.errors, 0);
}

function plural(category: string, quantity: number): string {
  const name = category.replace(/_item$/, "").replaceAll("_", " ");
  return quantity === 1 || name === "feedback" ? name : `${name}s`;
}

/** The wire's reasons: client reports (wire protocol 4.5) and this server's own. */
const MEANINGS: Record<string, string> = {
  queue_overflow: "An app reported faster than it could send; its queue was full",
  buffer_overflow: "An app's buffer was full",
  cache_overflow: "An app's queue on disk was full or too old",
  ratelimit_backoff: "An app held back because of a rate limit",
  network_error: "An app could not reach this server",
  send_error: "This server, or a proxy before it, refused a request",
  sample_rate: "An app's sampling left them out",
  before_send: "An app's own hook dropped them",
  event_processor: "An app's ignore list or processor dropped them",
  ignored: "An app's ignore list dropped them",
  insufficient_data: "An app left out data that is needed",
  invalid: "An app found its own data invalid",
  internal_sdk_error: "A defect in an SDK",
  backpressure: "An app shed load",
  unsupported: "Kinds of data that this version does not store",
  unknown_item_type: "Kinds of data that are unknown",
  duplicate_item: "A second event in one request",
  too_large: "Larger than the limit",
};
