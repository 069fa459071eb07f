/** A bulk act under way: how far it is, and what has become of each instance. */
import { Badge, Box, CloseButton, Drawer, Flex, Portal, Progress, Stack, Text } from "@chakra-ui/react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";

import type { BulkAct, BulkItem, BulkOutcome } from "~/api/types";
import { ActButton } from "~/components/ActButton";
import type { Column } from "~/components/DataTable";
import { DataTable } from "~/components/DataTable";
import { Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { Failed, Loading } from "~/components/states";
import { useAct } from "~/components/useAct";
import { number } from "~/plurals";
import { texts } from "~/texts";

import { bulkActQuery, bulkItemsQuery, cancelBulkAct } from "./repairs";

/** While it goes on, it is read this often, in milliseconds. */
const INTERVAL = 1000;

const PALETTE_OF_OUTCOME: Readonly<Record<BulkOutcome, string>> = {
  cancelled: "removed",
  done: "success",
  left_out: "warning",
  refused: "failed",
  unchanged: "none",
};

const isOver = (bulkAct: BulkAct | undefined): boolean => bulkAct?.state === "done" || bulkAct?.state === "cancelled";

const Outcome = ({ outcome }: { readonly outcome: BulkOutcome | null }) =>
  outcome === null ? (
    <Text color="fg.muted">{texts.bulk.waiting}</Text>
  ) : (
    <Badge colorPalette={PALETTE_OF_OUTCOME[outcome]} variant="solid">
      {texts.bulk.outcome[outcome]}
    </Badge>
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
  const ended = Object.values(bulkAct.counts).reduce((sum, count) => sum + count, 0);
  const cancel = useAct({
    failed: texts.bulk.cancelFailed,
    perform: async () => cancelBulkAct(String(bulkAct.id)),
    succeeded: () => texts.bulk.cancelled,
  });
  return (
    <Stack gap={2}>
      <Flex align="center" gap={3} justify="space-between">
        <Text aria-live="polite">{texts.bulk.progress(ended, bulkAct.total, texts.bulk.state[bulkAct.state])}</Text>
        {isOver(bulkAct) ? undefined : (
          <ActButton
            act={{ allowed: true, reason: null }}
            loading={cancel.isPending}
            onClick={() => cancel.mutate(undefined)}
          >
            {texts.bulk.cancel}
          </ActButton>
        )}
      </Flex>
      <Progress.Root
        aria-label={texts.bulk.progressLabel}
        colorPalette={isOver(bulkAct) ? "success" : "running"}
        max={Math.max(1, bulkAct.total)}
        size="sm"
        striped={!isOver(bulkAct)}
        value={bulkAct.total === 0 ? 1 : ended}
      >
        <Progress.Track>
          <Progress.Range />
        </Progress.Track>
      </Progress.Root>
      <Flex gap={2} wrap="wrap">
        {(Object.entries(bulkAct.counts) as Array<[BulkOutcome, number]>)
          .filter(([, count]) => count > 0)
          .map(([outcome, count]) => (
            <Badge colorPalette={PALETTE_OF_OUTCOME[outcome]} key={outcome} variant="solid">
              {number(count)} {texts.bulk.outcome[outcome]}
            </Badge>
          ))}
      </Flex>
      <Text color="fg.muted">
        {texts.bulk.by(bulkAct.by)} <Time moment={bulkAct.created} />
      </Text>
    </Stack>
  );
};

const Outcomes = ({ id, isLive }: { readonly id: string; readonly isLive: boolean }) => {
  const { data, fetchNextPage, hasNextPage, isFetchingNextPage, refetch } = useInfiniteQuery({
    ...bulkItemsQuery(id),
    refetchInterval: isLive ? INTERVAL : false,
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
    refetchInterval: (query) => (isOver(query.state.data) ? false : INTERVAL),
  });
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
              {error ? (
                <Failed error={error} />
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
