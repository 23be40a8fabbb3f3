import { useQuery } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { statsQuery } from "@/api/queries";
import { Card } from "@/components/ui/states";
import { counted, exact } from "@/format/number";
import { byReason, lostErrors } from "@/ledger/reasons";

/**
 * Where events went: what this server took, stored and still has to store, and what never became an issue, with the reason. An
 * error tracker that loses events silently is worse than none. Shows nothing until the server has answered.
 */
export function Ledger() {
  const stats = useQuery(statsQuery);
  const [open, setOpen] = useState(false);
  if (!stats.data || stats.data.accepted + stats.data.discarded.length === 0) return null;
  const { accepted, digested, spooled, discarded } = stats.data;
  const rows = byReason(discarded);
  const lost = lostErrors(discarded);

  return (
    <section aria-label="Where events went" className="mt-8">
      <Card className="overflow-hidden">
        <div className="flex flex-wrap items-baseline gap-x-8 gap-y-2 px-4 py-3 text-sm">
          <dl className="contents">
            <Figure name="accepted" value={accepted} />
            <Figure name="stored" value={digested} />
            <Figure name="in the queue" value={spooled} />
          </dl>
          {rows.length > 0 && (
            <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} className="ml-auto flex items-center gap-1 rounded-md text-xs text-ink-2 hover:text-ink">
              {lost > 0 ? `${counted(lost, "event")} never became an issue` : "What was not kept"}
              <ChevronRight className={`size-3.5 transition-transform ${open ? "rotate-90" : ""}`} aria-hidden />
            </button>
          )}
        </div>
        {open && (
          <table className="w-full border-t text-left text-sm">
            <thead className="text-xs text-ink-3">
              <tr>
                <th className="px-4 py-2 font-normal">Reason</th>
                <th className="px-4 py-2 text-right font-normal">Events</th>
                <th className="px-4 py-2 font-normal max-sm:hidden">Other data</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.reason} className="border-t align-top">
                  <td className="px-4 py-2">
                    {row.means} <code className="ml-1 text-2xs text-ink-3">{row.reason}</code>
                  </td>
                  <td className="num px-4 py-2 text-right font-medium">{row.errors > 0 ? exact(row.errors) : <span className="font-normal text-ink-3">0</span>}</td>
                  <td className="px-4 py-2 text-ink-2 max-sm:hidden">{row.others.join(", ")}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Card>
    </section>
  );
}

function Figure({ name, value }: { name: string; value: number }) {
  return (
    <div className="flex items-baseline gap-1.5">
      <dd className="num font-semibold">{exact(value)}</dd>
      <dt className="order-2 text-xs text-ink-3">{name}</dt>
    </div>
  );
}
