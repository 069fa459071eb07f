import { Button, Flex, Tag } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";

import { configurationNamesQuery } from "~/api/configurations";
import { Choice } from "~/components/Choice";
import { SearchInput } from "~/components/SearchInput";
import { Tick } from "~/components/Tick";
import { useFirstViewShown } from "~/firstView";
import { texts } from "~/texts";
import { useSetSearchParams } from "~/viewState";

import type { SessionFilters } from "./filters";
import { FILTER_NAMES, IDLE_SECONDS, ORDERS, STATES, isNarrowed } from "./filters";

const NOTHING = Object.fromEntries(FILTER_NAMES.map((name) => [name, undefined]));

export const Filters = ({ filters }: { readonly filters: SessionFilters }) => {
  const setSearchParams = useSetSearchParams();
  const isShown = useFirstViewShown();
  const { data: names = [] } = useQuery({ ...configurationNamesQuery, enabled: isShown });
  const configurations = new Set(filters.configuration === undefined ? names : [...names, filters.configuration]);

  return (
    <Flex align="center" aria-label={texts.sessions.filters} gap={2} role="search" wrap="wrap">
      <SearchInput label={texts.sessions.contains} param="contains" />
      <Choice
        all={texts.sessions.anyConfiguration}
        choices={[...configurations].sort().map((name) => [name, name])}
        label={texts.sessions.configuration}
        onChange={(configuration) => setSearchParams({ configuration, version: undefined })}
        value={filters.configuration}
      />
      <Choice
        all={texts.sessions.anyState}
        choices={STATES.map((state) => [state, texts.sessions.states[state]])}
        label={texts.sessions.state}
        onChange={(state) => setSearchParams({ state })}
        value={filters.state}
      />
      <Choice
        all={texts.sessions.anyIdle}
        choices={IDLE_SECONDS.map((seconds) => [seconds, texts.sessions.idle[seconds]])}
        label={texts.sessions.idleFor}
        onChange={(seconds) => setSearchParams({ idle_for: seconds })}
        value={filters.idle_for}
      />
      <SearchInput label={texts.sessions.waitingFor} maxW="13em" param="waiting_for" />
      <Choice
        all={texts.sessions.orderByUid}
        choices={ORDERS.map((order) => [order, texts.sessions.orders[order]])}
        label={texts.sessions.order}
        onChange={(order) => setSearchParams({ order_by: order })}
        value={filters.order_by}
      />
      <Tick
        isTicked={filters.has_failed === "true"}
        label={texts.sessions.hasFailed}
        onChange={(isTicked) => setSearchParams({ has_failed: isTicked })}
      />
      {filters.version === undefined ? undefined : (
        <Tag.Root size="lg">
          <Tag.Label>{texts.sessions.version(filters.version)}</Tag.Label>
          <Tag.EndElement>
            <Tag.CloseTrigger
              aria-label={texts.sessions.versionRemoved}
              onClick={() => setSearchParams({ version: undefined })}
            />
          </Tag.EndElement>
        </Tag.Root>
      )}
      {isNarrowed(filters) ? (
        <Button onClick={() => setSearchParams(NOTHING)} size="sm" variant="ghost">
          {texts.common.clearFilters}
        </Button>
      ) : undefined}
    </Flex>
  );
};
