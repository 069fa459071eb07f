import { QueryClient } from "@tanstack/react-query";

import { ApiError } from "./client";

const RETRIES = 2;

/** One for the page: Airflow remounts apps, and what was read stays. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // Another try helps when the server was busy or away, never when it has refused.
      retry: (count, error) =>
        count < RETRIES && error instanceof ApiError && (error.status === 0 || error.status >= 500),
      staleTime: 2000,
    },
  },
});
