/** What to paste into an app, per platform. */
export interface Guide {
  id: string;
  label: string;
  steps: { title: string; code: string; language: string }[];
}

/** The address of the collector, from a DSN: scheme, host, port and the path before the project. */
export function serverOf(dsn: string): string {
  const parsed = new URL(dsn);
  return `${parsed.protocol}//${parsed.host}${parsed.pathname.replace(/\/[^/]*$/, "")}`;
}

export function publicKeyOf(dsn: string): string {
  return new URL(dsn).username;
}

/** The guides for one DSN, in the order of the tabs. */
export function guides(dsn: string): Guide[] {
  return [
    {
      id: "node",
      label: "Node",
      steps: [
        { title: "Install", language: "shell", code: "npm install @faultwire/node" },
        {
          title: "Before anything else in your app",
          language: "node",
          code: `import * as Faultwire from "@faultwire/node";

Faultwire.init({ dsn: "${dsn}" });`,
        },
        { title: "See it work", language: "node", code: `Faultwire.captureException(new Error("Hello from Node"));` },
      ],
    },
    {
      id: "express",
      label: "Express",
      steps: [
        { title: "Install", language: "shell", code: "npm install @faultwire/node" },
        {
          title: "Around your routes",
          language: "node",
          code: `import * as Faultwire from "@faultwire/node";
import express from "express";

Faultwire.init({ dsn: "${dsn}" });

const app = express();
app.use(Faultwire.requestHandler()); // before the routes

app.get("/boom", () => {
  throw new Error("Hello from Express");
});

app.use(Faultwire.expressErrorHandler()); // after the routes
app.listen(3000);`,
        },
        { title: "See it work", language: "shell", code: "curl http://localhost:3000/boom" },
      ],
    },
    {
      id: "browser",
      label: "Browser",
      steps: [
        { title: "Faultwire speaks the Sentry protocol: install the Sentry SDK", language: "shell", code: "npm install @sentry/browser" },
        {
          title: "As early as possible",
          language: "javascript",
          code: `import * as Sentry from "@sentry/browser";

Sentry.init({ dsn: "${dsn}" });`,
        },
        { title: "See it work", language: "javascript", code: `Sentry.captureException(new Error("Hello from the browser"));` },
      ],
    },
    {
      id: "python",
      label: "Python",
      steps: [
        { title: "Faultwire speaks the Sentry protocol: install the Sentry SDK", language: "shell", code: "pip install sentry-sdk" },
        {
          title: "As early as possible",
          language: "python",
          code: `import sentry_sdk

sentry_sdk.init(dsn="${dsn}")`,
        },
        { title: "See it work", language: "python", code: "1 / 0" },
      ],
    },
    {
      id: "curl",
      label: "curl",
      steps: [
        {
          title: "Plain JSON from anything that speaks HTTP",
          language: "shell",
          code: `curl ${serverOf(dsn)}/api/v1/events \\
  -H 'X-Sentry-Auth: Sentry sentry_version=7, sentry_key=${publicKeyOf(dsn)}' \\
  -H 'Content-Type: application/json' \\
  -d '[{"message": "Hello from curl", "level": "error", "tags": {"region": "eu-1"}}]'`,
        },
      ],
    },
  ];
}

/** The tab to begin with for a project's platform. */
export function guideFor(platform: string | null): string {
  if (platform === "python") return "python";
  if (platform === "javascript" || platform === "browser") return "browser";
  if (platform === null || platform === "node" || platform === "express") return "node";
  return "curl";
}
