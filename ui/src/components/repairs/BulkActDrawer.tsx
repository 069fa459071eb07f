/** A bulk act under way: how far it is, and what has become of each instance. */
import { Box, CloseButton, Drawer, Flex, Portal, Stack, Text } from "@chakra-ui/react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";

import { failureOf, untilRefused } from "~/api/failures";
import type { BulkAct, BulkItem, BulkOutcome } from "~/api/types";
import { ActButton } from "~/components/ActButton";
import type { Column } from "~/components/DataTable";
import { DataTable } from "~/components/DataTable";
import { Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { Failed, Loading } from "~/components/states";
import { useAct } from "~/components/useAct";
import { texts } from "~/texts";

import { OutcomeBadge, OutcomeCounts, ProgressBar, ProgressText } from "./BulkActProgress";
import { BULK_INTERVAL, bulkActQuery, bulkItemsQuery, cancelBulkAct, isOver } from "./repairs";

const Outcome = ({ outcome }: { readonly outcome: BulkOutcome | null }) =>
  outcome === null ? (
    <Text color="fg.muted">{texts.bulk.waiting}</Text>
  ) : (
    <OutcomeBadge outcome={outcome} />
  );

const COLUMNS: Array<Column<BulkItem>> = [
  {
    cell: ({ row: { original: item } }) => (
      <ViewLink params={{ instance: item.name, session: item.session_uid }} view="session">
        {item.session_uid} {item.name}
      </ViewLink>
    ),
    header: texts.bulk.instance,
    id: "instance",
  },
  {
    cell: ({ row: { original: item } }) => <Outcome outcome={item.outcome} />,
    header: texts.bulk.outcomes,
    id: "outcome",
    size: 110,
  },
  {
    cell: ({ row: { original: item } }) => item.reason ?? (item.replay ? texts.bulk.replayedAs(item.replay) : ""),
    header: texts.bulk.reason,
    id: "reason",
    size: 260,
  },
];

const Summary = ({ bulkAct }: { readonly bulkAct: BulkAct }) => {
  const cancel = useAct({
    failed: texts.bulk.cancelFailed,
    perform: async () => cancelBulkAct(String(bulkAct.id)),
    succeeded: () => texts.bulk.cancelled,
  });
  return (
    <Stack gap={2}>
      <Flex align="center" gap={3} justify="space-between">
        <Box aria-live="polite">
          <ProgressText bulkAct={bulkAct} />
        </Box>
        {isOver(bulkAct) ? undefined : (
          <ActButton
            act={bulkAct.acts.cancel}
            loading={cancel.isPending}
            onClick={() => cancel.mutate(undefined)}
          >
            {texts.bulk.cancel}
          </ActButton>
        )}
      </Flex>
      <ProgressBar bulkAct={bulkAct} />
      <OutcomeCounts bulkAct={bulkAct} />
      <Text color="fg.muted">
        {texts.bulk.by(bulkAct.by)} <Time moment={bulkAct.created} />
      </Text>
    </Stack>
  );
};

const Outcomes = ({ id, isLive }: { readonly id: string; readonly isLive: boolean }) => {
  const { data, fetchNextPage, hasNextPage, isFetchingNextPage, refetch } = useInfiniteQuery({
    ...bulkItemsQuery(id),
    refetchInterval: untilRefused(isLive && BULK_INTERVAL),
  });
  // The last outcomes came after the last look.
  useEffect(() => {
    if (!isLive) {
      void refetch();
    }
  }, [isLive, refetch]);
  const items = useMemo(() => data?.pages.flatMap((page) => page.outcomes) ?? [], [data]);
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) {
      void fetchNextPage();
    }
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  return (
    <DataTable
      columns={COLUMNS}
      label={texts.bulk.list}
      onEndReached={loadMore}
      rowKey={(item) => `${item.session_uid} ${item.name}`}
      rows={items}
    />
  );
};

export type BulkActDrawerProps = { readonly id: string; readonly onClose: () => void };

export const BulkActDrawer = ({ id, onClose }: BulkActDrawerProps) => {
  const { data: bulkAct, error } = useQuery({
    ...bulkActQuery(id),
    refetchInterval: (query) => (isOver(query.state.data) ? false : untilRefused(BULK_INTERVAL)(query)),
  });
  const failure = failureOf({ data: bulkAct, error });
  return (
    <Drawer.Root onOpenChange={({ open }) => (open ? undefined : onClose())} open size="lg">
      <Portal>
        <Drawer.Backdrop />
        <Drawer.Positioner>
          <Drawer.Content>
            <Drawer.Header>
              <Drawer.Title>
                {bulkAct === undefined ? texts.bulk.title(id) : texts.bulk.titleOf(bulkAct.act, bulkAct.total)}
              </Drawer.Title>
            </Drawer.Header>
            <Drawer.Body display="flex" flexDirection="column" gap={4} overflow="hidden">
              {failure ? (
                <Failed error={failure} />
              ) : bulkAct === undefined ? (
                <Loading />
              ) : (
                <>
                  <Summary bulkAct={bulkAct} />
                  <Box flex={1} minH={0}>
                    <Outcomes id={id} isLive={!isOver(bulkAct)} />
                  </Box>
                </>
              )}
            </Drawer.Body>
            <Drawer.CloseTrigger asChild>
              <CloseButton aria-label={texts.common.close} size="sm" />
            </Drawer.CloseTrigger>
          </Drawer.Content>
        </Drawer.Positioner>
      </Portal>
    </Drawer.Root>
  );
};
