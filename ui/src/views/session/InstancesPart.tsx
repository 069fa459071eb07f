import { Box, Flex } from "@chakra-ui/react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";

import { useRefreshInterval } from "~/airflow/config";
import { taskInstanceAddress } from "~/airflow/links";
import type { Instance, SessionDetail } from "~/api/types";
import { AirflowLink } from "~/components/AirflowLink";
import { Choice } from "~/components/Choice";
import type { Column } from "~/components/DataTable";
import { DataTable } from "~/components/DataTable";
import { STATUSES, StatusChip } from "~/components/StatusChip";
import { Time } from "~/components/Time";
import { Empty, Failed, Loading } from "~/components/states";
import { texts } from "~/texts";
import { useSearchParam, useSetSearchParams } from "~/viewState";

import { usePartReads } from "./drawer";
import { InstanceLink } from "./InstanceLink";
import { changedAt, errorOf, parentOf } from "./instance";
import { instancesQuery } from "./queries";

const words = texts.session;

/** Each refresh reads every loaded page again; a long list is read again only on request. */
const REFRESHED_PAGES = 2;

const COLUMNS: Array<Column<Instance>> = [
  {
    cell: ({ row: { original: instance } }) => <InstanceLink fontWeight="medium" name={instance.name} />,
    header: words.instance,
    id: "name",
    size: 260,
  },
  {
    cell: ({ row: { original: instance } }) => <StatusChip status={instance.status} />,
    header: words.status,
    id: "status",
    size: 130,
  },
  {
    cell: ({ row: { original: instance } }) => <Note instance={instance} />,
    header: words.note,
    id: "note",
  },
  {
    cell: ({ row: { original: instance } }) => <RunLink instance={instance} />,
    header: words.run,
    id: "run",
    size: 90,
  },
  {
    cell: ({ row: { original: instance } }) => <Time moment={changedAt(instance)} />,
    header: words.lastChange,
    id: "changed",
    size: 170,
  },
];

const Note = ({ instance }: { readonly instance: Instance }) => {
  const error = errorOf(instance);
  const parent = parentOf(instance);
  return (
    <>
      {instance.missing.length > 0 ? `${words.missing} ${instance.missing.join(", ")}` : undefined}
      {error === undefined ? undefined : `${error.type}: ${error.message.split("\n")[0]}`}
      {parent === undefined ? undefined : ` ${words.replayOfParent(parent)}`}
    </>
  );
};

/** A link to the log of the instance's run; nothing while it has no run. */
export const RunLink = ({ instance }: { readonly instance: Instance }) =>
  instance.dag_id === null || instance.dag_run_id === null ? undefined : (
    <AirflowLink to={taskInstanceAddress(instance.dag_id, instance.dag_run_id, COMPILED_TASK_ID)}>{words.log}</AirflowLink>
  );

/** The id of the only task of a trigger task's DAG. */
const COMPILED_TASK_ID = "run";

export type InstancesPartProps = { readonly session: SessionDetail };

/** The instances, newest first, filtered by task and status. A click opens one. */
export const InstancesPart = ({ session }: InstancesPartProps) => {
  const task = useSearchParam("task");
  const status = useSearchParam("status");
  const current = useSearchParam("instance");
  const setSearchParams = useSetSearchParams();
  const interval = useRefreshInterval();
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage, isPending, refetch } = useInfiniteQuery({
    ...instancesQuery(session.uid, { status, task }),
    enabled: usePartReads(),
    placeholderData: keepPreviousData,
    refetchInterval: (query) => (query.state.data?.pages.length ?? 0) <= REFRESHED_PAGES && interval(query),
  });
  const instances = useMemo(() => data?.pages.flatMap((page) => page.instances) ?? [], [data]);
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) {
      void fetchNextPage();
    }
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);

  return (
    <Flex direction="column" gap={3} h="100%">
      <Flex gap={3} wrap="wrap">
        <Choice
          all={words.allTasks}
          choices={Object.keys(session.tasks).map((name) => [name, name])}
          label={words.task}
          onChange={(value) => setSearchParams({ task: value })}
          value={task}
        />
        <Choice
          all={words.allStatuses}
          choices={STATUSES.map((name) => [name, texts.status[name]])}
          label={words.status}
          onChange={(value) => setSearchParams({ status: value })}
          value={status}
        />
      </Flex>
      <Box flex={1} minH="320px">
        {isPending ? (
          <Loading />
        ) : error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : instances.length > 0 ? (
          <DataTable
            columns={COLUMNS}
            isCurrent={(instance) => instance.name === current}
            label={words.instances}
            onEndReached={loadMore}
            rowKey={(instance) => instance.name}
            rows={instances}
          />
        ) : (
          <Empty detail={words.noInstancesDetail} title={words.noInstances} />
        )}
      </Box>
    </Flex>
  );
};
