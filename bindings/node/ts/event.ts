// The words of the wire protocol, as types. Only what an app writes or a hook reads; unknown keys are kept as they are.

/** How bad it is. */
export type Level = "fatal" | "error" | "warning" | "info" | "debug";

/** Who was affected. At least one of `id`, `username`, `email`, `ip_address` makes users countable. */
export interface User {
  id?: string | number;
  username?: string;
  email?: string;
  ip_address?: string;
  [key: string]: unknown;
}

/** Something that happened before the error. */
export interface Breadcrumb {
  /** What happened, for people. */
  message?: string;
  /** A dotted name, for example `cart.add`. */
  category?: string;
  /** Default `info`. */
  level?: Level;
  /** Unix seconds; default now. */
  timestamp?: number;
  /** Small structured detail. */
  data?: Record<string, unknown>;
}

/** How an exception was caught. */
export interface Mechanism {
  type: string;
  /** False if the app did not catch it itself. */
  handled?: boolean;
  synthetic?: boolean;
  source?: string;
  exception_id?: number;
  parent_id?: number;
  is_exception_group?: boolean;
  data?: Record<string, unknown>;
}

/** One line of a stack trace. */
export interface StackFrame {
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
  [key: string]: unknown;
}

/** One exception of a chain. */
export interface Exception {
  type?: string;
  value?: string;
  mechanism?: Mechanism;
  stacktrace?: { frames?: StackFrame[]; [key: string]: unknown };
  /** The text of `error.stack`; the core turns it into `stacktrace`. */
  stack?: string;
  [key: string]: unknown;
}

/** An HTTP request as it goes on an event. */
export interface RequestData {
  method?: string;
  url?: string;
  query_string?: string;
  headers?: Record<string, string>;
  [key: string]: unknown;
}

/** An event, as `captureEvent` takes it and `beforeSend` sees it. */
export interface Event {
  event_id?: string;
  timestamp?: number | string;
  level?: Level;
  message?: string;
  logger?: string;
  transaction?: string;
  release?: string;
  environment?: string;
  fingerprint?: string[];
  tags?: Record<string, unknown> | [string, unknown][];
  extra?: Record<string, unknown>;
  contexts?: Record<string, Record<string, unknown> | undefined>;
  user?: User;
  request?: RequestData;
  exception?: { values: Exception[] };
  breadcrumbs?: { values: Breadcrumb[] };
  [key: string]: unknown;
}

/** What a hook learns beside the event. */
export interface EventHint {
  /** What was thrown. Absent for messages. */
  originalException?: unknown;
}

/** What a breadcrumb hook learns beside the breadcrumb: the arguments it was made from. */
export type BreadcrumbHint = Record<string, unknown>;

/** Data for one event only, on top of what the scopes hold. */
export interface CaptureContext {
  level?: Level;
  tags?: Record<string, string | number | boolean>;
  extra?: Record<string, unknown>;
  contexts?: Record<string, Record<string, unknown>>;
  user?: User;
  fingerprint?: string[];
  transaction?: string;
  /** How it was caught; default `{type: "generic", handled: true}`. */
  mechanism?: Mechanism;
}

/** What became of every event since `init`: `captured + recovered = delivered + queued + sum of lost`. */
export interface Stats {
  captured: number;
  /** Found on disk, left there by an earlier run. */
  recovered: number;
  delivered: number;
  /** In memory or on disk, not yet delivered. */
  queued: number;
  /** Counts by reason, for example `before_send` or `queue_overflow`. */
  lost: Record<string, number>;
}
