import { CopyButton } from "@/components/ui/copy";
import { highlight } from "@/stack/highlight";

/** A block of code to copy. */
export function CodeBlock({ code, language, label }: { code: string; language: string; label: string }) {
  return (
    <div className="group relative rounded-lg border bg-code">
      <pre tabIndex={0} aria-label={label} className="overflow-x-auto rounded-lg py-3 pr-12 pl-4 text-xs leading-5">
        <code>
          {code.split("\n").map((line, index) => (
            <span key={`${index}`} className="block min-h-5">
              <Coloured line={line} language={language} />
            </span>
          ))}
        </code>
      </pre>
      <div className="absolute top-1.5 right-1.5 rounded-md bg-code">
        <CopyButton text={code} label={`Copy ${label.toLowerCase()}`} />
      </div>
    </div>
  );
}

function Coloured({ line, language }: { line: string; language: string }) {
  if (language === "shell") return line;
  return highlight(line, language).map((piece, index) => (
    <span key={`${index}`} className={piece.kind ? `tok-${piece.kind}` : undefined}>
      {piece.text}
    </span>
  ));
}
