import clsx from "clsx";
import { Bug, Database, Globe, Info, type LucideIcon, MousePointerClick, Navigation, Radio, Terminal, TriangleAlert, User as UserIcon } from "lucide-react";
import { useState } from "react";
import type { Breadcrumb, EventDetail } from "@/api/types";
import { Badge, knownLevel } from "@/components/issue/badges";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { crumbKind, crumbLine, httpStatus } from "@/event/breadcrumb";
import { absolute, clock, offset, toMillis } from "@/format/time";
import { JsonTree } from "./json-tree";
import { Scrubbed } from "./scrubbed";
import { Section } from "./section";

/** Shown at first; the last ones before the error matter most. */
const SHOWN = 12;
/** So many plain values stand on one line instead of in a tree. */
const MAX_INLINE = 6;

const ICONS: Record<string, LucideIcon> = { http: Globe, navigation: Navigation, ui: MousePointerClick, console: Terminal, query: Database, error: Bug, user: UserIcon, info: Info, default: Radio };

/** What happened before, the newest on top, with its distance from the error. */
export function Breadcrumbs({ crumbs, event }: { crumbs: Breadcrumb[]; event: EventDetail }) {
  const [all, setAll] = useState(false);
  const at = toMillis(event.timestamp) ?? 0;
  const ordered = crumbs.map((crumb, index) => ({ crumb, index })).toReversed();
  const shown = all ? ordered : ordered.slice(0, SHOWN);

  return (
    <Section title="Breadcrumbs" count={crumbs.length} flush>
      <ol className="px-4 py-3">
        <li className="relative flex gap-3 pb-3">
          <Node icon={TriangleAlert} look="bg-error-soft text-error" line />
          <div className="min-w-0 pt-0.5 text-sm font-medium">
            <Scrubbed text={event.title} />
          </div>
        </li>
        {shown.map(({ crumb, index }, position) => (
          <Crumb key={index} crumb={crumb} index={index} at={at} last={position === shown.length - 1} />
        ))}
      </ol>
      {ordered.length > SHOWN && (
        <div className="border-t p-2 text-center">
          <Button look="ghost" size="sm" onClick={() => setAll(!all)}>
            {all ? "Show fewer" : `Show ${ordered.length - SHOWN} older`}
          </Button>
        </div>
      )}
    </Section>
  );
}

function Crumb({ crumb, index, at, last }: { crumb: Breadcrumb; index: number; at: number; last: boolean }) {
  const kind = crumbKind(crumb);
  const level = crumb.level ? knownLevel(crumb.level) : "info";
  const loud = level === "error" || level === "fatal";
  const time = toMillis(crumb.timestamp);
  const { text, usedData } = crumbLine(crumb);
  const status = httpStatus(crumb);
  const data = Object.entries(crumb.data ?? {}).filter(([name, value]) => value !== null && !usedData.includes(name));
  const path = ["breadcrumbs", "values", index] as const;

  return (
    <li className="relative flex gap-3 pb-3 last:pb-0">
      <Node icon={ICONS[kind] ?? Radio} look={loud ? "bg-error-soft text-error" : level === "warning" ? "bg-warning-soft text-warning" : "bg-sunken text-ink-2"} line={!last} />
      <div className="min-w-0 flex-1 pt-0.5">
        <div className="flex items-baseline gap-2 text-sm">
          <span className="shrink-0 font-medium">{crumb.category ?? crumb.type ?? "event"}</span>
          {status !== null && <Badge className={status >= 500 ? "bg-error-soft text-error" : status >= 400 ? "bg-warning-soft text-warning" : "bg-ok-soft text-ok"}>{status}</Badge>}
          {(loud || level === "warning") && <span className={clsx("text-xs", loud ? "text-error" : "text-warning")}>{level}</span>}
          {time !== null && (
            <Tooltip text={`${clock(time)} · ${absolute(time)}`}>
              <time dateTime={new Date(time).toISOString()} className="num ml-auto shrink-0 text-xs text-ink-3">
                {offset(time, at)}
              </time>
            </Tooltip>
          )}
        </div>
        {text && (
          <p className="font-mono text-xs leading-5 whitespace-pre-wrap text-ink-2 [overflow-wrap:anywhere]">
            <Scrubbed text={text} path={[...path, "message"]} />
          </p>
        )}
        {data.length > 0 && (
          <div className="mt-0.5 font-mono text-xs leading-5">
            {data.length <= MAX_INLINE && data.every(([, value]) => typeof value !== "object") ? (
              <dl className="flex flex-wrap gap-x-4">
                {data.map(([name, value]) => (
                  <div key={name} className="flex min-w-0 gap-1.5">
                    <dt className="text-ink-3">{name}</dt>
                    <dd className="min-w-0">
                      <JsonTree value={value} path={[...path, "data", name]} />
                    </dd>
                  </div>
                ))}
              </dl>
            ) : (
              <JsonTree value={Object.fromEntries(data)} path={[...path, "data"]} depth={2} />
            )}
          </div>
        )}
      </div>
    </li>
  );
}

function Node({ icon: Icon, look, line }: { icon: LucideIcon; look: string; line: boolean }) {
  return (
    <>
      {line && <span className="absolute top-6 bottom-0 left-3 w-px bg-line" aria-hidden />}
      <span className={clsx("relative flex size-6 shrink-0 items-center justify-center rounded-full", look)} aria-hidden>
        <Icon className="size-3.5" />
      </span>
    </>
  );
}
