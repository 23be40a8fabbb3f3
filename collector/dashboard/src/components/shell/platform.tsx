import clsx from "clsx";

const TILES: Record<string, [text: string, look: string]> = {
  node: ["JS", "bg-[#e6f4e6] text-[#226b2c] dark:bg-[#16301a] dark:text-[#7fd08b]"],
  express: ["Ex", "bg-[#e6f4e6] text-[#226b2c] dark:bg-[#16301a] dark:text-[#7fd08b]"],
  javascript: ["JS", "bg-[#fbf2cf] text-[#7a5a00] dark:bg-[#352c0d] dark:text-[#f0d264]"],
  browser: ["JS", "bg-[#fbf2cf] text-[#7a5a00] dark:bg-[#352c0d] dark:text-[#f0d264]"],
  python: ["Py", "bg-[#e4eefb] text-[#1d5593] dark:bg-[#122741] dark:text-[#86bdf7]"],
  rust: ["Rs", "bg-[#fbe9e0] text-[#96400f] dark:bg-[#391d0e] dark:text-[#f2a27a]"],
  go: ["Go", "bg-[#dcf4f8] text-[#0b6575] dark:bg-[#0c2e35] dark:text-[#76d5e5]"],
  java: ["Jv", "bg-[#fbe6e6] text-[#97292b] dark:bg-[#3a1717] dark:text-[#f29b9c]"],
  php: ["Ph", "bg-[#ebe9f8] text-[#4b3f9c] dark:bg-[#241f45] dark:text-[#b5abf5]"],
  ruby: ["Rb", "bg-[#fbe6ea] text-[#a01c38] dark:bg-[#3a141d] dark:text-[#f58ea2]"],
  csharp: ["C#", "bg-[#f1e6f8] text-[#6d2a92] dark:bg-[#2d1640] dark:text-[#d19bf0]"],
  cocoa: ["Sw", "bg-[#fbe9e0] text-[#a23c12] dark:bg-[#391d0e] dark:text-[#f2a27a]"],
};

/** A small tile that tells platforms apart at a glance; the name is its label. Without a known platform: the project's initial. */
export function PlatformTile({ platform, name, size = "md" }: { platform: string | null; name?: string; size?: "sm" | "md" | "lg" }) {
  const initial = (name?.trim() || platform || "?").charAt(0).toUpperCase();
  const [text, look] = TILES[platform ?? ""] ?? [initial, "bg-accent-soft text-accent-ink"];
  return (
    <span
      role="img"
      aria-label={platform ?? "no platform"}
      className={clsx(
        "inline-flex shrink-0 items-center justify-center font-semibold select-none",
        look,
        size === "sm" ? "size-5 rounded-sm text-[0.5625rem]" : size === "lg" ? "size-9 rounded-lg text-sm" : "size-7 rounded-md text-2xs",
      )}
    >
      {text}
    </span>
  );
}
