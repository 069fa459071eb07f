/** The bulk acts: those under way, always in sight; and the newest ones, below the failures. */
import { Box, Flex, HStack, Heading, Link, Table } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { Link as RouterLink, useSearchParams } from "react-router-dom";

import { useRefreshInterval } from "~/airflow/config";
import { untilRefused } from "~/api/failures";
import type { BulkAct } from "~/api/types";
import { Time } from "~/components/Time";
import { OutcomeCounts, ProgressBar, ProgressText } from "~/components/repairs/BulkActProgress";
import { BULK_INTERVAL, bulkActsQuery, isOver } from "~/components/repairs/repairs";
import { useFirstViewShown } from "~/firstView";
import { texts } from "~/texts";

/** Not needed for the first view. While one goes on, it is read as often as its drawer would. */
const useBulkActs = (): readonly BulkAct[] => {
  const isShown = useFirstViewShown();
  const interval = useRefreshInterval();
  const { data } = useQuery({
    ...bulkActsQuery,
    enabled: isShown,
    refetchInterval: (query) =>
      (query.state.data?.bulk_acts.every(isOver) === false ? untilRefused(BULK_INTERVAL) : interval)(query),
  });
  return data?.bulk_acts ?? [];
};

const BulkActLink = ({ bulkAct }: { readonly bulkAct: BulkAct }) => {
  const [searchParams] = useSearchParams();
  const search = new URLSearchParams(searchParams);
  search.set("bulk", String(bulkAct.id));
  return (
    <Link asChild color="fg.info">
      <RouterLink to={{ search: `?${search.toString()}` }}>{texts.bulk.titleOf(bulkAct.act, bulkAct.total)}</RouterLink>
    </Link>
  );
};

/** A line for each bulk act that goes on: whoever comes back finds it. */
export const RunningBulkActs = () => (
  <>
    {useBulkActs()
      .filter((bulkAct) => !isOver(bulkAct))
      .map((bulkAct) => (
        <HStack
          aria-label={texts.bulk.running}
          bg="bg.info"
          borderRadius="md"
          gap={4}
          key={bulkAct.id}
          px={3}
          py={2}
          role="region"
        >
          <BulkActLink bulkAct={bulkAct} />
          <Box flex={1} maxW="320px">
            <ProgressBar bulkAct={bulkAct} />
          </Box>
          <ProgressText bulkAct={bulkAct} />
        </HStack>
      ))}
  </>
);

/** The newest bulk acts, with their outcomes. Nothing when there are none. */
export const BulkActs = () => {
  const bulkActs = useBulkActs();
  return bulkActs.length === 0 ? undefined : (
    <Box aria-label={texts.bulk.acts} as="section">
      <Heading as="h2" mb={2} size="md">
        {texts.bulk.acts}
      </Heading>
      <Box borderRadius="md" borderWidth={1} overflowX="auto">
        <Table.Root aria-label={texts.bulk.acts} size="sm">
          <Table.Header>
            <Table.Row bg="bg.subtle">
              <Table.ColumnHeader>{texts.bulk.act}</Table.ColumnHeader>
              <Table.ColumnHeader>{texts.bulk.progressLabel}</Table.ColumnHeader>
              <Table.ColumnHeader>{texts.bulk.outcomes}</Table.ColumnHeader>
              <Table.ColumnHeader>{texts.bulk.byWhom}</Table.ColumnHeader>
              <Table.ColumnHeader>{texts.bulk.begun}</Table.ColumnHeader>
            </Table.Row>
          </Table.Header>
          <Table.Body>
            {bulkActs.map((bulkAct) => (
              <Table.Row key={bulkAct.id}>
                <Table.Cell>
                  <BulkActLink bulkAct={bulkAct} />
                </Table.Cell>
                <Table.Cell>
                  <ProgressText bulkAct={bulkAct} />
                </Table.Cell>
                <Table.Cell>
                  <Flex gap={2} wrap="wrap">
                    <OutcomeCounts bulkAct={bulkAct} />
                  </Flex>
                </Table.Cell>
                <Table.Cell>{bulkAct.by ?? texts.common.none}</Table.Cell>
                <Table.Cell>
                  <Time moment={bulkAct.created} />
                </Table.Cell>
              </Table.Row>
            ))}
          </Table.Body>
        </Table.Root>
      </Box>
    </Box>
  );
};
