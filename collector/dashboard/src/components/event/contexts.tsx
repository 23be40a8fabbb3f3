import { Box, Cloud, Cpu, Globe, Languages, Layers, type LucideIcon, MonitorCog, Route, Smartphone, Terminal } from "lucide-react";
import type { EventPayload } from "@/api/types";
import { contextTitle, describe, isByteCount, ordered } from "@/event/contexts";
import { bytes } from "@/format/number";
import { JsonTree } from "./json-tree";
import { pairsOf } from "./pairs";
import { Scrubbed } from "./scrubbed";
import { Section } from "./section";

const ICONS: Record<string, LucideIcon> = { os: MonitorCog, runtime: Terminal, browser: Globe, device: Smartphone, app: Box, gpu: Cpu, culture: Languages, cloud_resource: Cloud, trace: Route };

/** The surroundings as cards. */
export function Contexts({ contexts, sdk }: { contexts: EventPayload["contexts"]; sdk: EventPayload["sdk"] }) {
  const cards = ordered(contexts);
  if (cards.length === 0 && !sdk?.name) return null;
  return (
    <Section title="Contexts" count={cards.length}>
      <div className="gap-3 sm:columns-2">
        {cards.map(([name, context]) => {
          const Icon = ICONS[name] ?? Layers;
          const summary = describe(name, context);
          const pairs = pairsOf(context, ["contexts", name], summary === null ? ["type"] : ["type", "name", "version"]);
          return (
            <section key={name} aria-label={contextTitle(name, context)} className="mb-3 min-w-0 break-inside-avoid last:mb-0 rounded-lg border">
              <h3 className="flex items-center gap-2.5 px-3 py-2">
                <Icon className="size-4 shrink-0 text-ink-3" aria-hidden />
                <span className="min-w-0 truncate text-sm">
                  <span className={summary === null ? "font-medium" : "text-ink-3"}>{contextTitle(name, context)}</span>
                  {summary !== null && (
                    <span className="ml-2 font-medium">
                      <Scrubbed text={summary} path={["contexts", name, "name"]} />
                    </span>
                  )}
                </span>
              </h3>
              {pairs.length > 0 && (
                <dl className="border-t px-3 py-1.5 text-xs">
                  {pairs.map((pair) => (
                    <div key={pair.name} className="flex justify-between gap-4 py-0.5">
                      <dt className="shrink-0 text-ink-3">{pair.name}</dt>
                      <dd className="min-w-0 text-right font-mono leading-5 has-[button]:text-left">
                        {isByteCount(pair.name, pair.value) ? bytes(pair.value) : <JsonTree value={pair.value} path={pair.path} depth={2} />}
                      </dd>
                    </div>
                  ))}
                </dl>
              )}
            </section>
          );
        })}
      </div>
      {sdk?.name && (
        <p className="mt-4 text-xs text-ink-3">
          Reported by <code>{sdk.name}</code> {sdk.version}
        </p>
      )}
    </Section>
  );
}
