import type { Frame } from "@/api/types";

/** One row of a stack trace as it is drawn. `index` is the position in the list that was given. */
export type Row =
  | { kind: "frame"; frame: Frame; index: number; repeats: number; open: boolean }
  | { kind: "library"; frames: { frame: Frame; index: number }[] };

/** At most so many frames begin open; deep recursion in the app would otherwise fill ten screens. */
const MAX_OPEN = 5;

/**
 * Arranges frames for reading, in the order given.
 *
 * Runs of two or more library frames become one folded row, unless the whole stack is library code, where folding would leave
 * nothing to read. The same call repeated directly after itself (recursion) becomes one row with a count. In-app frames that
 * have source begin open, the first `MAX_OPEN` of them; if there is no in-app frame, the first frame with source does; if there is no
 * source at all, the first frame with variables does.
 * `newestFirst` only decides which ones count as the first.
 */
export function fold(frames: readonly Frame[], newestFirst: boolean): Row[] {
  const hasApp = frames.some((frame) => frame.in_app === true);
  const rows: Row[] = [];

  for (const [index, frame] of frames.entries()) {
    const last = rows.at(-1);
    if (hasApp && frame.in_app !== true) {
      if (last?.kind === "library") last.frames.push({ frame, index });
      else rows.push({ kind: "library", frames: [{ frame, index }] });
    } else if (last?.kind === "frame" && sameCall(last.frame, frame)) {
      last.repeats += 1;
    } else {
      rows.push({ kind: "frame", frame, index, repeats: 1, open: false });
    }
  }

  const loneUnfolded = rows.map((row): Row => {
    const only = row.kind === "library" && row.frames.length === 1 ? row.frames[0] : undefined;
    return only ? { kind: "frame", ...only, repeats: 1, open: false } : row;
  });

  let open = 0;
  const limit = hasApp ? MAX_OPEN : 1;
  for (const row of newestFirst ? loneUnfolded : loneUnfolded.toReversed()) {
    if (row.kind !== "frame" || open >= limit) continue;
    if (hasSource(row.frame) && (!hasApp || row.frame.in_app === true)) {
      row.open = true;
      open += 1;
    }
  }
  // Without any source the variables of the newest in-app frame are the next best thing.
  if (open === 0) {
    const first = (newestFirst ? loneUnfolded : loneUnfolded.toReversed()).find(
      (row) => row.kind === "frame" && hasVars(row.frame) && (!hasApp || row.frame.in_app === true),
    );
    if (first?.kind === "frame") first.open = true;
  }
  return loneUnfolded;
}

/** True when opening the frame shows more than its one line. */
export function hasSource(frame: Frame): boolean {
  return frame.context_line !== undefined && frame.context_line !== null;
}

export function hasVars(frame: Frame): boolean {
  return frame.vars !== undefined && frame.vars !== null && Object.keys(frame.vars).length > 0;
}

function sameCall(a: Frame, b: Frame): boolean {
  return a.function === b.function && a.filename === b.filename && a.module === b.module && a.lineno === b.lineno && a.colno === b.colno;
}
