import type { ReactNode } from "react";
import type { EventDetail } from "@/api/types";
import { describe } from "@/event/contexts";
import { Scrubbed } from "./scrubbed";

/** The line of facts one looks for first: where, who, which version. */
export function Highlights({ event }: { event: EventDetail }) {
  const { contexts, user, exception } = event.event;
  const mechanism = exception?.values?.at(-1)?.mechanism;
  const who = [user?.email, user?.username, user?.id, user?.ip_address].find((value) => value !== undefined && value !== null && value !== "");
  const facts: [string, ReactNode][] = [];
  const add = (name: string, value: string | null | undefined) => value && facts.push([name, <Scrubbed key={name} text={value} />]);

  add("Environment", event.environment);
  add("Release", event.release);
  add("User", who === undefined ? null : String(who));
  for (const name of ["browser", "runtime", "os", "device"]) {
    const context = contexts?.[name];
    if (context) add(NAMES[name] ?? name, describe(name, context));
  }
  if (mechanism?.handled !== undefined && mechanism.handled !== null) {
    facts.push(["Handled", mechanism.handled ? "yes" : <span key="no" className="text-error">no</span>]);
  }
  if (facts.length === 0) return null;

  return (
    <div className="overflow-hidden rounded-xl border bg-surface shadow-card">
      {/* The lines between cells are right and bottom borders; the overhang hides those at the edges. */}
      <dl className="-mr-px -mb-px flex flex-wrap">
      {facts.map(([name, value]) => (
        <div key={name} className="min-w-0 grow basis-[40%] border-r border-b px-3.5 py-2.5 sm:basis-auto">
          <dt className="text-xs whitespace-nowrap text-ink-3">{name}</dt>
          <dd className="truncate text-sm font-medium" title={typeof value === "string" ? value : undefined}>
            {value}
          </dd>
        </div>
      ))}
      </dl>
    </div>
  );
}

const NAMES: Record<string, string> = { browser: "Browser", runtime: "Runtime", os: "System", device: "Device" };
