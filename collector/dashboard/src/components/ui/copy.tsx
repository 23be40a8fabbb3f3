import { Check, Copy } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { buttonClass } from "./button";
import { showToast } from "./toast";
import { Tooltip } from "./tooltip";

/** Copies text; false when the browser refuses (no permission, or a page that is not on https or localhost). */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Plain http on an address other than localhost has no clipboard API; the old way still works there.
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.className = "fixed top-0 left-0 opacity-0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function CopyButton({ text, label, children, look = "ghost" }: { text: string | (() => string); label: string; children?: ReactNode; look?: "ghost" | "secondary" | "primary" }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1_600);
    return () => clearTimeout(timer);
  }, [copied]);

  const copy = async () => {
    if (await copyText(typeof text === "string" ? text : text())) setCopied(true);
    else showToast({ tone: "error", text: "The browser refused to copy. Select the text and copy it by hand." });
  };
  const button = (
    <button type="button" aria-label={label} onClick={copy} className={buttonClass(look, children ? "sm" : "icon-sm")}>
      {copied ? <Check className="text-ok" /> : <Copy />}
      {children && <span>{copied ? "Copied" : children}</span>}
    </button>
  );
  return children ? button : <Tooltip text={copied ? "Copied" : label}>{button}</Tooltip>;
}
