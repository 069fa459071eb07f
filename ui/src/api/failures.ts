/** What a failed request means for the view that sent it. */
import { ApiError } from "./client";

/** Of those 4xx that may pass by themselves: the server was slow, or too much was asked of it. */
const PASSING = new Set([408, 429]);

/** Whether the server has refused: the reader has no right, or it does not exist. To ask again changes nothing. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof ApiError && error.status >= 400 && error.status < 500 && !PASSING.has(error.status);

type QueryState = { readonly data: unknown; readonly error: unknown };

/**
 * The error to show in place of a view. What was read before stays in sight while the server is away, but not when the
 * reader may not see it any more.
 */
export const failureOf = ({ data, error }: QueryState): unknown =>
  error !== null && (data === undefined || isRefusal(error)) ? error : undefined;

/** `refetchInterval` of a query that is read again and again, until the server refuses. Milliseconds; false: never. */
export const untilRefused =
  (interval: number | false) =>
  ({ state }: { readonly state: Pick<QueryState, "error"> }): number | false =>
    isRefusal(state.error) ? false : interval;
