import clsx from "clsx";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { IssueDetail } from "@/api/types";
import { Bars } from "@/components/chart/bars";
import { Scrubbed } from "@/components/event/scrubbed";
import { Time } from "@/components/time";
import { Card } from "@/components/ui/states";
import { compact, exact, share } from "@/format/number";
import { format, toggle } from "@/search/words";

/** What is known about the issue as a whole, beside the one event that is shown. */
export function IssueAside({ issue }: { issue: IssueDetail }) {
  return (
    <aside aria-label="About this issue" className="flex min-w-0 flex-col gap-4 max-xl:order-first">
      <Card className="p-4 max-xl:grid max-xl:gap-x-8 max-xl:gap-y-4 md:max-xl:grid-cols-2">
        <div className="grid grid-cols-2 gap-4 xl:mb-4">
          <Figure name="Events" value={issue.count} />
          <Figure name="Users" value={issue.users} />
          <dl className="col-span-2 space-y-1.5 text-sm xl:hidden">
            <Seen name="Last seen" time={issue.last_seen} release={issue.last_release} issue={issue} />
            <Seen name="First seen" time={issue.first_seen} release={issue.first_release} issue={issue} />
          </dl>
        </div>
        <Bars values={issue.trend_30d} unit="day" label="Last 30 days" className="h-12 xl:h-16" />
        <div className="mt-4 border-t pt-4 max-xl:hidden">
          <Bars values={issue.trend_24h} unit="hour" label="Last 24 hours" className="h-10" />
        </div>
      </Card>
      <Card className="p-4 max-xl:hidden">
        <dl className="space-y-3 text-sm">
          <Seen name="Last seen" time={issue.last_seen} release={issue.last_release} issue={issue} />
          <Seen name="First seen" time={issue.first_seen} release={issue.first_release} issue={issue} />
        </dl>
      </Card>
      {issue.tags.length > 0 && (
        <Card className="p-4 max-xl:hidden">
          <TagShares issue={issue} />
        </Card>
      )}
    </aside>
  );
}

function Figure({ name, value }: { name: string; value: number }) {
  return (
    <div title={exact(value)}>
      <div className="label-caps">{name}</div>
      <div className="num text-2xl font-semibold tracking-tight">{compact(value)}</div>
    </div>
  );
}

function Seen({ name, time, release, issue }: { name: string; time: string; release: string | null; issue: IssueDetail }) {
  return (
    <div className="flex items-baseline justify-between gap-3">
      <dt className="shrink-0 text-ink-3">{name}</dt>
      <dd className="flex min-w-0 flex-col items-end text-right max-xl:flex-row max-xl:items-baseline max-xl:gap-2">
        <Time value={time} className="shrink-0 font-medium" />
        {release && (
          <Link
            to={`/projects/${issue.project_id}?query=${encodeURIComponent(format({ status: issue.status, rest: toggle("", "release", release) }))}`}
            className="block max-w-full truncate rounded-sm font-mono max-xl:order-first text-xs text-ink-3 hover:text-accent-ink"
            title={`Issues of ${release}`}
          >
            {release}
          </Link>
        )}
      </dd>
    </div>
  );
}

/** How tag values are spread over the newest events, the biggest share first. Tags with one value only are a list below. */
export function TagShares({ issue, columns = false }: { issue: Pick<IssueDetail, "tags">; columns?: boolean }): ReactNode {
  const varied = issue.tags.filter((tag) => tag.values.length > 1);
  const same = issue.tags.filter((tag) => tag.values.length === 1);
  return (
    <section aria-label="Tag values">
      <h2 className="label-caps mb-3">Tags</h2>
      <div className={columns ? "grid gap-x-6 gap-y-5 sm:grid-cols-2" : "space-y-5"}>
        {varied.map((tag) => (
          <div key={tag.key}>
            <h3 className="mb-1 text-sm font-medium [overflow-wrap:anywhere]">{tag.key}</h3>
            <ul className="space-y-1">
              {tag.values.slice(0, 4).map(({ value, count }) => (
                <li key={value} className="relative flex h-6 items-center justify-between gap-2 overflow-hidden rounded-sm bg-sunken px-2 text-xs">
                  <span className="absolute inset-y-0 left-0 bg-accent/15 dark:bg-accent/30" style={{ width: `${(count / Math.max(1, tag.total)) * 100}%` }} aria-hidden />
                  <span className="relative min-w-0 truncate" title={value}>
                    {value === "" ? <span className="text-ink-3">empty</span> : <Scrubbed text={value} />}
                  </span>
                  <span className="num relative text-ink-2">{share(count, tag.total)}</span>
                </li>
              ))}
              {tag.values.length > 4 && <li className="px-2 text-xs text-ink-3">and {tag.values.length - 4} more</li>}
            </ul>
          </div>
        ))}
      </div>
      {same.length > 0 && (
        <dl className={clsx("text-xs", varied.length > 0 && "mt-5 border-t pt-3")}>
          {same.map((tag) => (
            <div key={tag.key} className="flex justify-between gap-4 py-1">
              <dt className="shrink-0 text-ink-3">{tag.key}</dt>
              <dd className="min-w-0 truncate text-right font-medium" title={tag.values[0]?.value}>
                <Scrubbed text={tag.values[0]?.value ?? ""} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
