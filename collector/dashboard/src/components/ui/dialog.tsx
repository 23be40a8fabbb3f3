import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { Button } from "./button";

/**
 * A modal dialog on the browser's own `<dialog>`: focus trap, Escape and backdrop come with it. Radix's dialog would write a
 * style element for its scroll lock, which the content security policy refuses.
 */
export function Dialog({ open, onClose, title, hint, children }: { open: boolean; onClose: () => void; title: string; hint?: string; children: ReactNode }) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();

  useEffect(() => {
    const dialog = element.current;
    if (!dialog) return;
    if (open && !dialog.open) {
      dialog.showModal();
      // The browser would choose the close button, which stands first.
      (dialog.querySelector<HTMLElement>("input:not([type=radio])") ?? dialog).focus();
    }
    if (!open && dialog.open) dialog.close();
  }, [open]);

  if (!open) return null;
  return (
    <dialog
      ref={element}
      tabIndex={-1}
      aria-labelledby={id}
      onClose={onClose}
      onMouseDown={(event) => event.target === element.current && onClose()}
      className="m-auto w-[min(28rem,calc(100vw-2rem))] rounded-xl bg-raised p-0 text-ink shadow-pop outline-none animate-pop"
    >
      <div className="flex items-start justify-between gap-4 px-5 pt-4 pb-1">
        <div>
          <h2 id={id} className="text-lg font-semibold">
            {title}
          </h2>
          {hint && <p className="text-sm text-ink-2">{hint}</p>}
        </div>
        <Button look="ghost" size="icon-sm" aria-label="Close" onClick={onClose} className="-mr-2">
          <X />
        </Button>
      </div>
      <div className="px-5 pt-3 pb-5">{children}</div>
    </dialog>
  );
}
