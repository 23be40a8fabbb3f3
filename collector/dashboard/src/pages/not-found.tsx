import { Compass, TriangleAlert } from "lucide-react";
import { Link, useRouteError } from "react-router";
import { Button, buttonClass } from "@/components/ui/button";
import { Empty } from "@/components/ui/states";
import { useTitle } from "./title";

export function NotFoundPage({ what = "This page" }: { what?: string }) {
  useTitle("Not found");
  return (
    <div className="flex min-h-[70dvh] items-center justify-center">
      <Empty
        page
        icon={<Compass />}
        title={`${what} does not exist`}
        action={
          <Link to="/projects" className={buttonClass("primary")}>
            Go to your projects
          </Link>
        }
      >
        It may have been deleted, or the link was cut short on its way.
      </Empty>
    </div>
  );
}

/** A defect of the dashboard itself. Says so and keeps the message for a report. */
export function Crashed() {
  const error = useRouteError();
  useTitle("Something broke");
  return (
    <div className="flex min-h-[70dvh] items-center justify-center" role="alert">
      <Empty page icon={<TriangleAlert className="text-error" />} title="The dashboard itself broke" action={<Button look="primary" onClick={() => window.location.reload()}>Reload</Button>}>
        Your events are safe: this page only shows them.
        <code className="mt-3 block rounded-md bg-sunken px-3 py-2 text-left text-xs [overflow-wrap:anywhere]">{error instanceof Error ? error.message : String(error)}</code>
      </Empty>
    </div>
  );
}
