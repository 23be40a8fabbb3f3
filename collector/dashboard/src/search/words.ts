import type { IssueStatus } from "@/api/types";

/** A search text taken apart. `rest` is everything that is not the status, in the order and form it was typed. */
export interface Words {
  status: IssueStatus;
  rest: string;
}

/** The words the server knows, for the hint below the search box. */
export const KNOWN_WORDS: { word: string; example: string; means: string }[] = [
  { word: "level:", example: "level:error", means: "fatal, error, warning, info or debug" },
  { word: "release:", example: "release:shop@2.4.1", means: "seen in a release" },
  { word: "environment:", example: "environment:production", means: "seen in an environment" },
  { word: "is:", example: "is:resolved", means: "unresolved, resolved or ignored" },
];

const STATUSES: readonly IssueStatus[] = ["unresolved", "resolved", "ignored"];

/** Splits at blanks; a quoted part, alone or after `word:`, stays together with its quotes. */
export function tokens(query: string): string[] {
  return query.match(/(?:[^\s"]*"[^"]*"?)|[^\s"]+/g) ?? [];
}

/** Reads a search text. Without a status word it means unresolved, as on the server; the last status word counts. */
export function parse(query: string): Words {
  let status: IssueStatus = "unresolved";
  const rest: string[] = [];
  for (const token of tokens(query)) {
    const found = /^is:(.+)$/i.exec(token)?.[1]?.toLowerCase();
    const known = STATUSES.find((name) => name === found);
    if (known) status = known;
    else rest.push(token);
  }
  return { status, rest: rest.join(" ") };
}

/** The full text for the server: always with its status, so that a saved link keeps its meaning. */
export function format({ status, rest }: Words): string {
  return rest === "" ? `is:${status}` : `is:${status} ${rest}`;
}

/** Adds `word:value` or, when it is already there, takes it out. Values with blanks get quotes. */
export function toggle(rest: string, word: string, value: string): string {
  const token = `${word}:${/\s/.test(value) ? `"${value}"` : value}`;
  const present = tokens(rest);
  const others = present.filter((other) => other !== token);
  if (others.length === present.length) others.push(token);
  return others.join(" ");
}
