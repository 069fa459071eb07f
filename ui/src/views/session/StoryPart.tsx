import { Box, Button, Flex, Heading } from "@chakra-ui/react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { useRefreshInterval } from "~/airflow/config";
import type { SessionDetail } from "~/api/types";
import { Empty, Failed, Loading } from "~/components/states";
import { texts } from "~/texts";
import { useSearchParam, useSetSearchParams } from "~/viewState";

import { HistoryList } from "./HistoryList";
import { WaterfallView } from "./WaterfallView";
import { usePartReads } from "./drawer";
import { foldedHistory } from "./folding";
import { historyQuery } from "./queries";

const words = texts.session;

/** What has happened: over time, and as a list with who did what, newest first. */
export const StoryPart = ({ session }: { readonly session: SessionDetail }) => {
  const interval = useRefreshInterval();
  const showsQuiet = useSearchParam("quiet") !== undefined;
  const setSearchParams = useSetSearchParams();
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage, isPending, refetch } = useInfiniteQuery({
    ...historyQuery(session.uid, {}),
    enabled: usePartReads(),
    refetchInterval: (query) => (query.state.data?.pages.length ?? 0) <= 1 && interval(query),
  });
  const { quietCount, shown } = useMemo(
    () =>
      foldedHistory(data?.pages.flatMap((page) => page.entries) ?? [], new Set(Object.keys(session.tasks)), {
        showsQuiet,
      }),
    [data, session.tasks, showsQuiet],
  );
  return (
    <Flex direction="column" gap={4} h="100%" overflow="auto">
      <WaterfallView session={session} />
      <Box as="section">
        <Flex align="center" gap={4} mb={2} wrap="wrap">
          <Heading as="h3" size="sm">
            {words.history}
          </Heading>
          {quietCount === 0 ? undefined : (
            <Button
              aria-pressed={showsQuiet}
              onClick={() => setSearchParams({ quiet: showsQuiet ? undefined : 1 }, { replace: true })}
              size="xs"
              variant="ghost"
            >
              {showsQuiet ? words.hideQuiet(quietCount) : words.showQuiet(quietCount)}
            </Button>
          )}
        </Flex>
        {isPending ? (
          <Loading />
        ) : error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : shown.length + quietCount === 0 ? (
          <Empty title={words.noHistory} />
        ) : (
          <HistoryList entries={shown} label={words.history} />
        )}
        {hasNextPage ? (
          <Button
            loading={isFetchingNextPage}
            mt={2}
            onClick={() => void fetchNextPage()}
            size="sm"
            variant="outline"
          >
            {texts.common.loadMore}
          </Button>
        ) : undefined}
      </Box>
    </Flex>
  );
};
