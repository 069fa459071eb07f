import { Badge, Box, Button, Flex, HStack, Text } from "@chakra-ui/react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { LuChevronDown, LuChevronRight } from "react-icons/lu";

import { useRefreshInterval } from "~/airflow/config";
import type { InstanceGroup } from "~/api/types";
import { solidBadge } from "~/components/StatusChip";
import { Age } from "~/components/Time";
import { RepairButtons } from "~/components/repairs/RepairButtons";
import { Failed, Loading } from "~/components/states";
import { number } from "~/plurals";
import { texts } from "~/texts";

import { InstanceTable } from "./InstanceTable";
import { actsOfMany } from "./acts";
import type { AttentionFilters, Kind } from "./filters";
import { filtersOfGroup, instanceFilter } from "./filters";
import { instancesQuery } from "./queries";
import type { Selection } from "./selection";

export type GroupProps = {
  readonly filters: AttentionFilters;
  readonly group: InstanceGroup;
  readonly isOpen: boolean;
  readonly kind: Kind;
  readonly onToggle: () => void;
  readonly selection: Selection;
};

const titleOf = (kind: Kind, group: InstanceGroup): string =>
  kind === "stuck" ? texts.attention.stuckTitle : group.error_type || texts.attention.unknownError;

/** The instances of one configuration, task and error: a line, and below it the instances when it is open. */
export const Group = ({ filters, group, isOpen, kind, onToggle, selection }: GroupProps) => (
  <Box borderTopWidth={1}>
    <Flex align="center" gap={3} px={2} py={1} wrap="wrap">
      <Button
        aria-expanded={isOpen}
        flex={1}
        fontWeight="normal"
        h="auto"
        justifyContent="flex-start"
        minW="16em"
        onClick={onToggle}
        px={1}
        py={1}
        size="sm"
        variant="ghost"
        whiteSpace="normal"
      >
        {isOpen ? <LuChevronDown aria-hidden /> : <LuChevronRight aria-hidden />}
        <Badge {...solidBadge(kind === "failed" ? "failed" : "warning")}>
          {number(group.count)}
        </Badge>
        <Text as="span" fontWeight="medium">
          {titleOf(kind, group)}
        </Text>
        <Text as="span" color="fg.muted" lineClamp={1} overflowWrap="anywhere" textAlign="start">
          {group.message}
        </Text>
      </Button>
      <HStack color="fg.muted" fontSize="sm" gap={4}>
        <span>
          {texts.attention.for} <Age moment={group.since} />
        </span>
        {group.replays > 0 ? <span>{texts.attention.replays(group.replays)}</span> : undefined}
      </HStack>
    </Flex>
    {isOpen ? <Instances filters={filters} group={group} kind={kind} selection={selection} /> : undefined}
  </Box>
);

const Instances = ({ filters, group, kind, selection }: Omit<GroupProps, "isOpen" | "onToggle">) => {
  const narrowed = filtersOfGroup(kind, filters, group);
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage, refetch } = useInfiniteQuery({
    ...instancesQuery(kind, narrowed ?? { ...filters, task: group.task ?? undefined }),
    refetchInterval: useRefreshInterval(),
  });
  if (error) {
    return <Failed error={error} retry={() => void refetch()} />;
  }
  if (data === undefined) {
    return <Loading />;
  }
  const instances = data.pages
    .flatMap((page) => page.instances)
    .filter(
      (instance) =>
        (instance.configuration ?? null) === (group.configuration ?? null) &&
        (instance.error_type ?? null) === (group.error_type ?? null),
    );
  return (
    <Box pb={3} ps={8}>
      {narrowed === undefined || group.count < 2 ? undefined : (
        <HStack gap={2} pb={2}>
          <RepairButtons
            acts={actsOfMany(instances)}
            size="xs"
            target={{
              filter: () => instanceFilter(kind, narrowed, Date.now()),
              kind: "filter",
              label: titleOf(kind, group),
              total: group.count,
            }}
          />
        </HStack>
      )}
      <InstanceTable
        hasMore={hasNextPage}
        instances={instances}
        isLoadingMore={isFetchingNextPage}
        label={texts.attention.instancesOf(titleOf(kind, group), group.task ?? "")}
        onLoadMore={() => void fetchNextPage()}
        selection={selection}
      />
    </Box>
  );
};
