import { Badge, Box, HStack } from "@chakra-ui/react";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useCallback, useMemo } from "react";

import { useRefreshInterval } from "~/airflow/config";
import { failureOf } from "~/api/failures";
import type { Configuration } from "~/api/types";
import type { Column } from "~/components/DataTable";
import { DataTable } from "~/components/DataTable";
import { Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { Failed, Loading } from "~/components/states";
import { number } from "~/plurals";
import { texts } from "~/texts";

import { configurationsQuery, isCountStopped } from "./queries";

const words = texts.configuration;

/** A count; with a plus where the server stopped counting. */
export const countText = (configuration: Pick<Configuration, "counts_limit">, count: number): string =>
  isCountStopped(configuration, count) ? words.atLeast(count) : number(count);

const COLUMNS: Array<Column<Configuration>> = [
  {
    cell: ({ row: { original: configuration } }) => (
      <HStack gap={2} wrap="wrap">
        <ViewLink fontWeight="medium" params={{ configuration: configuration.name }} view="configuration">
          {configuration.name}
        </ViewLink>
        {configuration.import_error === null ? undefined : <Badge colorPalette="failed">{words.broken}</Badge>}
        {configuration.warning_count === 0 ? undefined : (
          <Badge colorPalette="warning">{words.warningCount(configuration.warning_count)}</Badge>
        )}
        {configuration.is_deployed ? undefined : <Badge>{words.notDeployed}</Badge>}
      </HStack>
    ),
    header: words.name,
    id: "name",
  },
  { cell: ({ row: { original } }) => number(original.task_count), header: words.tasks, id: "tasks", size: 90 },
  {
    cell: ({ row: { original } }) => (
      <ViewLink params={{ configuration: original.name }} view="sessions">
        {countText(original, original.sessions)}
      </ViewLink>
    ),
    header: words.sessions,
    id: "sessions",
    size: 110,
  },
  {
    cell: ({ row: { original } }) => countText(original, original.open),
    header: words.open,
    id: "open",
    size: 110,
  },
  {
    cell: ({ row: { original } }) =>
      original.failed === 0 ? (
        number(0)
      ) : (
        <ViewLink color="failed.fg" params={{ configuration: original.name }} view="attention">
          {countText(original, original.failed)}
        </ViewLink>
      ),
    header: words.failed,
    id: "failed",
    size: 110,
  },
  {
    cell: ({ row: { original } }) => <Time moment={original.deployed_at} />,
    header: words.deployedAt,
    id: "deployed_at",
    size: 180,
  },
];

export const ConfigurationList = ({ empty }: { readonly empty: ReactNode }) => {
  const refetchInterval = useRefreshInterval();
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage, isPending, refetch } = useInfiniteQuery({
    ...configurationsQuery,
    refetchInterval,
  });
  const configurations = useMemo(() => data?.pages.flatMap((page) => page.configurations) ?? [], [data]);
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) {
      void fetchNextPage();
    }
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  const failure = failureOf({ data, error });
  if (failure) {
    return <Failed error={failure} retry={() => void refetch()} />;
  }
  if (isPending) {
    return <Loading />;
  }
  return configurations.length === 0 ? (
    empty
  ) : (
    <Box h="100%">
      <DataTable
        columns={COLUMNS}
        label={texts.views.configuration}
        onEndReached={loadMore}
        rowKey={(configuration) => configuration.name}
        rows={configurations}
      />
    </Box>
  );
};
