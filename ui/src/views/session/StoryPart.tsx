import { Box, Button, Flex, Grid, Heading, Text } from "@chakra-ui/react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { LuZap } from "react-icons/lu";

import { useRefreshInterval } from "~/airflow/config";
import type { HistoryEntry, SessionDetail } from "~/api/types";
import { Time } from "~/components/Time";
import { Empty, Failed, Loading } from "~/components/states";
import { texts } from "~/texts";
import { useSearchParam, useSetSearchParams } from "~/viewState";

import { WaterfallView } from "./WaterfallView";
import { foldedHistory } from "./folding";
import { historyQuery } from "./queries";

const words = texts.session;

const keyOf = (entry: HistoryEntry): string => ("event_id" in entry ? `event ${entry.event_id}` : `fire ${entry.fire_id}`);

/** What has happened: over time, and as a list with who did what, newest first. */
export const StoryPart = ({ session }: { readonly session: SessionDetail }) => {
  const interval = useRefreshInterval();
  const showsQuiet = useSearchParam("quiet") !== undefined;
  const setSearchParams = useSetSearchParams();
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage, isPending, refetch } = useInfiniteQuery({
    ...historyQuery(session.uid, {}),
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) <= 1 ? interval : false),
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
          <Grid
            alignItems="baseline"
            aria-label={words.history}
            as="ol"
            columnGap={4}
            gridTemplateColumns="max-content minmax(0, 1fr) max-content"
            listStyleType="none"
            rowGap={1}
          >
            {shown.map((entry) => (
              <Entry entry={entry} key={keyOf(entry)} />
            ))}
          </Grid>
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

const Entry = ({ entry }: { readonly entry: HistoryEntry }) => {
  const setSearchParams = useSetSearchParams();
  const instance = "event_id" in entry ? entry.instance : null;
  return (
    <Grid as="li" borderBottomWidth={1} gridColumn="1 / -1" gridTemplateColumns="subgrid" pb={1}>
      <Text color="fg.muted" fontSize="sm">
        <Time moment={entry.at} />
      </Text>
      <Text fontSize="sm" overflowWrap="anywhere">
        {entry.kind === "fire" ? (
          <LuZap aria-hidden style={{ display: "inline", marginInlineEnd: "0.4em", verticalAlign: "-0.1em" }} />
        ) : undefined}
        {entry.text}
        {entry.by === null ? undefined : (
          <Text as="span" color="fg.muted">
            {" "}
            {words.by(entry.by)}
          </Text>
        )}
      </Text>
      {instance === null ? undefined : (
        <Button
          aria-label={words.show(instance)}
          onClick={() => setSearchParams({ instance })}
          size="2xs"
          variant="ghost"
        >
          {instance}
        </Button>
      )}
    </Grid>
  );
};
