/**
 * Requests to our REST API and to Airflow's, below Airflow's base path, with the login's cookie.
 *
 * An answer that is an error becomes an `ApiError` with the server's own sentence.
 */
import { texts } from "~/texts";
import type { Params } from "~/viewState";
import { searchOf } from "~/viewState";

/** Below Airflow's base address (`<base href>`). */
const OUR_API = "triggers/api/v1";

export class ApiError extends Error {
  /**
   * @param status the HTTP status; 0 when the server did not answer.
   * @param reason the error's word for programs; empty when the answer has none.
   * @param message the sentence to show.
   */
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export type RequestOptions = {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: "DELETE" | "GET" | "PATCH" | "POST" | "PUT";
  readonly query?: Params;
  readonly signal?: AbortSignal;
};

type Problem = { readonly detail?: unknown; readonly reason?: unknown; readonly title?: unknown; readonly type?: unknown };

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

const errorOf = async (response: Response): Promise<ApiError> => {
  const problem = await response.json().then(
    (body: unknown) => (typeof body === "object" && body !== null ? (body as Problem) : {}),
    (): Problem => ({}),
  );
  const sentence =
    response.status === 401
      ? texts.errors.loggedOut
      : (text(problem.detail) ?? text(problem.title) ?? texts.errors.status(response.status));
  return new ApiError(response.status, text(problem.reason) ?? text(problem.type) ?? "", sentence);
};

const send = async <Answer>(address: string, options: RequestOptions): Promise<Answer> => {
  const { body, headers, method = "GET", query = {}, signal } = options;
  const url = new URL(address, document.baseURI);
  url.search = searchOf(query);
  let response: Response;
  try {
    response = await fetch(url, {
      credentials: "same-origin",
      headers: {
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") {
      throw error;
    }
    throw new ApiError(0, "", texts.errors.unreachable);
  }
  if (!response.ok) {
    throw await errorOf(response);
  }
  return (response.status === 204 ? undefined : await response.json()) as Answer;
};

/** Names in a path are percent-encoded, `/` and `#` too: `path("/sessions/{}/instances/{}", uid, name)`. */
export const path = (template: string, ...names: readonly string[]): string => {
  let index = 0;
  return template.replaceAll("{}", () => encodeURIComponent(names[index++] ?? ""));
};

/** A request to our API; `address` begins with a slash: `/sessions`. */
export const request = async <Answer>(address: string, options: RequestOptions = {}): Promise<Answer> =>
  send<Answer>(`${OUR_API}${address}`, options);

/** A request to Airflow: `ui/config`, `api/v2/…`. */
export const requestAirflow = async <Answer>(address: string, options: RequestOptions = {}): Promise<Answer> =>
  send<Answer>(address, options);
