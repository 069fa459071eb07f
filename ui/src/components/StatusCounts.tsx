import { HStack } from "@chakra-ui/react";

import type { InstanceStatus } from "~/api/types";
import { texts } from "~/texts";

import { STATUSES, StatusChip } from "./StatusChip";

/** A chip with the number of instances for each status that there is. */
export const StatusCounts = ({ counts }: { readonly counts: Partial<Record<InstanceStatus, number>> | undefined }) => {
  const present = STATUSES.filter((status) => (counts?.[status] ?? 0) > 0);
  if (present.length === 0) {
    return <span>{texts.common.none}</span>;
  }
  return (
    <HStack gap={1} wrap="wrap">
      {present.map((status) => (
        <StatusChip count={counts?.[status] ?? 0} key={status} status={status} />
      ))}
    </HStack>
  );
};
