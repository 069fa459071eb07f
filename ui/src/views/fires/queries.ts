import { infiniteQueryOptions } from "@tanstack/react-query";

import { path, request } from "~/api/client";
import type { ParkedAssetEventsPage, ParkedHooksPage, UpcomingFiresPage, VainFiresPage } from "~/api/types";
import type { Params } from "~/viewState";

const PAGE_SIZE = 100;

type Page = { readonly next: number | string | null };

/** A list, page after page, from its route. */
const pagesOf = <Answer extends Page>(key: string, address: string, query: Params, cursor: "after" | "before") =>
  infiniteQueryOptions({
    getNextPageParam: (page: Answer) => page.next ?? undefined,
    initialPageParam: undefined as number | string | undefined,
    queryFn: async ({ pageParam, signal }) =>
      request<Answer>(address, { query: { ...query, [cursor]: pageParam, limit: PAGE_SIZE }, signal }),
    queryKey: [key, query],
  });

export const unheardQuery = pagesOf<VainFiresPage>("unheard", "/fires", { touched: "nothing" }, "before");
export const upcomingQuery = pagesOf<UpcomingFiresPage>("upcoming", "/delayed-fires", {}, "after");
export const parkedHooksQuery = pagesOf<ParkedHooksPage>("parked hooks", "/hooks", { parked: true }, "after");
export const parkedAssetEventsQuery = pagesOf<ParkedAssetEventsPage>(
  "parked asset events",
  "/asset-events",
  { parked: true },
  "after",
);

export const retryAssetEvent = async (id: number) =>
  request<unknown>(path("/asset-events/{}/retry", String(id)), { method: "POST" });
