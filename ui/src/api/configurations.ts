import { queryOptions } from "@tanstack/react-query";

import { request } from "./client";

type ConfigurationNames = { readonly configurations: ReadonlyArray<{ readonly name: string }> };

/** The names of the deployed configurations that the reader may see; for filters. */
export const configurationNamesQuery = queryOptions({
  queryFn: async ({ signal }) =>
    (await request<ConfigurationNames>("/configurations", { query: { limit: 1000 }, signal })).configurations.map(
      ({ name }) => name,
    ),
  queryKey: ["configurations", "names"],
  staleTime: 60_000,
});
