import { Box, Flex, Text } from "@chakra-ui/react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";
import { useSearchParams } from "react-router-dom";

import { useRefreshInterval } from "~/airflow/config";
import { Empty, Failed, Loading } from "~/components/states";
import { texts } from "~/texts";

import { Filters } from "./Filters";
import { SessionTable } from "./SessionTable";
import { filtersOf, isNarrowed } from "./filters";
import { sessionsQuery } from "./queries";

/** Each refresh reads every loaded page again; a long list is read again only on request. */
const REFRESHED_PAGES = 3;

const SessionsView = () => {
  const [searchParams] = useSearchParams();
  const filters = filtersOf(searchParams);
  const interval = useRefreshInterval();
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage, isPending, refetch } = useInfiniteQuery({
    ...sessionsQuery(filters),
    placeholderData: keepPreviousData,
    refetchInterval: (query) => (query.state.data?.pages.length ?? 0) <= REFRESHED_PAGES && interval(query),
  });
  const sessions = useMemo(() => data?.pages.flatMap((page) => page.sessions) ?? [], [data]);
  const total = data?.pages[0]?.total ?? undefined;
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) {
      void fetchNextPage();
    }
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);

  // The server looks at so many sessions for a page; there may be none among them that matches.
  const isSearching = hasNextPage && data?.pages.at(-1)?.sessions.length === 0;
  useEffect(() => {
    if (isSearching) {
      loadMore();
    }
  }, [isSearching, loadMore]);

  return (
    <Flex direction="column" gap={3} h="100%">
      <Filters filters={filters} />
      <Text aria-live="polite" color="fg.muted" fontSize="sm">
        {isSearching
          ? texts.sessions.searching(sessions.length)
          : hasNextPage && total === undefined
            ? texts.sessions.more(sessions.length)
            : texts.sessions.count(total ?? sessions.length)}
      </Text>
      <Box flex={1} minH={0}>
        {isPending || (isSearching && sessions.length === 0) ? (
          <Loading />
        ) : error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : sessions.length > 0 ? (
          <SessionTable onEndReached={loadMore} sessions={sessions} total={total} />
        ) : isNarrowed(filters) ? (
          <Empty detail={texts.sessions.nothingMatchesDetail} title={texts.sessions.nothingMatches} />
        ) : (
          <Empty detail={texts.sessions.emptyDetail} title={texts.sessions.empty} />
        )}
      </Box>
    </Flex>
  );
};

export default SessionsView;
