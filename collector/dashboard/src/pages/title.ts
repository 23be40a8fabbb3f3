import { useEffect } from "react";

/** Names the browser tab while the page is open. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · Faultwire` : "Faultwire";
  }, [title]);
}
