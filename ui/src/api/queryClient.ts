import { QueryClient } from "@tanstack/react-query";

import { ApiError } from "./client";

const RETRIES = 2;

/** One for the page: Airflow remounts apps, and what was read stays. */
export const queryClient = new QueryClient({
  defaultOptions: {
    // The browser does not know whether Airflow can be reached. Else it would keep an act, and send it much later.
    mutations: { networkMode: "always" },
    queries: {
      networkMode: "always",
      // Another try helps when the server was busy or away, never when it has refused.
      retry: (count, error) =>
        count < RETRIES && error instanceof ApiError && (error.status === 0 || error.status >= 500),
      staleTime: 2000,
    },
  },
});
