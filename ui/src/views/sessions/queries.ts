import { infiniteQueryOptions } from "@tanstack/react-query";

import { request } from "~/api/client";
import type { SessionsPage } from "~/api/types";

import type { SessionFilters } from "./filters";
import { sessionsParams } from "./filters";

const PAGE_SIZE = 100;

/** The sessions that match, page after page. */
export const sessionsQuery = (filters: SessionFilters) =>
  infiniteQueryOptions({
    getNextPageParam: (page: SessionsPage) => page.next ?? undefined,
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }) =>
      request<SessionsPage>("/sessions", {
        query: { ...sessionsParams(filters), after: pageParam, limit: PAGE_SIZE },
        signal,
      }),
    queryKey: ["sessions", filters],
  });
