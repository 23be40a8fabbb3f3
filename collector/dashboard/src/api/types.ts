// The JSON API as the dashboard reads it. The same shapes stand in ../../../src/api/openapi.json; a collector test compares
// real answers with that document. Times are RFC 3339 UTC text. Ids of projects and issues are numbers as text-safe integers.

/** GET /api/v1/session. `setup` is true until the first admin password has been chosen. */
export interface Session {
  setup: boolean;
  user: { name: string } | null;
  version: string;
}
// POST /api/v1/setup    {"password": string (>= 8 chars)}  -> Session, sets the cookie; 409 once a password exists
// POST /api/v1/session  {"password": string}               -> Session, sets the cookie (HttpOnly, SameSite=Lax); 401 wrong, 429 after 10 tries a minute
// DELETE /api/v1/session                                   -> 204
// Everything below needs the cookie or `Authorization: Bearer TOKEN`. State-changing calls with the cookie need the
// header `X-Faultwire-Request: 1` (CSRF: a foreign page cannot set it).

/** Every error answer of the API. */
export interface ApiError {
  detail: string;
  causes?: string[];
}

/** GET /api/v1/projects -> Page<Project>; POST /api/v1/projects {"name", "platform"?} -> 201 Project; GET /api/v1/projects/{id} */
export interface Project {
  id: number;
  name: string;
  slug: string;
  platform: string | null;
  dsn: string;
  created_at: string;
  /** Null until the first event arrived: the dashboard shows the waiting page. */
  first_event_at: string | null;
  unresolved_issues: number;
  /** Events in each of the last 24 hours, oldest first. */
  events_24h: number[];
}

/** Every list. Pass `next` back as `?cursor=`; null at the end. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

export type Level = "fatal" | "error" | "warning" | "info" | "debug";
export type IssueStatus = "unresolved" | "resolved" | "ignored";

/**
 * GET /api/v1/projects/{id}/issues?query=&sort=last_seen|first_seen|count|users&cursor=&limit= -> Page<Issue>
 * query words in this version: is:unresolved|resolved|ignored, level:error, release:, environment:, free text over title and culprit; default is:unresolved
 */
export interface Issue {
  id: number;
  project_id: number;
  /** For people: PROJECT-SLUG-NUMBER in capitals, e.g. SHOP-12. */
  short_id: string;
  /** Exception type, or the message for events without an exception. */
  type: string;
  /** First line of the exception value. */
  value: string;
  title: string;
  culprit: string;
  level: Level;
  platform: string;
  status: IssueStatus;
  /** New since less than a day, or seen again after it was resolved. */
  substatus: "new" | "regressed" | "ongoing" | null;
  handled: boolean | null;
  count: number;
  users: number;
  first_seen: string;
  last_seen: string;
  first_release: string | null;
  last_release: string | null;
  /** Events in each of the last 24 hours, oldest first. */
  trend_24h: number[];
}

/** GET /api/v1/issues/{id}; PATCH /api/v1/issues/{id} {"status": IssueStatus} -> IssueDetail */
export interface IssueDetail extends Issue {
  /** Events in each of the last 30 days, oldest first. */
  trend_30d: number[];
  /** Tag values over the whole life of the issue, the ten most frequent of each key. */
  tags: { key: string; total: number; values: { value: string; count: number }[] }[];
  /** Why its events are together, one line each. */
  grouping: { version: string; parts: string[] };
  latest_event_id: string | null;
}

/** GET /api/v1/issues/{id}/events?cursor=&limit= -> Page<EventSummary>, newest first */
export interface EventSummary {
  id: string;
  issue_id: number;
  title: string;
  timestamp: string;
  received_at: string;
  release: string | null;
  environment: string | null;
  user: string | null;
}

/** GET /api/v1/events/{id} (32 hex; ?project= if the same id exists in two projects), GET /api/v1/issues/{id}/events/latest */
export interface EventDetail extends EventSummary {
  project_id: number;
  level: Level;
  platform: string;
  culprit: string;
  /** Older and newer neighbour in the same issue. */
  previous_event_id: string | null;
  next_event_id: string | null;
  /** The whole normalized and scrubbed event: canonical containers ({values: []}), tags as [key, value] pairs, `_meta` remarks. */
  event: EventPayload;
  attachments: { id: number; filename: string; content_type: string; size: number }[];
}

export interface Frame {
  function?: string;
  module?: string;
  filename?: string;
  abs_path?: string;
  lineno?: number;
  colno?: number;
  in_app?: boolean;
  context_line?: string;
  pre_context?: string[];
  post_context?: string[];
  vars?: Record<string, unknown>;
}
export interface Exception {
  type?: string;
  value?: string;
  module?: string;
  mechanism?: { type?: string; handled?: boolean; [k: string]: unknown };
  /** Oldest call first: the failing frame is last. */
  stacktrace?: { frames: Frame[] };
}
export interface Breadcrumb {
  timestamp?: number | string;
  type?: string;
  category?: string;
  level?: string;
  message?: string;
  data?: Record<string, unknown>;
}
export interface EventPayload {
  event_id: string;
  /** Causes first, the outermost exception last. */
  exception?: { values: Exception[] };
  logentry?: { formatted?: string; message?: string; params?: unknown };
  breadcrumbs?: { values: Breadcrumb[] };
  threads?: { values: { id?: string | number; name?: string; crashed?: boolean; current?: boolean; stacktrace?: { frames: Frame[] } }[] };
  tags?: [string, string][];
  user?: Record<string, unknown>;
  request?: {
    url?: string;
    method?: string;
    query_string?: unknown;
    headers?: [string, string][];
    cookies?: [string, string][];
    data?: unknown;
    env?: Record<string, unknown>;
  };
  contexts?: Record<string, Record<string, unknown>>;
  extra?: Record<string, unknown>;
  sdk?: { name?: string; version?: string };
  _meta?: Record<string, unknown>;
  [k: string]: unknown;
}

// GET /api/v1/events/{id}/json -> the stored event as plain JSON (download)
// GET /api/v1/events/{id}/attachments/{attachment_id} -> bytes
// GET /api/v1/projects/{id}/events -> Page<EventSummary>
// GET /api/v1/stats -> {accepted, digested, spooled, discarded: [{category, reason, quantity}]} for the instance
export interface Stats {
  accepted: number;
  digested: number;
  spooled: number;
  discarded: { category: string; reason: string; quantity: number }[];
}
