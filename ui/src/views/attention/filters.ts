/** What the page is about: the filters in the address, and the requests that they become. */
import type { InstanceFilter, InstanceGroup } from "~/api/types";
import { useSearchParam } from "~/viewState";

export const WINDOWS = ["1h", "24h", "7d", "30d"] as const;
export type Window = (typeof WINDOWS)[number];

const SECONDS_OF_WINDOW: Readonly<Record<Window, number>> = {
  "1h": 3600,
  "24h": 24 * 3600,
  "30d": 30 * 24 * 3600,
  "7d": 7 * 24 * 3600,
};

/** The names of the filters among the search parameters. */
export const FILTER_NAMES = ["window", "configuration", "task", "error_type", "session"] as const;

export type AttentionFilters = Readonly<Partial<Record<(typeof FILTER_NAMES)[number], string>>>;

export const useAttentionFilters = (): AttentionFilters => ({
  configuration: useSearchParam("configuration"),
  error_type: useSearchParam("error_type"),
  session: useSearchParam("session_prefix"),
  task: useSearchParam("task"),
  window: useSearchParam("window"),
});

/** What needs attention: failures that nobody has repaired, and what is stuck. */
export const KINDS = ["failed", "stuck"] as const;
export type Kind = (typeof KINDS)[number];

const isWindow = (name: string | undefined): name is Window => WINDOWS.some((window) => window === name);

/** The filter of REST, at this moment: a window of time becomes its beginning. */
export const instanceFilter = (kind: Kind, filters: AttentionFilters, now: number): InstanceFilter => {
  const { window, ...rest } = filters;
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
    ...(isWindow(window) ? { since: new Date(now - SECONDS_OF_WINDOW[window] * 1000).toISOString() } : {}),
    ...(kind === "failed" ? { status: ["failed"] } : { stuck: true }),
  };
};

/** The filters of a group. Undefined: no filter can name the group, since it lacks a configuration or an error. */
export const filtersOfGroup = (
  kind: Kind,
  filters: AttentionFilters,
  group: InstanceGroup,
): AttentionFilters | undefined => {
  const { configuration, error_type: errorType, task } = group;
  if (!configuration || !task || (kind === "failed" && !errorType)) {
    return undefined;
  }
  return { ...filters, configuration, task, ...(errorType ? { error_type: errorType } : {}) };
};

/** A group's name in the address. */
export const groupKey = (kind: Kind, group: InstanceGroup): string =>
  JSON.stringify([kind, group.configuration ?? null, group.task ?? null, group.error_type ?? null]);

/** Groups by their configuration and, in it, their task; both in the order in which they first come. */
export const byConfiguration = (
  groups: readonly InstanceGroup[],
): ReadonlyArray<readonly [string | null, ReadonlyArray<readonly [string, readonly InstanceGroup[]]>]> => {
  const configurations = new Map<string | null, Map<string, InstanceGroup[]>>();
  for (const group of groups) {
    const configuration = group.configuration ?? null;
    const tasks = configurations.get(configuration) ?? new Map<string, InstanceGroup[]>();
    configurations.set(configuration, tasks);
    const task = group.task ?? "";
    tasks.set(task, [...(tasks.get(task) ?? []), group]);
  }
  return [...configurations].map(([configuration, tasks]) => [configuration, [...tasks]] as const);
};
