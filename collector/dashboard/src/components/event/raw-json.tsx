import { Download } from "lucide-react";
import type { EventDetail } from "@/api/types";
import { buttonClass } from "@/components/ui/button";
import { CopyButton } from "@/components/ui/copy";
import { JsonTree } from "./json-tree";
import { Section } from "./section";

/** The event as stored. */
export function RawJson({ event, shortId }: { event: EventDetail; shortId: string }) {
  return (
    <Section
      title="Raw event"
      id="raw"
      closed
      actions={
        <>
          <CopyButton text={() => JSON.stringify(event.event, null, 2)} label="Copy the event as JSON">
            Copy
          </CopyButton>
          <a href={`/api/v1/events/${event.id}/json?project=${event.project_id}`} download={`${shortId}-${event.id.slice(0, 8)}.json`} className={buttonClass("ghost", "sm")}>
            <Download /> Download
          </a>
        </>
      }
    >
      <div className="max-h-[40rem] overflow-auto font-mono text-xs leading-5" tabIndex={0} role="region" aria-label="Raw event">
        <JsonTree value={event.event} depth={1} />
      </div>
    </Section>
  );
}
