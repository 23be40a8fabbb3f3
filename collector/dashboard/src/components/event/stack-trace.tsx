import { Package } from "lucide-react";
import { useMemo, useState } from "react";
import type { Frame } from "@/api/types";
import { fold } from "@/stack/fold";
import { FrameRow } from "./frame";

type Path = readonly (string | number)[];

/** The frames of one stack. `frames` comes oldest first, as on the wire; `path` is where the list stands in the event. */
export function StackTrace({ frames, newestFirst, platform, path }: { frames: Frame[]; newestFirst: boolean; platform: string; path: Path }) {
  // Folding looks at the order of reading, so a list that is turned round is folded anew.
  const rows = useMemo(() => fold(newestFirst ? frames.toReversed() : frames, newestFirst), [frames, newestFirst]);
  const opened = rows.filter((row) => row.kind === "frame" && row.open);
  const lead = newestFirst ? opened[0] : opened.at(-1);
  const wireIndex = (index: number) => (newestFirst ? frames.length - 1 - index : index);

  return (
    <ol className="border-t" aria-label="Stack trace">
      {rows.map((row) =>
        row.kind === "frame" ? (
          <FrameRow key={`${newestFirst} ${row.index}`} frame={row.frame} repeats={row.repeats} open={row.open} lead={row === lead} platform={platform} path={[...path, wireIndex(row.index)]} />
        ) : (
          <LibraryRow key={`${newestFirst} ${row.frames[0]?.index}`} frames={row.frames.map(({ frame, index }) => ({ frame, index: wireIndex(index) }))} platform={platform} path={path} />
        ),
      )}
    </ol>
  );
}

function LibraryRow({ frames, platform, path }: { frames: { frame: Frame; index: number }[]; platform: string; path: Path }) {
  const [open, setOpen] = useState(false);
  const names = packages(frames.map(({ frame }) => frame));
  return (
    <>
      <li className="border-b last:border-b-0">
        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} className="flex h-9 w-full items-center gap-2 bg-sunken/60 px-4 text-left text-xs text-ink-3 hover:bg-hover hover:text-ink focus-visible:-outline-offset-2">
          <Package className="size-3.5 shrink-0" aria-hidden />
          <span className="shrink-0">
            {frames.length} library frames{open ? "" : names.length > 0 ? ":" : ""}
          </span>
          {!open && <span className="min-w-0 truncate">{names.join(", ")}</span>}
          <span className="ml-auto shrink-0 font-medium text-accent-ink">{open ? "Hide" : "Show"}</span>
        </button>
      </li>
      {open && frames.map(({ frame, index }) => <FrameRow key={index} frame={frame} repeats={1} open={false} platform={platform} path={[...path, index]} />)}
    </>
  );
}

/** Names of the packages in a run of frames, each once, in order of appearance. */
function packages(frames: readonly Frame[]): string[] {
  const names = frames.map(({ module, filename, abs_path }) => {
    const file = abs_path ?? filename ?? "";
    const inModules = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
    const inSitePackages = /site-packages\/([^/.]+)/.exec(file)?.[1];
    if (file.startsWith("node:")) return "node";
    return inModules ?? inSitePackages ?? module?.split(/[.:/]/)[0];
  });
  return [...new Set(names.filter((name): name is string => name !== undefined && name !== ""))].slice(0, 5);
}
