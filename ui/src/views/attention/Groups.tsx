import { Box, Flex, Heading, HStack, Text } from "@chakra-ui/react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router-dom";

import type { InstanceCounts } from "~/api/types";
import { ViewLink } from "~/components/ViewLink";
import { RepairButtons } from "~/components/repairs/RepairButtons";
import { useFirstViewShown } from "~/firstView";
import { number } from "~/plurals";
import { texts } from "~/texts";
import { useSetSearchParams } from "~/viewState";

import { Group } from "./Group";
import { actsOfMany } from "./acts";
import type { AttentionFilters, Kind } from "./filters";
import { byConfiguration, groupKey, instanceFilter } from "./filters";
import { instancesQuery } from "./queries";
import type { Selection } from "./selection";

export type GroupsProps = {
  readonly counts: InstanceCounts;
  readonly filters: AttentionFilters;
  readonly kind: Kind;
  readonly selection: Selection;
};

/** All that is failed, or all that is stuck: configuration, task, error. */
export const Groups = ({ counts, filters, kind, selection }: GroupsProps) => {
  const [searchParams] = useSearchParams();
  const setSearchParams = useSetSearchParams();
  const open = searchParams.getAll("group");
  const toggle = (key: string): void =>
    setSearchParams({ group: open.includes(key) ? open.filter((other) => other !== key) : [...open, key] });

  return (
    <Box as="section" aria-label={texts.attention.kinds[kind]}>
      <Flex align="center" gap={3} justify="space-between" mb={2} minH={9} wrap="wrap">
        <Heading as="h2" size="md">
          {texts.attention.kinds[kind]}{" "}
          <Text as="span" color="fg.muted" fontWeight="normal">
            {number(counts.total)}
            {counts.is_complete ? "" : texts.attention.orMore}
          </Text>
        </Heading>
        {kind === "failed" && counts.total > 1 ? <AllButtons counts={counts} filters={filters} kind={kind} /> : undefined}
      </Flex>
      {byConfiguration(counts.groups).map(([configuration, tasks]) => (
        <Box borderRadius="md" borderWidth={1} key={configuration ?? ""} mb={3} overflow="hidden">
          <Box bg="bg.subtle" fontSize="sm" fontWeight="semibold" px={3} py={2}>
            {configuration === null ? (
              texts.attention.noConfiguration
            ) : (
              <ViewLink params={{ configuration }} view="configuration">
                {configuration}
              </ViewLink>
            )}
          </Box>
          {tasks.map(([task, groups]) => (
            <Box borderTopWidth={1} key={task}>
              <Text fontSize="sm" fontWeight="medium" px={3} py={2}>
                {task}
              </Text>
              {groups.map((group) => {
                const key = groupKey(kind, group);
                return (
                  <Group
                    filters={filters}
                    group={group}
                    isOpen={open.includes(key)}
                    key={key}
                    kind={kind}
                    onToggle={() => toggle(key)}
                    selection={selection}
                  />
                );
              })}
            </Box>
          ))}
        </Box>
      ))}
    </Box>
  );
};

/** Repairs of all that the filters match. What the reader may do is read of the newest of them. */
const AllButtons = ({ counts, filters, kind }: Omit<GroupsProps, "selection">) => {
  const isShown = useFirstViewShown();
  const { data } = useInfiniteQuery({ ...instancesQuery(kind, filters), enabled: isShown });
  return (
    <HStack gap={2}>
      <RepairButtons
        acts={data === undefined ? undefined : actsOfMany(data.pages.flatMap((page) => page.instances))}
        target={{
          filter: () => instanceFilter(kind, filters, Date.now()),
          kind: "filter",
          label: texts.attention.kinds[kind],
          total: counts.total,
        }}
      />
    </HStack>
  );
};
