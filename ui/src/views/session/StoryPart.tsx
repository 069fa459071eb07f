import { Box, Button, Flex, Heading, Text } from "@chakra-ui/react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { LuZap } from "react-icons/lu";

import { useRefreshInterval } from "~/airflow/config";
import type { HistoryEntry, SessionDetail } from "~/api/types";
import { Time } from "~/components/Time";
import { Empty, Failed, Loading } from "~/components/states";
import { texts } from "~/texts";
import { useSetSearchParams } from "~/viewState";

import { WaterfallView } from "./WaterfallView";
import { foldedLines } from "./folding";
import { historyQuery } from "./queries";

const words = texts.session;

const keyOf = (entry: HistoryEntry): string => ("event_id" in entry ? `event ${entry.event_id}` : `fire ${entry.fire_id}`);

/** What has happened: over time, and as a list with who did what, newest first. */
export const StoryPart = ({ session }: { readonly session: SessionDetail }) => {
  const interval = useRefreshInterval();
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage, isPending, refetch } = useInfiniteQuery({
    ...historyQuery(session.uid, {}),
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) <= 1 ? interval : false),
  });
  const lines = useMemo(
    () => foldedLines(data?.pages.flatMap((page) => page.entries) ?? [], new Set(Object.keys(session.tasks))),
    [data, session.tasks],
  );
  return (
    <Flex direction="column" gap={4} h="100%" overflow="auto">
      <WaterfallView session={session} />
      <Box as="section">
        <Heading as="h3" mb={2} size="sm">
          {words.history}
        </Heading>
        {isPending ? (
          <Loading />
        ) : error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : lines.length === 0 ? (
          <Empty title={words.noHistory} />
        ) : (
          <Flex aria-label={words.history} as="ol" direction="column" gap={1} listStyleType="none">
            {lines.map((line) =>
              line.kind === "entry" ? (
                <Entry entry={line.entry} key={keyOf(line.entry)} />
              ) : (
                <li key={line.entries[0] === undefined ? "" : `folded ${keyOf(line.entries[0])}`}>
                  <details>
                    <summary style={{ cursor: "pointer", opacity: 0.7 }}>{words.folded(line.entries.length)}</summary>
                    <Flex as="ol" direction="column" gap={1} listStyleType="none" ps={4}>
                      {line.entries.map((entry) => (
                        <Entry entry={entry} key={keyOf(entry)} />
                      ))}
                    </Flex>
                  </details>
                </li>
              ),
            )}
          </Flex>
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
    <Flex align="baseline" as="li" columnGap={3} wrap="wrap">
      <Text color="fg.muted" fontSize="sm">
        <Time moment={entry.at} />
      </Text>
      {entry.kind === "fire" ? <LuZap aria-hidden /> : undefined}
      <Text overflowWrap="anywhere">{entry.text}</Text>
      {entry.by === null ? undefined : (
        <Text color="fg.muted" fontSize="sm">
          {words.by(entry.by)}
        </Text>
      )}
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
    </Flex>
  );
};
