/** The filters of the list, in the address and for REST. */
import type { Params } from "~/viewState";

export const IDLE_SECONDS = ["3600", "86400", "604800", "2592000"] as const;
export const STATES = ["open", "resolved"] as const;
export const ORDERS = ["-last_modified", "last_modified"] as const;

/** The search parameters, in the address. */
export const FILTER_NAMES = [
  "contains",
  "configuration",
  "version",
  "state",
  "has_failed",
  "waiting_for",
  "idle_for",
  "order_by",
] as const;

export type SessionFilters = Readonly<Partial<Record<(typeof FILTER_NAMES)[number], string>>>;

const isOneOf = <Name extends string>(names: readonly Name[], name: string | undefined): name is Name =>
  names.some((other) => other === name);

/** The filters among the search parameters; what the page does not know is left out, not sent. */
export const filtersOf = (searchParams: URLSearchParams): SessionFilters => {
  const filters: Record<string, string> = {};
  for (const name of FILTER_NAMES) {
    const value = searchParams.get(name);
    if (value !== null && value !== "") {
      filters[name] = value;
    }
  }
  return filters;
};

/** The query of `GET /sessions`. */
export const sessionsParams = ({ has_failed, idle_for, order_by, state, ...rest }: SessionFilters): Params => ({
  ...rest,
  ...(has_failed === "true" ? { has_failed: true } : {}),
  ...(isOneOf(IDLE_SECONDS, idle_for) ? { idle_for } : {}),
  ...(isOneOf(ORDERS, order_by) ? { order_by } : {}),
  ...(isOneOf(STATES, state) ? { [state]: true } : {}),
});

/** Whether fewer than all sessions are asked for; an order alone leaves none out. */
export const isNarrowed = ({ order_by: _order, ...rest }: SessionFilters): boolean => Object.keys(rest).length > 0;
