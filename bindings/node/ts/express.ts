// Middleware for Express, and for anything that speaks (request, response, next): connect, restify, plain node:http.

import { captureThrown } from "./capture";
import { isolatedLink, runIn, type ScopeLink } from "./state";

type Next = (error?: unknown) => void;

/** A handler that runs before the app's own. */
export type RequestHandler = (request: object, response: object, next: Next) => void;

/** A handler that sees errors. Express knows it by its four parameters. */
export type ErrorHandler = (error: unknown, request: object, response: object, next: Next) => void;

/** Settings of the error handler. */
export interface ErrorHandlerOptions {
  /** Which errors are reported. Default: those without a status below 500. */
  shouldHandleError?: (error: unknown) => boolean;
}

/** The scope of each request under way: some middleware loses the async context, the request object never gets lost. */
const links = new WeakMap<object, ScopeLink>();

/**
 * Gives each request a scope of its own and puts the request on what is captured while it is served. Use it first. With
 * plain `node:http`: `createServer((req, res) => handler(req, res, () => app(req, res)))`.
 */
export function requestHandler(): RequestHandler {
  return function faultwireRequestHandler(request, _response, next) {
    const link = isolatedLink(request);
    if (typeof request === "object" && request !== null) links.set(request, link);
    runIn(link, () => next());
  };
}

/**
 * Reports what the routes threw or rejected with and passes it on. Use it after the routes and before the handler that
 * answers. It works without `requestHandler` too; the event then carries the request all the same.
 */
export function expressErrorHandler(options: ErrorHandlerOptions = {}): ErrorHandler {
  const shouldHandle = options.shouldHandleError ?? isServerFault;
  // Four named parameters: Express counts them.
  return function faultwireErrorHandler(error, request, response, next) {
    let wanted = true;
    try {
      wanted = shouldHandle(error);
    } catch {
      // A broken filter reports rather than hides.
    }
    if (wanted) {
      const link = links.get(request) ?? isolatedLink(request);
      const id = runIn(link, () => captureThrown(error, MECHANISM, undefined, false, faultwireErrorHandler));
      if (id !== "") leaveId(response, id);
    }
    next(error);
  };
}

const MECHANISM = { type: "express", handled: false };

/** Puts the event id where the app's error page can show it: `res.locals.faultwireEventId`. */
function leaveId(response: object, id: string): void {
  try {
    const locals = (response as { locals?: Record<string, unknown> }).locals;
    if (locals !== undefined) locals["faultwireEventId"] = id;
  } catch {
    // A response without room for it.
  }
}

/** An error that says it is the client's fault (400 to 499) is the app working as intended. */
function isServerFault(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return true;
  const { status, statusCode } = error as { status?: unknown; statusCode?: unknown };
  const code = Number(status ?? statusCode ?? 500);
  return !(code < 500);
}
