/** The options every Faultwire SDK has. */
export interface CoreOptions {
  dsn?: string;
  release?: string;
  environment?: string;
  dist?: string;
  serverName?: string;
  sampleRate?: number;
  maxBreadcrumbs?: number;
  maxValueLength?: number;
  attachStacktrace?: boolean;
  sendDefaultPii?: boolean;
  inAppInclude?: string[];
  inAppExclude?: string[];
  ignoreErrors?: string[];
  queueDir?: string;
  maxQueueBytes?: number;
  maxQueueAge?: number;
  flushTimeout?: number;
  shutdownTimeout?: number;
  debug?: boolean;
  proxy?: string;
  caCerts?: string;
  scrubKeys?: string[];
}
