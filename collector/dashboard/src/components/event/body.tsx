import { Paperclip } from "lucide-react";
import type { EventDetail, IssueDetail } from "@/api/types";
import { TagShares } from "@/components/issue/aside";
import { bytes } from "@/format/number";
import { Breadcrumbs } from "./breadcrumbs";
import { Contexts } from "./contexts";
import { Exceptions } from "./exceptions";
import { Grouping } from "./grouping";
import { Highlights } from "./highlights";
import { JsonTree } from "./json-tree";
import { Pairs, pairsOf } from "./pairs";
import { RawJson } from "./raw-json";
import { RequestSection } from "./request";
import { Scrubbed } from "./scrubbed";
import { Section } from "./section";
import { Threads } from "./threads";
import { User } from "./user";

/** All parts of one event in the order in which people need them. A part without content is left out. */
export function EventBody({ event, issue }: { event: EventDetail; issue: IssueDetail }) {
  const { event: payload } = event;
  const exceptions = payload.exception?.values ?? [];
  const crumbs = payload.breadcrumbs?.values ?? [];
  const message = payload.logentry?.formatted ?? payload.logentry?.message;
  const extra = pairsOf(payload.extra, ["extra"]);

  return (
    <>
      <Highlights event={event} />
      {exceptions.length > 0 && <Exceptions exceptions={exceptions} platform={event.platform} />}
      {message && (exceptions.length === 0 || message !== exceptions.at(-1)?.value) && (
        <Section title="Message">
          <p className="font-mono text-sm whitespace-pre-wrap [overflow-wrap:anywhere]">
            <Scrubbed text={message} path={["logentry", payload.logentry?.formatted ? "formatted" : "message"]} />
          </p>
          {payload.logentry?.params !== undefined && payload.logentry.params !== null && (
            <div className="mt-3 border-t pt-3 font-mono text-xs">
              <JsonTree value={payload.logentry.params} path={["logentry", "params"]} depth={1} />
            </div>
          )}
        </Section>
      )}
      {(payload.threads?.values?.length ?? 0) > 0 && <Threads threads={payload.threads?.values ?? []} platform={event.platform} closed={exceptions.length > 0} />}
      {crumbs.length > 0 && <Breadcrumbs crumbs={crumbs} event={event} />}
      {payload.request && <RequestSection request={payload.request} />}
      {payload.user && <User user={payload.user} />}
      {(payload.tags?.length ?? 0) > 0 && (
        <Section title="Tags" count={payload.tags?.length ?? 0}>
          <ul className="flex flex-wrap gap-1.5">
            {payload.tags?.map(([name, value], index) => (
              <li key={`${index} ${name}`} className="inline-flex max-w-full overflow-hidden rounded-md border text-xs">
                <span className="bg-sunken px-2 py-1 text-ink-2">{name}</span>
                <span className="min-w-0 truncate border-l px-2 py-1 font-medium" title={value}>
                  <Scrubbed text={value} path={["tags", index, 1]} />
                </span>
              </li>
            ))}
          </ul>
          {issue.tags.length > 0 && (
            <div className="mt-5 border-t pt-4 xl:hidden">
              <TagShares issue={issue} columns />
            </div>
          )}
        </Section>
      )}
      <Contexts contexts={payload.contexts} sdk={payload.sdk} />
      {extra.length > 0 && (
        <Section title="Extra" count={extra.length}>
          <Pairs pairs={extra} label="Extra" />
        </Section>
      )}
      {event.attachments.length > 0 && (
        <Section title="Attachments" count={event.attachments.length}>
          <ul className="divide-y">
            {event.attachments.map((file) => (
              <li key={file.id} className="flex items-center gap-3 py-2 text-sm">
                <Paperclip className="size-4 shrink-0 text-ink-3" aria-hidden />
                <a href={`/api/v1/events/${event.id}/attachments/${file.id}?project=${event.project_id}`} download={file.filename} className="min-w-0 truncate font-medium text-accent-ink hover:underline">
                  {file.filename}
                </a>
                <span className="ml-auto shrink-0 text-xs text-ink-3">
                  {file.content_type} · {bytes(file.size)}
                </span>
              </li>
            ))}
          </ul>
        </Section>
      )}
      <Grouping grouping={issue.grouping} />
      <RawJson event={event} shortId={issue.short_id} />
    </>
  );
}
