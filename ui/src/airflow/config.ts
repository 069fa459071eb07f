import { queryOptions, useQuery } from "@tanstack/react-query";

import { requestAirflow } from "~/api/client";
import { untilRefused } from "~/api/failures";
import { useFirstViewShown } from "~/firstView";

type AirflowConfig = { readonly auto_refresh_interval?: number };

const DEFAULT_SECONDS = 3;

const configQuery = queryOptions({
  queryFn: async ({ signal }) => requestAirflow<AirflowConfig>("ui/config", { signal }),
  queryKey: ["airflow", "config"],
  staleTime: Number.POSITIVE_INFINITY,
});

/**
 * `refetchInterval` of a query: the interval at which Airflow's own pages refresh themselves, if they do, until the
 * server refuses. A hidden page pauses (TanStack Query does that).
 */
export const useRefreshInterval = (): ReturnType<typeof untilRefused> => {
  const isShown = useFirstViewShown();
  const { data } = useQuery({ ...configQuery, enabled: isShown });
  const seconds = data?.auto_refresh_interval ?? DEFAULT_SECONDS;
  return untilRefused(seconds > 0 && seconds * 1000);
};
