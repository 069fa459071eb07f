import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { request } from "~/api/client";
import type { InstanceCounts, InstancesPage } from "~/api/types";

import type { AttentionFilters, Kind } from "./filters";
import { instanceFilter } from "./filters";

const GROUP_BY = ["configuration", "task", "error_type"];

const PAGE_SIZE = 50;

/** How many instances there are, by configuration, task and error. */
export const groupsQuery = (kind: Kind, filters: AttentionFilters) =>
  queryOptions({
    queryFn: async ({ signal }) =>
      request<InstanceCounts>("/instances/counts", {
        query: { ...instanceFilter(kind, filters, Date.now()), group_by: GROUP_BY },
        signal,
      }),
    queryKey: ["instances", "counts", kind, filters],
  });

/** The instances themselves, page after page. */
export const instancesQuery = (kind: Kind, filters: AttentionFilters) =>
  infiniteQueryOptions({
    getNextPageParam: (page: InstancesPage) => page.next ?? undefined,
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }) =>
      request<InstancesPage>("/instances", {
        query: { ...instanceFilter(kind, filters, Date.now()), after: pageParam, limit: PAGE_SIZE },
        signal,
      }),
    queryKey: ["instances", kind, filters],
  });
