import { queryOptions } from "@tanstack/react-query";

import { request } from "./client";
import type { Health } from "./types";

export const healthQuery = queryOptions({
  queryFn: async ({ signal }) => request<Health>("/health", { signal }),
  queryKey: ["health"],
});
