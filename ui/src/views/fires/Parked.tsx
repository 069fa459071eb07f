/** Hooks and asset events that failed too often: somebody has to mend the cause, and try them again. */
import { Box, Flex, Heading, Text } from "@chakra-ui/react";
import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { useInfiniteQuery } from "@tanstack/react-query";

import { useRefreshInterval } from "~/airflow/config";
import type { ParkedAssetEvent, ParkedHook } from "~/api/types";
import { ActButton } from "~/components/ActButton";
import { Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { useAct } from "~/components/useAct";
import { texts } from "~/texts";
import { CallHookButton } from "~/views/session/ToComePart";

import { ErrorText } from "./ErrorText";
import { Pages } from "./Pages";
import { parkedAssetEventsQuery, parkedHooksQuery, retryAssetEvent } from "./queries";

const words = texts.fires;

export const ParkedPart = () => (
  <Flex direction="column" gap={5}>
    <Box as="section">
      <Heading as="h3" mb={2} size="sm">
        {texts.session.hooks}
      </Heading>
      <ParkedHooks />
    </Box>
    <Box as="section">
      <Heading as="h3" mb={2} size="sm">
        {words.assetEvents}
      </Heading>
      <ParkedAssetEvents />
    </Box>
  </Flex>
);

const ParkedHooks = () => {
  const refetchInterval = useRefreshInterval();
  const query = useInfiniteQuery({ ...parkedHooksQuery, refetchInterval });
  const hooks = query.data?.pages.flatMap((page) => page.hooks) ?? [];
  return (
    <Pages
      empty={{ detail: words.noParkedHooksDetail, title: words.noParkedHooks }}
      items={hooks}
      query={query as UseInfiniteQueryResult}
    >
      {(items) => (
        <Flex as="ul" direction="column" gap={2} listStyleType="none">
          {items.map((hook) => (
            <ParkedHookRow hook={hook} key={hook.id} />
          ))}
        </Flex>
      )}
    </Pages>
  );
};

const ParkedHookRow = ({ hook }: { readonly hook: ParkedHook }) => (
  <Flex align="center" as="li" borderRadius="sm" borderWidth={1} gap={3} p={2} wrap="wrap">
    <strong>{hook.hook}</strong>
    <ViewLink params={{ part: "fires", session: hook.session_uid }} view="session">
      {hook.session_uid}
    </ViewLink>
    <Text color="fg.muted">{texts.session.attempts(hook.attempts)}</Text>
    <Box flex={1} minW="200px">
      <ErrorText error={hook.error} />
    </Box>
    <CallHookButton hook={hook} uid={hook.session_uid} />
  </Flex>
);

const ParkedAssetEvents = () => {
  const refetchInterval = useRefreshInterval();
  const query = useInfiniteQuery({ ...parkedAssetEventsQuery, refetchInterval });
  const events = query.data?.pages.flatMap((page) => page.asset_events) ?? [];
  return (
    <Pages
      empty={{ detail: words.noParkedEventsDetail, title: words.noParkedEvents }}
      items={events}
      query={query as UseInfiniteQueryResult}
    >
      {(items) => (
        <Flex as="ul" direction="column" gap={2} listStyleType="none">
          {items.map((event) => (
            <AssetEventRow event={event} key={event.id} />
          ))}
        </Flex>
      )}
    </Pages>
  );
};

const AssetEventRow = ({ event }: { readonly event: ParkedAssetEvent }) => {
  const retry = useAct({
    failed: words.retryFailed,
    perform: async () => retryAssetEvent(event.id),
    succeeded: () => words.retried(event.id),
  });
  return (
    <Flex align="center" as="li" borderRadius="sm" borderWidth={1} gap={3} p={2} wrap="wrap">
      <strong>{words.event(event.id)}</strong>
      {event.session_uid === null ? undefined : (
        <ViewLink params={{ session: event.session_uid }} view="session">
          {event.session_uid}
        </ViewLink>
      )}
      <Time moment={event.created_at} />
      {event.asset === null ? undefined : <Text overflowWrap="anywhere">{words.asset(event.asset)}</Text>}
      {event.source === null ? undefined : <Text>{words.from(event.source)}</Text>}
      <Text color="fg.muted">{words.tried(event.attempts)}</Text>
      <Text flex={1} minW="200px" overflowWrap="anywhere">
        {event.error}
      </Text>
      <ActButton
        act={event.acts.retry}
        aria-label={words.retryOf(event.id)}
        loading={retry.isPending}
        onClick={() => retry.mutate(undefined)}
      >
        {words.retry}
      </ActButton>
    </Flex>
  );
};
