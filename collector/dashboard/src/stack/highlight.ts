/** A piece of a source line. `kind` is null for plain text. */
export interface Piece {
  text: string;
  kind: "keyword" | "string" | "number" | "comment" | "call" | null;
  /** True for the piece the error's column points at. */
  marked?: boolean;
}

/** Longer lines are minified code, where colours help nobody and a thousand elements cost a frame. */
const MAX_COLOURED = 400;

/**
 * Colours one source line: strings, numbers, comments, keywords and calls. Deliberately knows no state across lines and no
 * grammar, so that a stack of 100 frames costs a millisecond and a new language costs a word list.
 */
export function highlight(line: string, platform: string): Piece[] {
  if (line.length > MAX_COLOURED) return [{ text: line, kind: null }];
  const language = platform === "python" || platform === "ruby" ? "hash" : "slash";
  const pieces: Piece[] = [];
  let plain = "";
  const flush = () => {
    if (plain !== "") pieces.push({ text: plain, kind: null });
    plain = "";
  };
  const pattern = language === "hash" ? HASH : SLASH;
  pattern.lastIndex = 0;
  let at = 0;
  for (const match of line.matchAll(pattern)) {
    const { comment, string, number, word } = match.groups ?? {};
    let kind: Piece["kind"] = null;
    if (comment !== undefined) kind = "comment";
    else if (string !== undefined) kind = "string";
    else if (number !== undefined) kind = "number";
    else if (word !== undefined) kind = KEYWORDS.has(word) ? "keyword" : line.charAt(match.index + word.length) === "(" ? "call" : null;
    plain += line.slice(at, match.index);
    if (kind === null) plain += match[0];
    else {
      flush();
      pieces.push({ text: match[0], kind });
    }
    at = match.index + match[0].length;
  }
  plain += line.slice(at);
  flush();
  return pieces;
}

/**
 * Marks the name or character at `column` (counted from 1). Gives the pieces back unchanged when the column cannot be right: the SDK cut
 * the line (`{snip}`) or the number lies outside of it.
 */
export function mark(pieces: Piece[], line: string, column: number | null | undefined): Piece[] {
  if (column === undefined || column === null || column < 1 || column > line.length || line.includes("{snip}")) return pieces;
  const pointed = column - 1;
  if (line.charAt(pointed).trim() === "") return pieces;
  // Some engines point into the middle of a name; the whole name is what a reader looks for.
  const start = pointed - (/[\w$]*$/.exec(/[\w$]/.test(line.charAt(pointed)) ? line.slice(0, pointed) : "")?.[0].length ?? 0);
  const end = pointed + Math.max(1, /^[\w$]*/.exec(line.slice(pointed))?.[0].length ?? 0);
  const out: Piece[] = [];
  let at = 0;
  for (const piece of pieces) {
    const from = Math.max(start - at, 0);
    const to = Math.min(end - at, piece.text.length);
    if (to <= 0 || from >= piece.text.length) out.push(piece);
    else {
      if (from > 0) out.push({ ...piece, text: piece.text.slice(0, from) });
      out.push({ ...piece, text: piece.text.slice(from, to), marked: true });
      if (to < piece.text.length) out.push({ ...piece, text: piece.text.slice(to) });
    }
    at += piece.text.length;
  }
  return out;
}

/** Takes the indentation away that all lines share; blank lines do not count. Returns how many characters that was. */
export function dedent(lines: readonly string[]): { lines: string[]; removed: number } {
  const indents = lines.filter((line) => line.trim() !== "").map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0);
  const removed = indents.length === 0 ? 0 : Math.min(...indents);
  return { lines: lines.map((line) => line.slice(Math.min(removed, line.length))), removed };
}

const STRING = String.raw`(?<string>"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'|${"`"}(?:\\.|[^${"`"}\\])*${"`"}?)`;
const REST = String.raw`(?<number>\b(?:0[xob][\da-f_]+|\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?n?)\b)|(?<word>[A-Za-z_$][\w$]*)`;
const SLASH = new RegExp(String.raw`(?<comment>\/\/.*|\/\*.*?(?:\*\/|$)|^\s*\*(?:\s.*|$))|${STRING}|${REST}`, "gi");
const HASH = new RegExp(String.raw`(?<comment>#.*)|${STRING}|${REST}`, "gi");

const KEYWORDS = new Set(
  (
    "abstract and as assert async await base bool break case catch class const continue crate def default defer del delete do dyn elif else enum except export " +
    "extends extern false finally fn for foreach from func function global go goto if impl implements import in instanceof interface internal is lambda let loop " +
    "match mod module move mut namespace new nil None nonlocal not null nullptr object of open operator or override package pass private protected pub public raise " +
    "readonly ref require rescue return Self self sealed select static struct super switch template this throw throws trait true True False try type typeof undefined " +
    "unless unsafe use using val var virtual void volatile when where while with yield end begin ensure until then"
  ).split(" "),
);
