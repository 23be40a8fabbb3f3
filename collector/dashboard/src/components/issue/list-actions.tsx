import clsx from "clsx";
import { ArrowDownWideNarrow, BellOff, Check, CircleDot } from "lucide-react";
import type { ReactNode } from "react";
import type { Sort } from "@/api/queries";
import type { Issue, IssueStatus } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/field";
import { Menu, MenuItem } from "@/components/ui/menu";
import { counted } from "@/format/number";
import { COLUMNS } from "./row";

const SORTS: { value: Sort; label: string }[] = [
  { value: "last_seen", label: "Last seen" },
  { value: "first_seen", label: "First seen" },
  { value: "count", label: "Events" },
  { value: "users", label: "Users" },
];

/** The head of the list: column names and sort, or, while rows are ticked, what can be done with them. Same height for both. */
export function ListActions({ issues, chosen, filter, onAll, onStatus, sort, onSort, children }: {
  issues: Issue[];
  chosen: Issue[];
  filter: IssueStatus;
  onAll: (all: boolean) => void;
  onStatus: (status: IssueStatus) => void;
  sort: Sort;
  onSort: (sort: Sort) => void;
  children: ReactNode;
}) {
  const some = chosen.length > 0;
  return (
    <div className={clsx(COLUMNS, "sticky top-0 z-20 h-11 rounded-t-xl border-b bg-surface px-4 text-xs text-ink-3 max-md:top-12")}>
      <span className="flex size-5 items-center justify-center">
        <Checkbox label="Select all" checked={some && chosen.length === issues.length} indeterminate={some && chosen.length < issues.length} onChange={onAll} />
      </span>
      {some ? (
        <div role="toolbar" aria-label="Selected issues" className="col-span-full col-start-2 flex items-center gap-2">
          <span className="num mr-1 font-medium whitespace-nowrap text-ink">{counted(chosen.length, "issue")}</span>
          {filter !== "resolved" && (
            <Button size="sm" onClick={() => onStatus("resolved")}>
              <Check /> Resolve
            </Button>
          )}
          {filter !== "ignored" && (
            <Button size="sm" onClick={() => onStatus("ignored")}>
              <BellOff /> Ignore
            </Button>
          )}
          {filter !== "unresolved" && (
            <Button size="sm" onClick={() => onStatus("unresolved")}>
              <CircleDot /> Reopen
            </Button>
          )}
        </div>
      ) : (
        <>
          <div className="flex min-w-0 items-center">
            <Menu
              align="start"
              trigger={
                <button type="button" className="-ml-1.5 flex h-7 items-center gap-1.5 rounded-md px-1.5 hover:bg-hover hover:text-ink">
                  <ArrowDownWideNarrow className="size-4" aria-hidden />
                  <span>
                    Sorted by <span className="font-medium text-ink-2">{SORTS.find(({ value }) => value === sort)?.label.toLowerCase()}</span>
                  </span>
                </button>
              }
            >
              {SORTS.map(({ value, label }) => (
                <MenuItem key={value} checked={value === sort} onSelect={() => onSort(value)}>
                  {label}
                </MenuItem>
              ))}
            </Menu>
          </div>
          {children}
        </>
      )}
    </div>
  );
}
