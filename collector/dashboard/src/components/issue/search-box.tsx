import { Search, X } from "lucide-react";
import { type Ref, useState } from "react";
import { INPUT } from "@/components/ui/field";
import { Kbd } from "@/components/ui/tooltip";
import { KNOWN_WORDS } from "@/search/words";

/** The search of the issue list. Searches on Enter and when it is left; shows the known words while it is empty and focused. */
export function SearchBox({ value, onSearch, ref }: { value: string; onSearch: (text: string) => void; ref: Ref<HTMLInputElement> }) {
  const [text, setText] = useState(value);
  const [focused, setFocused] = useState(false);
  const submit = () => text.trim() !== value && onSearch(text.trim());

  return (
    <form
      role="search"
      className="relative min-w-60 flex-1"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
      onBlur={(event) => {
        if (event.currentTarget.contains(event.relatedTarget)) return;
        setFocused(false);
        submit();
      }}
      onFocus={() => setFocused(true)}
    >
      <Search className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-ink-3" aria-hidden />
      <input
        ref={ref}
        type="text"
        aria-label="Search issues"
        autoComplete="off"
        spellCheck={false}
        placeholder="Search, or level:error, release:…"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
        className={`${INPUT} pr-9 pl-9`}
      />
      {text !== "" ? (
        <button
          type="button"
          aria-label="Clear the search"
          className="absolute top-1/2 right-2 -translate-y-1/2 rounded-md p-1 text-ink-3 hover:bg-hover hover:text-ink"
          onClick={() => {
            setText("");
            onSearch("");
          }}
        >
          <X className="size-4" />
        </button>
      ) : (
        !focused && (
          <span className="pointer-events-none absolute top-1/2 right-2.5 -translate-y-1/2 max-md:hidden" aria-hidden>
            <Kbd>/</Kbd>
          </span>
        )
      )}
      {focused && text === "" && (
        <div className="absolute inset-x-0 top-full z-30 mt-1 rounded-lg bg-raised p-1 shadow-pop animate-pop">
          <p className="label-caps px-2 pt-1.5 pb-1">Words you can use</p>
          {KNOWN_WORDS.map(({ word, example, means }) => (
            <button
              key={word}
              type="button"
              className="flex w-full items-baseline gap-3 rounded-md px-2 py-1 text-left hover:bg-hover"
              onClick={(event) => {
                setText(word);
                event.currentTarget.form?.querySelector("input")?.focus();
              }}
            >
              <code className="w-52 shrink-0 text-xs text-accent-ink max-sm:w-44">{example}</code>
              <span className="truncate text-xs text-ink-2">{means}</span>
            </button>
          ))}
          <p className="px-2 py-1 text-xs text-ink-3">Anything else is looked for in titles and culprits. Quote a phrase.</p>
        </div>
      )}
    </form>
  );
}
