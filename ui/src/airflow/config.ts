import { queryOptions, useQuery } from "@tanstack/react-query";

import { requestAirflow } from "~/api/client";
import { useFirstViewShown } from "~/firstView";

type AirflowConfig = { readonly auto_refresh_interval?: number };

const DEFAULT_SECONDS = 3;

const configQuery = queryOptions({
  queryFn: async ({ signal }) => requestAirflow<AirflowConfig>("ui/config", { signal }),
  queryKey: ["airflow", "config"],
  staleTime: Number.POSITIVE_INFINITY,
});

/**
 * The interval at which Airflow's own pages refresh themselves, in milliseconds, for `refetchInterval` of a query;
 * false when they do not. A hidden page pauses (TanStack Query does that).
 */
export const useRefreshInterval = (): number | false => {
  const isShown = useFirstViewShown();
  const { data } = useQuery({ ...configQuery, enabled: isShown });
  const seconds = data?.auto_refresh_interval ?? DEFAULT_SECONDS;
  return seconds > 0 ? seconds * 1000 : false;
};
