import { Badge, Box, Button, Flex, Heading, Table, Tabs, Text, VisuallyHidden } from "@chakra-ui/react";
import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useMemo } from "react";

import { useRefreshInterval } from "~/airflow/config";
import type { ParkedAssetEvent, ParkedHook, UpcomingFire } from "~/api/types";
import { ActButton, LEFT_TO_SERVER } from "~/components/ActButton";
import { Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { Empty, Failed, Loading } from "~/components/states";
import { useAct } from "~/components/useAct";
import { texts } from "~/texts";
import { useSearchParam, useSetSearchParams } from "~/viewState";
import { Json } from "~/views/session/Json";
import { CallHookButton, DelayedFireButtons } from "~/views/session/ToComePart";

import { parkedAssetEventsQuery, parkedHooksQuery, retryAssetEvent, unheardQuery, upcomingQuery } from "./queries";
import type { UnheardGroup } from "./unheard";
import { unheardGroups } from "./unheard";

const words = texts.fires;

const PARTS = ["unheard", "upcoming", "parked"] as const;
type Part = (typeof PARTS)[number];

const isPart = (name: string | undefined): name is Part => (PARTS as ReadonlyArray<string | undefined>).includes(name);

const PART_COMPONENTS: Readonly<Record<Part, () => ReactNode>> = {
  parked: () => <ParkedPart />,
  unheard: () => <UnheardPart />,
  upcoming: () => <UpcomingPart />,
};

/** Fires that nobody heard, fires to come, and what could not be fired, over all sessions. */
const FiresView = () => {
  const requestedPart = useSearchParam("part");
  const setSearchParams = useSetSearchParams();
  const part = isPart(requestedPart) ? requestedPart : "unheard";
  return (
    <Tabs.Root
      display="flex"
      flexDirection="column"
      h="100%"
      onValueChange={({ value }) => setSearchParams({ part: value })}
      value={part}
      variant="line"
    >
      <Tabs.List>
        {PARTS.map((name) => (
          <Tabs.Trigger key={name} value={name}>
            {words.parts[name]}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {PARTS.map((name) => (
        <Tabs.Content flex={1} key={name} minH={0} overflow="auto" pt={3} value={name}>
          {name === part ? PART_COMPONENTS[name]() : undefined}
        </Tabs.Content>
      ))}
    </Tabs.Root>
  );
};

type PagesProps<Item> = {
  readonly children: (items: readonly Item[]) => ReactNode;
  readonly empty: { readonly detail: string; readonly title: string };
  readonly items: readonly Item[];
  readonly query: Pick<
    UseInfiniteQueryResult,
    "error" | "fetchNextPage" | "hasNextPage" | "isFetchingNextPage" | "isPending" | "refetch"
  >;
};

/** A list with its states, and a button for the next page. */
const Pages = <Item,>({ children, empty, items, query }: PagesProps<Item>) => {
  if (query.error) {
    return <Failed error={query.error} retry={() => void query.refetch()} />;
  }
  if (query.isPending) {
    return <Loading />;
  }
  if (items.length === 0) {
    return <Empty {...empty} />;
  }
  return (
    <>
      {children(items)}
      {query.hasNextPage ? (
        <Button
          loading={query.isFetchingNextPage}
          mt={2}
          onClick={() => void query.fetchNextPage()}
          size="sm"
          variant="outline"
        >
          {texts.common.loadMore}
        </Button>
      ) : undefined}
    </>
  );
};

// -- unheard ------------------------------------------------------------------------------------------------------

const UnheardPart = () => {
  const refetchInterval = useRefreshInterval();
  const query = useInfiniteQuery({ ...unheardQuery, refetchInterval });
  const groups = useMemo(() => unheardGroups(query.data?.pages.flatMap((page) => page.fires) ?? []), [query.data]);
  return (
    <Pages
      empty={{ detail: words.noUnheardDetail, title: words.noUnheard }}
      items={groups}
      query={query as UseInfiniteQueryResult}
    >
      {(items) => (
        <Flex direction="column" gap={4}>
          <UnheardSection groups={items.filter(({ isUsed }) => !isUsed)} title={words.misspelt} />
          <UnheardSection groups={items.filter(({ isUsed }) => isUsed)} title={words.repeats} />
        </Flex>
      )}
    </Pages>
  );
};

type UnheardSectionProps = { readonly groups: readonly UnheardGroup[]; readonly title: string };

const UnheardSection = ({ groups, title }: UnheardSectionProps) =>
  groups.length === 0 ? undefined : (
    <Box as="section">
      <Heading as="h3" mb={1} size="sm">
        {title}
      </Heading>
      {groups.map((group) => (
        <Box asChild borderBottomWidth={1} key={group.trigger} py={1}>
          <details>
            <summary style={{ cursor: "pointer" }}>
              <strong>{group.trigger}</strong> {words.times(group.fires.length)}, {words.latest}{" "}
              <Time moment={group.latest} />
              {group.similar.length === 0 ? undefined : (
                <Text as="span" color="fg.warning">
                  {" "}
                  {words.didYouMean(group.similar)}
                </Text>
              )}
            </summary>
            <Table.Root aria-label={words.firesOf(group.trigger)} size="sm">
              <Table.Body>
                {group.fires.map((fire) => (
                  <Table.Row key={`${fire.session_uid} ${fire.fire_id}`}>
                    <Table.Cell>
                      <ViewLink params={{ part: "story", session: fire.session_uid }} view="session">
                        {fire.session_uid}
                      </ViewLink>
                    </Table.Cell>
                    <Table.Cell>
                      <Time moment={fire.fired_at} />
                    </Table.Cell>
                    <Table.Cell>{fire.fired_by ?? texts.common.none}</Table.Cell>
                    <Table.Cell>
                      <Json label={texts.session.kwargs} value={fire.kwargs} />
                    </Table.Cell>
                  </Table.Row>
                ))}
              </Table.Body>
            </Table.Root>
          </details>
        </Box>
      ))}
    </Box>
  );

// -- upcoming -----------------------------------------------------------------------------------------------------

const UpcomingPart = () => {
  const refetchInterval = useRefreshInterval();
  const query = useInfiniteQuery({ ...upcomingQuery, refetchInterval });
  const fires = query.data?.pages.flatMap((page) => page.delayed_fires) ?? [];
  return (
    <Pages
      empty={{ detail: words.noUpcomingDetail, title: words.noUpcoming }}
      items={fires}
      query={query as UseInfiniteQueryResult}
    >
      {(items) => (
        <Table.Root aria-label={words.parts.upcoming} size="sm">
          <Table.Header>
            <Table.Row>
              <Table.ColumnHeader>{texts.session.when}</Table.ColumnHeader>
              <Table.ColumnHeader>{texts.session.trigger}</Table.ColumnHeader>
              <Table.ColumnHeader>{texts.sessions.uid}</Table.ColumnHeader>
              <Table.ColumnHeader>{texts.session.kwargs}</Table.ColumnHeader>
              <Table.ColumnHeader>
                <VisuallyHidden>{words.acts}</VisuallyHidden>
              </Table.ColumnHeader>
            </Table.Row>
          </Table.Header>
          <Table.Body>
            {items.map((fire) => (
              <UpcomingRow fire={fire} key={fire.id} />
            ))}
          </Table.Body>
        </Table.Root>
      )}
    </Pages>
  );
};

const UpcomingRow = ({ fire }: { readonly fire: UpcomingFire }) => (
  <Table.Row>
    <Table.Cell>
      <Time moment={fire.fire_at} />
    </Table.Cell>
    <Table.Cell>
      {fire.trigger} {fire.parked ? <Badge colorPalette="failed">{texts.session.parked}</Badge> : undefined}
      {fire.error === null ? undefined : <Json label={texts.session.error} value={fire.error} />}
    </Table.Cell>
    <Table.Cell>
      <ViewLink params={{ part: "fires", session: fire.session_uid }} view="session">
        {fire.session_uid}
      </ViewLink>
    </Table.Cell>
    <Table.Cell>
      <Json label={texts.session.kwargs} value={fire.kwargs} />
    </Table.Cell>
    <Table.Cell>
      <DelayedFireButtons act={LEFT_TO_SERVER} fire={fire} uid={fire.session_uid} />
    </Table.Cell>
  </Table.Row>
);

// -- parked -------------------------------------------------------------------------------------------------------

const ParkedPart = () => (
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
  <Flex align="center" as="li" borderWidth={1} gap={3} p={2} wrap="wrap">
    <strong>{hook.hook}</strong>
    <ViewLink params={{ part: "fires", session: hook.session_uid }} view="session">
      {hook.session_uid}
    </ViewLink>
    <Text color="fg.muted">{texts.session.attempts(hook.attempts)}</Text>
    <Box flex={1} minW="200px">
      {hook.error === null ? undefined : <Json label={texts.session.error} value={hook.error} />}
    </Box>
    <CallHookButton act={LEFT_TO_SERVER} hook={hook} uid={hook.session_uid} />
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
    <Flex align="center" as="li" borderWidth={1} gap={3} p={2} wrap="wrap">
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
        act={LEFT_TO_SERVER}
        aria-label={words.retryOf(event.id)}
        loading={retry.isPending}
        onClick={() => retry.mutate(undefined)}
      >
        {words.retry}
      </ActButton>
    </Flex>
  );
};

export default FiresView;
