import { Button, Flex, HStack, Text } from "@chakra-ui/react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { LuCircleCheck } from "react-icons/lu";

import { useRefreshInterval } from "~/airflow/config";
import { BulkActDrawer } from "~/components/repairs/BulkActDrawer";
import { RepairButtons } from "~/components/repairs/RepairButtons";
import { Empty, Failed, Loading } from "~/components/states";
import { texts } from "~/texts";
import { useSearchParam, useSetSearchParams } from "~/viewState";

import { BulkActs, RunningBulkActs } from "./BulkActs";
import { Filters } from "./Filters";
import { Groups } from "./Groups";
import { actsOfMany } from "./acts";
import { useAttentionFilters } from "./filters";
import { groupsQuery } from "./queries";
import type { Selection } from "./selection";
import { useSelection } from "./selection";

/** The start page: failures that nobody has repaired, and what is stuck, over all sessions. */
const AttentionView = () => {
  const filters = useAttentionFilters();
  const selection = useSelection();
  const refetchInterval = useRefreshInterval();
  const options = { placeholderData: keepPreviousData, refetchInterval };
  const failed = useQuery({ ...groupsQuery("failed", filters), ...options });
  const stuck = useQuery({ ...groupsQuery("stuck", filters), ...options });
  const bulkActId = useSearchParam("bulk");
  const setSearchParams = useSetSearchParams();
  const isFiltered = Object.values(filters).some((value) => value !== undefined);
  const error = failed.error ?? stuck.error;

  return (
    <Flex direction="column" gap={3} h="100%">
      <Filters filters={filters} groups={[...(failed.data?.groups ?? []), ...(stuck.data?.groups ?? [])]} />
      <Flex direction="column" flex={1} gap={5} minH={0} overflow="auto">
        {error ? (
          <Failed
            error={error}
            retry={() => {
              void failed.refetch();
              void stuck.refetch();
            }}
          />
        ) : failed.data === undefined || stuck.data === undefined ? (
          <Loading />
        ) : failed.data.total + stuck.data.total === 0 ? (
          <Empty
            detail={isFiltered ? texts.attention.nothingMatchesDetail : texts.attention.emptyDetail}
            icon={<LuCircleCheck />}
            title={isFiltered ? texts.attention.nothingMatches : texts.attention.empty}
          />
        ) : (
          <Flex direction="column" gap={5}>
            {failed.data.total > 0 ? (
              <Groups counts={failed.data} filters={filters} kind="failed" selection={selection} />
            ) : undefined}
            {stuck.data.total > 0 ? (
              <Groups counts={stuck.data} filters={filters} kind="stuck" selection={selection} />
            ) : undefined}
          </Flex>
        )}
        <BulkActs />
      </Flex>
      {/* Below the list: they come late, and must not push what is under the mouse. */}
      <RunningBulkActs />
      {selection.instances.length > 0 ? <SelectionBar selection={selection} /> : undefined}
      {bulkActId === undefined ? undefined : (
        <BulkActDrawer id={bulkActId} onClose={() => setSearchParams({ bulk: undefined })} />
      )}
    </Flex>
  );
};

const SelectionBar = ({ selection }: { readonly selection: Selection }) => (
  <HStack aria-label={texts.attention.selection} bg="bg.info" borderRadius="md" gap={3} px={3} py={2} role="region">
    <Text aria-live="polite" fontWeight="medium">
      {texts.common.selected(selection.instances.length)}
    </Text>
    <RepairButtons
      acts={actsOfMany(selection.instances)}
      onDone={selection.clear}
      target={{
        instances: selection.instances.map(({ name, session_uid }) => ({ name, session_uid })),
        kind: "instances",
      }}
    />
    <Button onClick={selection.clear} size="sm" variant="ghost">
      {texts.attention.clearSelection}
    </Button>
  </HStack>
);

export default AttentionView;
