import { UserRound } from "lucide-react";
import { Pairs, pairsOf } from "./pairs";
import { Scrubbed } from "./scrubbed";
import { Section } from "./section";

export function User({ user }: { user: Record<string, unknown> }) {
  const pairs = pairsOf(user, ["user"], ["data"]).concat(isRecord(user.data) ? pairsOf(user.data, ["user", "data"]) : []);
  if (pairs.length === 0) return null;
  const [key, name] = ["name", "username", "email", "id", "ip_address"].map((field) => [field, user[field]] as const).find(([, value]) => value !== undefined && value !== null && value !== "") ?? ["id", "unknown"];

  return (
    <Section title="User">
      <div className="mb-2 flex items-center gap-3">
        <span className="flex size-9 items-center justify-center rounded-full bg-accent-soft text-accent-ink">
          <UserRound className="size-5" aria-hidden />
        </span>
        <span className="min-w-0 font-medium [overflow-wrap:anywhere]">
          <Scrubbed text={String(name)} path={["user", key]} />
        </span>
      </div>
      <Pairs pairs={pairs} label="User" />
    </Section>
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
