import { Box, Flex, Input, Text } from "@chakra-ui/react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";

import { useRefreshInterval } from "~/airflow/config";
import { Empty, Failed, Loading } from "~/components/states";
import { texts } from "~/texts";
import { useSearchParam, useSetSearchParams } from "~/viewState";

import { SessionTable } from "./SessionTable";
import { sessionsQuery } from "./queries";

/** Each refresh reads every loaded page again; a long list is read again only on request. */
const REFRESHED_PAGES = 3;

const SessionsView = () => {
  const contains = useSearchParam("contains");
  const setSearchParams = useSetSearchParams();
  const interval = useRefreshInterval();
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage, isPending, refetch } = useInfiniteQuery({
    ...sessionsQuery({ contains }),
    placeholderData: keepPreviousData,
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) <= REFRESHED_PAGES ? interval : false),
  });
  const sessions = useMemo(() => data?.pages.flatMap((page) => page.sessions) ?? [], [data]);
  const total = data?.pages[0]?.total ?? undefined;
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) {
      void fetchNextPage();
    }
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);

  return (
    <Flex direction="column" gap={3} h="100%">
      <Flex align="center" gap={3} wrap="wrap">
        <Input
          aria-label={texts.sessions.contains}
          defaultValue={contains ?? ""}
          maxW="xs"
          onChange={(event) => setSearchParams({ contains: event.target.value }, { replace: true })}
          placeholder={texts.sessions.contains}
          size="sm"
          type="search"
        />
        <Text aria-live="polite" color="fg.muted">
          {hasNextPage && total === undefined
            ? texts.sessions.more(sessions.length)
            : texts.sessions.count(total ?? sessions.length)}
        </Text>
      </Flex>
      <Box flex={1} minH={0}>
        {isPending ? (
          <Loading />
        ) : error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : sessions.length > 0 ? (
          <SessionTable onEndReached={loadMore} sessions={sessions} total={total} />
        ) : contains === undefined ? (
          <Empty detail={texts.sessions.emptyDetail} title={texts.sessions.empty} />
        ) : (
          <Empty detail={texts.sessions.nothingMatchesDetail} title={texts.sessions.nothingMatches} />
        )}
      </Box>
    </Flex>
  );
};

export default SessionsView;
