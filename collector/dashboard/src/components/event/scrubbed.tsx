import { EyeOff } from "lucide-react";
import { createContext, useContext } from "react";
import { Tooltip } from "@/components/ui/tooltip";
import { remark, splitFiltered } from "@/event/meta";

/** The `_meta` tree of the event that is shown, for every value below. */
export const MetaContext = createContext<unknown>(undefined);

/** Text of an event. What was scrubbed out of it becomes a chip that says why. `path` is where the text stands in the event. */
export function Scrubbed({ text, path = [] }: { text: string; path?: readonly (string | number)[] }) {
  const meta = useContext(MetaContext);
  const parts = splitFiltered(text);
  if (parts.every((part) => !part.filtered)) return <>{text}</>;
  return (
    <>
      {parts.map((part, index) => (part.filtered ? <Chip key={`${index}`} text={part.text} reason={remark(meta, path, part.at)?.reason ?? UNKNOWN} /> : part.text))}
    </>
  );
}

const UNKNOWN = "Removed as personal or secret data before it was stored.";

function Chip({ text, reason }: { text: string; reason: string }) {
  return (
    <Tooltip text={reason}>
      <span tabIndex={0} className="mx-px inline-flex items-center gap-1 rounded-sm bg-sunken px-1.5 align-baseline font-sans text-2xs leading-4 font-medium text-ink-2 ring-1 ring-line-strong ring-inset">
        <EyeOff className="size-3" aria-hidden />
        {text === "filtered" ? "Filtered" : text}
      </span>
    </Tooltip>
  );
}
