import { useEffect, useRef } from "react";

/** Key names as `KeyboardEvent.key` gives them. Letters are lower case, so that caps lock does not matter. */
export type Bindings = Record<string, (event: KeyboardEvent) => void>;

/**
 * Listens for single keys while the component is mounted. Silent while someone types, while a modifier is held (those belong to
 * the browser), and while a dialog or menu is open (it has keys of its own).
 */
export function useHotkeys(bindings: Bindings, enabled = true): void {
  const latest = useRef(bindings);
  useEffect(() => {
    latest.current = bindings;
  });
  useEffect(() => {
    if (!enabled) return;
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isBusy(event)) return;
      const action = latest.current[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!action) return;
      event.preventDefault();
      action(event);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [enabled]);
}

/** True when a key press is not meant for the page. */
export function isBusy(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  const target = event.target;
  if (target instanceof HTMLElement) {
    if (target.closest("input:not([type=checkbox]), textarea, select, [contenteditable=true]")) return true;
    // A focused button, link or tab keeps Enter and the arrows for itself.
    if ((event.key === "Enter" || event.key === " ") && target.closest("button, a, summary, [role=tab]")) return true;
    if (event.key.startsWith("Arrow") && target.closest("[role=tablist], [role=menu]")) return true;
  }
  return document.querySelector("dialog[open], [role=menu]") !== null;
}

/** All shortcuts, for the help dialog. */
export const SHORTCUTS: { title: string; keys: { press: string[]; does: string }[] }[] = [
  {
    title: "Issue list",
    keys: [
      { press: ["j", "k"], does: "Move down, up" },
      { press: ["Enter"], does: "Open the issue" },
      { press: ["x"], does: "Select the issue" },
      { press: ["r"], does: "Resolve" },
      { press: ["i"], does: "Ignore" },
      { press: ["/"], does: "Search" },
    ],
  },
  {
    title: "Issue",
    keys: [
      { press: ["←", "→"], does: "Older, newer event" },
      { press: ["l"], does: "Latest event" },
      { press: ["r"], does: "Resolve or reopen" },
      { press: ["i"], does: "Ignore or reopen" },
      { press: ["c"], does: "Copy the stack trace" },
      { press: ["u"], does: "Back to the list" },
    ],
  },
  {
    title: "Everywhere",
    keys: [
      { press: ["p"], does: "Projects" },
      { press: ["t"], does: "Light or dark" },
      { press: ["?"], does: "This help" },
    ],
  },
];
