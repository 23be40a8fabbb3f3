import { useContext } from "react";
import type { EventPayload } from "@/api/types";
import { Badge } from "@/components/issue/badges";
import { CopyButton } from "@/components/ui/copy";
import { queryPairs, toCurl } from "@/event/curl";
import { remark } from "@/event/meta";
import { JsonTree } from "./json-tree";
import { type Pair, Pairs, pairsOf } from "./pairs";
import { MetaContext, Scrubbed } from "./scrubbed";
import { Section } from "./section";

type RequestData = NonNullable<EventPayload["request"]>;

export function RequestSection({ request }: { request: RequestData }) {
  const query = queryPairs(request.query_string).map(([name, value], index): Pair => ({
    name,
    value: value ?? "",
    path: Array.isArray(request.query_string) ? ["request", "query_string", index, 1] : ["request", "query_string"],
  }));
  const env = pairsOf(request.env, ["request", "env"]);
  const meta = useContext(MetaContext);
  const headers = listed(request.headers, "headers", meta);
  const cookies = listed(request.cookies, "cookies", meta);
  const hasBody = request.data !== undefined && request.data !== null && request.data !== "";
  if (!request.url && !request.method && !hasBody && headers.length + query.length + cookies.length + env.length === 0) return null;

  return (
    <Section
      title="Request"
      actions={
        request.url ? (
          <CopyButton text={() => toCurl(request)} label="Copy as a curl command">
            Copy as curl
          </CopyButton>
        ) : undefined
      }
    >
      {(request.method || request.url) && (
        <p className="flex items-baseline gap-2 font-mono text-sm">
          {request.method && <Badge className="bg-info-soft text-info">{request.method}</Badge>}
          <span className="min-w-0 [overflow-wrap:anywhere]">
            <Scrubbed text={request.url ?? ""} path={["request", "url"]} />
          </span>
        </p>
      )}
      <Part title="Query" pairs={query} />
      {hasBody && (
        <div className="mt-4">
          <h3 className="label-caps mb-1">Body</h3>
          <div className="overflow-x-auto rounded-lg border bg-code px-3 py-2 font-mono text-xs leading-5">
            <JsonTree value={request.data} path={["request", "data"]} />
          </div>
        </div>
      )}
      <Part title="Headers" pairs={headers} />
      <Part title="Cookies" pairs={cookies} />
      <Part title="Environment" pairs={env} />
    </Section>
  );
}

function Part({ title, pairs }: { title: string; pairs: Pair[] }) {
  if (pairs.length === 0) return null;
  return (
    <div className="mt-4">
      <h3 className="label-caps">{title}</h3>
      <Pairs pairs={pairs} label={title} />
    </div>
  );
}

/** Headers and cookies are pairs in the stored form; an object is read as well, as an event of an older server may hold one. */
function listed(value: unknown, name: "headers" | "cookies", meta: unknown): Pair[] {
  if (Array.isArray(value)) {
    return value.filter(Array.isArray).map(([key, content], index): Pair => {
      // An SDK that sent an object left its remark under the header's name.
      const byName = ["request", name, String(key)];
      return { name: String(key), value: content, path: remark(meta, byName) ? byName : ["request", name, index, 1] };
    });
  }
  return typeof value === "object" && value !== null ? pairsOf(value as Record<string, unknown>, ["request", name]) : [];
}
