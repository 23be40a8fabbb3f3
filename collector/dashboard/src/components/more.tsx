import { useEffect, useRef } from "react";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/states";

/** Loads the next page when the reader comes near the end; the button is for keyboards and for old browsers. */
export function More({ busy, onMore }: { busy: boolean; onMore: () => void }) {
  const element = useRef<HTMLDivElement>(null);
  const latest = useRef(onMore);
  useEffect(() => {
    latest.current = onMore;
  });
  useEffect(() => {
    if (busy || !element.current) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current(), { rootMargin: "400px" });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [busy]);
  return (
    <div ref={element} className="flex justify-center border-t p-3">
      {busy ? <Skeleton className="h-7 w-24" /> : <Button look="ghost" size="sm" onClick={onMore}>Show more</Button>}
    </div>
  );
}
