import type { Exception, Frame } from "@/api/types";

/**
 * Exceptions as the text a terminal of their language would have shown, for the clipboard. `exceptions` comes as on the wire:
 * causes first, the outermost last.
 */
export function toText(exceptions: readonly Exception[], platform: string): string {
  return platform === "python" ? python(exceptions) : generic(exceptions);
}

/** "file.ts:12:5", leaving out what is not known. */
export function place(frame: Frame): string {
  const file = frame.filename ?? frame.abs_path ?? frame.module ?? "<unknown>";
  if (frame.lineno === undefined || frame.lineno === null) return file;
  return frame.colno === undefined || frame.colno === null ? `${file}:${frame.lineno}` : `${file}:${frame.lineno}:${frame.colno}`;
}

export function heading(exception: Exception): string {
  const type = exception.type ?? "Error";
  return exception.value ? `${type}: ${exception.value}` : type;
}

function generic(exceptions: readonly Exception[]): string {
  return exceptions
    .toReversed()
    .map((exception, index) => {
      const frames = (exception.stacktrace?.frames ?? []).toReversed().map((frame) => `    at ${frame.function ?? "<anonymous>"} (${place(frame)})`);
      return [`${index === 0 ? "" : "Caused by: "}${heading(exception)}`, ...frames].join("\n");
    })
    .join("\n");
}

function python(exceptions: readonly Exception[]): string {
  return exceptions
    .map((exception) => {
      const frames = (exception.stacktrace?.frames ?? []).flatMap((frame) => {
        const source = frame.context_line?.trim();
        const head = `  File "${frame.abs_path ?? frame.filename ?? "<unknown>"}", line ${frame.lineno ?? "?"}, in ${frame.function ?? "<module>"}`;
        return source ? [head, `    ${source}`] : [head];
      });
      return [...(frames.length > 0 ? ["Traceback (most recent call last):", ...frames] : []), heading(exception)].join("\n");
    })
    .join("\n\nThe above exception was the direct cause of the following exception:\n\n");
}
