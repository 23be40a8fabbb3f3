import type { ApiError } from "./types";

/** The server answered with an error, or did not answer at all (`status` 0). `detail` is meant for people. */
export class ApiFailure extends Error {
  readonly status: number;
  readonly detail: string;
  readonly causes: string[];

  constructor(status: number, detail: string, causes: string[] = []) {
    super(detail);
    this.name = "ApiFailure";
    this.status = status;
    this.detail = detail;
    this.causes = causes;
  }
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/**
 * Calls the JSON API of this origin. `path` begins with `/`, below `/api/v1`.
 *
 * The cookie travels by itself. The extra header on state-changing calls is the CSRF proof: a page of another origin cannot
 * set it. An empty answer (204) gives `undefined`. Every failure is an `ApiFailure`, except an abort, which passes through so
 * that the query library can tell it apart.
 */
export async function call<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Faultwire-Request"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";

  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "same-origin",
      signal: signal ?? null,
    });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiFailure(0, "The collector does not answer. Check that it is running and that your network reaches it.");
  }

  const text = await response.text();
  if (!response.ok) throw failure(response.status, text);
  if (text === "") return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ApiFailure(response.status, "The collector's answer could not be read. A proxy may stand in between.");
  }
}

/** Builds a query string with its `?`, leaving out what is null, undefined or empty. */
export function search(parameters: Record<string, string | number | null | undefined>): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") pairs.set(name, String(value));
  }
  const text = pairs.toString();
  return text === "" ? "" : `?${text}`;
}

/** What to tell a person about any thrown thing: one sentence with a capital letter and a full stop. */
export function words(error: unknown): string {
  if (error instanceof ApiFailure) return sentence(error.detail);
  return "Something went wrong in the dashboard itself. Reload the page; the browser's console has the details.";
}

/** True for failures that a second try cannot mend. */
export function isFinal(error: unknown): boolean {
  return error instanceof ApiFailure && error.status >= 400 && error.status < 500 && error.status !== 429;
}

function failure(status: number, text: string): ApiFailure {
  try {
    const answer = JSON.parse(text) as Partial<ApiError> | null;
    if (answer && typeof answer.detail === "string" && answer.detail !== "") {
      return new ApiFailure(status, answer.detail, Array.isArray(answer.causes) ? answer.causes : []);
    }
  } catch {
    // Not JSON: a proxy's page. The status has to speak for it.
  }
  return new ApiFailure(status, BY_STATUS[status] ?? `The collector answered with status ${status}.`);
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

const BY_STATUS: Record<number, string> = {
  401: "Your session has ended. Sign in again.",
  403: "You are not allowed to do this.",
  404: "This does not exist, or no longer does.",
  413: "This is larger than the collector accepts.",
  429: "Too many tries in a short time. Wait a minute and try again.",
  500: "The collector failed while answering. Its log says why.",
  502: "The proxy in front of the collector does not reach it.",
  503: "The collector is too busy at the moment. Try again shortly.",
  504: "The collector took too long to answer.",
};
