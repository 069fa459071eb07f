import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { path, request } from "~/api/client";
import type { Configuration, ConfigurationDetail, ConfigurationsPage, MigrationPage } from "~/api/types";

const PAGE_SIZE = 100;

/** The deployed configurations, page after page. */
export const configurationsQuery = infiniteQueryOptions({
  getNextPageParam: (page: ConfigurationsPage) => page.next ?? undefined,
  initialPageParam: undefined as string | undefined,
  queryFn: async ({ pageParam, signal }) =>
    request<ConfigurationsPage>("/configurations", { query: { after: pageParam, limit: PAGE_SIZE }, signal }),
  queryKey: ["configurations"],
});

export const configurationQuery = (name: string) =>
  queryOptions({
    queryFn: async ({ signal }) => request<ConfigurationDetail>(path("/configurations/{}", name), { signal }),
    queryKey: ["configuration", name],
  });

export type MigrationArguments = { readonly dryRun: boolean; readonly history: "apply" | "ignore" };

/** Moves the next sessions to the deployed rules; the answer's `next` continues after them. */
export const migrate = async (
  name: string,
  { dryRun, history }: MigrationArguments,
  after?: string,
): Promise<MigrationPage> =>
  request<MigrationPage>(path("/configurations/{}/migrate", name), {
    body: { after: after ?? null, dry_run: dryRun, history },
    method: "POST",
  });

/** A count that may have stopped: "10,000+". */
export const isCountStopped = ({ counts_limit: limit }: Pick<Configuration, "counts_limit">, count: number): boolean =>
  count >= limit;
