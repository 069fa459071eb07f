import { queryOptions } from "@tanstack/react-query";

import { request } from "~/api/client";
import type { components } from "~/api/schema";

type VainFiresPage = components["schemas"]["VainFiresPage"];

const DAY = 24 * 3600 * 1000;

/** A list has at most so many; that is enough to know that there are many. */
export const MOST_UNHEARD = 100;

/** How many of the fires, newest first, are not older than a day. */
export const countOfLastDay = (fires: VainFiresPage["fires"], now: number): number =>
  fires.filter((fire) => now - Date.parse(fire.fired_at) <= DAY).length;

/** How many fires of the last 24 hours touched nothing; `MOST_UNHEARD` means: so many or more. */
export const unheardQuery = queryOptions({
  queryFn: async ({ signal }) => {
    const page = await request<VainFiresPage>("/fires", { query: { limit: MOST_UNHEARD, touched: "nothing" }, signal });
    return countOfLastDay(page.fires, Date.now());
  },
  queryKey: ["fires", "unheard", "last day"],
});
